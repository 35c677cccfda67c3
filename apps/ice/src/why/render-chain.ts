/** A chain of grants for people: from the grant that was named to its root. */
import { caveatWords } from '../log/caveats.ts'
import { isoTime } from '../terminal/format.ts'
import type { Paint } from '../terminal/paint.ts'
import { clip, plain } from '../terminal/text.ts'
import { resourceText } from '../verbs/grants.ts'
import type { Take } from './authority.ts'
import type { LinkNote } from './link.ts'

/** The lines of a chain, each link further in. */
export function chainLines(chain: readonly LinkNote[], paint: Paint): readonly string[] {
  return chain.flatMap((link, at) => linkLines(link, at, paint))
}

function linkLines(link: LinkNote, at: number, paint: Paint): readonly string[] {
  const indent = '  '.repeat(at + 1)
  if (typeof link['unknown'] === 'string') {
    return [`${indent}${plain(link['unknown'])}: this log has no such grant`]
  }
  const record = link as unknown as LinkView
  const { id, label, holder, actions, resource, caveats, issuedAt, issuedBy, parent } = record
  const name = label === null ? '' : ` ${paint.bold(plain(label))}`
  const by = issuedBy === null ? '' : ` by ${plain(issuedBy)}`
  const root = parent === null ? ', a root' : ''
  const lines = [
    `${indent}grant ${id}${name}${root}`,
    `${indent}  ${plain(holder)} may ${actions.map(plain).join(', ')} on ${resourceText(resource)}`,
    `${indent}  issued ${isoTime(issuedAt)}${by} (${record.event})`,
    ...caveats.map((caveat) => `${indent}  only ${clip(plain(caveatWords(caveat)), 300)}`),
  ]
  if (record.expiresAt !== null) lines.push(`${indent}  until ${isoTime(record.expiresAt)}`)
  const { takes, revoked } = record
  lines.push(...takes.map((take) => `${indent}  ${takeText(take)}`))
  if (revoked !== null) {
    const when = record.revokedLater ? 'revoked since' : 'revoked'
    const who = revoked.by === null ? '' : ` by ${plain(revoked.by)}`
    lines.push(
      `${indent}  ${paint.red(when)} ${isoTime(revoked.at)}${who}: ${plain(revoked.reason)}`,
    )
  }
  return lines
}

/** The members of a link that are shown. */
interface LinkView {
  readonly id: string
  readonly label: string | null
  readonly holder: string
  readonly actions: readonly string[]
  readonly resource: Readonly<Record<string, unknown>>
  readonly caveats: readonly Readonly<Record<string, unknown>>[]
  readonly expiresAt: number | null
  readonly parent: string | null
  readonly issuedAt: number
  readonly issuedBy: string | null
  readonly event: string
  readonly takes: readonly Take[]
  readonly revoked: {
    readonly at: number
    readonly by: string | null
    readonly reason: string
  } | null
  readonly revokedLater: boolean
}

/** What an effect took of a limit, and what stood around it. */
function takeText({ unit, amount, max, slice, allotted, held, spent }: Take): string {
  const of = max === null ? '' : ` of ${max}`
  const from = slice === null ? '' : `, out of the slice ${slice}`
  const all = allotted === null ? '' : `; all runs had ${allotted.before} → ${allotted.after}`
  const after = held?.settled ?? null
  const rest = after === null ? '' : ` → ${after} once it was over`
  const own = held === null ? '' : `; this run held ${held.before} → ${held.after}${rest}`
  const real = spent === null ? '' : `; really spent ${spent}`
  return `took ${amount}${of} ${plain(unit)}${from}${all}${own}${real}`
}
