/**
 * The ports of projections: types only, no runtime code.
 *
 * Two stores with two promises. A `SnapshotStore` keeps a cache: whatever it loses or spoils
 * costs time and nothing else. A `ProcessorStore` keeps effects together with the position they
 * come from: what it acknowledges has happened once.
 *
 * The trap this closes: a checkpoint kept anywhere but in the transaction of the effects is too
 * early (an effect is lost) or too late (it happens twice), and no order of two writes mends it.
 */

import type { Hash, StreamId } from '@ice/primitives'

/** Which cache: of which projection, in which version of it, folded from what. */
export interface SnapshotKey {
  readonly projection: string
  /** Another fold has another version, and never meets this one's snapshots. */
  readonly version: string
  /** `'log'`, or the one stream it is folded from. */
  readonly source: 'log' | StreamId
}

/**
 * The state of a projection as of one event, with what it takes to see whether it still holds.
 *
 * `incarnation` and `hash` bind it to a history, `digest` to its own bytes.
 */
export interface Snapshot extends SnapshotKey {
  /** Position (of the log) or version (of the stream) of the last event in it; from 1. */
  readonly at: number
  /** The history it was folded from: `EventStore.incarnation`. */
  readonly incarnation: string
  /** Leaf hash of the event at `at`. */
  readonly hash: Hash
  /** The state as RFC 8785 canonical JSON. */
  readonly bytes: string
  /** SHA-256 of `bytes`. */
  readonly digest: Hash
}

/** Optional behaviour of a store of projections, declared as data and read by the kit. */
export interface ProjectionStoreSupports {
  /** State outlives `close` and can be opened again. */
  readonly durable: boolean
  /** Other processes may use the same state at the same time. */
  readonly sharedByProcesses: boolean
}

/**
 * Keeps snapshots. Nothing in it is trusted: what it hands out is verified against the log.
 * Implementations pass `snapshotStoreCases` of `@ice/events/contract`.
 */
export interface SnapshotStore {
  readonly supports: ProjectionStoreSupports

  /**
   * Keeps a snapshot, whole or not at all, in place of one with the same key and `at`.
   *
   * @throws `ICE_EVENTS_UNAVAILABLE`, `ICE_EVENTS_NOT_OPEN`
   */
  put(snapshot: Snapshot): Promise<void>

  /**
   * The snapshot of a key with the greatest `at` that is not greater than `atMost`.
   *
   * @throws `ICE_EVENTS_UNAVAILABLE`, `ICE_EVENTS_NOT_OPEN`
   */
  latest(key: SnapshotKey, atMost: number): Promise<Snapshot | undefined>

  /** The `at` of every snapshot of a key, ascending. @throws as `latest` */
  list(key: SnapshotKey): Promise<readonly number[]>

  /** Removes one snapshot of a key, or all; what is not there is no error. @throws as `latest` */
  drop(key: SnapshotKey, at?: number): Promise<void>

  /** After it everything is refused with `ICE_EVENTS_NOT_OPEN`. Closing twice does nothing. */
  close(): Promise<void>
}

/** A processor, or one build of it. Versions of one name are built side by side. */
export interface ProcessorKey {
  readonly name: string
  readonly version: string
}

/** How far a processor has come, and in which history. */
export interface Checkpoint {
  /** Every event up to here has had its effect; from 1. */
  readonly position: number
  /** `EventStore.incarnation` of the log that was read. */
  readonly incarnation: string
  /** Leaf hash of the event at `position`. */
  readonly hash: Hash
}

/** One step of a processor. */
export interface CheckpointMove {
  readonly processor: ProcessorKey
  /** The checkpoint the step was made on; `undefined` for the first. */
  readonly from: Checkpoint | undefined
  /** In the same incarnation as `from`, and behind it. */
  readonly to: Checkpoint
}

/** Which version of a processor serves its readers. */
export interface ServingChange {
  readonly name: string
  /** The version that serves now; `undefined` when none does. */
  readonly from: string | undefined
  readonly to: string
}

/** Optional behaviour of a processor store. */
export interface ProcessorStoreSupports extends ProjectionStoreSupports {
  /** Work may return a promise, and the transaction lasts until it has settled. */
  readonly asyncWork: boolean
}

/**
 * Keeps the effects of processors and, in the same transactions, how far they have come.
 * Implementations pass `processorStoreCases` of `@ice/events/contract`.
 *
 * Ordering: moves of one processor are linearisable; of two from one checkpoint one wins.
 *
 * @typeParam Tx - what work writes its effects with; valid until the work has ended
 */
export interface ProcessorStore<Tx> {
  readonly supports: ProcessorStoreSupports

  /** @throws `ICE_EVENTS_STRUCTURAL_VIOLATION`, `ICE_EVENTS_UNAVAILABLE`, `ICE_EVENTS_NOT_OPEN` */
  checkpoint(processor: ProcessorKey): Promise<Checkpoint | undefined>

  /**
   * Runs `work` and moves the checkpoint in one transaction: both are kept, or neither.
   *
   * The stored checkpoint is compared with `move.from` in that transaction, before the work runs.
   * What the work throws passes through, and nothing is kept. It may run once at most.
   *
   * @throws `ICE_EVENTS_CHECKPOINT_CONFLICT` — another one has moved it: the work did not run —,
   * `ICE_EVENTS_STRUCTURAL_VIOLATION` for a move that leads nowhere, and as `checkpoint`; after
   * `ICE_EVENTS_UNAVAILABLE` with `data.fate = 'unknown'` both may have been kept
   */
  transact(move: CheckpointMove, work: (transaction: Tx) => void | Promise<void>): Promise<void>

  /** The version that serves the readers of a processor. @throws as `checkpoint` */
  serving(name: string): Promise<string | undefined>

  /**
   * Changes, in one transaction, which version serves.
   *
   * @throws `ICE_EVENTS_CHECKPOINT_CONFLICT` — with `data.reason` `'moved'` when another version
   * than `from` serves, `'behind'` when `from` has a checkpoint, and `to` has none or one that lies
   * before it in the same incarnation: readers would see time go back —, and as `checkpoint`
   */
  serve(change: ServingChange): Promise<void>

  /**
   * Forgets a checkpoint, so that the processor begins anew; its effects are the caller's to
   * remove. What is not there is no error.
   *
   * @throws as `checkpoint`
   */
  forget(processor: ProcessorKey): Promise<void>

  /** After it everything is refused with `ICE_EVENTS_NOT_OPEN`. Closing twice does nothing. */
  close(): Promise<void>
}

/** How far a follower is behind its log. */
export interface Lag {
  /** Position of the log's last event. */
  readonly head: number
  /** @units events between what was taken in and the head */
  readonly events: number
  /**
   * Time of the oldest event that was not taken in; `undefined` when there is none.
   * @units epoch milliseconds, UTC
   */
  readonly since: number | undefined
}

/** What follows a log, and can say how far it has come. */
export interface Follower {
  /** Every event up to here has been taken in. */
  readonly at: number
  /** Why it stopped by itself; `undefined` while it runs, and when it was told to stop. */
  readonly failure: unknown

  /** @throws as `EventStore.head` */
  lag(): Promise<Lag>

  /**
   * Waits until the event at `position` has been taken in: a writer that waits for the position
   * of its append reads what it wrote.
   *
   * @throws the failure, once there is one; `ICE_EVENTS_NOT_OPEN` when it was stopped;
   * `ICE_EVENTS_ABORTED`
   */
  waitFor(position: number, options?: { readonly signal?: AbortSignal }): Promise<void>

  /** Fulfilled when it was stopped, rejected with the failure when it stopped by itself. */
  ended(): Promise<void>

  /** Finishes the step under way and stops. What was taken in stays readable. */
  stop(): Promise<void>
}

/** A projection that is kept current in memory. */
export interface LiveProjection<S> extends Follower {
  /**
   * The state with every event up to `at`. A fold may go on changing it in place: copy what is
   * to stay as it is.
   */
  readonly state: S
  /** Snapshots that disagreed and were discarded since this was opened. */
  readonly discarded: number
}

/** A processor that runs. */
export interface RunningProcessor extends Follower {
  /** Makes durable how far it has come, where events without an effect have moved it. */
  checkpoint(): Promise<void>
}
