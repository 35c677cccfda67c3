/** An event in short. */
import type { RecordedEvent } from '@ice/events/ports'

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
