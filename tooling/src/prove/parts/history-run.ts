/**
 * Records one history: three processes with two clients each on one log, a clock that is moved
 * under them, and in every third history a process that is killed and replaced by one that sends
 * what the dead one never heard of again.
 */
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createEventLog, verifyLog } from '@ice/events'
import { testTaxonomy } from '@ice/events/testing'
import { type Random, seededRandom, systemClock } from '@ice/primitives'
import { operationsOf, type RecordLine, tagsIn } from '../../linearizability/client.ts'
import type { LogHistory } from '../../linearizability/examine.ts'
import type { LogOperation, TaggedUnit } from '../../linearizability/log-model.ts'
import type { Placed } from '../../linearizability/order.ts'
import type { Pool } from './history-pool.ts'
import {
  type FileClock,
  fileClock,
  type LogPlace,
  openPlace,
  writeLockOf,
} from './history-store.ts'
import { tick, type WorkerClient } from './history-worker.ts'

const START_MS = 1_700_000_000_000
const TEN_YEARS_MS = 315_360_000_000
const PROCESSES = 3
const GROUPS = [
  ['run/a', 'run/b', 'run/c'],
  ['note/a', 'note/b'],
]

/** What to record. */
export interface HistoryInit {
  readonly seed: string
  readonly place: LogPlace
  /** For the files of the history. */
  readonly folder: string
  readonly pool: Pool
}

/** A history, and whether a process was killed in it. */
export interface RecordedHistory {
  readonly history: LogHistory
  readonly kills: number
}

/** Records a history. @throws when a client is told what no client may be told */
export const recordHistory = async (init: HistoryInit): Promise<RecordedHistory> => {
  const { folder, place, seed } = init
  mkdirSync(folder, { recursive: true })
  const clock = fileClock(join(folder, 'clock'), START_MS)
  const random = seededRandom(seed)
  // Whoever comes first makes the log; the processes are not to race for that every time.
  if (random.uint32() % 2 === 0) await (await openPlace(place, clock)).close()
  const moves: RecordLine[] = []
  const mover = { isOver: false, random: seededRandom(`${seed}/clock`) }
  try {
    const work = Array.from({ length: PROCESSES }, (_, at) => runProcess(init, { at, random }))
    const moved = moveClock({ place, clock, moves, mover })
    const settled = await Promise.allSettled(work)
    mover.isOver = true
    await moved
    const records = settled.map((each) => {
      if (each.status === 'rejected') throw each.reason
      return each.value
    })
    const last = await readWhole(place, clock)
    const lines = records.flatMap(({ record }) => record)
    const operations = [...operationsOf([...lines, ...moves]), ...last.reads]
    const history = { of: `${place.kind} ${seed}`, clock: START_MS, operations, log: last.log }
    return { history, kills: records.filter(({ isKilled }) => isKilled).length }
  } finally {
    clock.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

interface ProcessInit {
  readonly at: number
  readonly random: Random
}

/** One process, and the one that takes its place when it is killed. */
const runProcess = async (init: HistoryInit, { at, random }: ProcessInit) => {
  const { folder, place, pool, seed } = init
  const isToDie = at === 0 && random.uint32() % 3 === 0
  const killAfterMs = (random.uint32() % 400) / 10
  const connections = 1 + (random.uint32() % 2)
  const operations = 8 + (random.uint32() % 8)
  const record = join(folder, `record-${at}`)
  const files = { clock: join(folder, 'clock'), record }
  const run = async (clients: readonly WorkerClient[], dies: boolean): Promise<boolean> => {
    const worker = await pool.take()
    let timer: NodeJS.Timeout | undefined
    const job = { place, ...files, groups: GROUPS, connections, clients }
    const end = await worker.run(job, (kill) => {
      if (dies) timer = setTimeout(kill, killAfterMs)
    })
    // What has come to its end is not killed.
    clearTimeout(timer)
    if (end === 'done') pool.give(worker)
    return end === 'killed'
  }
  const clients = [`${at}a`, `${at}b`].map((name) => ({
    name,
    seed: `${seed}/${name}`,
    operations,
    inherited: [],
  }))
  const isKilled = await run(clients, isToDie)
  if (isKilled) {
    const successor = {
      name: `${at}c`,
      seed: `${seed}/${at}c`,
      operations,
      inherited: unanswered(linesOf(record)),
    }
    await run([successor], false)
  }
  return { isKilled, record: linesOf(record) }
}

/** The units of which nobody knows, but for those that would be written twice. */
const unanswered = (lines: readonly RecordLine[]): readonly TaggedUnit[] =>
  operationsOf(lines).flatMap(({ input, output }) => {
    if (input.kind !== 'append' || output.kind !== 'unknown') return []
    return input.writes.some(({ expected }) => expected === 'any') ? [] : [input]
  })

/** A line that was cut off by a kill is none. */
const linesOf = (path: string): readonly RecordLine[] => {
  const text = existsSync(path) ? readFileSync(path, 'utf8') : ''
  const whole = text.slice(0, text.lastIndexOf('\n') + 1)
  return whole
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as RecordLine)
}

interface MoverInit {
  readonly place: LogPlace
  readonly clock: FileClock
  readonly moves: RecordLine[]
  readonly mover: { isOver: boolean; readonly random: Random }
}

/** A few steps on, a few back; every third time ten years back, or on again. */
const moveClock = async ({ place, clock, moves, mover }: MoverInit): Promise<void> => {
  const { random } = mover
  let lock: Awaited<ReturnType<typeof writeLockOf>> | undefined
  while (!mover.isOver) {
    await sleep(random.uint32() % 6)
    lock ??= await writeLockOf(place).catch(() => undefined)
    const now = clock.now()
    const isBack = now < START_MS - TEN_YEARS_MS / 2
    const leap = random.uint32() % 3 === 0 ? (isBack ? TEN_YEARS_MS : -TEN_YEARS_MS) : 0
    const next = now + (random.uint32() % 10) - 4 + leap
    const waitMs = random.uint32() % 8
    await lock?.hold(async () => {
      // Whoever has looked at the clock by now, and waits for the lock, is to look again.
      await sleep(waitMs)
      const id = `clock.${moves.length}`
      moves.push({ id, at: tick(), input: { kind: 'clock', now: next } })
      clock.set(next)
      moves.push({ id, at: tick(), output: { kind: 'moved' } })
    })
  }
  await lock?.close()
}

interface WholeLog {
  readonly reads: readonly LogOperation[]
  readonly log: readonly Placed[]
}

/** What stands in the log when all is over, by a connection that has seen nothing of it. */
const readWhole = async (place: LogPlace, clock: FileClock): Promise<WholeLog> => {
  const store = await openPlace(place, clock)
  try {
    const log = createEventLog({ store, taxonomy: testTaxonomy(), clock: systemClock })
    const { findings } = await verifyLog(store)
    if (findings.length > 0) throw new TypeError(`the log is damaged: ${JSON.stringify(findings)}`)
    const reads: LogOperation[] = []
    for (const stream of GROUPS.flat()) {
      const called = tick()
      const tags = await tagsIn(log, stream)
      const output = { kind: 'events', tags } as const
      reads.push({ input: { kind: 'read', stream }, output, called, returned: tick() })
    }
    const placed: Placed[] = []
    for await (const batch of log.readAll({})) {
      for (const { position, data } of batch) {
        placed.push({ position, tag: (data as { readonly note: string }).note })
      }
    }
    return { reads, log: placed }
  } finally {
    await store.close()
  }
}
