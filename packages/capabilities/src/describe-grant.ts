/** Grants for people. */
import { canonicalize } from '@ice/primitives'
import type { Grant, GrantState } from './ports.ts'
import { clip, shown, shownList, shownTime } from './text.ts'

/** A grant in a few lines: who may do what, on what, until when, and what became of it. */
export function describeGrant(state: GrantState): string {
  const { grant, label, issuedBy, issuedAt, revokedBy } = state
  const by = issuedBy === null ? '' : ` by ${issuedBy}`
  return [
    `grant ${grant.id}${label === null ? '' : ` ${shown(label)}`}`,
    `  ${grant.holder} may ${shownList(grant.actions)}`,
    `  on ${clip(canonicalize(grant.resource), 1024)}`,
    `  ${lifetime(grant)}`,
    ...grant.caveats.map((caveat) => `  only under ${clip(canonicalize(caveat), 1024)}`),
    `  ${place(grant)}`,
    `  issued${by} at ${shownTime(issuedAt)}`,
    ...(revokedBy === null ? [] : [`  revoked by ${revokedBy}`]),
  ].join('\n')
}

function lifetime({ notBefore, expiresAt }: Grant): string {
  const from = notBefore === 0 ? '' : `from ${shownTime(notBefore)} `
  return from + (expiresAt === null ? 'without end' : `until ${shownTime(expiresAt)}`)
}

function place({ parent, delegable, revocable }: Grant): string {
  const above = parent === null ? 'a root' : `below ${parent}`
  const below = delegable === 0 ? 'cannot be delegated' : `${delegable} links may hang below it`
  return `${above}, ${below}, ${revocable ? 'revocable' : 'cannot be revoked'}`
}
