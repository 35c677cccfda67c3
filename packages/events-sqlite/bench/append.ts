/**
 * P1: appending through the whole gateway — structure, taxonomy, origin, payload schema, temporal,
 * causality, canonical bytes, leaf hash, group commit, one promise for each event — against the
 * bare work of the database on the same bytes.
 *
 * Each round writes new files; both sides sync every commit.
 *
 *     node packages/events-sqlite/bench/append.ts [rounds]
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createEventLog } from '@ice/events'
import { systemClock } from '@ice/primitives'
import { openSqliteEventStore } from '../src/index.ts'
import { type Peer, runPeer } from './peers.ts'
import { makeWorkload, taxonomy, type Workload } from './workload.ts'

/** One contest of P1. */
export interface AppendCase {
  readonly callers: number
  readonly events: number
  /** Of the payload's JSON, about. */
  readonly payloadBytes: number
  readonly peer: Peer
}

/** The two sides of a contest, each giving events a second, and what cleans up after them. */
export interface AppendSides {
  readonly ours: () => Promise<number>
  readonly peer: () => number
  readonly close: () => void
}

/** Prepares a contest. */
export async function appendSides(init: AppendCase): Promise<AppendSides> {
  const workload = await makeWorkload(init.callers, init.events, init.payloadBytes)
  const folder = mkdtempSync(join(tmpdir(), 'ice-bench-'))
  let round = 0
  const fresh = (): string => {
    round += 1
    return join(folder, `${round}.db`)
  }
  const remove = (path: string): void => {
    for (const suffix of ['', '-wal', '-shm']) rmSync(`${path}${suffix}`, { force: true })
  }
  return {
    async ours() {
      const path = fresh()
      const rate = await runOurs(path, workload)
      remove(path)
      return rate
    },
    peer() {
      const path = fresh()
      const rate = runPeer(init.peer, path, workload.rows, init.callers)
      remove(path)
      return rate
    },
    close: () => rmSync(folder, { recursive: true, force: true }),
  }
}

async function runOurs(path: string, { requests, rows }: Workload): Promise<number> {
  const store = openSqliteEventStore({ path, clock: systemClock })
  const log = createEventLog({ store, taxonomy, clock: systemClock })
  const started = performance.now()
  await Promise.all(
    requests.map(async (own) => {
      for (const request of own) await log.append(request)
    }),
  )
  const rate = (rows.length / (performance.now() - started)) * 1000
  const { position } = await store.head()
  await store.close()
  if (position !== rows.length) throw new Error(`${position} events were kept of ${rows.length}`)
  return rate
}

/** The contests of P1 by the ids of their figures. */
export const APPEND_CASES = {
  P1: { callers: 256, events: 25_600, payloadBytes: 200, peer: 'floor' },
  'P1-16': { callers: 16, events: 16_000, payloadBytes: 200, peer: 'bare' },
  'P1-1': { callers: 1, events: 2_000, payloadBytes: 200, peer: 'bare' },
  'P1-2KB': { callers: 256, events: 12_800, payloadBytes: 2_048, peer: 'bare' },
} as const satisfies Readonly<Record<string, AppendCase>>
