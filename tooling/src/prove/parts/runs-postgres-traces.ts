/**
 * What a worker under proof leaves behind of which the log knows nothing: the acts of its handlers,
 * and the appends of its store.
 *
 * The act itself is the line `acted`. An append is noted before it is sent, and again once the
 * worker was told that it is there.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { EventStore, PreparedUnit } from '@ice/events/ports'
import { canonicalize, IceError, type JsonObject, seededRandom, sha256Hex } from '@ice/primitives'
import type { CompensationCall, EffectCall, EffectHandler, Ownership } from '@ice/runs/ports'
import { ACTIONS, type Action } from './runs-postgres-programs.ts'

/** One step of an act, as a line of `witness`. */
export interface ActLine {
  readonly at: 'called' | 'acted' | 'over'
  readonly who: string
  readonly run: string
  readonly effect: string
  readonly action: string
  /** It undoes the effect: as a handler's compensation, or as the effect that was named for it. */
  readonly undoes: boolean
  readonly attempt: number
  readonly intent: string
  readonly key: string
  /**
   * When ownership has said in this very turn that nobody can take this process for dead, or else
   * now: between the question and the act it may be stopped. @units epoch milliseconds
   */
  readonly time: number
}

/** One line of `appends`: events that a worker is about to append, or was told are there. */
export interface AppendLine {
  readonly is: 'tried' | 'kept'
  readonly who: string
  readonly stream: string
  /** Version of the first. */
  readonly from: number
  /** Type and SHA-256 of the payload of each. */
  readonly events: readonly string[]
}

/** What an event is known by outside of the log. */
export const printOf = (type: string, data: unknown): string =>
  `${type} ${sha256Hex(canonicalize(data as JsonObject))}`

/** Notes when this process was told that it is sure of itself, until the turn is over. */
export const asking = (
  lease: Ownership,
): { readonly ownership: Ownership; readonly askedAt: () => number | null } => {
  let askedAt: number | null = null
  const ownership: Ownership = {
    self: lease.self,
    status: (owner) => lease.status(owner),
    isSure() {
      const isSure = lease.isSure()
      askedAt = isSure ? Date.now() : null
      setImmediate(() => {
        askedAt = null
      })
      return isSure
    },
    close: () => lease.close(),
  }
  return { ownership, askedAt: () => askedAt }
}

/** A store whose appends to runs are noted, before and after. */
export const noting = (
  store: EventStore,
  who: string,
  note: (line: AppendLine) => void,
): EventStore => {
  const told = (unit: PreparedUnit): Omit<AppendLine, 'is'>[] =>
    unit.writes.flatMap(({ stream, expectedVersion, events }) => {
      if (!stream.startsWith('run/') || expectedVersion === 'any') return []
      const before = expectedVersion === 'no_stream' ? 0 : expectedVersion
      const prints = events.map((event, at) => {
        const { type, data } = JSON.parse(event.seal(before + at + 1, 0).bytes) as {
          readonly type: string
          readonly data: unknown
        }
        return printOf(type, data)
      })
      return [{ who, stream, from: before + 1, events: prints }]
    })
  return {
    ...store,
    async append(unit) {
      const lines = told(unit)
      for (const line of lines) note({ is: 'tried', ...line })
      const appended = await store.append(unit)
      for (const line of lines) note({ is: 'kept', ...line })
      return appended
    },
  }
}

const failure = (code: string, message: string, retryable = false): IceError =>
  new IceError({ code, message, retryable })

/** Handlers of all actions, which note each step. */
export const handlersOf = (
  who: string,
  note: (line: ActLine) => void,
  askedAt: () => number | null,
): readonly EffectHandler[] => {
  const act = async (call: EffectCall | CompensationCall, isUndoing: boolean): Promise<void> => {
    const { run, effect, action, attempt, intent, idempotencyKey: key, signal } = call
    const undoes = isUndoing || action === 'refund'
    const tell = (at: ActLine['at']): void => {
      const about = { run, effect, action, undoes, attempt, intent, key }
      note({ at, who, ...about, time: askedAt() ?? Date.now() })
    }
    // The same whoever does it: some are quick, some are long enough to be caught at work.
    const random = seededRandom(`${key}/${attempt}`)
    const pause = (): number => (random.float() < 0.2 ? random.float() * 250 : random.float() * 8)
    tell('called')
    try {
      await sleep(pause())
      if (signal.aborted) throw failure('ICE_PROVE_ABORTED', 'Told to stop before it acted')
      if (action === 'flaky' && attempt === 1) {
        throw failure('ICE_PROVE_FAILED', 'not at first', true)
      }
      tell('acted')
      await sleep(pause())
    } finally {
      tell('over')
    }
  }
  return (Object.keys(ACTIONS) as Action[]).map((action) => ({
    action,
    fate: ACTIONS[action],
    outcome: 'EffectSucceeded',
    arguments: { parse: (value) => value as JsonObject },
    resource: () => ({ name: action }),
    perform: async (call) => {
      await act(call, false)
      const kept = action === 'make' ? { kept: { was: 'nothing' } } : {}
      return { value: call.arguments, observed: {}, ...kept }
    },
    ...(action === 'make'
      ? {
          compensate: async (call: CompensationCall) => {
            await act(call, true)
            return { observed: {} }
          },
        }
      : {}),
  }))
}
