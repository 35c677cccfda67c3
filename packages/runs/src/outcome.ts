/** Which events say of an effect that it took place. */

import type { StandardPayloads } from '@ice/events/define'
import type { RecordedEvent } from '@ice/events/ports'

/** The outcome of an effect that took place, whatever its type: outcomes share one payload. */
export function isOutcome(
  event: RecordedEvent,
): event is RecordedEvent<string, StandardPayloads['EffectSucceeded']> {
  const data = event.data as Readonly<Record<string, unknown>>
  return typeof data['intent'] === 'string' && 'observed' in data && 'result' in data
}
