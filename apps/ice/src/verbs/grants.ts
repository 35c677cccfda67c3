/** `ice grants`: who may do what, as a tree from the roots, and what became of it. */
import type { GrantId } from '@ice/primitives'
import { EXIT } from '../exit.ts'
import type { Invocation } from '../invocation.ts'
import { GRANTS_SHOWN, INDENTS_MAX } from '../limits.ts'
import { caveatWords } from '../log/caveats.ts'
import { findGrant, findRun } from '../log/find.ts'
import { type GrantMap, type GrantRecord, limitsOf, readGrants, usesMax } from '../log/grants.ts'
import { openReader, using } from '../log/open.ts'
import { duration, isoTime } from '../terminal/format.ts'
import { writeList } from '../terminal/list.ts'
import type { Paint } from '../terminal/paint.ts'
import { clip, jsonText, plain } from '../terminal/text.ts'

/** Options of `grants`. */
export interface GrantsOptions {
  readonly run?: string
  readonly active?: boolean
  readonly live?: boolean
  readonly holder?: string
  readonly under?: string
  readonly limit?: number
  readonly dot?: boolean
}

/** Carries `grants` out. @returns the exit code */
export async function grants(invocation: Invocation, options: GrantsOptions): Promise<number> {
  return using(await openReader(invocation), async ({ log }) => {
    const all = await readGrants(log, Date.now())
    const run = options.run === undefined ? undefined : await findRun(log, options.run)
    const under = options.under === undefined ? undefined : await findGrant(log, options.under)
    const wanted = selected(all, options, { run, under })
    const most = options.limit ?? (invocation.format === 'human' ? GRANTS_SHOWN : wanted.length)
    const shown = wanted.slice(0, most)
    if (options.dot === true) {
      await invocation.out.write(`${dotLines(shown).join('\n')}\n`)
    } else if (invocation.format !== 'human') await writeList(invocation, lazily(shown))
    else await printTree(invocation, shown)
    const left = wanted.length - shown.length
    if (left > 0) invocation.talk.say(`${left} more are not shown: --limit, --under or --holder`)
    return EXIT.ok
  })
}

function* lazily(shown: readonly GrantRecord[]): Iterable<unknown> {
  for (const record of shown) yield grantJson(record)
}

/** The grants that are asked for, each behind the one above it. */
function selected(
  all: GrantMap,
  { holder, active, live }: GrantsOptions,
  { run, under }: { readonly run: string | undefined; readonly under: GrantId | undefined },
): readonly GrantRecord[] {
  const isLive = active === true || live === true
  const roots = [...all.values()].filter(({ grant }) => isRoot(all, grant.parent))
  const children = childrenOf(all.values())
  const found: GrantRecord[] = []
  const pending = under === undefined ? roots.reverse() : [all.get(under)]
  for (let record = pending.pop(); record !== undefined; record = pending.pop()) {
    const { grant, standing, stoppedBy, runs } = record
    const isOfRun = run === undefined || grant.holder === `run/${run}` || runs.includes(run)
    const isHeld = holder === undefined || grant.holder === holder
    const isFit = !isLive || (standing === 'active' && stoppedBy === null)
    if (isOfRun && isHeld && isFit) found.push(record)
    pending.push(...(children.get(grant.id) ?? []).reverse())
  }
  return found
}

function isRoot(all: GrantMap, parent: string | null): boolean {
  return parent === null || !all.has(parent as never)
}

/** By what they hang below; built once, because a log may hold a hundred thousand. */
function childrenOf(records: Iterable<GrantRecord>): ReadonlyMap<string, GrantRecord[]> {
  const children = new Map<string, GrantRecord[]>()
  for (const record of records) {
    const { parent } = record.grant
    if (parent === null) continue
    const siblings = children.get(parent)
    if (siblings === undefined) children.set(parent, [record])
    else siblings.push(record)
  }
  return children
}

/** Each grant further in than the one it hangs below, where that is shown, too. */
async function printTree(invocation: Invocation, shown: readonly GrantRecord[]): Promise<void> {
  if (shown.length === 0) invocation.talk.say('no grants')
  const depths = new Map<string, number>()
  for (const record of shown) {
    const { id, parent } = record.grant
    const depth = Math.min(INDENTS_MAX, (depths.get(parent ?? '') ?? -1) + 1)
    depths.set(id, depth)
    const indent = '  '.repeat(depth)
    await invocation.print(
      () => grantLines(record, invocation.paint).map((line) => indent + line),
      () => null,
    )
  }
}

/** The same as a graph in the language of Graphviz. */
function dotLines(shown: readonly GrantRecord[]): readonly string[] {
  const ids = new Set<string>(shown.map(({ grant }) => grant.id))
  const text = (value: string): string => JSON.stringify(plain(value).replaceAll('\\', '/'))
  return [
    'digraph grants {',
    '  node [shape=box]',
    ...shown.flatMap((record) => {
      const { grant, label } = record
      const what = `${grant.holder} may ${grant.actions.join(', ')}`
      const told = `${label ?? grant.id}: ${what} (${stateOf(record)})`
      const edge = `  "${grant.parent}" -> "${grant.id}"`
      const isBelow = grant.parent !== null && ids.has(grant.parent)
      return [`  "${grant.id}" [label=${text(told)}]`, ...(isBelow ? [edge] : [])]
    }),
    '}',
  ]
}

/** What a grant is good for now. */
function stateOf({ standing, stoppedBy }: GrantRecord): string {
  return standing === 'active' && stoppedBy !== null ? 'stopped' : standing
}

/** A grant as data. */
export function grantJson(record: GrantRecord): Readonly<Record<string, unknown>> {
  const { grant, uses, revoked, label, issuedAt, issuedBy, event, endedBy } = record
  return {
    ...grant,
    label,
    state: stateOf(record),
    endedBy,
    stoppedBy: record.stoppedBy,
    limits: limitsOf(record),
    runs: record.runs,
    runCount: record.runCount,
    uses,
    usesMax: usesMax(grant),
    issuedAt,
    issuedBy,
    event,
    revoked,
  }
}

/** A grant for people: a few lines. */
export function grantLines(record: GrantRecord, paint: Paint): readonly string[] {
  const { grant, standing, revoked, label, issuedAt, issuedBy, stoppedBy } = record
  const name = label === null ? '' : `  ${plain(label)}`
  const actions = grant.actions.map(plain).join(', ')
  const state = stateOf(record)
  const mark = state === 'active' ? paint.green : state === 'over' ? paint.dim : paint.red
  const by = issuedBy === null ? '' : ` by ${plain(issuedBy)}`
  const lines = [
    `${paint.bold(grant.id)}${name}  ${mark(state)}${limitsText(record)}`,
    `  ${plain(grant.holder)} may ${actions} on ${resourceText(grant.resource)}`,
    `  issued ${isoTime(issuedAt)}${by}${expiryText(grant.expiresAt)}${caveatText(grant.caveats)}`,
  ]
  if (revoked !== null) {
    const who = revoked.by === null ? '' : ` by ${plain(revoked.by)}`
    lines.push(`  revoked ${isoTime(revoked.at)}${who}: ${plain(revoked.reason)}`)
  } else if (record.endedBy !== null) lines.push(`  ended by ${record.endedBy} above it`)
  if (stoppedBy !== null && standing === 'active') lines.push(`  stopped by ${plain(stoppedBy)}`)
  if (record.runCount > 1) lines.push(`  bound to ${record.runCount} runs`)
  return lines
}

function limitsText(record: GrantRecord): string {
  const told = limitsOf(record).map(({ unit, max, taken }) => {
    return `  ${taken} of ${max} ${plain(unit === 'rate' ? 'uses in its window' : unit)}`
  })
  return told.join(',')
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
