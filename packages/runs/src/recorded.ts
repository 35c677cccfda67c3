/** Events as a writer knows them before it has read them back. */

import type { AppendedWrite, AppendRequest, NewEvent, RecordedEvent } from '@ice/events/ports'
import type { EventId, Hash, Position, StreamId, StreamVersion, Timestamp } from '@ice/primitives'

/**
 * An event as the log will hand it out, or would: what a writer knows of it before it reads.
 * Position and hash are the log's; a run has no use for them.
 */
export function recordedEvent(
  event: NewEvent & { readonly time: Timestamp },
  stream: StreamId,
  version: number,
  position = 0,
): RecordedEvent {
  return {
    v: 1,
    id: `${stream}@${version}` as EventId,
    position: position as Position,
    hash: '' as Hash,
    stream,
    version: version as StreamVersion,
    type: event.type,
    schema: 1,
    time: event.time,
    origin: event.origin ?? 'runtime',
    causes: event.causes ?? [],
    data: event.data,
    ...(event.principal === undefined ? {} : { principal: event.principal }),
  }
}

/** What a unit wrote beside the run, as the log holds it now. */
export function eventsBeside(
  { writes }: AppendRequest,
  appended: readonly AppendedWrite[],
): readonly RecordedEvent[] {
  return writes.slice(1).flatMap(({ stream, events }) => {
    const {
      version = 0,
      positions = [],
      times = [],
    } = appended.find((write) => write.stream === stream) ?? {}
    return events.flatMap((event, i) => {
      const [time, position] = [times[i], positions[i]]
      if (time === undefined || position === undefined) return []
      return recordedEvent({ ...event, time }, stream, version - events.length + 1 + i, position)
    })
  })
}

/** The version that an event's id ends with. */
export function versionOf(id: string): number {
  return Number(id.slice(id.lastIndexOf('@') + 1))
}
