/**
 * A worker under proof: a runtime on PostgreSQL with a supervisor, composed as `ice worker` composes
 * one, whose handlers and whose store leave traces that the log knows nothing of.
 *
 * 1. `witness`: each step of each act. The act itself is the line `acted`.
 * 2. `appends`: what it is about to append to a run, and what it was told is in the log.
 *
 * Each line is one `write(2)` at the end of a file: it is there or not, whatever becomes of the
 * process. Its parent is told of each step too, and has something befall it then.
 */
import { openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { EventStore, PreparedUnit } from '@ice/events/ports'
import {
  openPostgresEventStore,
  openPostgresOwnership,
  openPostgresRunRows,
  openPostgresTurns,
} from '@ice/events-postgres'
import {
  canonicalize,
  errorRecord,
  hasCode,
  IceError,
  type JsonObject,
  seededRandom,
  sha256Hex,
} from '@ice/primitives'
import type { CompensationCall, EffectCall, EffectHandler, Ownership } from '@ice/runs/ports'
import { createRuntime } from '@ice/runtime'
import { ACTIONS, type Action, PROGRAMS } from './runs-postgres-programs.ts'

/** What a worker is told, as JSON in its first argument. */
export interface WorkerJob {
  readonly url: string
  readonly schema: string
  readonly folder: string
  readonly name: string
  readonly leaseMs: number
}

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
  /** @units epoch milliseconds */
  readonly time: number
  /** Ownership has said in this very turn that nobody can take this process for dead. */
  readonly sure: boolean
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
  /** It was there when it was sent again: a commit whose fate was unknown. */
  readonly known?: boolean
}

/** What a worker says to its parent. */
export type WorkerSays =
  | { readonly is: 'ready'; readonly owner: string }
  | { readonly is: 'at'; readonly step: ActLine['at'] }
  | { readonly is: 'error'; readonly code: string; readonly message: string }
  | { readonly is: 'pong' }

/** How it ends when its lease has ended under it, and when there is no server to begin with. */
export const EXIT_LOST = 4
export const EXIT_UNAVAILABLE = 75

/** What an event is known by outside of the log. */
export const printOf = (type: string, data: unknown): string =>
  `${type} ${sha256Hex(canonicalize(data as JsonObject))}`

const work = async (job: WorkerJob): Promise<void> => {
  const { schema, name } = job
  const say = (says: WorkerSays): void => {
    if (process.connected) process.send?.(says)
  }
  const append = (file: string): ((line: ActLine | AppendLine) => void) => {
    const to = openSync(join(job.folder, file), 'a')
    return (line) => {
      writeSync(to, `${JSON.stringify(line)}\n`)
    }
  }
  const place = { connection: job.url, connectTimeoutMs: 1_000 }
  const store = await openPostgresEventStore({
    ...{ ...place, schema, lockWaitMs: 4_000, statementTimeoutMs: 2_000 },
    silentTransactionMs: 800,
  })
  const shared = { ...place, schema: `${schema}_work` }
  const rows = await openPostgresRunRows(shared)
  const turns = await openPostgresTurns(shared)
  const lease = await openPostgresOwnership({ ...shared, leaseMs: job.leaseMs })
  const asked = asking(lease)
  const runtime = await createRuntime({
    store: noting(store, name, append('appends')),
    ...{ ownership: asked.ownership, rows, turns, bare: true, drivesChildren: false },
    effects: handlersOf(name, append('witness'), asked.isFresh, say),
    programs: PROGRAMS,
    compensation: { attempts: 20, firstMs: 100, factor: 2, maxMs: 1_000, timeoutMs: 20_000 },
  })
  const supervisor = await runtime.supervise({
    concurrency: 6,
    onError: (error) => {
      const { code, message } = errorRecord(error)
      say({ is: 'error', code, message })
    },
  })
  process.on('message', (told: 'ping' | 'drain') => {
    if (told === 'ping') say({ is: 'pong' })
    else void supervisor.drain({ withinMs: 5_000 })
  })
  say({ is: 'ready', owner: lease.self })
  const state = await supervisor.ended
  if (state === 'lost') process.exit(EXIT_LOST)
  await runtime.close()
  for (const part of [lease, turns, rows, store]) await part.close()
  process.disconnect()
}

/** Notes whether this process has just been told that it is sure of itself. */
const asking = (lease: Ownership): { ownership: Ownership; isFresh: () => boolean } => {
  let isFresh = false
  const ownership: Ownership = {
    self: lease.self,
    status: (owner) => lease.status(owner),
    isSure() {
      const isSure = lease.isSure()
      isFresh = isSure
      if (isSure) {
        setImmediate(() => {
          isFresh = false
        })
      }
      return isSure
    },
    close: () => lease.close(),
  }
  return { ownership, isFresh: () => isFresh }
}

/** A store whose appends to runs are noted, before and after. */
const noting = (store: EventStore, who: string, note: (line: AppendLine) => void): EventStore => {
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
      for (const line of lines) note({ is: 'kept', ...line, known: appended.retried })
      return appended
    },
  }
}

const failure = (code: string, message: string, retryable = false): IceError =>
  new IceError({ code, message, retryable })

const handlersOf = (
  who: string,
  note: (line: ActLine) => void,
  isFresh: () => boolean,
  say: (says: WorkerSays) => void,
): readonly EffectHandler[] => {
  const act = async (call: EffectCall | CompensationCall, isUndoing: boolean): Promise<void> => {
    const { run, effect, action, attempt, intent, idempotencyKey: key, signal } = call
    const undoes = isUndoing || action === 'refund'
    const tell = (at: ActLine['at']): void => {
      const about = { run, effect, action, undoes, attempt, intent, key }
      note({ at, who, ...about, time: Date.now(), sure: isFresh() })
      say({ is: 'at', step: at })
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

// Read by the prover for its types too: only a process that was told a job works.
const [, , told] = process.argv
if (process.send !== undefined && told !== undefined) {
  try {
    await work(JSON.parse(told) as WorkerJob)
  } catch (error) {
    if (!hasCode(error, 'ICE_EVENTS_UNAVAILABLE')) throw error
    process.exit(EXIT_UNAVAILABLE)
  }
}
