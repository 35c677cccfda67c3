/**
 * Quarantine: a run that is set aside, as it is, until somebody releases it.
 *
 *     drive ── it diverges, or its program is its own obstacle ──► RunQuarantined { both sides }
 *     person, or a restored log ────────────────────────────────► RunQuarantined { why }
 *                                          RunReleased ◄── a person who says why
 *
 * 1. It keeps its grants, its slices and its waits. Answers, signals and resolutions still reach
 *    it; nobody drives it.
 * 2. What handlers at work come back with is recorded all the same: that is what happened.
 * 3. It can be aborted, which releases it first, and ended by force.
 *
 * The trap: a run that cannot follow its record and is only reported as such is tried again by
 * whoever comes by, for ever, and fails each time in another log file.
 */

import { errorRecord, type RunId } from '@ice/primitives'
import { command } from './commands.ts'
import type { Components } from './components.ts'
import { RUNS_CODES, RunsError } from './errors.ts'
import type { QuarantineCommand, ReleaseCommand } from './ports.ts'
import { quarantined, released } from './quarantine-events.ts'

/** A person sets a run aside. Setting one aside that is changes nothing. */
export function quarantineRun(
  components: Components,
  run: RunId,
  { reason, principal }: QuarantineCommand,
): Promise<void> {
  return command(components, { run, principal, until: 'end' }, (fold) => {
    if (fold.view?.quarantine != null) return { events: [] }
    const error = errorRecord(new RunsError(RUNS_CODES.quarantined, checkReason(reason)))
    return { events: [{ type: 'RunQuarantined', data: quarantined(fold.view?.program, error) }] }
  })
}

/** A person lets a run go on. */
export function releaseRun(
  components: Components,
  run: RunId,
  { reason, principal }: ReleaseCommand,
): Promise<void> {
  return command(components, { run, principal, until: 'end' }, (fold) => {
    if (fold.view?.quarantine == null) {
      const message = `Run ${run} is not in quarantine; there is nothing to release it from`
      throw new RunsError(RUNS_CODES.notQuarantined, message, { run })
    }
    return { events: [released(fold.view.quarantine, checkReason(reason))] }
  })
}

function checkReason(reason: string): string {
  if (typeof reason === 'string' && reason.length > 0 && reason.isWellFormed()) {
    return reason.slice(0, 2_048).toWellFormed()
  }
  throw new RunsError(RUNS_CODES.reasonInvalid, 'It is said why: a reason that is not empty')
}
