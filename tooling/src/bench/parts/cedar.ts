/**
 * Cedar, asked what the grants of `bench/decide.ts` say: 100 policies, parsed before.
 *
 * Each policy is the AND of one chain: this run, this action, this grant, these folders. Cedar is
 * given its question ready made, with no entities and no schema: what is timed is the engine.
 */
import * as cedar from '@cedar-policy/cedar-wasm/nodejs'

/** @units policies that Cedar is asked of. */
export const POLICIES = 100
const KEY = 'bench'

/** Prepares the policies; what it gives back runs once, and gives the time of a question in ns. */
export function createCedarPeer(
  grants: readonly string[],
  run: string,
): (questions: number) => number {
  const named = grants.slice(0, POLICIES)
  const policies = Object.fromEntries(named.map((grant, i) => [grant, policyOf(grant, run, i)]))
  const parsed = cedar.preparsePolicySet(KEY, { staticPolicies: policies })
  if (parsed.type !== 'success') throw new RangeError(JSON.stringify(parsed.errors))
  const calls = named.map((grant, i) => ({
    principal: { type: 'Ice::Run', id: run },
    action: { type: 'Ice::Action', id: 'fs.read' },
    resource: { type: 'Ice::Resource', id: 'fs' },
    context: { grant, claim: { path: `src/a/file-${i}.ts` } },
    preparsedPolicySetId: KEY,
    entities: [],
  }))
  return (questions) => {
    let allowed = 0
    const from = process.hrtime.bigint()
    for (let i = 0; i < questions; i += 1) {
      const call = calls[i % calls.length] as (typeof calls)[number]
      const answer = cedar.statefulIsAuthorized(call)
      if (answer.type === 'success' && answer.response.decision === 'allow') allowed += 1
    }
    const ns = Number(process.hrtime.bigint() - from) / questions
    if (allowed !== questions) throw new RangeError(`${allowed} of ${questions} were allowed`)
    return ns
  }
}

function policyOf(grant: string, run: string, i: number): string {
  return `permit(principal == Ice::Run::"${run}", action == Ice::Action::"fs.read", resource)
    when { context.grant == "${grant}" &&
      (context.claim.path like "src/a/*" || context.claim.path like "src/b${i}/*") };`
}
