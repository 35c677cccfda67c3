/** An event in short. */
import type { RecordedEvent } from '@ice/events/ports'
import { errorRecord } from '@ice/primitives'

/** What is told of every event that an explanation names. */
export interface EventNote {
  readonly id: string
  readonly position: number
  readonly type: string
  readonly time: number
  readonly origin: string
  readonly principal: string | null
}

/** The short of an event. */
export function note({ id, position, type, time, origin, principal }: RecordedEvent): EventNote {
  return { id, position, type, time, origin, principal: principal ?? null }
}

/** Whether something was thrown because a payload is not of the shape of its type. */
export function isOfShape(error: unknown): boolean {
  if (error instanceof TypeError) return true
  // Of ids, values and queries that no payload of ours would have led to.
  const { code } = errorRecord(error)
  return code.startsWith('ICE_PRIMITIVES_') || /^ICE_(?:RUNS|EVENTS)_\w+_UNSUPPORTED$/.test(code)
}
