/**
 * Projections: state as a pure fold of events.
 *
 * 1. `evolve` is pure and total over the types it handles; what it does not know it returns
 *    unchanged.
 * 2. The same events give the same state on any machine: no clock, no randomness, no locale.
 * 3. A throw in a fold stops it. A projection that swallows an error is one nobody can trust.
 */

import type { JsonValue } from '@ice/primitives'
import type { EventLog, ReadAllQuery, ReadQuery, RecordedEvent } from './ports.ts'

/** State folded from events. */
export interface Projection<S> {
  /** Named for diagnostics: `run-lifecycle`. */
  readonly name: string
  /**
   * Names this definition: another fold, another `types` or another shape of the state is another
   * version. Needed by whoever keeps snapshots.
   */
  readonly version?: string
  /** The only types `evolve` looks at, where it says so: others are left out. */
  readonly types?: readonly string[]
  initialState(): S
  /** May change `state` in place and return it; must not touch the event. */
  evolve(state: S, event: RecordedEvent): S
  /** The state as JSON, for a snapshot. @defaultValue the state itself */
  encode?(state: S): JsonValue
  /** The state from what `encode` gave; the value is the caller's own. @defaultValue the value */
  decode?(value: JsonValue): S
}

/** Folds events onto a state. */
export function fold<S>(projection: Projection<S>, state: S, events: Iterable<RecordedEvent>): S {
  const { types } = projection
  let current = state
  for (const event of events) {
    if (types?.includes(event.type) === false) continue
    current = projection.evolve(current, event)
  }
  return current
}

/** A projection's state, and how far it has come. */
export interface Projected<S> {
  readonly state: S
  /** Version (of a stream) or position (of the log) of the last event folded; 0 for none. */
  readonly at: number
}

/** Folds one stream, from its beginning or from behind `query.after`. */
export async function projectStream<S>(
  log: Pick<EventLog, 'read'>,
  projection: Projection<S>,
  query: Omit<ReadQuery, 'backwards'>,
): Promise<Projected<S>> {
  let state = projection.initialState()
  let at = query.after ?? 0
  for await (const batch of log.read(query)) {
    state = fold(projection, state, batch)
    at = batch.at(-1)?.version ?? at
  }
  return { state, at }
}

/** Folds the log up to its head, or on from an earlier result. */
export async function projectLog<S>(
  log: Pick<EventLog, 'readAll'>,
  projection: Projection<S>,
  query: ReadAllQuery = {},
  from?: Projected<S>,
): Promise<Projected<S>> {
  let state = from?.state ?? projection.initialState()
  let at = from?.at ?? query.after ?? 0
  for await (const batch of log.readAll({ ...query, after: at })) {
    state = fold(projection, state, batch)
    at = batch.at(-1)?.position ?? at
  }
  return { state, at }
}
