/**
 * Snapshots: a cache of a projection that is never believed.
 *
 * 1. What is loaded was verified: key, incarnation, digest of the bytes, hash of the event it
 *    stands at as the log has it now, and that the state is written again as it was read.
 * 2. What does not hold is dropped and told; then the next older one is tried, then zero.
 * 3. A store that fails is told too, and costs time only: no snapshot is needed for anything.
 *
 * The trap: a snapshot whose fold was changed under the same version holds in all of this. Change
 * the version with the fold; `verify: 'refold'` finds who has not.
 *
 * Why one leaf hash and not the root of the tree: a log is never changed within an incarnation,
 * and to check a root every leaf before it has to be read, which is what a snapshot is to save.
 */

import {
  canonicalize,
  type Hash,
  type JsonValue,
  parseStrict,
  type StreamId,
  sha256Hex,
} from '@ice/primitives'
import { EVENTS_CODES, EventsError } from '../errors.ts'
import type { EventLog } from '../ports.ts'
import type { Projected, Projection } from '../projection.ts'
import { checkSnapshot, leafAt } from './checks.ts'
import {
  SNAPSHOT_BYTES_MAX,
  SNAPSHOT_EVERY_EVENTS,
  SNAPSHOT_NODES_MAX,
  SNAPSHOT_TRIES_MAX,
  SNAPSHOTS_KEPT,
} from './limits.ts'
import type { Snapshot, SnapshotKey, SnapshotStore } from './ports.ts'

/** Why a snapshot was not used, or not made. */
export type SnapshotReason =
  /** It is malformed, or of another key or place than was asked for. */
  | 'key'
  /** It was folded from another history of the log. */
  | 'incarnation'
  /** Its bytes do not have their digest. */
  | 'bytes'
  /** The log has another event at its place, or none. */
  | 'event'
  /** Its bytes are no state of this projection. */
  | 'state'
  /** The fold of the log comes to another state. */
  | 'refold'
  /** The state is no JSON, or too large: no snapshot was made. */
  | 'unsupported'
  /** The store of snapshots failed. */
  | 'unavailable'

/** What is told of a snapshot that was not used, or not made. */
export interface SnapshotNotice {
  readonly code: typeof EVENTS_CODES.snapshotCorrupt
  readonly reason: SnapshotReason
  readonly key: SnapshotKey
  /** Position or version it was for. */
  readonly at: number
  readonly message: string
  readonly cause?: unknown
}

/** How snapshots are kept. */
export interface SnapshotOptions {
  readonly store: SnapshotStore
  /**
   * Told of each snapshot that is discarded: never silently. What it throws stops whoever was
   * loading or saving.
   */
  readonly onDiscard: (notice: SnapshotNotice) => void
  /** @units events @defaultValue 10,000 for each MiB of the state, 10,000 at least */
  readonly every?: number
  /** The newest so many stay. @defaultValue 4 */
  readonly keep?: number
  /**
   * `refold` audits: every loaded snapshot is compared with a fold from zero, which costs what the
   * snapshot would have saved.
   * @defaultValue `'hashes'`
   */
  readonly verify?: 'hashes' | 'refold'
}

/** Folds a source up to a place, from nothing. */
type Refold<S> = (at: number) => Promise<Projected<S>>

/** What a cache is made of. */
export interface SnapshotsInit<S> {
  readonly log: Pick<EventLog, 'store'>
  readonly projection: Projection<S>
  readonly source: 'log' | StreamId
  readonly options: SnapshotOptions
  readonly refold: Refold<S>
}

/** The snapshots of one projection of one source. */
export class Snapshots<S> {
  readonly #init: SnapshotsInit<S>
  readonly #key: SnapshotKey
  /** Where the newest snapshot stands that this one knows of. */
  #newest = 0
  /** How many events behind it the next one is made. */
  #due: number
  #discarded = 0

  /** @throws `ICE_EVENTS_DECLARATION_UNSUPPORTED` for a projection without a version */
  constructor(init: SnapshotsInit<S>) {
    const { projection, source } = init
    const { name, version } = projection
    if (version === undefined || version === '') {
      throw new EventsError(
        EVENTS_CODES.declaration,
        `Projection ${name} has no version, so a snapshot of it could be taken for one of ` +
          'another fold: give it one, and change it with the fold',
        { projection: name },
      )
    }
    this.#init = init
    this.#key = { projection: name, version, source }
    this.#due = init.options.every ?? SNAPSHOT_EVERY_EVENTS
  }

  /** Snapshots that were discarded, and ones that could not be made. */
  get discarded(): number {
    return this.#discarded
  }

  /** The newest state at `atMost` or before that holds. */
  async load(atMost: number): Promise<Projected<S> | undefined> {
    let bound = atMost
    for (let tries = 0; tries < SNAPSHOT_TRIES_MAX && bound >= 1; tries += 1) {
      const snapshot = await this.#guarded(bound, () =>
        this.#init.options.store.latest(this.#key, bound),
      )
      if (snapshot === undefined) return undefined
      const verdict = await this.#verify(snapshot, bound)
      if ('state' in verdict) {
        this.#newest = snapshot.at
        return { state: verdict.state, at: snapshot.at }
      }
      this.#tell(verdict.reason, snapshot.at, verdict.cause)
      await this.#guarded(bound, () => this.#init.options.store.drop(this.#key, snapshot.at))
      bound = Math.min(bound, snapshot.at) - 1
    }
    return undefined
  }

  /** Keeps a state when enough events have passed since the newest snapshot. */
  async saveIfDue({ state, at }: Projected<S>): Promise<void> {
    if (at - this.#newest < this.#due) return
    this.#newest = at
    const bytes = this.#encode(state, at)
    if (bytes === undefined) return
    this.#due = this.#init.options.every ?? dueFor(bytes)
    const { log, source, options } = this.#init
    await this.#guarded(at, async () => {
      const hash = await leafAt(log.store, source, at)
      if (hash === undefined) return
      const { incarnation } = log.store
      const digest = sha256Hex(bytes)
      await options.store.put({ ...this.#key, at, incarnation, hash, bytes, digest })
      const all = await options.store.list(this.#key)
      const surplus = all.slice(0, Math.max(0, all.length - (options.keep ?? SNAPSHOTS_KEPT)))
      for (const old of surplus) await options.store.drop(this.#key, old)
    })
  }

  async #verify(snapshot: Snapshot, bound: number): Promise<Verdict<S>> {
    const { log, source, options } = this.#init
    try {
      checkSnapshot(snapshot)
    } catch (cause) {
      return { reason: 'key', cause }
    }
    if (!isOf(snapshot, this.#key) || snapshot.at > bound) return { reason: 'key' }
    if (snapshot.incarnation !== log.store.incarnation) return { reason: 'incarnation' }
    if (!hasDigest(snapshot)) return { reason: 'bytes' }
    if ((await leafAt(log.store, source, snapshot.at)) !== snapshot.hash) return { reason: 'event' }
    const verdict = this.#decode(snapshot.bytes)
    if (options.verify !== 'refold' || !('state' in verdict)) return verdict
    const { state } = await this.#init.refold(snapshot.at)
    return this.#text(state) === snapshot.bytes ? verdict : { reason: 'refold' }
  }

  #decode(bytes: string): Verdict<S> {
    const { projection } = this.#init
    try {
      const value = parseStrict(bytes, STATE_LIMITS) as JsonValue
      const state = projection.decode === undefined ? (value as S) : projection.decode(value)
      return this.#text(state) === bytes ? { state } : { reason: 'state' }
    } catch (cause) {
      return { reason: 'state', cause }
    }
  }

  #encode(state: S, at: number): string | undefined {
    try {
      const bytes = this.#text(state)
      if (Buffer.byteLength(bytes) <= SNAPSHOT_BYTES_MAX) return bytes
      this.#tell('unsupported', at, undefined)
    } catch (cause) {
      this.#tell('unsupported', at, cause)
    }
    return undefined
  }

  #text(state: S): string {
    const { projection } = this.#init
    return canonicalize(projection.encode === undefined ? state : projection.encode(state))
  }

  /** Asks the store of snapshots; that it fails is told and costs nothing more. */
  async #guarded<T>(at: number, ask: () => Promise<T>): Promise<T | undefined> {
    let cause: unknown
    try {
      return await ask()
    } catch (error) {
      cause = error
    }
    this.#tell('unavailable', at, cause)
    return undefined
  }

  #tell(reason: SnapshotReason, at: number, cause: unknown): void {
    this.#discarded += 1
    const key = this.#key
    const { projection, version, source } = key
    this.#init.options.onDiscard({
      code: EVENTS_CODES.snapshotCorrupt,
      reason,
      key,
      at,
      message: `A snapshot of ${projection}@${version} of ${source} at ${at}: ${SAYS[reason]}`,
      ...(cause === undefined ? {} : { cause }),
    })
  }
}

type Verdict<S> =
  | { readonly state: S }
  | { readonly reason: SnapshotReason; readonly cause?: unknown }

const STATE_LIMITS = { bytesMax: SNAPSHOT_BYTES_MAX, nodesMax: SNAPSHOT_NODES_MAX + 1 }

const SAYS: Readonly<Record<SnapshotReason, string>> = {
  key: 'the store handed out something else than was asked for; discarded',
  incarnation: 'it is of another history of this log; discarded',
  bytes: 'its bytes do not have their digest; discarded',
  event: 'the log has another event at its place; discarded',
  state: 'its bytes are no state of this projection; discarded',
  refold: 'the fold of the log comes to another state; discarded',
  unsupported: 'the state is no JSON or too large; none was made',
  unavailable: 'the store of snapshots failed; none was used',
}

function isOf(snapshot: Snapshot, key: SnapshotKey): boolean {
  return (
    snapshot.projection === key.projection &&
    snapshot.version === key.version &&
    snapshot.source === key.source
  )
}

/** The larger the state, the more events must lie between two for one to save time. */
function dueFor(bytes: string): number {
  return SNAPSHOT_EVERY_EVENTS * Math.max(1, Math.ceil(bytes.length / 1_048_576))
}

function hasDigest({ bytes, digest }: { readonly bytes: string; readonly digest: Hash }): boolean {
  return bytes.isWellFormed() && sha256Hex(bytes) === digest
}
