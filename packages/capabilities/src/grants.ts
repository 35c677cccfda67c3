/**
 * Commands on grants: each is one event of the grant's own stream, recorded with who gave it.
 *
 * A command is decided on the log as it is, and its append is guarded by what it was decided on.
 * When that has moved meanwhile, the command is decided anew, a bounded number of times.
 */
import { type Projection, projectLog, projectStream } from '@ice/events/define'
import type { AppendRequest, EventLog, Guard, NewEvent } from '@ice/events/ports'
import {
  type Clock,
  type EventId,
  type GrantId,
  hasCode,
  type Ids,
  type PrincipalId,
  type StreamId,
  type StreamVersion,
  type Timestamp,
} from '@ice/primitives'
import { checkAttenuation } from './attenuate.ts'
import { CAPABILITIES_CODES, CapabilitiesError } from './errors.ts'
import { issuable } from './grant.ts'
import { composeKinds, type ResourceKinds } from './kinds.ts'
import { CHAIN_LINKS_MAX, COMMAND_TRIES_MAX } from './limits.ts'
import { lineage } from './lineage.ts'
import type {
  Authority,
  DelegateCommand,
  Grant,
  GrantState,
  Grants,
  ResourceKind,
  RevokeCommand,
} from './ports.ts'
import { type AuthorityState, authorityProjection, type GrantEntry, grantState } from './state.ts'
import { clip, clippedList, shown } from './text.ts'

/** What commands on grants are made of. */
export interface GrantsComponents {
  readonly log: EventLog
  readonly authority: Authority
  /** The kinds the authority was composed with. */
  readonly kinds: Iterable<ResourceKind>
  readonly clock: Clock
  readonly ids: Ids
  /** Who gives commands that name nobody. */
  readonly principal?: PrincipalId
}

/**
 * Makes the commands.
 *
 * @throws {CapabilitiesError} `ICE_CAPABILITIES_KIND_CONFLICT` — two kinds have one name
 */
export function createGrants(components: GrantsComponents): Grants {
  const kinds = composeKinds(components.kinds)
  // Nothing is forgotten here: a list names every grant the log knows.
  const projection = authorityProjection({ kinds, deadMax: Number.POSITIVE_INFINITY })
  const room: Room = { ...components, kinds, projection }
  return {
    list: async () => {
      const { grants } = await allGrants(room)
      return [...grants.values()].map(grantState).filter((state) => state !== undefined)
    },
    delegate: (command) => delegate(room, command),
    revoke: (grant, command) => revoke(room, grant, command),
  }
}

interface Room extends Omit<GrantsComponents, 'kinds'> {
  readonly kinds: ResourceKinds
  readonly projection: Projection<AuthorityState>
}

/** The event that records a grant: the first of the stream `grant/<id>`. */
export function grantedEvent(grant: Grant, init: GrantedInit = {}): NewEvent {
  const { label, principal, causes } = init
  return {
    type: 'CapabilityGranted',
    data: { grant, ...(label === undefined ? {} : { label }) },
    ...(principal === undefined ? {} : { principal }),
    ...(causes === undefined ? {} : { causes }),
  }
}

/** What stands beside a grant in the event that records it. */
export interface GrantedInit {
  /** A name for people; at most 512 characters. */
  readonly label?: string
  readonly principal?: PrincipalId
  readonly causes?: readonly EventId[]
}

/** The stream of a grant. */
export function grantStream(grant: GrantId): StreamId {
  return `grant/${grant}` as StreamId
}

async function allGrants({ log, projection }: Room): Promise<AuthorityState> {
  const { state } = await projectLog(log, projection, { filter: { streamPrefix: 'grant/' } })
  return state
}

async function delegate(room: Room, command: DelegateCommand): Promise<GrantId> {
  const { authority, ids, log } = room
  const id = ids.nextGrantId()
  await retried(async () => {
    await authority.refresh([command.parent])
    const chain = lineage(authority, command.parent)
    const [parent] = chain
    if (parent === undefined) throw notFound(command.parent)
    const child = childOf(parent.grant, id, command)
    const reasons = escalations(room, chain, child)
    if (reasons.length > 0) throw escalation(command.parent, reasons)
    await log.append(delegation(room, chain, child, command))
  })
  await authority.refresh([id])
  return id

  function childOf(parent: Grant, childId: GrantId, asked: DelegateCommand): Grant {
    return issuable(
      {
        id: childId,
        holder: asked.holder,
        actions: asked.actions ?? parent.actions,
        resource: asked.resource ?? parent.resource,
        caveats: asked.caveats ?? [],
        parent: parent.id,
        delegable: asked.delegable ?? 0,
        notBefore: parent.notBefore,
        expiresAt: asked.expiresAt === undefined ? parent.expiresAt : asked.expiresAt,
        revocable: true,
      },
      room.kinds,
    )
  }
}

/** Why nothing can be hung below this chain, or not this child. */
function escalations(
  { kinds, clock }: Room,
  chain: readonly GrantState[],
  child: Grant,
): readonly string[] {
  const now = clock.now()
  const [parent] = chain as readonly [GrantState]
  const over = chain.map(({ grant, revokedBy, version }) => {
    if (revokedBy !== null) return `the grant ${grant.id} was revoked by ${revokedBy}`
    const isOver = version > 1 || (grant.expiresAt !== null && now >= grant.expiresAt)
    return isOver ? `the grant ${grant.id} has expired` : undefined
  })
  const root = chain.at(-1)?.grant
  return [
    ...over.filter((reason) => reason !== undefined),
    ...(root?.parent === null ? [] : [`the chain above ${root?.id} is broken`]),
    ...(chain.length < CHAIN_LINKS_MAX ? [] : [`a chain has at most ${CHAIN_LINKS_MAX} links`]),
    ...checkAttenuation({ parent: parent.grant, child, kinds }),
  ]
}

function delegation(
  room: Room,
  chain: readonly GrantState[],
  child: Grant,
  command: DelegateCommand,
): AppendRequest {
  const principal = command.principal ?? room.principal
  const ends = chain.map(({ grant }) => grant.expiresAt).filter((end) => end !== null)
  const guards: Guard[] = chain.map(({ grant, version }) => ({
    stream: grantStream(grant.id),
    version,
  }))
  const event = grantedEvent(child, {
    ...(principal === undefined ? {} : { principal }),
    causes: [`grant/${command.parent}@1` as EventId],
  })
  return {
    writes: [{ stream: grantStream(child.id), expectedVersion: 'no_stream', events: [event] }],
    guards: [...guards, { stream: 'stop/all' as StreamId, version: 0 }],
    ...(ends.length === 0 ? {} : { notAfter: (Math.min(...ends) - 1) as Timestamp }),
  }
}

async function revoke(
  room: Room,
  id: GrantId,
  { reason, principal = room.principal }: RevokeCommand,
): Promise<readonly GrantId[]> {
  const stream = grantStream(id)
  await retried(async () => {
    const { state } = await projectStream(room.log, room.projection, { stream })
    const entry = state.grants.get(id)
    if (entry === undefined) throw notFound(id)
    if (entry.revokedBy !== null) return
    // What is no grant at all can be ended like any other: nothing in it says otherwise.
    if (entry.grant?.revocable === false) throw notRevocable(id)
    const event = { type: 'CapabilityRevoked', data: { grant: id, reason } }
    const expectedVersion = entry.version as StreamVersion
    const events = [principal === undefined ? event : { ...event, principal }]
    await room.log.append({ writes: [{ stream, expectedVersion, events }] })
  })
  await room.authority.refresh([id])
  const { grants } = await allGrants(room)
  // It was there a moment ago, and a log forgets nothing.
  return reach(grants.get(id) as GrantEntry)
}

/** A grant and what is below it, nearest first, without what was revoked on its own. */
function reach(first: GrantEntry): readonly GrantId[] {
  const reached = [first]
  for (const { children } of reached) {
    for (const child of children ?? []) {
      if (child.revokedBy === null) reached.push(child)
    }
  }
  return reached.map((entry) => entry.id)
}

const MOVED = ['ICE_EVENTS_VERSION_CONFLICT', 'ICE_EVENTS_GUARD_CONFLICT', 'ICE_EVENTS_TOO_LATE']

/** Tries a command again while what it was decided on moves; the last conflict is thrown. */
async function retried(attempt: () => Promise<void>): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await attempt()
    } catch (error) {
      const hasMoved = MOVED.some((code) => hasCode(error, code))
      if (!hasMoved || tries === COMMAND_TRIES_MAX) throw error
    }
  }
}

function notFound(grant: GrantId): CapabilitiesError {
  const message = `No grant ${shown(grant)} is known`
  return new CapabilitiesError(CAPABILITIES_CODES.grantNotFound, message, {
    grant: clip(String(grant)),
  })
}

function notRevocable(grant: GrantId): CapabilitiesError {
  const message = `The grant ${grant} was issued as one that cannot be revoked`
  return new CapabilitiesError(CAPABILITIES_CODES.notRevocable, message, { grant })
}

function escalation(parent: GrantId, reasons: readonly string[]): CapabilitiesError {
  return new CapabilitiesError(
    CAPABILITIES_CODES.escalation,
    `Nothing like that can be made from the grant ${parent}: ${reasons.join('; ')}`,
    { parent, reasons: clippedList(reasons) },
  )
}
