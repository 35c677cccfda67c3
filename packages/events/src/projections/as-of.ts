/**
 * The state of a projection as of any place of its history: the nearest snapshot that holds, then
 * the fold of what lies between.
 */

import type { StreamId } from '@ice/primitives'
import { structural } from '../draft.ts'
import { EVENTS_CODES, EventsError } from '../errors.ts'
import type { EventLog, RecordedEvent } from '../ports.ts'
import type { Projected, Projection } from '../projection.ts'
import { foldOne } from './fold-one.ts'
import { type SnapshotOptions, Snapshots } from './snapshots.ts'

/** As of where. */
export interface AsOfQuery {
  /** Folds this stream alone, and counts in versions. @defaultValue the whole log, in positions */
  readonly stream?: StreamId
  /** Position, or version of the stream; 0 is before the first. @defaultValue the head of now */
  readonly at?: number
  readonly snapshots?: SnapshotOptions
  readonly signal?: AbortSignal
}

/** What a projection is folded from. */
export type Foldable = Pick<EventLog, 'read' | 'readAll' | 'store'>

/**
 * The state as of a place. The state is the caller's own.
 *
 * Only what is asked for as of now (without `at`) leaves a snapshot behind, when enough events
 * have passed since the last.
 *
 * @throws `ICE_EVENTS_POSITION_NOT_FOUND` when the history has not come as far,
 * `ICE_EVENTS_FOLD_UNSUPPORTED`, `ICE_EVENTS_DECLARATION_UNSUPPORTED` for snapshots of a
 * projection without a version, and what reading throws
 */
export async function asOf<S>(
  log: Foldable,
  projection: Projection<S>,
  query: AsOfQuery = {},
): Promise<Projected<S>> {
  const { stream, at, signal } = query
  if (at !== undefined && !(Number.isSafeInteger(at) && at >= 0)) {
    throw structural('"at" is not a count of events')
  }
  const walk: Walk<S> = { log, projection, stream, signal }
  const head = await headOf(walk)
  if (at !== undefined && at > head) throw notFound(walk, at, head)
  const snapshots = snapshotsOf(walk, query.snapshots)
  const from = await snapshots?.load(at ?? head)
  const projected = await walkTo(walk, at ?? head, from)
  if (at === undefined) await snapshots?.saveIfDue(projected)
  return projected
}

/** One way through a history. */
export interface Walk<S> {
  readonly log: Foldable
  readonly projection: Projection<S>
  readonly stream: StreamId | undefined
  readonly signal: AbortSignal | undefined
}

/** The cache of a walk, where one is kept. */
export function snapshotsOf<S>(
  walk: Walk<S>,
  options: SnapshotOptions | undefined,
): Snapshots<S> | undefined {
  if (options === undefined) return undefined
  const { log, projection, stream } = walk
  const refold = (at: number): Promise<Projected<S>> => walkTo(walk, at, undefined)
  return new Snapshots({ log, projection, source: stream ?? 'log', options, refold })
}

/** Folds from an earlier state up to a place that is there, and no further. */
export async function walkTo<S>(
  walk: Walk<S>,
  at: number,
  from: Projected<S> | undefined,
): Promise<Projected<S>> {
  const { projection } = walk
  let state = from === undefined ? projection.initialState() : from.state
  const after = from?.at ?? 0
  if (after >= at) return { state, at: after }
  for await (const batch of read(walk, after, at)) {
    for (const event of batch) {
      if (placeOf(walk, event) > at) return { state, at }
      state = foldOne(projection, state, event)
    }
  }
  return { state, at }
}

function read<S>(
  { log, projection: { types }, stream, signal }: Walk<S>,
  after: number,
  at: number,
): AsyncIterable<readonly RecordedEvent[]> {
  const withdrawn = signal === undefined ? {} : { signal }
  if (stream !== undefined) return log.read({ stream, after, limit: at - after, ...withdrawn })
  if (types === undefined) return log.readAll({ after, limit: at - after, ...withdrawn })
  return log.readAll({ after, filter: { types }, ...withdrawn })
}

function placeOf<S>({ stream }: Walk<S>, event: RecordedEvent): number {
  return stream === undefined ? event.position : event.version
}

async function headOf<S>({ log, stream }: Walk<S>): Promise<number> {
  if (stream === undefined) return (await log.store.head()).position
  for await (const [last] of log.read({ stream, backwards: true, limit: 1 })) {
    return last?.version ?? 0
  }
  return 0
}

function notFound<S>({ stream }: Walk<S>, at: number, head: number): EventsError {
  const source = stream ?? 'the log'
  return new EventsError(
    EVENTS_CODES.positionNotFound,
    `There is no state as of ${at} yet: ${source} has come to ${head}`,
    { source, at, head },
  )
}
