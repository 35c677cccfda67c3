/** The grants above a grant, as an `Authority` knows them. */
import type { GrantId } from '@ice/primitives'
import { CHAIN_LINKS_MAX } from './limits.ts'
import type { Authority, GrantState } from './ports.ts'

/**
 * A grant and those above it, nearest first; ends at a root, at what is not known, at a loop, and
 * at the greatest length of a chain.
 */
export function lineage(authority: Pick<Authority, 'grant'>, id: GrantId): readonly GrantState[] {
  const chain: GrantState[] = []
  let next: GrantId | null = id
  while (next !== null && chain.length < CHAIN_LINKS_MAX) {
    const at: GrantState | undefined = authority.grant(next)
    if (at === undefined || chain.includes(at)) break
    chain.push(at)
    next = at.grant.parent
  }
  return chain
}
