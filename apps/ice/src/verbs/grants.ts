/** `ice grants`: who may do what, as a tree from the roots, and what became of it. */
import { EXIT } from '../exit.ts'
import type { Invocation } from '../invocation.ts'
import { caveatWords } from '../log/caveats.ts'
import { findRun } from '../log/find.ts'
import { descendants, type GrantMap, type GrantRecord, readGrants, usesMax } from '../log/grants.ts'
import { openReader, using } from '../log/open.ts'
import { duration, isoTime } from '../terminal/format.ts'
import { writeList } from '../terminal/list.ts'
import type { Paint } from '../terminal/paint.ts'
import { clip, jsonText, plain } from '../terminal/text.ts'

/** Options of `grants`. */
export interface GrantsOptions {
  readonly run?: string
  readonly active?: boolean
}

/** Carries `grants` out. @returns the exit code */
export async function grants(invocation: Invocation, options: GrantsOptions): Promise<number> {
  return using(await openReader(invocation), async ({ log }) => {
    const all = await readGrants(log, Date.now())
    const run = options.run === undefined ? undefined : await findRun(log, options.run)
    const roots = [...all.values()].filter(({ grant }) => isRoot(all, grant.parent))
    const shown = roots
      .filter(({ grant }) => run === undefined || grant.holder === `run/${run}`)
      .flatMap((root) => descendants(all, root.grant.id))
      .filter(({ standing }) => options.active !== true || standing === 'active')
    if (invocation.format !== 'human') {
      await writeList(invocation, shown.map(grantJson))
      return EXIT.ok
    }
    if (shown.length === 0) invocation.talk.say('no grants')
    for (const root of shown.filter(({ grant }) => !has(shown, grant.parent))) {
      await invocation.print(
        () => treeLines(root, shown, invocation.paint, ''),
        () => null,
      )
    }
    return EXIT.ok
  })
}

function isRoot(all: GrantMap, parent: string | null): boolean {
  return parent === null || !all.has(parent as never)
}

function has(shown: readonly GrantRecord[], parent: string | null): boolean {
  return parent !== null && shown.some(({ grant }) => grant.id === parent)
}

/** A grant as data. */
export function grantJson(record: GrantRecord): Readonly<Record<string, unknown>> {
  const { grant, standing, uses, revoked, label, issuedAt, issuedBy, event, endedBy } = record
  return {
    ...grant,
    label,
    state: standing,
    endedBy,
    uses,
    usesMax: usesMax(grant),
    issuedAt,
    issuedBy,
    event,
    revoked,
  }
}

function treeLines(
  record: GrantRecord,
  shown: readonly GrantRecord[],
  paint: Paint,
  indent: string,
): readonly string[] {
  const children = shown.filter(({ grant }) => grant.parent === record.grant.id)
  return [
    ...grantLines(record, paint).map((line) => indent + line),
    ...children.flatMap((child) => treeLines(child, shown, paint, `${indent}  `)),
  ]
}

/** A grant for people: four lines at most. */
export function grantLines(record: GrantRecord, paint: Paint): readonly string[] {
  const { grant, standing, uses, revoked, label, issuedAt, issuedBy } = record
  const name = label === null ? '' : `  ${plain(label)}`
  const actions = grant.actions.map(plain).join(', ')
  const max = usesMax(grant)
  const used = max === null ? '' : `  ${uses} of ${max} uses`
  const mark = standing === 'active' ? paint.green : standing === 'over' ? paint.dim : paint.red
  const by = issuedBy === null ? '' : ` by ${plain(issuedBy)}`
  const lines = [
    `${paint.bold(grant.id)}${name}  ${mark(standing)}${used}`,
    `  ${plain(grant.holder)} may ${actions} on ${resourceText(grant.resource)}`,
    `  issued ${isoTime(issuedAt)}${by}${expiryText(grant.expiresAt)}${caveatText(grant.caveats)}`,
  ]
  if (revoked !== null) {
    const who = revoked.by === null ? '' : ` by ${plain(revoked.by)}`
    lines.push(`  revoked ${isoTime(revoked.at)}${who}: ${plain(revoked.reason)}`)
  } else if (record.endedBy !== null) lines.push(`  ended by ${record.endedBy} above it`)
  return lines
}

function expiryText(expiresAt: number | null): string {
  if (expiresAt === null) return ''
  const left = expiresAt - Date.now()
  return `, expires ${isoTime(expiresAt)}${left > 0 ? ` (in ${duration(left)})` : ''}`
}

function caveatText(caveats: readonly Readonly<Record<string, unknown>>[]): string {
  const texts = caveats.map((caveat) => clip(plain(caveatWords(caveat)), 300))
  return texts.length === 0 ? '' : `, only ${texts.join('; ')}`
}

/** What a grant is about, in words where the kind is known. */
export function resourceText(resource: Readonly<Record<string, unknown>>): string {
  const { kind, root, within, name, names } = resource
  if (kind === 'fs' && typeof root === 'string') {
    const limits = Array.isArray(within)
      ? ` within ${within.map((path) => String(path)).join(', ')}`
      : ''
    return plain(`${root}${limits}`)
  }
  if (kind === 'tool') {
    const list = Array.isArray(names) ? names.map(String).join(', ') : String(name)
    return plain(`the tool ${list}`)
  }
  if (kind === 'net' && Array.isArray(resource['hosts'])) return plain(networkText(resource))
  return plain(jsonText(resource))
}

/** What is left out of a grant on the network is said: it is the narrowest there is. */
function networkText(resource: Readonly<Record<string, unknown>>): string {
  const listOf = (name: string, otherwise: string): string => {
    const list = resource[name]
    return Array.isArray(list) ? list.map(String).join(', ') : otherwise
  }
  const within = 'paths' in resource ? ` within ${listOf('paths', '')}` : ''
  return (
    `${listOf('methods', 'GET, HEAD')} over ${listOf('schemes', 'https')} to ` +
    `${listOf('hosts', '')}${within}, port ${listOf('ports', 'as usual')}, ` +
    `addresses ${listOf('addresses', 'public')}`
  )
}
