/**
 * What a composition records about itself: the taxonomy it writes with, whose schemas go into the
 * log so that it can be read by a program without them, and what the log promises.
 *
 * Both are recorded once and again only when they change; a taxonomy that was adopted before is
 * not adopted anew each time that two programs take turns.
 */

import type { EventLog, StandardPayloads, Taxonomy } from '@ice/events'
import {
  type BlobDigest,
  canonicalize,
  hasCode,
  type StreamId,
  type StreamVersion,
  sha256Hex,
  type Timestamp,
} from '@ice/primitives'
import { RUNTIME_CODES, RuntimeError } from './errors.ts'

/** Stream of what concerns the log as a whole. */
export const LOG_STREAM: StreamId = 'runtime/log' as StreamId

const TRIES = 32

interface Adopted {
  readonly version: number
  readonly digests: readonly string[]
  readonly configured: StandardPayloads['LogConfigured'] | null
}

/** Records the composition where the log does not hold it yet. */
export async function adopt(
  log: EventLog,
  taxonomy: Taxonomy,
  init: { readonly store: string; readonly now: () => Timestamp },
): Promise<void> {
  for (let tries = 0; tries < TRIES; tries += 1) {
    const known = await readAdopted(log)
    const events = [
      ...configuration(log, known, init),
      ...(known.digests.includes(taxonomy.digest) ? [] : [adoption(taxonomy, known)]),
    ]
    if (events.length === 0) return
    const expectedVersion = known.version as StreamVersion
    const writes = [{ stream: LOG_STREAM, expectedVersion, events }]
    try {
      await log.append({ writes, blobs: [schemaBlob(taxonomy)] })
      return
    } catch (error) {
      if (!hasCode(error, 'ICE_EVENTS_VERSION_CONFLICT')) throw error
    }
  }
  throw new RuntimeError(
    RUNTIME_CODES.adoption,
    `Other processes kept changing ${LOG_STREAM}; try again when fewer start at once`,
  )
}

async function readAdopted(log: EventLog): Promise<Adopted> {
  let version = 0
  const digests: string[] = []
  let configured: Adopted['configured'] = null
  for await (const batch of log.read({ stream: LOG_STREAM })) {
    for (const event of batch) {
      version = event.version
      if (event.type === 'TaxonomyAdopted') {
        digests.push((event.data as StandardPayloads['TaxonomyAdopted']).digest)
      } else if (event.type === 'LogConfigured') {
        configured = event.data as StandardPayloads['LogConfigured']
      }
    }
  }
  return { version, digests, configured }
}

function configuration(
  { store }: EventLog,
  { configured }: Adopted,
  init: { readonly store: string; readonly now: () => Timestamp },
) {
  const { durability, incarnation } = store
  const isSame = configured?.durability === durability && configured.incarnation === incarnation
  if (isSame) return []
  const data: StandardPayloads['LogConfigured'] = {
    durability,
    store: init.store,
    incarnation,
    since: init.now(),
  }
  return [{ type: 'LogConfigured', data }]
}

function adoption(taxonomy: Taxonomy, { digests }: Adopted) {
  const { digest, bytes } = schemaBlob(taxonomy)
  const data: StandardPayloads['TaxonomyAdopted'] = {
    digest: taxonomy.digest,
    previous: digests.at(-1) ?? null,
    types: taxonomy.types.length,
    schemas: { blob: { $blob: digest, size: bytes.byteLength } },
  }
  return { type: 'TaxonomyAdopted', data }
}

function schemaBlob(taxonomy: Taxonomy) {
  const text = canonicalize(taxonomy.describeAll())
  return { digest: sha256Hex(text) as unknown as BlobDigest, bytes: new TextEncoder().encode(text) }
}
