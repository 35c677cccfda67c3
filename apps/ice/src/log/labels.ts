/** Labels as a reader of the log sees them: whose value, what it holds, and who brought it in. */
import type { StandardPayloads } from '@ice/events'
import { projectStream } from '@ice/events'
import type { EventLog, ValueRef } from '@ice/events/ports'
import { isTrusted, type JsonValue, type Label, type RunId } from '@ice/primitives'
import { isOutcome, labelledValues, openValue, runProjection } from '@ice/runs'
import type { ValueOfRun } from '@ice/runs/ports'
import { plain } from '../terminal/text.ts'
import { runStream } from './runs.ts'

/** The values of a run that keep a label of their own. */
export async function readLabelled(log: EventLog, run: RunId): Promise<readonly ValueOfRun[]> {
  const { state } = await projectStream(log, runProjection, { stream: runStream(run) })
  return labelledValues(state.labels)
}

/**
 * What a labelled value is, out of the event that recorded it. `null` when the log has lost it, and
 * also when the value is.
 */
export async function readLabelledValue(
  log: EventLog,
  run: RunId,
  { step }: Pick<ValueOfRun, 'step'>,
): Promise<JsonValue> {
  for await (const batch of log.read({ stream: runStream(run) })) {
    for (const event of batch) {
      const { effect, held, input, error, denial } = event.data as Recorded
      if (event.type === 'RunCreated' && step.startsWith('$input')) {
        const part = held?.find(({ path }) => `$input${path}` === step)
        const ref = part === undefined ? input : { blob: part.blob }
        return openValue(ref as ValueRef, log.store.blobs)
      }
      if (effect !== step) continue
      if (isOutcome(event)) return openValue(event.data.result as ValueRef, log.store.blobs)
      const said = error ?? denial
      if (said !== undefined) return said as JsonValue
    }
  }
  return null
}

type Recorded = Partial<Pick<StandardPayloads['RunCreated'], 'input' | 'held'>> & {
  readonly effect?: string
  readonly error?: unknown
  readonly denial?: unknown
}

/** A label in a few words: `from net:a, fs:b; for os:alice only`. */
export function labelText(label: Label): string {
  const { sources, readers } = label
  const from = isTrusted(label) ? 'trusted' : `from ${sources.map(plain).join(', ')}`
  if (readers === null) return from
  const whom = readers.length === 0 ? 'nobody' : `${readers.map(plain).join(', ')} only`
  return `${from}; for ${whom}`
}
