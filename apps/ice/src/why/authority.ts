/** The authority an effect stood on: each grant up to the root, its giver, and its end. */
import type { StandardPayloads } from '@ice/events'
import type { EventLog } from '@ice/events/ports'
import type { EventId, StreamId } from '@ice/primitives'
import { type GrantRecord, grantOf, usesMax } from '../log/grants.ts'

/** One link of a chain. */
export interface Link extends GrantRecord {
  /** The debit this effect paid, where the grant is counted. */
  readonly debit: { readonly event: EventId; readonly used: number; readonly max: number } | null
  /** Whether it was revoked after the decision, and not before. */
  readonly revokedLater: boolean
}

/** Which use of the grants is asked about. */
export interface Use {
  readonly run: string
  readonly effect: string
  readonly attempt: number
  /** Epoch milliseconds of the decision. */
  readonly at: number
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
  const debit = await readDebit(log, record, use)
  return { ...record, debit, revokedLater: revoked !== null && revoked.at > use.at }
}

async function readDebit(
  log: EventLog,
  { grant }: GrantRecord,
  { run, effect, attempt }: Use,
): Promise<Link['debit']> {
  const max = usesMax(grant)
  if (max === null) return null
  let used = 0
  for await (const batch of log.read({ stream: `budget/${grant.id}` as StreamId })) {
    for (const event of batch) {
      const data = event.data as StandardPayloads['CountDebited']
      used += data.count
      if (data.run === run && data.effect === effect && data.attempt === attempt) {
        return { event: event.id, used, max }
      }
    }
  }
  return null
}

/** The chain above a grant, nearest first, as the grants themselves tell it. */
export async function readChain(
  log: EventLog,
  grants: readonly string[],
  use: Use,
): Promise<readonly (Link | { readonly unknown: string })[]> {
  const links: (Link | { readonly unknown: string })[] = []
  for (const grant of grants) {
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
