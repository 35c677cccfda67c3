/**
 * The basis of a decision: the versions of everything it looked at.
 *
 * An authorization names the streams that its intent guards. A denial guards nothing; what it was
 * decided on is recorded all the same, because between the decision and its append the streams of
 * others may move, and who judges it again has to know which state was meant.
 */
import type { Guard } from '@ice/events/ports'
import { budgetStream } from './budget.ts'
import { chainOf, guardsFor } from './chain.ts'
import { BASIS_MAX } from './limits.ts'
import { policyGuards } from './policy.ts'
import { readRequest } from './request.ts'
import type { AuthorityState } from './state.ts'

/** Total: of a request that is none, and of a grant that is not known, there is no basis. */
export function basisOf(state: AuthorityState, request: unknown): readonly Guard[] {
  const reading = readRequest(request)
  if ('faults' in reading) return []
  const entry = state.grants.get(reading.ok.grant)
  if (entry === undefined) return []
  const chain = chainOf(state, entry)
  const guards = policyGuards(chain, guardsFor(chain, reading.ok, state.stops), state.policy)
  const budgets = chain.links.flatMap(({ entry: { budget } }) =>
    budget === undefined ? [] : [{ stream: budgetStream(budget.grant), version: budget.version }],
  )
  return [...guards, ...budgets].slice(0, BASIS_MAX)
}
