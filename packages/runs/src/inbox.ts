/**
 * The inbox of a run: what others sent it, in a stream of its own, `inbox/<run>`.
 *
 * Senders append there without knowing what the run is doing, and its owner appends to the run
 * without knowing who sends: neither ever meets the other's version. What makes a signal one of
 * the run is the owner's `SignalConsumed`, which names it. So it is taken once, in the order of
 * the log, and a replay finds it again.
 */

import type { StandardPayloads } from '@ice/events/define'
import { projectStream } from '@ice/events/define'
import type { EventLog, RecordedEvent } from '@ice/events/ports'
import {
  type EventId,
  hasCode,
  invariant,
  type PrincipalId,
  type RunId,
  type StreamId,
  type StreamVersion,
  TRUSTED_LABEL,
} from '@ice/primitives'
import { foldRun } from './commands.ts'
import type { Components } from './components.ts'
import { RUNS_CODES, RunsError } from './errors.ts'
import type { RunFold } from './lifecycle.ts'
import { CONFLICTS_MAX, SIGNALS_WAITING_MAX } from './limits.ts'
import type { SignalCommand } from './ports.ts'
import { versionOf } from './recorded.ts'
import { sealValue } from './value.ts'

/** A signal as it stands in an inbox. */
export type Signal = RecordedEvent<'SignalReceived', StandardPayloads['SignalReceived']>

/** The stream of what was sent to a run. */
export function inboxStream(run: RunId): StreamId {
  return `inbox/${run}` as StreamId
}

/** What was sent to one run, as its owner reads it: only when a step asks for a signal. */
export class Inbox {
  readonly #log: Pick<EventLog, 'read'>
  readonly #stream: StreamId
  readonly #taken: ReadonlyMap<string, number>
  readonly #signals: Signal[] = []
  readonly #queues = new Map<string, Signal[]>()

  /** `taken` is the fold's: by name, the version of the last signal that a step was given. */
  constructor(log: Pick<EventLog, 'read'>, run: RunId, taken: ReadonlyMap<string, number>) {
    this.#log = log
    this.#stream = inboxStream(run)
    this.#taken = taken
  }

  /** Up to which version it was read. */
  get version(): number {
    return this.#signals.length
  }

  get stream(): StreamId {
    return this.#stream
  }

  /** The earliest signal of this name that no step was given; `null` when there is none. */
  async take(signal: string): Promise<Signal | null> {
    await this.#read()
    const queue = this.#queues.get(signal) ?? []
    const taken = this.#taken.get(signal) ?? 0
    while (queue[0] !== undefined && queue[0].version <= taken) queue.shift()
    return queue[0] ?? null
  }

  /** A signal that a recorded step was given. */
  async at(id: EventId): Promise<Signal> {
    const version = versionOf(id)
    if (version > this.#signals.length) await this.#read()
    const found = this.#signals[version - 1]
    invariant(found !== undefined, `${id} is no event of ${this.#stream}`)
    return found
  }

  async #read(): Promise<void> {
    const after = this.#signals.length as StreamVersion
    for await (const batch of this.#log.read({ stream: this.#stream, after })) {
      for (const signal of batch as readonly Signal[]) {
        this.#signals.push(signal)
        const queue = this.#queues.get(signal.data.signal) ?? []
        queue.push(signal)
        this.#queues.set(signal.data.signal, queue)
      }
    }
  }
}

/** Digests of what was sent under a key, by that. */
const keysProjection = {
  name: 'inbox-keys',
  initialState: (): Map<string, string> => new Map(),
  evolve: (keys: Map<string, string>, event: RecordedEvent): Map<string, string> => {
    const { key, digest } = event.data as StandardPayloads['SignalReceived']
    return key === undefined ? keys : keys.set(key, digest)
  },
}

/** How many signals an inbox has ever had, and what is sent under this key if it is there. */
async function standingOf(
  log: Pick<EventLog, 'read'>,
  stream: StreamId,
  key: string | undefined,
): Promise<{ readonly received: number; readonly known?: string | undefined }> {
  if (key !== undefined) {
    const { state, at } = await projectStream(log, keysProjection, { stream })
    return { received: at, known: state.get(key) }
  }
  for await (const [last] of log.read({ stream, backwards: true, limit: 1 })) {
    return { received: last?.version ?? 0 }
  }
  return { received: 0 }
}

/** The run that now stands for this one. */
async function lastOfLine(components: Components, run: RunId): Promise<RunFold> {
  const fold = await foldRun(components, run)
  const { continuedAs = null } = fold.view ?? {}
  return continuedAs === null ? fold : lastOfLine(components, continuedAs)
}

/** Sends a run, or who goes on for it, a signal. */
export async function sendSignal(
  components: Components,
  run: RunId,
  { signal, payload = null, key, label, principal }: SignalCommand,
): Promise<void> {
  const { log } = components
  const fold = await lastOfLine(components, run)
  if (fold.view?.conclusion != null) {
    const message = `Run ${run} has ${fold.view.conclusion}; nothing can be sent to it`
    throw new RunsError(RUNS_CODES.concluded, message, { run })
  }
  components.checkSignal(fold, signal, payload)
  const sealed = sealValue(payload)
  const { digest } = sealed
  const isTrusted = label === undefined || label === TRUSTED_LABEL
  const data = {
    ...{ signal, payload: sealed.ref, digest },
    ...(key === undefined ? {} : { key }),
    ...(isTrusted ? {} : { label }),
  }
  const stream = inboxStream(fold.view?.line ?? run)
  const by: PrincipalId = principal ?? components.principal
  for (let conflicts = 0; ; conflicts += 1) {
    const { received, known } = await standingOf(log, stream, key)
    if (known !== undefined) {
      if (known === digest) return
      const message = `The key "${key}" stands for another signal to run ${run}`
      throw new RunsError(RUNS_CODES.keyConflict, message, { run, signal })
    }
    if (received - fold.signals.count >= SIGNALS_WAITING_MAX) {
      const message = `${SIGNALS_WAITING_MAX} signals wait for run ${run}, and nobody takes them`
      throw new RunsError(RUNS_CODES.signalLimit, message, { run, signal })
    }
    const expectedVersion = received === 0 ? ('no_stream' as const) : (received as StreamVersion)
    const events = [{ type: 'SignalReceived', data, principal: by }]
    try {
      await log.append({
        writes: [{ stream, expectedVersion, events }],
        ...(sealed.blob === null ? {} : { blobs: [sealed.blob] }),
      })
      return
    } catch (error) {
      if (!hasCode(error, 'ICE_EVENTS_VERSION_CONFLICT') || conflicts >= CONFLICTS_MAX) throw error
    }
  }
}
