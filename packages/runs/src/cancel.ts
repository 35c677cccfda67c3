/**
 * Scopes that are wanted no longer: their waits are dropped, their handlers at work are asked to
 * stop, and what these come back with is recorded and given to nobody.
 */

import type { Desk } from './desk.ts'
import { RUNS_CODES, RunsError } from './errors.ts'
import { resolvedOutcome } from './resolved.ts'
import { liesIn } from './scopes.ts'
import type { AskOf, Step } from './steps.ts'
import { unwanted } from './unwanted.ts'

/** Cancels scopes. */
export async function lookAtCancel(desk: Desk, step: Step, ask: AskOf<'cancel'>): Promise<void> {
  const { scopes, reason } = ask
  const data = { step: step.id, scopes: [...scopes], reason: reason.slice(0, 2048) }
  await desk.deliver(step, { type: 'ScopeCancelled', data }, { kind: 'done' })
  // What one intent leaves of the purse is what the next was decided on: all are decided anew.
  const intents = desk.journal.withdrawIntents()
  desk.again(intents.flatMap(({ data }) => desk.execution.step(data.effect) ?? []))
  const lost = new RunsError(RUNS_CODES.aborted, `Its branch lost: ${reason}`)
  desk.acts.abortWhere((effect) => liesIn(effect, scopes), lost)
}

/**
 * What is open of scopes that are cancelled and has no handler at work: no step will ever take it
 * up again. What may have happened is in doubt until somebody says, and what may be repeated is
 * wanted no longer.
 */
export function settleOrphans({ journal, execution, acts }: Desk): void {
  const { open, resolutions } = journal.fold
  for (const [effect, { intent, doubt }] of [...open]) {
    if (acts.has(effect) || !execution.isCancelled(effect)) continue
    const resolution = resolutions.get(effect)
    if (resolution?.data.happened === true) journal.add(resolvedOutcome(intent, resolution))
    else if (resolution === undefined && intent.data.fate === 'irreversible') {
      const { attempt } = intent.data
      const data = { effect, attempt, intent: intent.id }
      if (!doubt) journal.add({ type: 'EffectInDoubt', data })
    } else {
      journal.add(unwanted(intent, 'Its branch lost before it had an outcome'))
    }
  }
}
