/**
 * A4: once a revocation or a stop is recorded, no intent under it is.
 *
 * Several processes drive real runs on one log; another takes their rights away while they are at
 * it, grant by grant and run by run. The log is judged by position alone. Beside that it is shown
 * how near the two sides came to each other: a race in which neither met the other proves nothing.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { composeTaxonomy, createEventLog, memoryEventStore, standardTypes } from '@ice/events'
import { systemClock } from '@ice/primitives'
import type { CheckRecorder } from '../../harness/recorder.ts'
import type { TopicContext } from '../../harness/topics.ts'
import { findPostgres } from '../../lib/postgres-server.ts'
import { quickFolder } from '../../lib/quick-folder.ts'
import { dropPlace, type LogPlace, openPlace } from './history-store.ts'
import { insist } from './insist.ts'
import { judgeRaces, type RaceVerdict } from './races-judge.ts'
import type { LaneNote, RaceRun, RacerJob, RacerSays, Span } from './races-worker.ts'

type Context = TopicContext & CheckRecorder

const WORKER = fileURLToPath(new URL('./races-worker.ts', import.meta.url))
const RACES = 10_000
const RACES_FULL = 100_000
/** Lanes of a run. They share appends: one end among them makes all of an append decide anew. */
const LANES = 25
const DRIVERS = 2

/** How fast a store is: what goes on at once, and over how long the ends of a run are spread. */
const PACE = {
  sqlite: { atOnce: 2, spreadMs: 60 },
  postgres: { atOnce: 2, spreadMs: 200 },
} as const

/** Proves A4. */
export const authorityRaces = async (context: Context): Promise<void> => {
  await context.check('the judge of races sees an intent after the end of its right', judgeSees)
  const folder = quickFolder('ice-races-')
  try {
    const path = join(folder, 'races.db')
    await prove(context, 'SQLite', { kind: 'sqlite', path, durability: 'process' })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  const found = await findPostgres()
  if (found.server === undefined) {
    context.skip(claim('PostgreSQL', context), found.why)
    return
  }
  try {
    const place: LogPlace = {
      ...{ kind: 'postgres', url: found.server.url, schema: `a4-races-${process.pid}` },
    }
    await prove(context, 'PostgreSQL', place)
    await dropPlace(place)
  } finally {
    await found.server.stop()
  }
}

const racesOf = ({ full }: TopicContext): number => (full ? RACES_FULL : RACES)

const claim = (store: string, context: TopicContext): string =>
  `${racesOf(context).toLocaleString('en-US')} ends of rights race effects on ${store}: ` +
  'no intent is recorded after'

const prove = async (context: Context, name: string, place: LogPlace): Promise<void> => {
  await context.check(claim(name, context), async () => {
    const runs = Math.ceil(racesOf(context) / LANES / DRIVERS)
    const course = await race(context, place, runs)
    const store = await openPlace(place, systemClock)
    let verdict: RaceVerdict
    try {
      verdict = await judgeRaces(store)
    } finally {
      await store.close()
    }
    const races = runs * DRIVERS * LANES
    insist(course.lanes.size === races, `${course.lanes.size} lanes of ${races} were heard of`)
    const unended = [...course.lanes.keys()].filter((grant) => endOf(course, grant) === undefined)
    insist(unended.length === 0, `${unended.length} rights never ended`)
    context.say(
      `  A4: ${name}, ${DRIVERS} driving processes and 1 that ends: ${told(course, verdict)}`,
    )
    for (const line of distribution(course)) context.say(`  A4:   ${line}`)
    insist(verdict.after.length === 0, `intents after the end: ${verdict.after.slice(0, 5).join()}`)
    const overlapped = [...course.lanes.keys()].filter((grant) => gapOf(course, grant) === 0).length
    insist(overlapped * 10 >= races, `only ${overlapped} of ${races} races overlapped`)
    return races
  })
}

/** What the processes said. */
interface Course {
  readonly lanes: ReadonlyMap<string, LaneNote>
  readonly runOf: ReadonlyMap<string, string>
  /** When the append of each end was under way, by its stream. */
  readonly ends: ReadonlyMap<string, Span>
}

const race = async (context: Context, place: LogPlace, runs: number): Promise<Course> => {
  const lanes = new Map<string, LaneNote>()
  const runOf = new Map<string, string>()
  const ends = new Map<string, Span>()
  const job = { place, lanes: LANES, runs, ...PACE[place.kind] } as const
  const ender = start({ ...job, role: 'ender', name: 'ender', seed: 'a4/ender' })
  const drivers: Racer[] = []
  try {
    ender.hear((says) => {
      if (says.said === 'ended') ends.set(says.what, says.span)
    })
    await ender.ready
    for (let at = 0; at < DRIVERS; at += 1) {
      const name = `driver-${at}`
      const driver = start({ ...job, role: 'driver', name, seed: `a4/${name}` })
      drivers.push(driver)
      driver.hear((says) => {
        if (says.said === 'run') {
          for (const grant of says.run.grants) runOf.set(grant, says.run.run)
          ender.tell(says.run)
        } else if (says.said === 'lanes') {
          for (const [grant, note] of says.notes) lanes.set(grant, note)
          context.progress(`A4: ${lanes.size} races on ${place.kind}`)
        }
      })
    }
    await Promise.race([ender.over, Promise.all(drivers.map(({ over }) => over))])
    ender.tell('over')
    await ender.over
    return { lanes, runOf, ends }
  } finally {
    for (const racer of [ender, ...drivers]) racer.kill()
  }
}

interface Racer {
  readonly ready: Promise<void>
  readonly over: Promise<void>
  hear(listen: (says: RacerSays) => void): void
  tell(what: RaceRun | 'over'): void
  kill(): void
}

const start = (job: RacerJob): Racer => {
  const child: ChildProcess = fork(WORKER, [JSON.stringify(job)], {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  })
  let complaint = ''
  child.stderr?.on('data', (chunk: Buffer) => {
    complaint = (complaint + chunk.toString()).slice(-4_000)
  })
  const ready = Promise.withResolvers<void>()
  const over = Promise.withResolvers<void>()
  const listeners: ((says: RacerSays) => void)[] = []
  child.on('message', (says: RacerSays) => {
    if (says.said === 'ready') ready.resolve()
    if (says.said === 'failed') over.reject(new Error(`${job.name}: ${says.why}`))
    for (const listen of listeners) listen(says)
  })
  child.once('close', (code) => {
    if (code === 0) over.resolve()
    else over.reject(new Error(`${job.name} ended with ${code}:\n${complaint}`))
    ready.reject(new Error(`${job.name} ended before it was ready:\n${complaint}`))
  })
  over.promise.catch(() => undefined)
  ready.promise.catch(() => undefined)
  return {
    ready: ready.promise,
    over: over.promise,
    hear: (listen) => listeners.push(listen),
    tell: (what) => child.send(what),
    kill: () => void child.kill('SIGKILL'),
  }
}

/** The first end of a lane's right: of its grant, or of its run. */
const endOf = ({ ends, runOf }: Course, grant: string): Span | undefined => {
  const both = [ends.get(`grant/${grant}`), ends.get(`stop/run/${runOf.get(grant)}`)]
  return both.filter((span) => span !== undefined).sort((a, b) => a[1] - b[1])[0]
}

/** Nanoseconds between the end and the nearest append of an intent under it; 0: both at once. */
const gapOf = (course: Course, grant: string): number => {
  const end = endOf(course, grant)
  const note = course.lanes.get(grant)
  const spans = [note?.taken, note?.refused].filter((span) => span != null)
  if (end === undefined) return Number.POSITIVE_INFINITY
  return Math.min(...spans.map((span) => Math.max(span[0] - end[1], end[0] - span[1], 0)))
}

const told = (course: Course, { before, denied, revoked, after, events }: RaceVerdict): string => {
  const intents = [...before.values()].reduce((sum, count) => sum + count, 0)
  const notes = [...course.lanes.values()]
  const refusals = notes.reduce((sum, { refusals: count }) => sum + count, 0)
  const lanes = notes.filter(({ refused }) => refused !== null).length
  return (
    `${course.lanes.size} races, ${intents} intents before the end and ${after.length} after; ` +
    `${refusals} intents refused by a guard, of ${lanes} lanes; ${denied} effects denied, ` +
    `${revoked} revoked at work; ${events} events judged`
  )
}

const BUCKETS: readonly (readonly [name: string, below: number])[] = [
  ['at once', 1],
  ['within 1 ms', 1e6],
  ['within 10 ms', 1e7],
  ['within 100 ms', 1e8],
  ['farther', Number.POSITIVE_INFINITY],
]

const distribution = (course: Course): readonly string[] => {
  const grants = [...course.lanes.keys()]
  const gaps = grants.map((grant) => gapOf(course, grant))
  const shares = BUCKETS.map(([name, below], at) => {
    const from = BUCKETS[at - 1]?.[1] ?? Number.NEGATIVE_INFINITY
    return `${name} ${gaps.filter((gap) => gap >= from && gap < below).length}`
  })
  const overlaps = (which: 'taken' | 'refused'): number =>
    grants.filter((grant) => {
      const [end, span] = [endOf(course, grant), course.lanes.get(grant)?.[which]]
      return end !== undefined && span != null && span[0] <= end[1] && end[0] <= span[1]
    }).length
  return [
    `appends of an end and of an intent under it: ${shares.join(', ')}`,
    `under way at the same time: ${overlaps('taken')} times the intent came first, ` +
      `${overlaps('refused')} times the end`,
  ]
}

/** An intent without guards, after the revocation of its grant: what must never be. */
const judgeSees = async (): Promise<number> => {
  const store = memoryEventStore({ clock: systemClock })
  const log = createEventLog({
    store,
    taxonomy: composeTaxonomy(standardTypes),
    clock: systemClock,
  })
  const grant = '0192a1b2-c3d4-7000-8000-00000000000a'
  const data = {
    ...{ effect: 'e', attempt: 1, action: 'a', resource: {}, arguments: { inline: {} } },
    ...{ argumentsDigest: '0'.repeat(64), grant, chain: [grant], basis: [], fate: 'observe' },
  }
  const run = 'run/0192a1b2-c3d4-7000-8000-000000000001'
  const steps = [
    [run, 'CapabilityUsed', data],
    [`grant/${grant}`, 'CapabilityRevoked', { grant, reason: 'race' }],
    [run, 'CapabilityUsed', data],
  ] as const
  for (const [stream, type, payload] of steps) {
    const events = [{ type, data: payload }]
    await log.append({ writes: [{ stream, expectedVersion: 'any', events }] } as never)
  }
  const { after } = await judgeRaces(store)
  insist(after.length === 1, `the judge saw ${after.length} of 1`)
  return 1
}
