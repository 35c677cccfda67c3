/** The authority an effect stood on: each grant up to the root, its giver, and its end. */
import type { StandardPayloads } from '@ice/events'
import type { EventLog } from '@ice/events/ports'
import type { EventId, StreamId } from '@ice/primitives'
import { type GrantRecord, grantOf, unitMax, usesMax } from '../log/grants.ts'
import { type Amount, amountOf, type Holdings } from './purse.ts'

/** One link of a chain. */
export interface Link extends GrantRecord {
  /** What this effect took of the grant's limits. */
  readonly takes: readonly Take[]
  /** Whether it was revoked after the decision, and not before. */
  readonly revokedLater: boolean
}

/** What an effect took of one limit. */
export interface Take {
  readonly unit: string
  readonly amount: number
  /** The limit; `null` when the grant has none that this program knows. */
  readonly max: number | null
  /** The number of a rate's window. */
  readonly window: number | null
  /** The event that gave its run the slice it is of; `null` when there is none. */
  readonly slice: EventId | null
  /** What runs had of the limit in all, without the slice it is the first of, and with it. */
  readonly allotted: { readonly before: number; readonly after: number } | null
  /** What its own run held of it; `null` where its record does not tell. */
  readonly held: {
    readonly before: number
    readonly after: number
    /** Behind the outcome; `null` without one. */
    readonly settled: number | null
  } | null
  /** What it really spent, as its outcome tells; `null` where it spent the whole bound, so far. */
  readonly spent: number | null
}

/** Which use of the grants is asked about. */
export interface Use {
  readonly run: string
  readonly effect: string
  readonly attempt: number
  /** Epoch milliseconds of the decision. */
  readonly at: number
  /** Of the decision's event, in the log. */
  readonly position: number
  /** What the intent says of budgets; a denial says nothing. */
  readonly intent: Pick<StandardPayloads['CapabilityUsed'], 'spends' | 'basis' | 'allotted'> | null
  /** What its run held around it. */
  readonly holdings?: Holdings | undefined
  /** What its outcome says was spent. */
  readonly spent?: readonly Amount[] | undefined
}

/** A grant's link, or nothing where the log does not know such a grant. */
export async function readLink(log: EventLog, grant: string, use: Use): Promise<Link | null> {
  let record: GrantRecord | null = null
  for await (const batch of log.read({ stream: `grant/${grant}` as StreamId })) {
    for (const event of batch) {
      if (event.type === 'CapabilityGranted') record ??= grantOf(event)
      if (event.type !== 'CapabilityRevoked' || record === null) continue
      const { reason } = event.data as StandardPayloads['CapabilityRevoked']
      record.revoked ??= { event: event.id, at: event.time, by: event.principal ?? null, reason }
    }
  }
  if (record === null) return null
  const { revoked } = record
  const takes = await readTakes(log, record, use)
  return { ...record, takes, revokedLater: revoked !== null && revoked.at > use.at }
}

async function readTakes(
  log: EventLog,
  { grant }: GrantRecord,
  use: Use,
): Promise<readonly Take[]> {
  const spends = use.intent?.spends?.filter((share) => share.grant === grant.id) ?? []
  const isOld = spends.length === 0 && usesMax(grant) !== null
  if (spends.length === 0 && !isOld) return []
  const takes: Take[] = []
  const slices = new Map<string, EventId>()
  const taken = new Map<string, number>()
  // In older logs the append of the intent made the slice too, and its event stands behind it.
  const decided = use.intent?.basis.find(({ stream }) => stream === `budget/${grant.id}`)
  for await (const batch of log.read({ stream: `budget/${grant.id}` as StreamId })) {
    for (const event of batch) {
      if (event.type === 'CountDebited') {
        const { run, effect, attempt, count } = event.data as StandardPayloads['CountDebited']
        const isOurs = run === use.run && effect === use.effect && attempt === use.attempt
        const take = { unit: 'uses', amount: count, max: usesMax(grant), slice: event.id }
        const old = { window: null, allotted: null, held: null, spent: null }
        if (isOurs) takes.push({ ...take, ...old })
      } else if (event.type === 'BudgetAllotted') {
        const { run, unit, amount, window, ifLeft } =
          event.data as StandardPayloads['BudgetAllotted']
        const key = limitKey(unit, window)
        const left = (unitMax(grant, unit) ?? 0) - (taken.get(key) ?? 0)
        if (ifLeft === true && amount > left) continue
        if (event.position < use.position) taken.set(key, (taken.get(key) ?? 0) + amount)
        const isNow = decided !== undefined && event.version > decided.version
        const isBefore = event.position < use.position
        if (run === use.run && (isBefore || (isNow && !slices.has(`${unit} now`)))) {
          slices.set(unit, event.id)
          if (!isBefore) slices.set(`${unit} now`, event.id)
        }
      } else if (event.type === 'BudgetReturned' && event.position < use.position) {
        const { unit, amount, window } = event.data as StandardPayloads['BudgetReturned']
        const key = limitKey(unit, window)
        taken.set(key, (taken.get(key) ?? 0) - amount)
      }
    }
  }
  const told = spends.map((share): Take => {
    const { unit, amount, window } = share
    const known = taken.get(limitKey(unit, window)) ?? 0
    const first = amountOf(use.intent?.allotted ?? [], share)
    const before = decided === undefined ? known - first : known
    const after = before + first
    const spent = use.spent?.find((one) => limitOf(one) === limitOf(share))?.amount ?? null
    return {
      ...{ unit, amount, max: unitMax(grant, unit), slice: slices.get(unit) ?? null },
      ...{
        window: window ?? null,
        allotted: { before, after },
        held: heldAround(use, share),
        spent,
      },
    }
  })
  return [...takes, ...told]
}

function limitKey(unit: string, window: number | undefined): string {
  return `${unit} ${window ?? ''}`
}

function limitOf({ grant, unit, window }: Amount): string {
  return `${grant} ${limitKey(unit, window)}`
}

function heldAround({ holdings }: Use, share: Amount): Take['held'] {
  if (holdings === undefined) return null
  const { before, after, settled } = holdings
  return {
    before: amountOf(before, share),
    after: amountOf(after, share),
    settled: settled === null ? null : amountOf(settled, share),
  }
}

/** The chain above a grant, nearest first, as the grants themselves tell it. */
export async function readChain(
  log: EventLog,
  grants: readonly string[],
  use: Use,
): Promise<readonly (Link | { readonly unknown: string })[]> {
  const links: (Link | { readonly unknown: string })[] = []
  for (const grant of grants.slice(0, LINKS_MAX)) {
    links.push((await readLink(log, grant, use)) ?? { unknown: grant })
  }
  const [named] = links
  // A denial names only one grant: the rest of the chain is found from link to link.
  let above =
    grants.length === 1 && named !== undefined && 'grant' in named ? named.grant.parent : null
  while (above !== null && links.length < LINKS_MAX) {
    const link: Link | null = await readLink(log, above, use)
    links.push(link ?? { unknown: above })
    above = link?.grant.parent ?? null
  }
  return links
}

/** Chains have at most 32 links; a log that says otherwise is not followed further. */
const LINKS_MAX = 32
