/**
 * The state of authority: every grant with its budget, and the stop switches, as a fold.
 *
 *     grant/<id>     CapabilityGranted, then at most a revocation or an expiry
 *     budget/<id>    BudgetAllotted and BudgetReturned (see `budget.ts`)
 *     stop/<scope>   thrown and lifted; what is not understood throws it (see `stops.ts`)
 *     policy/ceiling PolicyAdopted (see `policy.ts`)
 *
 * 1. An event is taken only as the next of its stream. One that is repeated, or runs ahead of
 *    what is known, changes nothing, so events may be fed in any order and more than once.
 * 2. What a stream of grants holds beyond this vocabulary makes its grant unusable: it was meant
 *    to narrow, in a way this program does not know.
 * 3. A grant that is revoked or expired, and all below it, is *dead*. The last 10,000 of these are
 *    remembered, to be refused with their reason; older ones are forgotten, and refused as unknown.
 */

import type { Projection } from '@ice/events/define'
import type { RecordedEvent } from '@ice/events/ports'
import {
  type EventId,
  type GrantId,
  isGrantId,
  type PrincipalId,
  type Timestamp,
} from '@ice/primitives'
import { type Budget, createBudget, evolveBudget } from './budget.ts'
import { caveatRules } from './caveat.ts'
import { sealCeiling } from './ceiling.ts'
import type { Chain } from './chain.ts'
import { structuralFaults } from './grant.ts'
import { createIntern, type Intern } from './intern.ts'
import type { ResourceKinds } from './kinds.ts'
import { DEAD_GRANTS_MAX } from './limits.ts'
import { isRecord, own } from './plain.ts'
import { createPolicy, evolvePolicy, type PolicyState } from './policy.ts'
import type { Ceiling, Grant, GrantState } from './ports.ts'
import { evolveStop, type StopSwitches } from './stops.ts'
import { shown } from './text.ts'

/** A grant as it is known. Changes in place as its stream is folded. */
export interface GrantEntry {
  readonly id: GrantId
  /** As recorded; `undefined` when what was recorded is no grant. */
  readonly grant: Grant | undefined
  readonly label: string | null
  readonly issuedBy: PrincipalId | null
  readonly issuedAt: Timestamp
  /** `undefined` when nothing of it is counted. */
  readonly budget: Budget | undefined
  /** Grants hung directly below; created with the first. */
  children: Set<GrantEntry> | undefined
  /** Why it authorises nothing, whatever is asked. */
  fault: string | undefined
  revokedBy: EventId | null
  /** A revocation said that it ends the rights to compensations. */
  compensationsEnded: boolean
  /** Its expiry was recorded. */
  ended: boolean
  dead: boolean
  /** Version of its stream. */
  version: number
  /** Memo of `chainOf`; none while the grant is dead. */
  chain: Chain | undefined
}

/** What decisions are made on. */
export interface AuthorityState {
  readonly kinds: ResourceKinds
  readonly intern: Intern
  readonly grants: Map<string, GrantEntry>
  /** Stop switches that have an event. */
  readonly stops: StopSwitches
  readonly policy: PolicyState
  /** Dead grants in the order of their end. */
  readonly dead: Set<GrantEntry>
}

/** How much of the past a projection keeps. */
export interface AuthorityProjectionOptions {
  readonly kinds: ResourceKinds
  /** The policy loaded here. @defaultValue none */
  readonly ceiling?: Ceiling
  /** @defaultValue 10,000 */
  readonly deadMax?: number
}

/** The fold behind every decision. Pure and total; changes its state in place. */
export function authorityProjection(
  options: AuthorityProjectionOptions,
): Projection<AuthorityState> {
  const { kinds, deadMax = DEAD_GRANTS_MAX } = options
  const ceiling = options.ceiling === undefined ? null : sealCeiling(options.ceiling)
  return {
    name: 'authority',
    initialState: () => ({
      kinds,
      intern: createIntern(),
      grants: new Map(),
      stops: new Map(),
      policy: createPolicy(ceiling),
      dead: new Set(),
    }),
    evolve(state, event) {
      const { stream } = event
      if (stream.startsWith('grant/')) evolveGrant(state, event, deadMax)
      else if (stream.startsWith('budget/')) evolveLimited(state, event)
      else if (stream.startsWith('stop/')) evolveStop(state.stops, event)
      else if (stream.startsWith('policy/')) evolvePolicy(state.policy, event)
      return state
    },
  }
}

/** A grant as others see it; `undefined` when what was recorded is no grant. */
export function grantState(entry: GrantEntry | undefined): GrantState | undefined {
  if (entry?.grant === undefined) return undefined
  const { grant, label, issuedBy, issuedAt, revokedBy, version } = entry
  return { grant, label, issuedBy, issuedAt, revokedBy, version }
}

function evolveGrant(state: AuthorityState, event: RecordedEvent, deadMax: number): void {
  const id = event.stream.slice('grant/'.length)
  const entry = state.grants.get(id)
  if (entry === undefined) {
    if (event.version === 1 && isGrantId(id)) issue(state, event, id)
  } else if (event.version === entry.version + 1) narrow(state, entry, event)
  if (state.dead.size > deadMax) forget(state, deadMax)
}

function issue(state: AuthorityState, event: RecordedEvent, id: GrantId): void {
  if (event.type !== 'CapabilityGranted' || !isRecord(event.data)) return
  const recorded = own(event.data, 'grant')
  const label = own(event.data, 'label')
  const { grant, fault } = readGrant(recorded, id, state.intern)
  const entry: GrantEntry = {
    id,
    grant,
    label: typeof label === 'string' ? label : null,
    issuedBy: event.principal ?? null,
    issuedAt: event.time,
    budget: createBudget(id, caveatRules(grant?.caveats ?? []).limits),
    children: undefined,
    fault,
    revokedBy: null,
    compensationsEnded: false,
    ended: false,
    dead: false,
    version: 1,
    chain: undefined,
  }
  state.grants.set(id, entry)
  const parent = parentOf(state, entry)
  if (parent === undefined) return
  parent.children ??= new Set()
  parent.children.add(entry)
  if (parent.dead) bury(state, entry)
}

/** A grant, as a copy that shares nothing with the event, or why it is none. */
function readGrant(
  recorded: unknown,
  id: GrantId,
  intern: Intern,
): Pick<GrantEntry, 'grant' | 'fault'> {
  const [fault] = structuralFaults(recorded)
  if (fault !== undefined) return { grant: undefined, fault }
  const source = recorded as Grant
  if (source.id !== id) return { grant: undefined, fault: 'its id is not that of its stream' }
  try {
    const [actions, resource] = [intern(source.actions), intern(source.resource)]
    const grant = { ...source, actions, resource, caveats: intern(source.caveats) }
    return { grant: Object.freeze(grant), fault: undefined }
  } catch {
    // Only a log that did not go through the gateway holds what canonical JSON refuses.
    return { grant: undefined, fault: 'it is not JSON' }
  }
}

function parentOf(state: AuthorityState, entry: GrantEntry): GrantEntry | undefined {
  const parent = entry.grant?.parent ?? null
  return parent === null ? undefined : state.grants.get(parent)
}

function narrow(state: AuthorityState, entry: GrantEntry, event: RecordedEvent): void {
  entry.version = event.version
  if (event.type === 'CapabilityRevoked') {
    entry.revokedBy ??= event.id
    const isWhole = isRecord(event.data) && own(event.data, 'compensations') === true
    entry.compensationsEnded ||= isWhole
  } else if (event.type === 'CapabilityExpired') entry.ended = true
  else entry.fault ??= `its stream holds ${shown(event.type)}`
  bury(state, entry)
}

/** Marks a grant and all below it as dead; without recursion, for chains can be hostile. */
function bury(state: AuthorityState, first: GrantEntry): void {
  const pending = [first]
  for (let entry = pending.pop(); entry !== undefined; entry = pending.pop()) {
    if (entry.dead) continue
    entry.dead = true
    entry.chain = undefined
    state.dead.add(entry)
    for (const child of entry.children ?? []) pending.push(child)
  }
}

/** Forgets the oldest of the dead, down to so many. */
function forget(state: AuthorityState, deadMax: number): void {
  for (const oldest of state.dead) {
    if (state.dead.size <= deadMax) return
    state.dead.delete(oldest)
    state.grants.delete(oldest.id)
    parentOf(state, oldest)?.children?.delete(oldest)
  }
}

function evolveLimited(state: AuthorityState, event: RecordedEvent): void {
  const budget = state.grants.get(event.stream.slice('budget/'.length))?.budget
  if (budget !== undefined && event.version === budget.version + 1) evolveBudget(budget, event)
}
