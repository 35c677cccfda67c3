/** What the tests of this package share: logs with runs in them, and what is asked of them. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  composeTaxonomy,
  createEventLog,
  type EventLog,
  type NewEvent,
  type StoredEvent,
  standardTypes,
  type Taxonomy,
} from '@ice/events'
import { gather, NoteTaken, PictureKept } from '@ice/events/testing'
import { openSqliteEventStore, type SqliteEventStore } from '@ice/events-sqlite'
import {
  type BlobDigest,
  createIds,
  type StreamId,
  type StreamVersion,
  seededRandom,
  sha256Hex,
  streamId,
  type Timestamp,
} from '@ice/primitives'
import { manualClock } from '@ice/primitives/testing'
import { onTestFinished } from 'vitest'
import {
  type ArchivedEventStore,
  openArchivedEventStore,
  type RetentionPolicy,
  type RetentionReport,
  retain,
} from '../src/index.ts'

export const START_MS = 1_767_225_600_000

/** The vocabulary of runs, and notes to fill them with. */
export const taxonomy: Taxonomy = composeTaxonomy([...standardTypes, NoteTaken, PictureKept])

/** A folder that goes with the test. */
export function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'ice-archive-'))
  onTestFinished(() => rmSync(path, { recursive: true, force: true }))
  return path
}

export type ManualClock = ReturnType<typeof manualClock>

/** A log with its archive. */
export interface Room {
  readonly clock: ManualClock
  readonly base: SqliteEventStore
  readonly archive: ArchivedEventStore
  readonly log: EventLog
  readonly path: string
  readonly directory: string
  retain(policy?: Partial<RetentionPolicy>): Promise<RetentionReport>
}

/** Opens a log and its archive, in a folder of their own or in one that is there. */
export function room(where: string = folder(), clock: ManualClock = manualClock(START_MS)): Room {
  const path = join(where, 'log.db')
  const directory = join(where, 'segments')
  const base = openSqliteEventStore({ path, clock })
  const archive = openArchivedEventStore({ store: base, directory })
  onTestFinished(() => archive.close())
  const log = createEventLog({ store: archive, taxonomy, clock })
  return {
    ...{ clock, base, archive, log, path, directory },
    retain: (policy = {}) =>
      retain(log, { archive, clock, policy: { concludedForMs: 0, ...policy } }),
  }
}

const ids = createIds({ clock: { now: () => START_MS as Timestamp }, random: seededRandom('runs') })

/** A run on its way. */
export interface Run {
  readonly stream: StreamId
  version: number
}

async function add({ log }: Pick<Room, 'log'>, run: Run, ...events: NewEvent[]): Promise<void> {
  const expectedVersion = run.version === 0 ? 'no_stream' : (run.version as StreamVersion)
  await log.append({ writes: [{ stream: run.stream, expectedVersion, events }] })
  run.version += events.length
}

/** A note. */
export function note(n: number, text = 'x'): NewEvent {
  return { type: 'NoteTaken', data: { text, n } }
}

/** Begins a run. */
export async function begin(where: Pick<Room, 'log'>): Promise<Run> {
  const id = ids.next()
  const run = { stream: streamId(`run/${id}`), version: 0 }
  await add(where, run, {
    type: 'RunCreated',
    data: {
      run: id,
      program: { name: 'p', version: '1' },
      input: { inline: 1 },
      owner: 'o',
      epoch: 1,
      grants: [],
    },
  })
  return run
}

/** Notes something in a run. */
export async function work(
  where: Pick<Room, 'log'>,
  run: Run,
  count = 1,
  text = 'x',
): Promise<void> {
  const from = run.version
  await add(where, run, ...Array.from({ length: count }, (_, n) => note(from + n, text)))
}

/** Ends a run. */
export async function end(where: Pick<Room, 'log'>, run: Run): Promise<void> {
  await add(where, run, {
    type: 'RunTerminated',
    data: { conclusion: 'committed', doubts: [] },
  })
}

/** A whole run of so many events. */
export async function whole(where: Pick<Room, 'log'>, count = 5, text = 'x'): Promise<Run> {
  const run = await begin(where)
  for (let left = count - 2; left > 0; left -= 500) {
    await work(where, run, Math.min(left, 500), text)
  }
  await end(where, run)
  return run
}

/** A picture, kept with an event of a stream. */
export async function picture({ log }: Room, stream: StreamId, bytes: Uint8Array) {
  const digest = sha256Hex(bytes) as string as BlobDigest
  const data = { picture: { $blob: digest, size: bytes.length } }
  await log.append({
    writes: [{ stream, expectedVersion: 'any', events: [{ type: 'PictureKept', data }] }],
    blobs: [{ digest, bytes }],
  })
  return digest
}

/** Everything a log has, as it is kept. */
export function stored(store: ArchivedEventStore): Promise<StoredEvent[]> {
  return gather(store.readAll({}))
}
