/**
 * P3: replay of a whole log into a projection, and the same with every leaf hash and the tree
 * verified on the way, against a fold over `pluck().all()` and `JSON.parse` written by hand.
 *
 * All sides read the same file in pages of 512 and come to the same state.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  compactRange,
  createEventLog,
  decodeEvent,
  type EventLog,
  type Projection,
  projectLog,
} from '@ice/events'
import { leafHash, systemClock } from '@ice/primitives'
import Database from 'better-sqlite3'
import { openSqliteEventStore, type SqliteEventStore } from '../src/index.ts'
import { makeWorkload, taxonomy } from './workload.ts'

/** What the workload's notes come to. */
interface Tally {
  notes: number
  weight: number
  urgent: number
}

/** The part of an event that the fold looks at. */
interface Note {
  readonly type: string
  readonly data: unknown
}

function count(tally: Tally, { type, data }: Note): Tally {
  if (type !== 'NoteTaken') return tally
  const { weight, urgent } = data as { readonly weight: number; readonly urgent: boolean }
  tally.notes += 1
  tally.weight += weight
  if (urgent) tally.urgent += 1
  return tally
}

const tallied: Projection<Tally> = {
  name: 'tally',
  initialState: () => ({ notes: 0, weight: 0, urgent: 0 }),
  evolve: count,
}

/** The sides of P3, each giving events a second. */
export interface ReplaySides {
  readonly ours: () => Promise<number>
  readonly verified: () => Promise<number>
  readonly peer: () => number
  readonly close: () => Promise<void>
}

/** Writes a log of this many events and prepares the sides. */
export async function replaySides(events: number, payloadBytes = 200): Promise<ReplaySides> {
  const folder = mkdtempSync(join(tmpdir(), 'ice-bench-'))
  const path = join(folder, 'log.db')
  const store = openSqliteEventStore({ path, clock: systemClock, durability: 'process' })
  const log = createEventLog({ store, taxonomy, clock: systemClock })
  await fill(log, events, payloadBytes)
  const peer = new Database(path, { readonly: true })
  const expected = JSON.stringify((await projectLog(log, tallied)).state)
  const rate = (started: number, state: Tally): number => {
    const seconds = (performance.now() - started) / 1000
    if (JSON.stringify(state) !== expected) throw new Error('the fold came to something else')
    return events / seconds
  }
  return {
    async ours() {
      const started = performance.now()
      return rate(started, (await projectLog(log, tallied)).state)
    },
    async verified() {
      const started = performance.now()
      return rate(started, await verifyAndFold(store))
    },
    peer() {
      const started = performance.now()
      return rate(started, foldByHand(peer))
    },
    async close() {
      peer.close()
      await store.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** In slices, so that a million requests are not held at once. */
async function fill(log: EventLog, events: number, payloadBytes: number): Promise<void> {
  const slice = 20_000
  for (let done = 0; done < events; done += slice) {
    const { requests } = await makeWorkload(100, Math.min(slice, events - done), payloadBytes)
    await Promise.all(
      requests.flat().map(({ writes: [write] }) => {
        if (write === undefined) return undefined
        const stream = `${write.stream}-${done}` as typeof write.stream
        return log.append({ writes: [{ ...write, stream }] })
      }),
    )
  }
}

async function verifyAndFold(store: SqliteEventStore): Promise<Tally> {
  const tree = compactRange()
  let state = tallied.initialState()
  for await (const batch of store.readAll({})) {
    for (const stored of batch) {
      const leaf = leafHash(stored.bytes)
      if (leaf !== stored.hash) throw new Error(`position ${stored.position} is damaged`)
      tree.append(leaf)
      state = tallied.evolve(state, decodeEvent(stored, taxonomy))
    }
  }
  if (tree.root().length !== 64) throw new Error('no root')
  return state
}

function foldByHand(db: Database.Database): Tally {
  const page = db
    .prepare<[number], string>(
      'SELECT bytes FROM events WHERE position > ? ORDER BY position LIMIT 512',
    )
    .pluck()
  let state = tallied.initialState()
  for (let after = 0; ; after += 512) {
    const bodies = page.all(after)
    for (const body of bodies) state = count(state, JSON.parse(body) as Note)
    if (bodies.length < 512) return state
  }
}
