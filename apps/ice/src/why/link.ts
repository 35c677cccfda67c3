/** Links of a chain, as data. */
import { grantJson } from '../verbs/grants.ts'
import type { Link } from './authority.ts'

/** A link of the chain as data. */
export type LinkNote = Readonly<Record<string, unknown>>

/** A link as data; of a grant the log does not know, its id. */
export function linkNote(link: Link | { readonly unknown: string }): LinkNote {
  if ('unknown' in link) return { unknown: link.unknown }
  const { state: _now, endedBy: _above, uses: _all, ...grant } = grantJson(link)
  return { ...grant, takes: link.takes, revokedLater: link.revokedLater }
}
