/** The purse of a run as its events change it: one step of `runProjection`. */

import type { RecordedEvent } from '@ice/events/ports'
import type { GrantId } from '@ice/primitives'
import type { Payload, RunFold } from './lifecycle.ts'
import { giveBack, put, type Share, settleShares, take } from './purse.ts'

/** Ends without a result: what an attempt took is spent, as far as its handler does not say. */
const ENDS: ReadonlySet<string> = new Set(['EffectFailed', 'EffectRetryScheduled'])

/**
 * Folds what an event does to the purse; before the event settles the effect it is about.
 *
 * @param isOutcome - whether it says of an effect that it took place
 */
export function evolvePurse(fold: RunFold, event: RecordedEvent, isOutcome: boolean): void {
  const { purse } = fold
  switch (event.type) {
    case 'BudgetDrawn': {
      const { shares } = event.data as Payload<'BudgetDrawn'>
      for (const { grant } of shares) purse.drawn.add(grant as GrantId)
      return
    }
    case 'CapabilityUsed': {
      const { allotted = [], spends = [] } = event.data as Payload<'CapabilityUsed'>
      put(purse, allotted)
      take(purse, spends)
      return
    }
    case 'EffectDoubtResolved': {
      const { effect, happened } = event.data as Payload<'EffectDoubtResolved'>
      const isFirst = fold.open.get(effect)?.doubt === true && !fold.resolutions.has(effect)
      if (isFirst && !happened) giveBack(purse, takenBy(fold, event))
      return
    }
    case 'EffectRevoked':
      giveBack(purse, takenBy(fold, event))
      return
    default:
      if (ENDS.has(event.type) || isOutcome) {
        const { spent } = event.data as Payload<'EffectFailed'>
        settleShares(purse, takenBy(fold, event), spent)
      }
  }
}

/** What the intent took that an event is about; nothing when that is not the open one. */
function takenBy(fold: RunFold, { data }: RecordedEvent): readonly Share[] {
  const { effect, intent } = data as { readonly effect: string; readonly intent?: string }
  const open = fold.open.get(effect)
  // What was known not to have happened was given back already.
  const isGivenBack = fold.resolutions.get(effect)?.data.happened === false
  if (open === undefined || open.intent.id !== intent || isGivenBack) return []
  return open.intent.data.spends ?? []
}
