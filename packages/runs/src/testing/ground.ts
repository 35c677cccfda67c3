/**
 * What runs stand on, as a process of a simulation has it: a log over the store, authority, grants.
 *
 * The one file of this package that needs the values of its siblings: a kit has to put together
 * what it tries. Nothing outside of `testing` reaches it.
 */
import { createAuthority, createGrants, secretKind, spawnKind, toolKind } from '@ice/capabilities'
import type { Authority, Grants, ResourceKind } from '@ice/capabilities/ports'
import { composeTaxonomy, createEventLog, memoryEventStore, standardTypes } from '@ice/events'
import type { EventLog, EventStore } from '@ice/events/ports'
import type { Clock, GrantId, Ids, PrincipalId, StreamId } from '@ice/primitives'
import type { GrantSpec } from '../ports.ts'

/** On whose command everything is done. */
export const PRINCIPAL: PrincipalId = 'os:simulation' as PrincipalId

const taxonomy = composeTaxonomy(standardTypes)

/** The store in memory. */
export function groundStore(clock: Clock): EventStore {
  return memoryEventStore({ clock })
}

/** The log as it is, without a network in between. */
export function groundLog(store: EventStore, clock: Clock): EventLog {
  return createEventLog({ store, taxonomy, clock })
}

/** What a process has. */
export interface Ground {
  readonly log: EventLog
  readonly authority: Authority
  readonly grants: Grants
  readonly ids: Ids
}

/** Puts together what a process has. */
export function createGround(init: {
  readonly store: EventStore
  readonly clock: Clock
  readonly ids: Ids
  readonly kinds: readonly ResourceKind[] | undefined
}): Ground {
  const { store, clock, ids, kinds = [toolKind, secretKind, spawnKind] } = init
  const log = groundLog(store, clock)
  const authority = createAuthority({ log, kinds })
  const grants = createGrants({ log, authority, kinds, clock, ids, principal: PRINCIPAL })
  return { log, authority, grants, ids }
}

/** Issues grants to whoever acts on the command of the simulation, by name. */
export async function issueGrants(
  { log, authority, ids }: Ground,
  specs: Readonly<Record<string, GrantSpec>>,
): Promise<Readonly<Record<string, GrantId>>> {
  const issued: Record<string, GrantId> = {}
  for (const [name, spec] of Object.entries(specs)) {
    const id = ids.nextGrantId()
    const grant = authority.rootGrant({ id, holder: `principal/${PRINCIPAL}`, ...spec })
    const events = [{ type: 'CapabilityGranted', data: { grant } }]
    const stream = `grant/${id}` as StreamId
    await log.append({ writes: [{ stream, expectedVersion: 'no_stream', events }] })
    issued[name] = id
  }
  return issued
}
