/** Grants as a reader sees them: who holds what, what became of it, what of it went out. */
import type { Grant } from '@ice/capabilities/ports'
import type { StandardPayloads } from '@ice/events'
import type { EventLog, RecordedEvent } from '@ice/events/ports'
import type { EventId, GrantId } from '@ice/primitives'

/** What a grant can be: `spent` when its count is used up, `over` when the run it is for ended. */
export type GrantStanding = 'active' | 'not-yet' | 'revoked' | 'expired' | 'spent' | 'over'

/** A grant, and everything the log says of it. */
export interface GrantRecord {
  readonly grant: Grant
  readonly label: string | null
  readonly event: EventId
  readonly issuedBy: string | null
  readonly issuedAt: number
  revoked: {
    readonly event: EventId
    readonly at: number
    by: string | null
    reason: string
  } | null
  /** Uses that are spent or held by runs as slices: what a run does not spend comes back. */
  uses: number
  /** By itself; what is above it may end it too. */
  standing: GrantStanding
  /** The nearest grant above it that ended it, if one did. */
  endedBy: GrantId | null
}

/** All grants of a log, oldest first. */
export type GrantMap = ReadonlyMap<GrantId, GrantRecord>

const TYPES = [
  'CapabilityGranted',
  'CapabilityRevoked',
  'CountDebited',
  'BudgetAllotted',
  'BudgetReturned',
  'RunTerminated',
]

/** Folds every grant. @param now - epoch milliseconds that expiries are held against */
export async function readGrants(log: EventLog, now: number): Promise<GrantMap> {
  const grants = new Map<GrantId, GrantRecord>()
  const ended = new Set<string>()
  for await (const batch of log.readAll({ filter: { types: TYPES } })) {
    for (const event of batch) take(grants, ended, event)
  }
  // Parents stand before their children, because a child names an event of its parent.
  for (const record of grants.values()) {
    record.standing = standingOf(record, now, ended)
    const { parent } = record.grant
    const above = parent === null ? undefined : grants.get(parent)
    if (above === undefined || above.standing === 'active' || record.standing !== 'active') continue
    record.standing = above.standing
    record.endedBy = above.endedBy ?? above.grant.id
  }
  return grants
}

function take(grants: Map<GrantId, GrantRecord>, ended: Set<string>, event: RecordedEvent): void {
  if (event.type === 'RunTerminated') {
    ended.add(event.stream)
    return
  }
  if (event.type === 'CapabilityGranted') {
    const record = grantOf(event)
    if (!grants.has(record.grant.id)) grants.set(record.grant.id, record)
    return
  }
  const { grant } = event.data as { readonly grant: GrantId }
  const record = grants.get(grant)
  if (record === undefined) return
  if (event.type === 'CountDebited') {
    record.uses += (event.data as StandardPayloads['CountDebited']).count
    return
  }
  if (event.type === 'BudgetAllotted' || event.type === 'BudgetReturned') {
    const { unit, amount } = event.data as StandardPayloads['BudgetAllotted']
    if (unit === 'uses') record.uses += event.type === 'BudgetAllotted' ? amount : -amount
    return
  }
  const { reason } = event.data as StandardPayloads['CapabilityRevoked']
  record.revoked ??= { event: event.id, at: event.time, by: event.principal ?? null, reason }
}

/** A grant as its first event tells it. */
export function grantOf(event: RecordedEvent): GrantRecord {
  const { grant, label } = event.data as StandardPayloads['CapabilityGranted']
  return {
    grant: grant as unknown as Grant,
    label: label ?? null,
    event: event.id,
    issuedBy: event.principal ?? null,
    issuedAt: event.time,
    revoked: null,
    uses: 0,
    standing: 'active',
    endedBy: null,
  }
}

/** The most uses a grant allows; `null` when they are not counted. */
export function usesMax(grant: Grant): number | null {
  return unitMax(grant, 'uses')
}

/** The most of a unit that a grant allows; `null` when it is not limited. */
export function unitMax({ caveats }: Grant, unit: string): number | null {
  const limits = caveats.flatMap((caveat) => {
    if (caveat.kind === 'count') return unit === 'uses' ? [caveat.max] : []
    if (caveat.kind === 'rate') return unit === 'rate' ? [caveat.max] : []
    return caveat.kind === 'budget' && caveat.unit === unit ? [caveat.max] : []
  })
  return limits.length === 0 ? null : Math.min(...limits)
}

function standingOf(
  { grant, revoked, uses }: GrantRecord,
  now: number,
  ended: ReadonlySet<string>,
): GrantStanding {
  if (revoked !== null) return 'revoked'
  if (grant.expiresAt !== null && now >= grant.expiresAt) return 'expired'
  const max = usesMax(grant)
  if (max !== null && uses >= max) return 'spent'
  if (ended.has(grant.holder)) return 'over'
  return now < grant.notBefore ? 'not-yet' : 'active'
}

/** A grant and all below it, nearest first. */
export function descendants(grants: GrantMap, root: GrantId): readonly GrantRecord[] {
  const children = new Map<GrantId, GrantRecord[]>()
  for (const record of grants.values()) {
    const { parent } = record.grant
    if (parent === null) continue
    const siblings = children.get(parent)
    if (siblings === undefined) children.set(parent, [record])
    else siblings.push(record)
  }
  const first = grants.get(root)
  const reached = first === undefined ? [] : [first]
  for (const { grant } of reached) reached.push(...(children.get(grant.id) ?? []))
  return reached
}
