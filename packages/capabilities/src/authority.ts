/**
 * Authority over a log: decisions on a cached fold, which catches up when it is asked to.
 *
 * 1. What was folded reaches up to one position of the log: its head before the first of the four
 *    kinds of stream was read. What a read finds beyond it may lack its counterpart, a slice its
 *    grant, and is read again by the next refresh.
 * 2. `observe` may run ahead of that position, stream by stream; an event at or before it is old
 *    news and is dropped, so that nothing forgotten comes back to life.
 * 3. Refreshing all is single-flight. A caller who comes while one is under way shares the next
 *    one: the one under way has taken its head already and may miss what the caller knows of.
 * 4. Refreshing some reads their own streams and nothing else: what a run needs costs its chain,
 *    however long the log is and whatever else it holds. Only what was asked for is in memory, and
 *    when that becomes too much it is dropped and asked for again.
 */
import type { EventLog, RecordedEvent } from '@ice/events/ports'
import type { GrantId, StreamId } from '@ice/primitives'
import { basisOf } from './basis.ts'
import { budgetStream, slicesOf } from './budget.ts'
import { callDigest } from './call.ts'
import { decide } from './decide.ts'
import { rootGrant } from './grant.ts'
import { holderParts } from './holder.ts'
import { composeKinds } from './kinds.ts'
import { CACHED_GRANTS_MAX, CHAIN_LINKS_MAX } from './limits.ts'
import { POLICY_STREAM } from './policy.ts'
import type { Authority, Ceiling, Party, ResourceKind } from './ports.ts'
import { type AuthorityState, authorityProjection, grantState } from './state.ts'
import { stopStream, stopStreams, stopsOfHolder } from './stops.ts'

/** What authority is made of. */
export interface AuthorityComponents {
  readonly log: Pick<EventLog, 'read' | 'readAll' | 'store'>
  /** Which resource kinds there are, from now on: `fsKind`, `toolKind`, or ones of a product. */
  readonly kinds: Iterable<ResourceKind>
  /** The organisation's policy: nothing is allowed unless it is the one in force in the log. */
  readonly ceiling?: Ceiling
  /** Dead grants remembered for the sake of a reason. @defaultValue 10,000 */
  readonly deadMax?: number
  /** Grants kept in memory before all are dropped. @defaultValue 50,000 */
  readonly cachedMax?: number
}

const PREFIXES = ['grant/', 'budget/', 'stop/', 'policy/'] as const

/**
 * Makes an authority that knows nothing yet: `refresh` it first.
 *
 * @throws {CapabilitiesError} `ICE_CAPABILITIES_KIND_CONFLICT` — two kinds have one name
 * @throws {CapabilitiesError} `ICE_CAPABILITIES_CEILING_UNSUPPORTED` — the ceiling is none
 */
export function createAuthority(components: AuthorityComponents): Authority {
  const { log } = components
  const kinds = composeKinds(components.kinds)
  const projection = authorityProjection({ ...components, kinds })
  const state = projection.initialState()
  let position = 0

  async function catchUp(): Promise<void> {
    const head = await log.store.head()
    if (head.position <= position) return
    for (const streamPrefix of PREFIXES) {
      for await (const batch of log.readAll({ after: position, filter: { streamPrefix } })) {
        for (const event of batch) projection.evolve(state, event)
      }
    }
    position = head.position
  }

  async function follow(stream: string, after: number): Promise<void> {
    for await (const batch of log.read({ stream: stream as StreamId, after })) {
      for (const event of batch) projection.evolve(state, event)
    }
  }

  /** Reads a grant and those above it up to their ends, with what else a decision on it needs. */
  async function load(first: GrantId): Promise<void> {
    let next: GrantId | null | undefined = first
    for (let links = 0; next != null && links <= CHAIN_LINKS_MAX; links += 1) {
      const id: GrantId = next
      await follow(`grant/${id}`, state.grants.get(id)?.version ?? 0)
      const entry = state.grants.get(id)
      const { grant, budget } = entry ?? {}
      if (budget !== undefined) await follow(budgetStream(id), budget.version)
      for (const stop of stopsOfHolder(holderParts(grant?.holder))) await followStop(stop)
      next = grant?.parent
    }
  }

  const followStop = (stream: StreamId): Promise<void> =>
    follow(stream, state.stops.get(stream)?.version ?? 0)

  async function loadAll(grants: readonly GrantId[], party: Party | undefined): Promise<void> {
    if (state.grants.size > (components.cachedMax ?? CACHED_GRANTS_MAX)) {
      state.grants.clear()
      state.dead.clear()
      state.stops.clear()
      position = 0
    }
    for (const stop of stopsOfParty(party)) await followStop(stop)
    await follow(POLICY_STREAM, state.policy.guard.version)
    for (const grant of new Set(grants)) await load(grant)
  }

  const refreshAll = singleFlight(catchUp)
  return {
    decide: (request) => decide(state, request),
    basis: (request) => basisOf(state, request),
    refresh: (grants, party) => (grants === undefined ? refreshAll() : loadAll(grants, party)),
    callDigest,
    rootGrant: (spec) => rootGrant(spec, kinds),
    grant: (id: GrantId) => grantState(state.grants.get(id)),
    slices: slicesIn(state),
    observe(events: Iterable<RecordedEvent>) {
      for (const event of events) {
        if (event.position > position) projection.evolve(state, event)
      }
    },
  }
}

function slicesIn({ grants }: AuthorityState): Authority['slices'] {
  return (grant, run) => {
    const budget = grants.get(grant)?.budget
    return budget && { version: budget.version, held: slicesOf(budget, run) }
  }
}

/** The switches that a refresh for somebody reads; for nobody that of everything. */
function stopsOfParty(party: Party | undefined): readonly StreamId[] {
  return party === undefined ? [stopStream('all')] : stopStreams(party)
}

/** At most one run of `work` at a time, and one more that all who came meanwhile share. */
function singleFlight(work: () => Promise<void>): () => Promise<void> {
  let current: Promise<void> | undefined
  let next: Promise<void> | undefined
  function begin(): Promise<void> {
    current = work().finally(() => {
      current = undefined
    })
    return current
  }
  return () => {
    if (next !== undefined) return next
    if (current === undefined) return begin()
    const follow = (): Promise<void> => {
      next = undefined
      return begin()
    }
    // Whether the one under way fails is told to those who wait for it; this one is its own.
    next = current.then(follow, follow)
    return next
  }
}
