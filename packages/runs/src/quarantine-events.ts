/** The events of a quarantine: how they are folded and made. See `quarantine.ts` for what it is. */

import type { NewEvent, RecordedEvent } from '@ice/events/ports'
import { type ErrorRecord, errorRecord, hasCode } from '@ice/primitives'
import { RUNS_CODES } from './errors.ts'
import type { Fact } from './facts.ts'
import type { Payload, RunFold } from './lifecycle.ts'
import type { Quarantine } from './ports.ts'

/** What `RunQuarantined` and `RunReleased` make of a run. */
export function evolveQuarantine(fold: RunFold, event: RecordedEvent): void {
  const { view } = fold
  if (view === null) return
  if (event.type === 'RunReleased') view.quarantine = null
  if (event.type !== 'RunQuarantined') return
  const { error } = event.data as Payload<'RunQuarantined'>
  const { id, time: at, principal = null } = event
  view.quarantine = { error: error as ErrorRecord, event: id, at, by: principal }
}

/** Sets a run aside for a failure that is its own. */
export function quarantineFact({ view }: RunFold, error: unknown): Fact {
  return { type: 'RunQuarantined', data: quarantined(view?.program, errorRecord(error)) }
}

/** What is recorded of a run that is set aside. */
export function quarantined(
  program: Payload<'RunQuarantined'>['program'] | undefined,
  error: ErrorRecord,
): Payload<'RunQuarantined'> {
  const { name, version } = program ?? { name: 'unknown', version: '0' }
  return { error: error as Payload<'RunQuarantined'>['error'], program: { name, version } }
}

/** Whether a drive failed by what its run and its program are, and not by where it was driven. */
export function isOwnObstacle(error: unknown): boolean {
  return OBSTACLES.some((code) => hasCode(error, code))
}

const OBSTACLES = [RUNS_CODES.diverged, RUNS_CODES.inputInvalid] as const

/** The release of a run from this quarantine. */
export function released({ event }: Quarantine, reason: string): NewEvent {
  return { type: 'RunReleased', data: { reason }, causes: [event] }
}
