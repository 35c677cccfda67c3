/**
 * Authority over a log: decisions on a cached fold, which catches up when it is asked to.
 *
 * 1. What was folded reaches up to one position of the log: its head before the first of the three
 *    kinds of stream was read. What a read finds beyond it may lack its counterpart, a debit its
 *    grant, and is read again by the next refresh.
 * 2. `observe` may run ahead of that position, stream by stream; an event at or before it is old
 *    news and is dropped, so that nothing forgotten comes back to life.
 * 3. Refreshing is single-flight. A caller who comes while one is under way shares the next one:
 *    the one under way has taken its head already and may miss what the caller knows of.
 */
import type { EventLog, RecordedEvent } from '@ice/events/ports'
import type { GrantId } from '@ice/primitives'
import { callDigest } from './call.ts'
import { decide } from './decide.ts'
import { rootGrant } from './grant.ts'
import { composeKinds } from './kinds.ts'
import type { Authority, ResourceKind } from './ports.ts'
import { authorityProjection, grantState } from './state.ts'

/** What authority is made of. */
export interface AuthorityComponents {
  readonly log: Pick<EventLog, 'readAll' | 'store'>
  /** Which resource kinds there are, from now on: `fsKind`, `toolKind`, or ones of a product. */
  readonly kinds: Iterable<ResourceKind>
  /** Dead grants remembered for the sake of a reason. @defaultValue 10,000 */
  readonly deadMax?: number
}

const PREFIXES = ['grant/', 'budget/', 'stop/'] as const

/**
 * Makes an authority that knows nothing yet: `refresh` it first.
 *
 * @throws {CapabilitiesError} `ICE_CAPABILITIES_KIND_CONFLICT` — two kinds have one name
 */
export function createAuthority(components: AuthorityComponents): Authority {
  const { log } = components
  const kinds = composeKinds(components.kinds)
  const { deadMax } = components
  const projection = authorityProjection(deadMax === undefined ? { kinds } : { kinds, deadMax })
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

  return {
    decide: (request) => decide(state, request),
    refresh: singleFlight(catchUp),
    callDigest,
    rootGrant: (spec) => rootGrant(spec, kinds),
    grant: (id: GrantId) => grantState(state.grants.get(id)),
    observe(events: Iterable<RecordedEvent>) {
      for (const event of events) {
        if (event.position > position) projection.evolve(state, event)
      }
    },
  }
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
