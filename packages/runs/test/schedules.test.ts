/** Schedules: their times, their commands, and each time dealt with once by many workers. */
import { memoryEventStore } from '@ice/events'
import type { EventLog, RecordedEvent } from '@ice/events/ports'
import type { GrantId, IceError, PrincipalId, RunId, Timestamp } from '@ice/primitives'
import { type ManualClock, manualClock } from '@ice/primitives/testing'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  createRunIndex,
  createSchedules,
  createSupervisor,
  memoryOwnership,
  memoryRunRows,
  memoryTurns,
  type Overlap,
  RUNS_CODES,
  type ScheduleSpec,
  type Schedules,
  type SchedulesInit,
} from '../src/index.ts'
import { timesOf } from '../src/schedules/times.ts'
import { doing, program, tool, toolGrant, type World, world } from './harness.ts'

const at = (text: string): Timestamp => Date.parse(text) as Timestamp
const iso = (time: number | null | undefined): string | null =>
  time == null ? null : new Date(time).toISOString()

/** The times after one, so many. */
function following(cron: string, from: string, count: number, zone = 'Europe/Vienna') {
  const times = timesOf(cron, zone)
  const found: (string | null)[] = []
  for (let time: Timestamp | null = at(from); found.length < count; ) {
    time = time === null ? null : times.after(time)
    found.push(iso(time))
  }
  return found
}

const MINUTE = 60_000
const START = at('2026-06-01T12:00:30Z')
const quick = program(async () => 'done')

interface Scheduled extends World {
  readonly clock: ManualClock
  readonly schedules: Schedules
}

function schedulesOf(w: World, clock: ManualClock, more: Partial<SchedulesInit> = {}): Schedules {
  const principal = 'os:test' as PrincipalId
  return createSchedules({ log: w.log, clock, principal, runs: w.runs, ...more })
}

async function scheduled(): Promise<Scheduled> {
  const clock = manualClock(START)
  const w = await world({ clock, programs: [quick], effects: [tool('do')] })
  return { ...w, clock, schedules: schedulesOf(w, clock) }
}

async function eventsOf(log: EventLog, type: string): Promise<readonly RecordedEvent[]> {
  const found: RecordedEvent[] = []
  for await (const batch of log.readAll({ filter: { types: [type] } })) found.push(...batch)
  return found
}

/** What became of times: `minute run` or `minute why`. */
async function dealt(log: EventLog): Promise<readonly string[]> {
  const events = await eventsOf(log, 'ScheduleFired')
  return events.map(({ data }) => {
    const { due, skipped = 'run' } = data as { due: number; skipped?: string }
    return `${iso(due)?.slice(11, 16)} ${skipped}`
  })
}

async function startedRuns(log: EventLog): Promise<readonly RunId[]> {
  const created = await eventsOf(log, 'RunCreated')
  return created.map(({ data }) => (data as { run: RunId }).run)
}

async function grantOf(w: World): Promise<GrantId> {
  const grant = w.ids.nextGrantId()
  const holder = 'principal/os:test' as const
  const data = { grant: w.authority.rootGrant({ id: grant, holder, ...toolGrant('do') }) }
  const stream = `grant/${grant}` as never
  const events = [{ type: 'CapabilityGranted', data: data as never }]
  await w.log.append({ writes: [{ stream, expectedVersion: 'no_stream', events }] })
  return grant
}

const every: ScheduleSpec = { id: 'minutely', cron: '* * * * *' }
const fire = (schedules: Schedules, errors: unknown[] = []) =>
  schedules.fire({ programs: [quick], onError: (error) => errors.push(error) })

/** Verifies: RUN-R180 */
test('a fixed time that a day does not have comes after the gap; one it has twice, once', () => {
  expect(following('30 2 * * *', '2026-03-28T00:00:00Z', 3)).toEqual([
    '2026-03-28T01:30:00.000Z',
    '2026-03-29T01:00:00.000Z',
    '2026-03-30T00:30:00.000Z',
  ])
  expect(following('30 2 * * *', '2026-10-24T00:00:00Z', 3)).toEqual([
    '2026-10-24T00:30:00.000Z',
    '2026-10-25T00:30:00.000Z',
    '2026-10-26T01:30:00.000Z',
  ])
  // From within the second of both hours, too: it was there.
  expect(following('30 2 * * *', '2026-10-25T01:10:00Z', 1)).toEqual(['2026-10-26T01:30:00.000Z'])
  expect(following('30 2,14 * * *', '2026-10-25T00:00:00Z', 2)).toEqual([
    '2026-10-25T00:30:00.000Z',
    '2026-10-25T13:30:00.000Z',
  ])
  // Steps go by real time.
  expect(following('*/30 * * * *', '2026-10-25T00:00:00Z', 4)).toEqual([
    '2026-10-25T00:30:00.000Z',
    '2026-10-25T01:00:00.000Z',
    '2026-10-25T01:30:00.000Z',
    '2026-10-25T02:00:00.000Z',
  ])
})

/** Verifies: RUN-R180 */
test('times follow from each other, from wherever one looks', () => {
  const crons = ['30 2 * * *', '*/20 2 * * *', '15 1-3 * * *', '0 3 * * *', '30 0 2 * * *']
  const around = fc.constantFrom('2026-03-29T00:00:00Z', '2026-10-25T00:00:00Z')
  const cases = fc.tuple(fc.constantFrom(...crons), around, fc.integer({ min: 0, max: 1_440 }))
  fc.assert(
    fc.property(cases, ([cron, day, minutes]) => {
      const times = timesOf(cron, 'Europe/Vienna')
      const first = at(day) - 12 * 60 * MINUTE
      const from = (first + minutes * MINUTE) as Timestamp
      const all: number[] = []
      for (let time = times.after((first - 86_400_000) as Timestamp); time !== null; ) {
        if (time > first + 3 * 86_400_000) break
        all.push(time)
        time = times.after(time)
      }
      expect(iso(times.after(from))).toBe(iso(all.find((time) => time > from)))
      expect(iso(times.before(from))).toBe(iso(all.findLast((time) => time < from)))
    }),
    { numRuns: 60 },
  )
})

/** Verifies: RUN-R181 */
test('what is no schedule is refused with a code, and nothing is written', async () => {
  const { schedules, log } = await scheduled()
  const odd: readonly Partial<Record<keyof ScheduleSpec, unknown>>[] = [
    ...['@daily', '* * * *', '* * * * * * *', '61 * * * *', '0 0 30 2 *', '2026-06-01T12:00:00Z'],
    ...['a b c d e', ` ${'*'.repeat(300)} * * * *`, 7, null],
  ].map((cron) => ({ cron }))
  const more: typeof odd = [
    ...['Mars/Olympus', '+01:00', '', 'constructor', '__proto__', 5].map((zone) => ({ zone })),
    ...['', 'a/b', '../x', 'x'.repeat(129), 3].map((id) => ({ id })),
    ...['often', 'constructor', null].map((overlap) => ({ overlap })),
    ...[0, 999, 1.5, Number.NaN, 31 * 86_400_000].map((catchUpMs) => ({ catchUpMs })),
    ...[{ queue: '' }, { deadline: 1 }, { priority: 1_001 }, { tags: { a: 'x'.repeat(257) } }].map(
      (start) => ({ start }),
    ),
  ]
  for (const member of [...odd, ...more]) {
    const adding = schedules.add(quick, {}, { ...every, ...member } as ScheduleSpec)
    await expect(adding, JSON.stringify(member)).rejects.toMatchObject({
      code: RUNS_CODES.scheduleInvalid,
    })
  }
  expect(await eventsOf(log, 'ScheduleCreated')).toEqual([])
})

/** Verifies: RUN-R181 */
test('fields of cron are text from anywhere: they are read, or refused with the code', () => {
  const piece = fc.constantFrom('*', '1', '59', '/', '-', ',', 'L', 'W', '#', '?', '+', 'MON', 'x')
  const field = fc.array(piece, { minLength: 1, maxLength: 5 }).map((parts) => parts.join(''))
  const cron = fc.oneof(
    fc.array(field, { minLength: 5, maxLength: 6 }).map((fields) => fields.join(' ')),
    fc.string({ maxLength: 40 }),
  )
  fc.assert(
    fc.property(cron, (text) => {
      try {
        const next = timesOf(text, 'Europe/Vienna').after(START)
        expect(next === null || next > START).toBe(true)
      } catch (error) {
        expect((error as IceError).code).toBe(RUNS_CODES.scheduleInvalid)
      }
    }),
    { numRuns: 150 },
  )
})

/** Verifies: RUN-R182 */
test('grants are bound by ids that exist; what a program needs has to be there', async () => {
  const w = await scheduled()
  const needy = { ...quick, needs: ['g'] }
  const bad = [{}, { g: w.ids.nextGrantId() }, { g: toolGrant('do') as never }, { g: 'x' as never }]
  for (const grants of bad) {
    const adding = w.schedules.add(needy, {}, { ...every, start: { grants } })
    await expect(adding).rejects.toMatchObject({ code: RUNS_CODES.grantsInvalid })
  }
  const grants = { g: await grantOf(w) }
  const tags = { tenant: 'acme' }
  const principal = 'os:carol' as PrincipalId
  const spec = { ...every, start: { grants, tags, queue: 'nightly' }, principal }
  await w.schedules.add(needy, { a: 1 }, spec)
  await w.clock.advance(MINUTE)
  await fire(w.schedules)
  const [created] = await eventsOf(w.log, 'RunCreated')
  expect(created).toMatchObject({
    principal,
    data: {
      schedule: 'minutely',
      queue: 'nightly',
      key: `schedule/minutely/${at('2026-06-01T12:01:00Z')}`,
      grants: [{ name: 'g', grant: grants.g }],
      tags,
    },
  })
})

/** Verifies: RUN-R183 */
test('a schedule is paused, resumed for times to come, and deleted for good', async () => {
  const { schedules, clock, log } = await scheduled()
  const spec: ScheduleSpec = { ...every, overlap: 'all' }
  expect(iso((await schedules.add(quick, {}, spec)).next)).toBe('2026-06-01T12:01:00.000Z')
  const again = schedules.add(quick, {}, spec)
  await expect(again).rejects.toMatchObject({ code: RUNS_CODES.scheduleConflict })
  await schedules.pause('minutely', { reason: 'a holiday' })
  await clock.advance(3 * MINUTE)
  expect(await fire(schedules)).toBe(null)
  expect(await schedules.view('minutely')).toMatchObject({ state: 'paused', reason: 'a holiday' })
  await schedules.resume('minutely', { reason: 'back' })
  await clock.advance(MINUTE)
  expect(iso(await fire(schedules))).toBe('2026-06-01T12:05:00.000Z')
  expect(await dealt(log)).toEqual(['12:03 paused', '12:04 run'])
  await schedules.delete('minutely', { reason: 'over' })
  expect(await schedules.list()).toEqual([])
  expect(await schedules.list({ deleted: true })).toMatchObject([{ state: 'deleted', next: null }])
  for (const act of ['pause', 'resume', 'delete'] as const) {
    const late = schedules[act]('minutely', { reason: 'x' })
    await expect(late).rejects.toMatchObject({ code: RUNS_CODES.scheduleConflict })
    const nobody = schedules[act]('constructor', { reason: 'x' })
    await expect(nobody).rejects.toMatchObject({ code: RUNS_CODES.scheduleNotFound })
    const mute = schedules[act]('minutely', { reason: '' })
    await expect(mute).rejects.toMatchObject({ code: RUNS_CODES.reasonInvalid })
  }
})

/** Verifies: RUN-R184 */
test.each<[Overlap, readonly string[]]>([
  ['skip', ['12:01 run', '12:02 overlap', '12:03 overlap', '12:04 run']],
  ['all', ['12:01 run', '12:02 run', '12:03 run', '12:04 run']],
  ['queue', ['12:01 run', '12:02 run']],
])('while a run goes on, %s', async (overlap, expected) => {
  const { schedules, clock, log, runs } = await scheduled()
  await schedules.add(quick, {}, { ...every, overlap })
  for (let minute = 1; minute <= 4; minute += 1) {
    await clock.advance(MINUTE)
    if (minute === 4) {
      const [first] = await startedRuns(log)
      if (first !== undefined) await runs.drive(first)
    }
    await fire(schedules)
  }
  expect(await dealt(log)).toEqual(expected)
})

/** Verifies: RUN-R185 */
test('times that are too late are passed over together; the rest is caught up with', async () => {
  const { schedules, clock, log } = await scheduled()
  await schedules.add(quick, {}, { ...every, overlap: 'all', catchUpMs: 2 * MINUTE })
  await clock.advance(10 * MINUTE)
  await fire(schedules)
  expect(await dealt(log)).toEqual(['12:08 late', '12:09 run', '12:10 run'])
})

/** Verifies: RUN-R186 */
test('a schedule that cannot be fired is told of, and stops no other', async () => {
  const { schedules, clock, log, runs } = await scheduled()
  const other = { ...quick, name: 'unregistered' }
  await schedules.add(other, {}, { ...every, id: 'a' })
  await schedules.add(quick, {}, { ...every, id: 'b' })
  // Somebody took the key of a time, with another input: that run is the run of the time.
  const key = `schedule/b/${at('2026-06-01T12:01:00Z')}`
  const taken = await runs.start(quick, 'another', { key })
  await clock.advance(MINUTE)
  const errors: unknown[] = []
  const programs = [quick, other]
  await schedules.fire({ programs, onError: (error) => errors.push(error) })
  expect(errors).toMatchObject([{ code: RUNS_CODES.programNotFound }])
  const [fired] = await eventsOf(log, 'ScheduleFired')
  expect(fired?.data).toEqual({
    schedule: 'b',
    due: at('2026-06-01T12:01:00Z'),
    run: taken,
  })
})

const plays = fc.record({
  overlap: fc.constantFrom<Overlap>('skip', 'queue', 'all'),
  catchUpMs: fc.integer({ min: 1_000, max: 5 * MINUTE }),
  /** How far the clock goes, seconds; who looks then: one, the other, or both at once; and whether
   * the run that was started last has come to its end before. */
  moves: fc.array(
    fc.tuple(fc.integer({ min: -90, max: 200 }), fc.integer({ min: 0, max: 2 }), fc.boolean()),
    { minLength: 1, maxLength: 12 },
  ),
})

/** Verifies: RUN-R187 */
test('each time is dealt with exactly once, whoever looks, however the clock goes', async () => {
  await fc.assert(
    fc.asyncProperty(plays, async ({ overlap, catchUpMs, moves }) => {
      const clock = manualClock(START)
      const one = await world({ clock, programs: [quick] })
      const two = await one.another('bob')
      const both = [schedulesOf(one, clock), schedulesOf(two, clock)] as const
      await both[0].add(quick, {}, { ...every, overlap, catchUpMs })
      const errors: unknown[] = []
      for (const [seconds, who, ends] of moves) {
        const last = ends ? (await startedRuns(one.log)).at(-1) : undefined
        if (last !== undefined) await one.runs.drive(last)
        if (seconds < 0) clock.setWall(clock.now() + 1_000 * seconds)
        else await clock.advance(1_000 * seconds)
        const looking = who === 2 ? both : [both[who] as Schedules]
        await Promise.all(looking.map((schedules) => fire(schedules, errors)))
      }
      expect(errors).toEqual([])
      const fired = (await eventsOf(one.log, 'ScheduleFired')).map(
        ({ data }) => data as { due: number; run?: string; skipped?: string },
      )
      // Ever later, none twice; and what lies between two of them was too late.
      let before = at('2026-06-01T12:00:00Z') as number
      for (const { due, skipped } of fired) {
        if (skipped === 'late') expect(due).toBeGreaterThan(before)
        else expect(due).toBe(before + MINUTE)
        before = due
      }
      const started = await startedRuns(one.log)
      expect(fired.flatMap(({ run = null }) => (run === null ? [] : [run]))).toEqual(started)
    }),
    { numRuns: 40 },
  )
})

/** Verifies: RUN-R188 */
test('two supervisors over one log start and drive one run for each time', async () => {
  const clock = manualClock(START)
  const work = program(async (ctx) => ctx.effect('one', doing()))
  const owners = memoryOwnership()
  const base = { clock, owners, programs: [work], store: memoryEventStore({ clock }) }
  const worlds = [await world(base), await world({ ...base, name: 'bob' })]
  const turns = memoryTurns({ clock })
  const [first] = worlds as [World]
  const grants = { g: await grantOf(first) }
  await schedulesOf(first, clock).add(work, {}, { ...every, start: { grants }, overlap: 'all' })
  const errors: unknown[] = []
  const supervisors = worlds.map((w) =>
    createSupervisor({
      ...{ runs: w.runs, log: w.log, ownership: w.ownership, clock, turns, programs: [work] },
      index: createRunIndex({ log: w.log, rows: memoryRunRows() }),
      schedules: schedulesOf(w, clock),
      onError: (error) => errors.push(error),
    }),
  )
  for (let step = 0; step < 20; step += 1) await clock.advance(15_000)
  let isOver = false
  const draining = Promise.all(supervisors.map((supervisor) => supervisor.drain()))
  const drained = draining.finally(() => {
    isOver = true
  })
  while (!isOver) await clock.advance(100)
  await drained
  expect(errors).toEqual([])
  expect(await dealt(first.log)).toEqual([
    '12:01 run',
    '12:02 run',
    '12:03 run',
    '12:04 run',
    '12:05 run',
  ])
  const ended = await eventsOf(first.log, 'RunTerminated')
  const acted = worlds.reduce((sum, { witness }) => sum + witness.length, 0)
  expect([ended.length, acted]).toEqual([5, 5])
})
