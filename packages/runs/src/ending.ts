/**
 * Ending a run: the append of a conclusion, and the way to it when there is no result.
 */

import { errorRecord } from '@ice/primitives'
import type { Acts } from './acts.ts'
import { abortChildren } from './children.ts'
import type { Components } from './components.ts'
import { abortFacts, phaseOf } from './conclude.ts'
import type { EffectIntent } from './effects.ts'
import { RUNS_CODES, RunsError } from './errors.ts'
import type { Fact } from './facts.ts'
import type { Journal } from './journal.ts'
import { HANDLER_GRACE_MS } from './limits.ts'
import type { Stretch } from './ports.ts'
import { resultOf } from './result.ts'
import { type Completion, settle } from './settle.ts'
import type { Undoings } from './undoings.ts'
import { unwanted } from './unwanted.ts'

/** What has to be told about completions, so that a refold does not lose them. */
export interface Ledger {
  readonly acts: Acts
  readonly undoings: Undoings
  /** A completion is being recorded. */
  settled(completion: Completion): void
  /** Everything that was being recorded is acknowledged. */
  acknowledged(): void
}

/**
 * Appends a conclusion, or an end, and what still waits before it.
 * @returns `null` where the run owes something before its end
 */
export async function endRun(
  components: Components,
  journal: Journal,
  facts: readonly Fact[],
): Promise<Stretch | null> {
  for (const fact of facts) journal.add(fact)
  await journal.flush()
  const { fold } = journal
  await abortChildren(components, fold.children.values())
  if (fold.view?.state !== 'TERMINATED') return null
  return { kind: 'concluded', result: await resultOf(fold, components.log.store.blobs) }
}

/**
 * Ends a run without a result. Handlers at work are asked to stop and given time to; what they
 * come back with is recorded. An irreversible effect that has no outcome then is in doubt.
 */
export async function abortRun(
  components: Components,
  journal: Journal<EffectIntent>,
  ledger: Ledger,
  error: unknown,
): Promise<Stretch | null> {
  const { fold } = journal
  const asked = fold.abortRequested
  const reason =
    error === null && asked !== null
      ? new RunsError(RUNS_CODES.aborted, (asked.data as { readonly reason: string }).reason)
      : error
  ledger.acts.abortAll(reason)
  await ledger.acts.settleWithin(components.clock, HANDLER_GRACE_MS)
  for (const completion of ledger.acts.take()) {
    const { type, data, blobs } = settle(completion)
    ledger.settled(completion)
    journal.add({ type, data, blobs, causes: [completion.event.id] })
    if (journal.full) await journal.flush()
  }
  for (const [effect, { intent, doubt }] of [...fold.open]) {
    if (doubt) continue
    const { attempt, fate } = intent.data
    journal.add(
      fate === 'irreversible'
        ? { type: 'EffectInDoubt', data: { effect, attempt, intent: intent.id } }
        : unwanted(intent, 'The run ended before the effect had an outcome'),
    )
  }
  const causes = asked === null || error !== null ? [] : [asked.id]
  const stretch = await endRun(
    components,
    journal,
    abortFacts(fold, phaseOf(fold), errorRecord(reason), causes),
  )
  ledger.acknowledged()
  return stretch
}
