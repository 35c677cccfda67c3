/**
 * The right to a compensation, as it stands when it is used: that of the intent, for as long as
 * nobody has ended it on purpose.
 *
 *     intent ── basis: grants of its chains, stop switches, at versions ──► right
 *                  an ordinary revocation, an expiry     outlived
 *                  a revocation that says `compensations`, a stop in force   its end
 *
 * The streams of the basis are read to their ends, and `CompensationStarted` guards what was read:
 * so a revocation that says so and comes in between is not passed over.
 */

import type { EventLog, Guard, RecordedEvent } from '@ice/events/ports'
import type { EventId, GrantId, StreamId, StreamVersion } from '@ice/primitives'
import type { EffectGrant } from './ports.ts'

/** A right as it stands. */
export interface Right {
  /** What must not have moved when it is used. */
  readonly guards: readonly Guard[]
  /** What ended it; none: it holds. */
  readonly endedBy: readonly EventId[]
  /** A chain from a grant to its root, with the resources a handler is held to. */
  grantOf(id: GrantId): (EffectGrant & { readonly chain: readonly GrantId[] }) | null
}

interface Link {
  readonly resource: EffectGrant['resources'][number]
  readonly parent: GrantId | null
}

/** Reads the right that an intent has reserved. */
export async function readRight(
  log: Pick<EventLog, 'read'>,
  basis: readonly { readonly stream: string }[],
): Promise<Right> {
  const guards: Guard[] = []
  const endedBy: EventId[] = []
  const links = new Map<string, Link>()
  for (const { stream } of basis) {
    const isGrant = stream.startsWith('grant/')
    if (!isGrant && !stream.startsWith('stop/')) continue
    const events: RecordedEvent[] = []
    for await (const batch of log.read({ stream: stream as StreamId })) events.push(...batch)
    guards.push({ stream: stream as StreamId, version: events.length as StreamVersion })
    const end = isGrant ? endOfGrant(events) : endOfStop(events)
    if (end !== undefined) endedBy.push(end.id)
    const [first] = events
    if (isGrant && first?.type === 'CapabilityGranted') {
      links.set(stream.slice('grant/'.length), linkOf(first))
    }
  }
  return { guards, endedBy, grantOf: (id) => grantOf(links, id) }
}

/** Whether a revocation leaves compensations alone. */
export function outlives({ type, data }: Pick<RecordedEvent, 'type' | 'data'>): boolean {
  if (type === 'CapabilityExpired') return true
  const { compensations } = (data ?? {}) as { readonly compensations?: unknown }
  return type === 'CapabilityRevoked' && compensations !== true
}

/** What is not understood was meant to narrow: it ends the right. */
function endOfGrant([, ...later]: readonly RecordedEvent[]): RecordedEvent | undefined {
  return later.find((event) => !outlives(event))
}

function endOfStop(events: readonly RecordedEvent[]): RecordedEvent | undefined {
  const last = events.at(-1)
  return last?.type === 'AuthorityResumed' ? undefined : last
}

function linkOf({ data }: RecordedEvent): Link {
  const { grant } = data as {
    readonly grant: { readonly resource: Link['resource']; readonly parent: GrantId | null }
  }
  return { resource: grant.resource, parent: grant.parent }
}

function grantOf(links: ReadonlyMap<string, Link>, id: GrantId): ReturnType<Right['grantOf']> {
  const chain: GrantId[] = []
  const resources: Link['resource'][] = []
  for (let at: GrantId | null = id; at !== null; ) {
    const link: Link | undefined = links.get(at)
    // A link that the intent did not guard, or a ring: only a log that is not ours has them.
    if (link === undefined || chain.includes(at)) return null
    chain.push(at)
    resources.push(link.resource)
    at = link.parent
  }
  return { id, chain, resources }
}
