/** Requests as an authority hands them to a ceiling. */
import type { AuthorityRequest, CeilingRequest, Grant } from '@ice/capabilities/ports'
import type { GrantId, RunId, Timestamp } from '@ice/primitives'
import { sha256Hex } from '@ice/primitives'
import { seededIds } from '@ice/primitives/testing'

const ids = seededIds('cedar')
export const run: RunId = ids.nextRunId()
export const grant: GrantId = ids.nextGrantId()
export const root: GrantId = ids.nextGrantId()

const link: Grant = {
  ...{ id: grant, holder: 'agent/writer', actions: ['fs.read'], caveats: [], parent: root },
  ...{ resource: { kind: 'fs', root: '/repo' }, delegable: 0, revocable: true },
  ...{ notBefore: 0 as Timestamp, expiresAt: null },
}

/** A request to read `src/a.ts` on Thursday 1970-01-01 at 00:05 UTC. */
export function asked(over: Partial<AuthorityRequest> = {}): CeilingRequest {
  const digest = sha256Hex('{}')
  return {
    request: {
      ...{ run, grant, action: 'fs.read', resource: { path: 'src/a.ts' }, arguments: {} },
      ...{ argumentsDigest: digest, callDigest: digest, at: 300_000 as Timestamp },
      ...over,
    },
    chain: [link, { ...link, id: root, parent: null, delegable: 1 }],
  }
}
