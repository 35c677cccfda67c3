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
  /** The stop in force for everything, for its holder, or for who handed it on. */
  stoppedBy: EventId | null
  /** What went out of each limit; of a rate, in its newest window. */
  readonly taken: Map<string, { amount: number; readonly window: number | undefined }>
  /** Runs that it was bound to, the first of them. */
  readonly runs: string[]
  /** How many runs in all. */
  runCount: number
}

/** Runs of one grant that are named. */
const RUNS_KEPT = 16

/** All grants of a log, oldest first. */
export type GrantMap = ReadonlyMap<GrantId, GrantRecord>

const TYPES = [
  'CapabilityGranted',
  'CapabilityRevoked',
  'CountDebited',
  'BudgetAllotted',
  'BudgetReturned',
  'RunTerminated',
  'RunCreated',
  'AuthorityStopped',
  'AuthorityResumed',
]

/** Folds every grant. @param now - epoch milliseconds that expiries are held against */
export async function readGrants(log: EventLog, now: number): Promise<GrantMap> {
  const grants = new Map<GrantId, GrantRecord>()
  const ended = new Set<string>()
  const stops = new Map<string, EventId>()
  const created: RecordedEvent[] = []
  for await (const batch of log.readAll({ filter: { types: TYPES } })) {
    for (const event of batch) {
      if (event.stream.startsWith('stop/')) stop(stops, event)
      // A run is created before the grants that are issued with it, in one append.
      else if (event.type === 'RunCreated') created.push(event)
      else {
        take(grants, ended, event)
        while (created[0] !== undefined && event.type !== 'CapabilityGranted') {
          bind(grants, created.shift() as RecordedEvent)
        }
      }
    }
  }
  for (const event of created) bind(grants, event)
  // Parents stand before their children, because a child names an event of its parent.
  for (const record of grants.values()) {
    record.standing = standingOf(record, now, ended)
    const { parent, holder } = record.grant
    const above = parent === null ? undefined : grants.get(parent)
    const scope = holder.replace(/^principal\//, 'operator/')
    record.stoppedBy = stops.get('all') ?? stops.get(scope) ?? above?.stoppedBy ?? null
    if (above === undefined || above.standing === 'active' || record.standing !== 'active') continue
    record.standing = above.standing
    record.endedBy = above.endedBy ?? above.grant.id
  }
  return grants
}

/** What is stopped; whatever is no lift of a scope stops it. */
function stop(stops: Map<string, EventId>, { type, data, id }: RecordedEvent): void {
  const { scope } = data as { readonly scope: string }
  if (type === 'AuthorityResumed') stops.delete(scope)
  else stops.set(scope, id)
}

/** The limits of a grant, with what went out of each. */
export function limitsOf({ grant, taken }: GrantRecord): readonly LimitNote[] {
  const units = grant.caveats.flatMap(({ kind, ...caveat }) => {
    if (kind === 'count') return ['uses']
    if (kind === 'rate') return ['rate']
    return kind === 'budget' && 'unit' in caveat ? [caveat.unit] : []
  })
  return [...new Set(units)].map((unit) => {
    const max = unitMax(grant, unit) ?? 0
    const { amount = 0, window = null } = taken.get(unit) ?? {}
    return { unit, max, taken: amount, left: Math.max(0, max - amount), window }
  })
}

/** One limit: what is taken is spent, or held by runs that give back what they do not spend. */
export interface LimitNote {
  readonly unit: string
  readonly max: number
  readonly taken: number
  readonly left: number
  /** Of a rate: the number of the newest window that something was taken in. */
  readonly window: number | null
}

function bind(grants: Map<GrantId, GrantRecord>, { data }: RecordedEvent): void {
  const { run, grants: bound } = data as StandardPayloads['RunCreated']
  for (const { grant } of bound) {
    const record = grants.get(grant as GrantId)
    if (record === undefined) continue
    record.runCount += 1
    if (record.runs.length < RUNS_KEPT) record.runs.push(run)
  }
}

function count(record: GrantRecord, { type, data }: RecordedEvent): void {
  const { unit, amount, window } = data as StandardPayloads['BudgetAllotted']
  const known = record.taken.get(unit)
  if (known === undefined || (window ?? 0) > (known.window ?? 0)) {
    record.taken.set(unit, { amount: type === 'BudgetAllotted' ? amount : 0, window })
  } else if (known.window === window) known.amount += type === 'BudgetAllotted' ? amount : -amount
}

/** Whether an event of a budget came to something: a draw of more than was left does not. */
function isGiven({ grant, taken }: GrantRecord, { data }: RecordedEvent): boolean {
  const { unit, amount, window, ifLeft } = data as StandardPayloads['BudgetAllotted']
  if (ifLeft !== true) return true
  const known = taken.get(unit)
  const before = known?.window === window ? (known?.amount ?? 0) : 0
  return before + amount <= (unitMax(grant, unit) ?? 0)
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
    const { count: uses } = event.data as StandardPayloads['CountDebited']
    record.uses += uses
    const { amount = 0 } = record.taken.get('uses') ?? {}
    record.taken.set('uses', { amount: amount + uses, window: undefined })
    return
  }
  if (event.type === 'BudgetAllotted' || event.type === 'BudgetReturned') {
    const { unit, amount } = event.data as StandardPayloads['BudgetAllotted']
    if (!isGiven(record, event)) return
    count(record, event)
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
    stoppedBy: null,
    taken: new Map(),
    runs: [],
    runCount: 0,
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
