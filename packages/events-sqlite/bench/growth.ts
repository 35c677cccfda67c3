/**
 * P2: what a log costs when it is long: appending to it, opening it, and the memory it takes.
 *
 * Two logs stand side by side. One stays near 100,000 events, the other grows to the size that is
 * asked about; both then get the same rounds of events through the whole gateway in turns, so that
 * what the machine does meanwhile concerns both. The filling is not measured.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type AppendRequest, createEventLog, type EventLog, type NewEvent } from '@ice/events'
import { type StreamId, type StreamVersion, systemClock } from '@ice/primitives'
import { openSqliteEventStore, type SqliteEventStore } from '../src/index.ts'
import { makeWorkload, taxonomy } from './workload.ts'

/** @units events of the log that the grown one is held against */
export const SMALL_EVENTS = 100_000

/** @units events a round appends to each of the logs */
const ROUND_EVENTS = 12_800

const CALLERS = 256

const PEEK = fileURLToPath(new URL('./growth-peek.ts', import.meta.url))

/** A log that can be grown and measured. */
export interface GrowingLog {
  readonly path: string
  /** Appends, unmeasured and in large units, until it has this many events. */
  growTo(events: number, onProgress?: (position: number) => void): Promise<void>
  /** @returns events a second of one round */
  round(): Promise<number>
  /** @returns bytes of the file and its WAL for each event */
  bytesAnEvent(): Promise<number>
  close(): Promise<void>
}

/** Begins an empty log in a folder of its own. */
export function growingLog(): GrowingLog {
  const folder = mkdtempSync(join(tmpdir(), 'ice-bench-'))
  const path = join(folder, 'log.db')
  const store = openSqliteEventStore({ path, clock: systemClock })
  const log = createEventLog({ store, taxonomy, clock: systemClock })
  let rounds = 0
  return {
    path,
    async growTo(events, onProgress) {
      await grow(log, store, events, onProgress)
      // What the system has yet to write of the filling would be paid for by the rounds.
      spawnSync('sync')
    },
    async round() {
      rounds += 1
      const { requests } = await makeWorkload(CALLERS, ROUND_EVENTS, 200)
      const renamed = requests.map((own) => own.map((one) => inStream(one, `round${rounds}`)))
      const started = performance.now()
      await Promise.all(
        renamed.map(async (own) => {
          for (const request of own) await log.append(request)
        }),
      )
      return (ROUND_EVENTS / (performance.now() - started)) * 1000
    },
    async bytesAnEvent() {
      const { position } = await store.head()
      return statSync(path).size / position
    },
    async close() {
      await store.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function inStream({ writes: [write] }: AppendRequest, name: string): AppendRequest {
  if (write === undefined) throw new TypeError('a request of the workload writes one stream')
  return { writes: [{ ...write, stream: `${write.stream}-${name}` as StreamId }] }
}

/** Runs of a hundred events, five to a unit, as a log that has lived has them. */
async function grow(
  log: EventLog,
  store: SqliteEventStore,
  events: number,
  onProgress?: (position: number) => void,
): Promise<void> {
  const { requests } = await makeWorkload(1, 100, 200)
  const run = (requests[0] ?? []).flatMap(({ writes }) => writes.flatMap((one) => one.events))
  for (let { position } = await store.head(); position < events; ) {
    const streams = Math.min(50, Math.ceil((events - position) / 100))
    const at = position
    await Promise.all(
      Array.from({ length: streams }, (_, i) => appendRun(log, `run/${at}-${i}` as StreamId, run)),
    )
    position = (await store.head()).position
    if (at % 500_000 > position % 500_000) onProgress?.(position)
  }
}

async function appendRun(log: EventLog, stream: StreamId, run: readonly NewEvent[]): Promise<void> {
  await log.append({ writes: [{ stream, expectedVersion: 0 as StreamVersion, events: run }] })
}

/** What a process sees that opens a log, appends to it and reads its end. */
export interface Peek {
  /** @units ms from the call to the first answer of the log */
  readonly openMs: number
  /** @units bytes of the process's greatest resident set */
  readonly rssBytes: number
}

/** Opens a log in a new process. */
export function peek(path: string): Peek {
  const { status, stdout, stderr } = spawnSync(process.execPath, [PEEK, path], { encoding: 'utf8' })
  if (status !== 0) throw new TypeError(`the process that opens ${path} failed: ${stderr}`)
  return JSON.parse(stdout) as Peek
}
