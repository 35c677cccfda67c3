/**
 * Rebuild while serving: a new version is built beside the one that serves, and takes its place.
 *
 * 1. The old one serves until the new one has come near enough to the head, and not behind the old
 *    one: no reader sees time go back.
 * 2. The exchange is one step: an assignment in memory, a transaction in a processor store.
 * 3. A build that dies goes on where its checkpoint, or its newest snapshot, stands.
 */

import { hasCode } from '@ice/primitives'
import { EVENTS_CODES, type EventsError } from '../errors.ts'
import type { EventLog } from '../ports.ts'
import type { Projection } from '../projection.ts'
import { checkSignal } from '../store-checks.ts'
import { REBUILD_LAG_EVENTS } from './limits.ts'
import { type LiveOptions, liveProjection } from './live.ts'
import type { Follower, LiveProjection, RunningProcessor } from './ports.ts'
import { type ProcessorInit, runProcessor } from './processor.ts'

/** When a new version may serve. */
export interface RebuildOptions {
  /** How far it may be behind the head. @units events @defaultValue 512 */
  readonly lagMax?: number
  /** Gives the build up; the old one serves on. */
  readonly signal?: AbortSignal
}

/**
 * Builds a version of a processor and lets it serve: the first one, or in place of another.
 *
 * The old one runs on, in this process or another: stop it when this returns, and clear away what
 * it wrote when no reader asks for it any more. Called again after a crash, it goes on.
 *
 * @returns the processor, running and serving
 * @throws `ICE_EVENTS_CHECKPOINT_CONFLICT` when somebody else changed what serves,
 * `ICE_EVENTS_ABORTED`, and as `runProcessor`; the build is stopped then, and keeps its checkpoint
 */
export async function rebuildProcessor<Tx>(
  init: ProcessorInit<Tx> & RebuildOptions,
): Promise<RunningProcessor> {
  const { log, store, processor, batchMax } = init
  const next = await runProcessor({ log, store, processor, ...(batchMax && { batchMax }) })
  try {
    for (;;) {
      await comeNear(log, next, init)
      if (await takeOver(init, next)) return next
    }
  } catch (error) {
    await next.stop()
    throw error
  }
}

/** @returns false when the old one has moved on meanwhile */
async function takeOver<Tx>(
  { log, store, processor, signal }: ProcessorInit<Tx> & RebuildOptions,
  next: RunningProcessor,
): Promise<boolean> {
  const { name, version } = processor
  const from = await store.serving(name)
  if (from === version) return true
  await next.checkpoint()
  try {
    await store.serve({ name, from, to: version })
    return true
  } catch (error) {
    if (!isBehind(error)) throw error
  }
  const old = from === undefined ? undefined : await store.checkpoint({ name, version: from })
  const isComparable = old?.incarnation === log.store.incarnation
  await next.waitFor(isComparable ? old.position : 1, signal === undefined ? {} : { signal })
  return false
}

function isBehind(error: unknown): boolean {
  if (!hasCode(error, EVENTS_CODES.checkpointConflict)) return false
  return (error as EventsError).data['reason'] === 'behind'
}

/** Waits until a follower is within its bound of the head. */
async function comeNear(
  { store }: EventLog,
  follower: Follower,
  { lagMax = REBUILD_LAG_EVENTS, signal }: RebuildOptions,
): Promise<void> {
  for (;;) {
    const { position: head } = await store.head()
    checkSignal(signal)
    if (follower.failure !== undefined) throw follower.failure
    if (head - follower.at <= lagMax) return
    await follower.waitFor(head - lagMax, signal === undefined ? {} : { signal })
  }
}

/** A live projection whose definition can be exchanged while it is read. */
export interface ServedProjection<S> extends LiveProjection<S> {
  /** Version of the definition that serves. */
  readonly version: string | undefined

  /**
   * Builds another definition beside this one and exchanges them; then stops the old one.
   *
   * @throws what stopped the build, or `ICE_EVENTS_ABORTED`: the old one serves on
   */
  rebuild(next: Projection<S>, options?: RebuildOptions): Promise<void>
}

/** Opens a projection that can be rebuilt while it serves. @throws as `liveProjection` */
export async function serveProjection<S>(
  log: EventLog,
  projection: Projection<S>,
  options: LiveOptions = {},
): Promise<ServedProjection<S>> {
  return new Served(log, options, {
    version: projection.version,
    live: await liveProjection(log, projection, options),
  })
}

interface Serving<S> {
  readonly version: string | undefined
  readonly live: LiveProjection<S>
}

class Served<S> implements ServedProjection<S> {
  readonly #log: EventLog
  readonly #options: LiveOptions
  /** Ends builds too. */
  readonly #stopping = new AbortController()
  #serving: Serving<S>

  constructor(log: EventLog, options: LiveOptions, serving: Serving<S>) {
    this.#log = log
    this.#options = options
    this.#serving = serving
  }

  get version(): string | undefined {
    return this.#serving.version
  }

  get state(): S {
    return this.#serving.live.state
  }

  get at(): number {
    return this.#serving.live.at
  }

  get failure(): unknown {
    return this.#serving.live.failure
  }

  get discarded(): number {
    return this.#serving.live.discarded
  }

  lag(): ReturnType<LiveProjection<S>['lag']> {
    return this.#serving.live.lag()
  }

  waitFor(position: number, options?: { readonly signal?: AbortSignal }): Promise<void> {
    return this.#ofWhatServes((live) => live.waitFor(position, options))
  }

  ended(): Promise<void> {
    return this.#ofWhatServes((live) => live.ended())
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#serving.live.stop()
  }

  async rebuild(projection: Projection<S>, options: RebuildOptions = {}): Promise<void> {
    const signals = options.signal === undefined ? [] : [options.signal]
    const signal = AbortSignal.any([...signals, this.#stopping.signal])
    const next = await liveProjection(this.#log, projection, this.#options)
    try {
      do {
        await comeNear(this.#log, next, { ...options, signal })
        await next.waitFor(this.at, { signal })
      } while (next.at < this.at)
    } catch (error) {
      await next.stop()
      throw error
    }
    // From the last comparison to here nothing has had a turn.
    const old = this.#serving.live
    this.#serving = { version: projection.version, live: next }
    await old.stop()
  }

  /** Asks the one that serves; one that was exchanged meanwhile has nothing more to say. */
  async #ofWhatServes(ask: (live: LiveProjection<S>) => Promise<void>): Promise<void> {
    for (;;) {
      const { live } = this.#serving
      let failure: unknown
      try {
        await ask(live)
        if (live === this.#serving.live) return
      } catch (error) {
        failure = error
      }
      if (live === this.#serving.live) throw failure
    }
  }
}
