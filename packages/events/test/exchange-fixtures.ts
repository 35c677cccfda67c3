/** Logs to be exported, and texts to be imported. */
import { type BlobDigest, sha256Hex } from '@ice/primitives'
import { manualClock } from '@ice/primitives/testing'
import { z } from 'zod'
import { compactRange } from '../src/compact-range.ts'
import { defineEventType } from '../src/event-type.ts'
import { type ExportOptions, exportLog } from '../src/exchange/export.ts'
import { type ImportOptions, type ImportReport, importLog } from '../src/exchange/import.ts'
import type { ImportSource } from '../src/exchange/line-reader.ts'
import { memoryEventStore } from '../src/memory.ts'
import type { BlobDraft, EventStore, StreamWrite } from '../src/ports.ts'
import { composeTaxonomy } from '../src/taxonomy.ts'
import { NumberNoted, NumberProposed, PersonGreeted } from '../src/testing/index.ts'
import { memoryRoom, NOON, noted, type Room, storedEvents, stream, toStream } from './fixtures.ts'

const AnyNoted = defineEventType({
  type: 'AnyNoted',
  category: 'domain',
  description: 'Anything was noted.',
  payload: z.record(z.string(), z.unknown()),
})

export const taxonomy = composeTaxonomy([NumberNoted, NumberProposed, PersonGreeted, AnyNoted])

export const MIB = 1_048_576

export function blobOf(text: string, size = text.length): BlobDraft {
  const bytes = size === 0 ? new Uint8Array(0) : Buffer.alloc(size, text)
  return { digest: sha256Hex(bytes) as string as BlobDigest, bytes }
}

/** A log with what logs have: streams that take turns, units, causes, people. */
export async function filledRoom(events = 40): Promise<Room> {
  const room = memoryRoom(taxonomy)
  const { log, clock } = room
  for (let n = 1; n <= events; n += 1) {
    await log.append(toStream(`s${n % 7}`, noted(n, { principal: 'os:alice' as never })))
    if (n % 5 === 0) clock.advance(3)
  }
  const pair = ['x', 'y'].map(
    (name): StreamWrite => ({
      stream: stream(name),
      expectedVersion: 'any',
      events: [noted(1), noted(2, { causes: ['test/s1@1' as never], cost: { ms: 3 } })],
    }),
  )
  await log.append({ writes: pair })
  return room
}

export const SMALL = blobOf('small')
export const LARGE = blobOf('large', 2 * MIB + 5)
export const EMPTY = blobOf('', 0)
export const GONE = blobOf('gone')

/** Events that name blobs: small, larger than a portion, empty, and one that is not there. */
export async function blobRoom(): Promise<Room> {
  const room = memoryRoom(taxonomy)
  for (const [n, blob] of [SMALL, LARGE, EMPTY, LARGE, SMALL, GONE, GONE].entries()) {
    const named = { $blob: blob.digest, size: blob.bytes.byteLength }
    const event = { type: 'AnyNoted', data: { n, named, note: `{"$blob":"${GONE.digest}"}` } }
    await room.log.append({ ...toStream('b', event), ...(n < 3 ? { blobs: [blob] } : {}) })
  }
  return room
}

export async function textOf(store: EventStore, options?: ExportOptions): Promise<string> {
  let text = ''
  for await (const part of exportLog(store, options)) text += part
  return text
}

export const linesOf = (text: string): string[] => text.split('\n').slice(0, -1)
export const textFrom = (lines: readonly string[]): string =>
  lines.map((line) => `${line}\n`).join('')
export const isEvent = (line: string): boolean => line.startsWith('{"causes":')

/** An export with its end written anew, as somebody would who changed a line on purpose. */
export function withEnd(lines: readonly string[]): string {
  const end = JSON.parse(lines.at(-1) ?? '{}') as object
  const before = textFrom(lines.slice(0, -1))
  return `${before}${JSON.stringify({ ...end, digest: sha256Hex(before) })}\n`
}

export function emptyStore(): EventStore {
  return memoryEventStore({ clock: manualClock(NOON + 86_400_000), incarnation: 'another' })
}

export function importInto(
  store: EventStore,
  source: string | ImportSource,
  options: Partial<ImportOptions> = {},
): Promise<ImportReport> {
  return importLog(store, typeof source === 'string' ? [source] : source, { taxonomy, ...options })
}

export async function rootOf(store: EventStore, size = Number.POSITIVE_INFINITY): Promise<string> {
  const range = compactRange()
  for (const { hash } of (await storedEvents(store)).slice(0, size)) range.append(hash)
  return range.root()
}
