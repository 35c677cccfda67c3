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
import { Follower } from './follower.ts'
import type { LiveProjection } from './ports.ts'
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
  live.begin(options.signal)
  return live
}

class Live<S> extends Follower implements LiveProjection<S> {
  readonly #log: EventLog
  readonly #walk: Walk<S>
  readonly #snapshots: Snapshots<S> | undefined
  #state: S
  /** What broke the state, until it is whole again. */
  #broken: { readonly cause: unknown } | undefined

  constructor(
    log: EventLog,
    walk: Walk<S>,
    snapshots: Snapshots<S> | undefined,
    loaded: Projected<S> | undefined,
  ) {
    super(log, walk.projection.name)
    this.#log = log
    this.#walk = walk
    this.#snapshots = snapshots
    this.#state = loaded === undefined ? walk.projection.initialState() : loaded.state
    if (loaded !== undefined) this.moveTo(loaded.at)
  }

  get state(): S {
    if (this.#broken !== undefined) throw this.#broken.cause
    return this.#state
  }

  get discarded(): number {
    return this.#snapshots?.discarded ?? 0
  }

  protected async follow(): Promise<void> {
    const { types } = this.#walk.projection
    const query = { after: this.at, types, signal: this.stopSignal }
    for await (const stretch of tail(this.#log, query)) {
      this.#take(stretch)
      await this.#snapshots?.saveIfDue({ state: this.#state, at: this.at })
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
      this.moveTo(before)
      throw error
    }
    this.moveTo(upTo)
  }

  /** Folds the state before the failure anew; where even that fails, there is none to read. */
  protected override async recover(failure: unknown): Promise<void> {
    if (this.#broken === undefined) return
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
