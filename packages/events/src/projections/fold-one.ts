/** One step of a fold whose failure names the event. */

import { errorRecord } from '@ice/primitives'
import { EVENTS_CODES, EventsError } from '../errors.ts'
import type { RecordedEvent } from '../ports.ts'
import type { Projection } from '../projection.ts'

/** Folds one event, if it is of a type that is looked at. @throws `ICE_EVENTS_FOLD_UNSUPPORTED` */
export function foldOne<S>(projection: Projection<S>, state: S, event: RecordedEvent): S {
  if (projection.types?.includes(event.type) === false) return state
  try {
    return projection.evolve(state, event)
  } catch (cause) {
    throw foldFailure(projection.name, event, cause)
  }
}

/** The error that stops whoever took in an event. */
export function foldFailure(name: string, event: RecordedEvent, cause: unknown): EventsError {
  const { id, position, type } = event
  return new EventsError(
    EVENTS_CODES.foldFailed,
    `${name} stopped at ${type} ${id} (position ${position}): ${errorRecord(cause).message}`,
    { name, event: id, position, type },
    cause,
  )
}
