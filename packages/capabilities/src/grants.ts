/**
 * Commands on grants: each is one event of the grant's own stream, recorded with who gave it.
 *
 * A command is decided on the log as it is, and its append is guarded by what it was decided on.
 * When that has moved meanwhile, the command is decided anew, a bounded number of times.
 */
import { type Projection, projectLog, projectStream } from '@ice/events/define'
import type { AppendRequest, EventLog, Guard, NewEvent } from '@ice/events/ports'
import type {
  Clock,
  EventId,
  GrantId,
  Ids,
  PrincipalId,
  StreamId,
  StreamVersion,
  Timestamp,
} from '@ice/primitives'
import { checkAttenuation } from './attenuate.ts'
import { CAPABILITIES_CODES, CapabilitiesError } from './errors.ts'
import { issuable } from './grant.ts'
import { composeKinds, type ResourceKinds } from './kinds.ts'
import { CHAIN_LINKS_MAX } from './limits.ts'
import { lineage } from './lineage.ts'
import type {
  Authority,
  DelegateCommand,
  EndingPreview,
  EndingTarget,
  Grant,
  GrantState,
  Grants,
  ResourceKind,
  RevokeGrantCommand,
  StopState,
} from './ports.ts'
import { endingPreview, readOpenRuns, stopEnding } from './preview.ts'
import { retried } from './retried.ts'
import { type AuthorityState, authorityProjection, type GrantEntry, grantState } from './state.ts'
import { checkScope, readStop, readStops, turn } from './stop-commands.ts'
import { stopStream } from './stops.ts'
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
    // A switch that was just thrown has been touched.
    stop: async (scope, command) =>
      (await turn(room, scope, { ...command, stop: true })) as StopState,
    resume: (scope, command) => turn(room, scope, { ...command, stop: false }),
    stops: () => readStops(room),
    preview: (target) => preview(room, target),
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
  readonly principal?: PrincipalId | undefined
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
    const stop = await readStop(room, 'all')
    const reasons = [
      ...(stop?.stopped === true ? ['everything is stopped'] : []),
      ...escalations(room, chain, child),
    ]
    if (reasons.length > 0) throw escalation(command.parent, reasons)
    const stops = { stream: stopStream('all'), version: stop?.version ?? 0 }
    await log.append(delegation(room, chain, child, { ...command, stops }))
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
  command: DelegateCommand & { readonly stops: Guard },
): AppendRequest {
  const principal = command.principal ?? room.principal
  const ends = chain.map(({ grant }) => grant.expiresAt).filter((end) => end !== null)
  const guards: Guard[] = chain.map(({ grant, version }) => ({
    stream: grantStream(grant.id),
    version,
  }))
  const event = grantedEvent(child, { principal, causes: [`grant/${command.parent}@1` as EventId] })
  return {
    writes: [{ stream: grantStream(child.id), expectedVersion: 'no_stream', events: [event] }],
    guards: [...guards, command.stops],
    ...(ends.length === 0 ? {} : { notAfter: (Math.min(...ends) - 1) as Timestamp }),
  }
}

async function revoke(
  room: Room,
  id: GrantId,
  { reason, principal = room.principal, compensations = false }: RevokeGrantCommand,
): Promise<readonly GrantId[]> {
  const stream = grantStream(id)
  await retried(async () => {
    const { state } = await projectStream(room.log, room.projection, { stream })
    const entry = state.grants.get(id)
    if (entry === undefined) throw notFound(id)
    const isEnded = compensations ? entry.compensationsEnded : entry.revokedBy !== null
    if (isEnded) return
    // What is no grant at all can be ended like any other: nothing in it says otherwise.
    if (entry.grant?.revocable === false) throw notRevocable(id)
    const more = compensations ? { compensations: true } : {}
    const event = { type: 'CapabilityRevoked', data: { grant: id, reason, ...more } }
    const expectedVersion = entry.version as StreamVersion
    const events = [principal === undefined ? event : { ...event, principal }]
    await room.log.append({ writes: [{ stream, expectedVersion, events }] })
  })
  await room.authority.refresh([id])
  return ended(room, id)
}

/**
 * A grant and what hangs below it. Of one that cannot be delegated that is itself alone, and its
 * own stream says so; what hangs below another was recorded after it, so nothing before is read.
 */
async function ended({ log, projection }: Room, id: GrantId): Promise<readonly GrantId[]> {
  const state = projection.initialState()
  let since: number | undefined
  for await (const batch of log.read({ stream: grantStream(id) })) {
    for (const event of batch) {
      since ??= event.position
      projection.evolve(state, event)
    }
  }
  const entry = state.grants.get(id)
  if (since === undefined || entry === undefined) throw notFound(id)
  if ((entry.grant?.delegable ?? 0) === 0) return [id]
  for await (const batch of log.readAll({ after: since, filter: { streamPrefix: 'grant/' } })) {
    for (const event of batch) projection.evolve(state, event)
  }
  return reach(entry)
}

async function preview(room: Room, target: EndingTarget): Promise<EndingPreview> {
  if ('scope' in target) checkScope(target.scope)
  const { grants: known } = await allGrants(room)
  const runs = await readOpenRuns(room.log)
  const ending =
    'grant' in target
      ? { grants: new Set(below(known.get(target.grant), target.grant)), concerns: () => false }
      : stopEnding(target.scope, runs, known.values())
  const now = room.clock.now()
  const living = [...known.values()].filter((entry) => isLiving(entry, now)).map(({ id }) => id)
  return {
    grants: living.filter((id) => ending.grants.has(id)),
    ...endingPreview(runs, ending),
  }
}

function below(entry: GrantEntry | undefined, id: GrantId): readonly GrantId[] {
  if (entry === undefined) throw notFound(id)
  return reach(entry)
}

function isLiving({ dead, grant }: GrantEntry, now: Timestamp): boolean {
  return !dead && (grant?.expiresAt ?? Number.POSITIVE_INFINITY) > now
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
