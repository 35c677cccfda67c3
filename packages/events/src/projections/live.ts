/**
 * A live projection: state that is kept current in memory while it is read.
 *
 *     snapshot that holds → what lies behind it → what comes
 *
 * A batch is folded within one turn, so that a reader sees the state between two batches only. A
 * throw in the fold ends it. Since `evolve` may have changed the state in place before it threw,
 * the state before the event is folded anew; until it is there, `state` throws the failure.
 */

import type { EventLog } from '../ports.ts'
import type { Projected, Projection } from '../projection.ts'
import { snapshotsOf, type Walk, walkTo } from './as-of.ts'
import { foldOne } from './fold-one.ts'
import type { LiveProjection } from './ports.ts'
import { Progress } from './progress.ts'
import type { SnapshotOptions, Snapshots } from './snapshots.ts'
import { type Stretch, tail } from './tail.ts'

/** How a projection is kept current. */
export interface LiveOptions {
  readonly snapshots?: SnapshotOptions
  /** Stops it, as `stop` does. */
  readonly signal?: AbortSignal
}

/**
 * Opens a projection and keeps it current. It begins at its newest snapshot, or at zero, and
 * catches up on its own; `waitFor` waits for it.
 *
 * @throws as `asOf`; what happens later is its `failure`
 */
export async function liveProjection<S>(
  log: EventLog,
  projection: Projection<S>,
  options: LiveOptions = {},
): Promise<LiveProjection<S>> {
  const walk: Walk<S> = { log, projection, stream: undefined, signal: undefined }
  const snapshots = snapshotsOf(walk, options.snapshots)
  const { position: head } = await log.store.head()
  const loaded = await snapshots?.load(head)
  const live = new Live(log, walk, snapshots, loaded)
  if (options.signal?.aborted === true) live.askToStop()
  options.signal?.addEventListener('abort', () => live.askToStop(), {
    once: true,
    signal: live.over,
  })
  live.begin()
  return live
}

class Live<S> implements LiveProjection<S> {
  readonly #log: EventLog
  readonly #walk: Walk<S>
  readonly #snapshots: Snapshots<S> | undefined
  readonly #progress: Progress
  readonly #over = new AbortController()
  #state: S
  /** What broke the state, until it is whole again. */
  #broken: { readonly cause: unknown } | undefined
  #running: Promise<void> = Promise.resolve()

  constructor(
    log: EventLog,
    walk: Walk<S>,
    snapshots: Snapshots<S> | undefined,
    loaded: Projected<S> | undefined,
  ) {
    this.#log = log
    this.#walk = walk
    this.#snapshots = snapshots
    this.#progress = new Progress(log, walk.projection.name)
    this.#state = loaded === undefined ? walk.projection.initialState() : loaded.state
    if (loaded !== undefined) this.#progress.moveTo(loaded.at)
  }

  get state(): S {
    if (this.#broken !== undefined) throw this.#broken.cause
    return this.#state
  }

  get at(): number {
    return this.#progress.at
  }

  get failure(): unknown {
    return this.#progress.failure
  }

  get discarded(): number {
    return this.#snapshots?.discarded ?? 0
  }

  /** Fires when nothing will happen any more. */
  get over(): AbortSignal {
    return this.#over.signal
  }

  lag(): ReturnType<LiveProjection<S>['lag']> {
    return this.#progress.lag()
  }

  waitFor(position: number, options: { readonly signal?: AbortSignal } = {}): Promise<void> {
    return this.#progress.waitFor(position, options.signal)
  }

  ended(): Promise<void> {
    return this.#progress.ended()
  }

  askToStop(): void {
    this.#progress.askToStop()
  }

  async stop(): Promise<void> {
    this.askToStop()
    await this.#running
  }

  begin(): void {
    this.#running = this.#run()
  }

  async #run(): Promise<void> {
    const { types } = this.#walk.projection
    try {
      const query = { after: this.at, types, signal: this.#progress.stopSignal }
      for await (const stretch of tail(this.#log, query)) {
        this.#take(stretch)
        await this.#snapshots?.saveIfDue({ state: this.#state, at: this.at })
      }
      this.#progress.end()
    } catch (error) {
      if (this.#broken !== undefined) await this.#restore(error)
      this.#progress.fail(error)
    } finally {
      this.#over.abort()
    }
  }

  #take({ events, upTo }: Stretch): void {
    let before = this.at
    try {
      for (const event of events) {
        before = event.position - 1
        this.#state = foldOne(this.#walk.projection, this.#state, event)
      }
    } catch (error) {
      this.#broken = { cause: error }
      this.#progress.moveTo(before)
      throw error
    }
    this.#progress.moveTo(upTo)
  }

  /** Folds the state before the failure anew; where even that fails, there is none to read. */
  async #restore(failure: unknown): Promise<void> {
    try {
      const from = await this.#snapshots?.load(this.at)
      const { state } = await walkTo(this.#walk, this.at, from)
      this.#state = state
      this.#broken = undefined
    } catch (error) {
      this.#broken = { cause: new AggregateError([failure, error], 'no state could be restored') }
    }
  }
}
