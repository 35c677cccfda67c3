/**
 * One round of R9: three workers on one log, faults by a plan, and after them the end of every run.
 *
 *     starter, people ───────────────► server
 *     worker ── relay of its own ──────┘  ▲ killed, restarted
 *     └ killed, stopped   └ cut, reset
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  openPostgresEventStore,
  openPostgresRunRows,
  type PostgresEventStore,
} from '@ice/events-postgres'
import { seededRandom } from '@ice/primitives'
import { memoryOwnership } from '@ice/runs'
import { createRuntime } from '@ice/runtime'
import type { PostgresServer, ServerPower } from '../../lib/postgres-server.ts'
import { dropPlace } from './history-store.ts'
import { insist } from './insist.ts'
import { befall, type FaultCounts, LEASE_MS, noFaults, planFaults } from './runs-postgres-faults.ts'
import { judgeRuns, type RunsVerdict } from './runs-postgres-judge.ts'
import { openLane } from './runs-postgres-lane.ts'
import { linesOf, People, witnessOf } from './runs-postgres-people.ts'
import { PROGRAMS } from './runs-postgres-programs.ts'
import { mustBeWell, Place } from './runs-postgres-worker.ts'

const WORKERS = 3
/** Runs that are on their way at once, while faults come. */
const AT_ONCE = 10
const RUNS_MIN = 15
/** After which what has not come to its end will not, with nothing in its way. */
const STUCK_MS = 150_000

/** What a round is told. */
export interface RoundInit {
  readonly server: PostgresServer
  readonly power: ServerPower
  readonly schema: string
  readonly folder: string
  readonly seed: string
}

/** What was seen in a round. */
export interface Round extends FaultCounts, RunsVerdict {
  /** Processes that learnt that they had been taken for dead. */
  readonly lost: number
  readonly happened: number
  readonly not: number
  readonly errors: ReadonlyMap<string, number>
}

/** Makes a round. @throws what is broken */
export const makeRound = async (init: RoundInit): Promise<Round> => {
  const { server, schema, folder } = init
  mkdirSync(folder, { recursive: true })
  const store = await openPostgresEventStore({ connection: server.url, schema })
  const errors = new Map<string, number>()
  const places: Place[] = []
  try {
    for (let at = 0; at < WORKERS; at += 1) {
      const lane = await openLane(server, schema)
      const job = { schema, folder, leaseMs: LEASE_MS }
      places.push(new Place({ name: `w${at + 1}`, lane, job, errors }))
    }
    const counts = noFaults()
    const people = await driveThrough(init, { store, places, counts })
    const lost = places.reduce((sum, place) => sum + place.lost, 0)
    const rows = await openPostgresRunRows({ connection: server.url, schema: `${schema}_work` })
    try {
      const verdict = await judgeRuns({
        ...{ store, rows, acts: witnessOf(folder), appends: linesOf(folder, 'appends') },
        owners: new Map(
          places.flatMap(({ lives }) => lives.map(({ name, owner }) => [name, owner ?? ''])),
        ),
      })
      return { ...counts, ...verdict, ...people.resolved, lost, errors }
    } finally {
      await rows.close()
    }
  } catch (error) {
    await keepLog(store, folder)
    throw error
  } finally {
    for (const place of places) {
      for (const { child } of place.lives) child.kill('SIGKILL')
      place.lane.close()
    }
    await store.close()
    for (const each of [schema, `${schema}_work`]) {
      await dropPlace({ kind: 'postgres', url: server.url, schema: each })
    }
  }
}

interface Parts {
  readonly store: PostgresEventStore
  readonly places: readonly Place[]
  readonly counts: FaultCounts
}

/** Has the plan befall, waits for the ends of all runs, and ends the workers. */
const driveThrough = async (
  { folder, power, seed }: RoundInit,
  { store, places, counts }: Parts,
): Promise<People> => {
  // Whoever starts a run in a queue never drives it: its lease is nobody's business.
  const ownership = memoryOwnership().join('the starter')
  const common = { store, ownership, bare: true, drivesChildren: false }
  const runtime = await createRuntime({ ...common, programs: PROGRAMS })
  const lives = () => places.flatMap((place) => place.lives)
  const people = new People({ runtime, folder, lives })
  for (const place of places) place.begin()
  let areFaultsOver = false
  const starting = async (): Promise<void> => {
    while (!areFaultsOver || people.started < RUNS_MIN) {
      if (people.open.length < AT_ONCE) await people.start()
      await sleep(30)
    }
  }
  const faults = async (): Promise<void> => {
    const world = { places, power, counts }
    await firstSteps(folder, places)
    for (const each of planFaults(seededRandom(seed), WORKERS)) {
      mustBeWell(places)
      await befall(world, each)
    }
    areFaultsOver = true
  }
  const looking = people.go()
  const all = async (): Promise<void> => {
    await Promise.all([faults(), starting()])
    await allEnded(people, places)
  }
  try {
    await Promise.race([all(), looking])
    people.stop()
    await looking
  } finally {
    areFaultsOver = true
    people.stop()
    await looking.catch(() => undefined)
    await runtime.close()
  }
  await Promise.all(places.map((place) => place.end()))
  mustBeWell(places)
  return people
}

/** A round that is broken leaves its log beside the traces, as it is stored. */
const keepLog = async (store: PostgresEventStore, folder: string): Promise<void> => {
  const lines: string[] = []
  for await (const batch of store.readAll({})) lines.push(...batch.map(({ bytes }) => bytes))
  writeFileSync(join(folder, 'log.jsonl'), lines.join('\n'))
}

/** Nothing befalls workers before they are at work. */
const firstSteps = async (folder: string, places: readonly Place[]): Promise<void> => {
  const end = performance.now() + STUCK_MS
  while (witnessOf(folder).length === 0) {
    mustBeWell(places)
    insist(performance.now() < end, 'no worker began anything')
    await sleep(20)
  }
}

const allEnded = async (people: People, places: readonly Place[]): Promise<void> => {
  const end = performance.now() + STUCK_MS
  while (!people.isOver) {
    mustBeWell(places)
    insist(performance.now() < end, `not all runs come to their ends:\n${people.left}`)
    await sleep(50)
  }
}
