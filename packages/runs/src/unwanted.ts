/**
 * Effects that nobody wants an outcome of any more: how the runtime settles what is open of them.
 *
 * What may be repeated has failed, and says why. Whether an irreversible effect happened is a fact
 * about the world, which does not end with the wish for it: that is for others to say.
 */

import { type EventId, errorRecord } from '@ice/primitives'
import { RUNS_CODES, RunsError } from './errors.ts'
import type { Fact } from './facts.ts'
import type { OpenEffect, Payload } from './lifecycle.ts'

type Failed = Payload<'EffectFailed'>

/** The label of what the runtime says itself: nobody else has a part in it. */
export const OWN_LABEL: NonNullable<Failed['label']> = { sources: [], readers: null }

/** That an effect has failed because its outcome is wanted no longer. */
export function unwanted(
  { data, id }: OpenEffect['intent'],
  why: string,
  causes: readonly EventId[] = [],
): Fact {
  const { effect, attempt } = data
  const error = errorRecord(new RunsError(RUNS_CODES.aborted, why)) as Failed['error']
  const failed = { effect, attempt, intent: id, error, label: OWN_LABEL }
  return { type: 'EffectFailed', data: failed, causes }
}
