/**
 * What is recorded of a handler that was told to stop because its run was set aside.
 *
 *     a result, a denial, a doubt ─────────────────► that, as ever
 *     anything else, of what may be repeated ──────► nothing: it is open, and repeated by its key
 *     anything else, of what is irreversible ──────► a doubt, at once: a person can resolve it
 *          … with the handler's own proof ─────────► it had not acted: it is tried again
 *
 * The trap: taking the echo of the stop for a failure of the effect. The run goes on once it is
 * released; its program would be given a failure that nobody but us has caused, and abort, and of
 * an irreversible effect it would be told that it did not happen, which nobody knows.
 */

import type { Timestamp } from '@ice/primitives'
import { settleAttempt, type Tried } from './attempts.ts'
import { isProof } from './ended-right.ts'
import type { Payload } from './lifecycle.ts'
import type { Completion, Settled } from './settle.ts'

/** What the end of an attempt comes to; `null`: nothing is recorded, it stays open. */
export function settleAside(
  completion: Completion,
  known: { readonly tried: Tried | undefined; readonly now: Timestamp },
): Settled | null {
  const settled = settleAttempt(completion, known)
  const { stopped = false, intent } = completion
  if (!stopped || settled.type !== 'EffectFailed' || settled.acted === true) return settled
  if (intent.data.fate !== 'irreversible') return null
  const { label: _, spent: __, ...doubt } = settled.data as Payload<'EffectFailed'>
  if (!isProof(doubt.error.code)) return { ...settled, type: 'EffectInDoubt', data: doubt }
  const data = { ...(settled.data as object), at: known.now }
  return { ...settled, type: 'EffectRetryScheduled', data }
}
