/** Runs on which owners die: they are set aside by an event, and counted anew once released. */
import { type RunId, systemClock, type Timestamp } from '@ice/primitives'
import { expect, onTestFinished, test } from 'vitest'
import { createRunIndex, createSupervisor, memoryRunRows, memoryTurns } from '../src/index.ts'
import { CRASHES_MAX } from '../src/limits.ts'
import type { RunIndex, RunRow, Stretch } from '../src/ports.ts'
import { setAside, takeoversOf } from '../src/supervise/crash-loop.ts'
import { doing, eventually, grants, program, tool, type World, world } from './harness.ts'

const single = program((ctx) => ctx.effect('one', doing({})))
const hangs = tool('do', 'idempotent', () => new Promise(() => undefined))
/** The pauses between takeovers, which grow, have passed. */
const later = { ...systemClock, now: () => (systemClock.now() + 3_600_000) as Timestamp }

/** A process that dies at the effect of a run. */
async function diesOn(process: World, run: RunId): Promise<void> {
  void process.runs.drive(run)
  await eventually(() => process.witness).toEqual(['one'])
  process.die()
}

/** A run that its starter began, and that so many others have taken over since; all are dead. */
async function deadly(takeovers: number) {
  const first = await world({ effects: [hangs], programs: [single] })
  const run = await first.runs.start(single, {}, { grants })
  await diesOn(first, run)
  for (let n = 1; n <= takeovers; n += 1) await diesOn(await first.another(`owner${n}`), run)
  return { first, run }
}

async function supervised(w: World) {
  const index = createRunIndex({ log: w.log, rows: memoryRunRows() })
  const stretches: (readonly [RunId, Stretch['kind']])[] = []
  const supervisor = createSupervisor({
    ...{ runs: w.runs, log: w.log, index, turns: memoryTurns({ clock: later }) },
    ...{ ownership: w.ownership, clock: later, programs: [single] },
    onStretch: (run, { kind }) => stretches.push([run, kind]),
  })
  onTestFinished(async () => {
    await supervisor.drain({ withinMs: 0 })
  })
  return { index, stretches, supervisor }
}

async function rowOf(index: RunIndex, run: RunId): Promise<RunRow | undefined> {
  await index.catchUp()
  const [row] = await index.find({ runs: [run] })
  return row
}

/** Verifies: RUN-R176 */
test('a run on which owners die in a row is quarantined once, for all to see', async () => {
  const { first, run } = await deadly(CRASHES_MAX)
  const heirs = await Promise.all(
    ['bob', 'carol'].map((name) => first.another(name, { effects: [tool('do')] })),
  )
  const workers = await Promise.all(heirs.map(supervised))
  await eventually(async () => (await first.runs.view(run)).quarantine).not.toBeNull()
  const view = await first.runs.view(run)
  const [message] = (view.quarantine?.error.message ?? '').split(';')
  expect(message).toMatch(/^It was taken over 5 times in a row/)
  expect(view).toMatchObject({
    owner: 'owner5',
    quarantine: {
      ...{ by: null, event: `run/${run}@${view.version}`, at: view.updatedAt },
      error: { code: 'ICE_RUNS_CRASH_LIMIT', data: { takeovers: 5, owner: 'owner5' } },
    },
  })
  const events = await first.events(run)
  const claims = events.flatMap(({ type, id }) => (type === 'RunClaimed' ? [id] : []))
  expect(events.at(-1)).toMatchObject({ type: 'RunQuarantined', causes: claims })
  expect(claims).toHaveLength(CRASHES_MAX)
  expect(events.filter(({ type }) => type === 'RunQuarantined')).toHaveLength(1)
  // Both know it by the log; of two that record the same at once both are told that it is recorded.
  for (const { index } of workers) {
    expect(await rowOf(index, run)).toMatchObject({ standing: 'quarantined' })
  }
  const told = workers.flatMap(({ stretches }) => stretches)
  expect(told.length).toBeGreaterThan(0)
  expect(new Set(told.map((each) => each.join()))).toEqual(new Set([`${run},quarantined`]))
  await first.runs.release(run, { reason: 'it was the disk' })
  await eventually(async () => (await first.runs.view(run)).conclusion).toBe('committed')
  expect(heirs.flatMap(({ witness }) => witness)).toEqual(['one'])
})

/** Verifies: RUN-R176 */
test('a takeover less, it is driven', async () => {
  const { first, run } = await deadly(CRASHES_MAX - 1)
  await supervised(await first.another('heir', { effects: [tool('do')] }))
  await eventually(async () => (await first.runs.view(run)).conclusion).toBe('committed')
  expect(await first.types(run)).not.toContain('RunQuarantined')
})

/** Verifies: RUN-R176 */
test('released it is counted anew, and quarantined once more when owners go on dying', async () => {
  const { first, run } = await deadly(CRASHES_MAX)
  const heir = await first.another('heir', { effects: [tool('do')] })
  const { index, supervisor } = await supervised(heir)
  await eventually(async () => (await first.runs.view(run)).quarantine).not.toBeNull()
  await supervisor.drain({ withinMs: 0 })
  await first.runs.release(run, { reason: 'once more' })
  expect(await rowOf(index, run)).toMatchObject({ standing: 'ready', crashes: 0, crashedAt: 0 })
  // Who takes it from the queue takes it over from nobody: that one is not counted.
  for (let n = 0; n <= CRASHES_MAX; n += 1) {
    expect(await rowOf(index, run)).toMatchObject({ crashes: Math.max(n - 1, 0) })
    await diesOn(await first.another(`again${n}`), run)
  }
  await supervised(await first.another('last'))
  await eventually(async () => (await first.runs.view(run)).quarantine?.error.data).toMatchObject({
    owner: `again${CRASHES_MAX}`,
  })
})

/** Verifies: RUN-R176, RUN-R11 */
test('of an owner that was frozen and not dead, the outcome stays', async () => {
  const { first, run } = await deadly(CRASHES_MAX - 1)
  const comeBack: (() => void)[] = []
  const slow = tool('do', 'irreversible', async () => {
    await new Promise<void>((resolve) => comeBack.push(resolve))
    return 'done'
  })
  const frozen = await first.another('frozen', { effects: [slow], unaware: true })
  const driven = frozen.runs.drive(run)
  await eventually(() => frozen.witness).toEqual(['one'])
  frozen.die()
  const heir = await first.another('heir', { effects: [tool('do')] })
  await supervised(heir)
  await eventually(async () => (await first.runs.view(run)).quarantine).not.toBeNull()
  for (const go of comeBack) go()
  expect(await driven).toMatchObject({ kind: 'quarantined' })
  expect((await first.types(run)).at(-1)).toBe('EffectSucceeded')
  await first.runs.release(run, { reason: 'it was the machine' })
  await eventually(async () => (await first.runs.result(run)).conclusion).toBe('committed')
  expect(await first.runs.result(run)).toMatchObject({ value: 'done' })
  expect(heir.witness).toEqual([])
})

/** Verifies: RUN-R176 */
test('it is not set aside when somebody has moved it since it was looked at', async () => {
  const { first, run } = await deadly(CRASHES_MAX)
  const index = createRunIndex({ log: first.log, rows: memoryRunRows() })
  const row = await rowOf(index, run)
  if (row === undefined) throw new TypeError('the run has a row')
  const before = await takeoversOf(first.log, row)
  expect(before).toMatchObject({ count: CRASHES_MAX, owner: row.owner })
  await diesOn(await first.another('quicker'), run)
  expect(await setAside(first.log, row, before)).toBeNull()
  expect(await first.types(run)).not.toContain('RunQuarantined')
  // What is read now says that the row is behind.
  expect(await takeoversOf(first.log, row)).toMatchObject({ owner: 'quicker' })
})
