/** Who drives: queues, keys, deadlines, dead owners, drains. */
import type { JsonObject, RunId, Timestamp } from '@ice/primitives'
import { IceError, streamId, systemClock } from '@ice/primitives'
import fc from 'fast-check'
import { expect, onTestFinished, test } from 'vitest'
import {
  createRunIndex,
  createSupervisor,
  memoryRunRows,
  memoryTurns,
  type Supervisor,
  type SupervisorInit,
} from '../src/index.ts'
import type { Program, Stretch, Turns } from '../src/ports.ts'
import { Shares } from '../src/supervise/shares.ts'
import { any, doing, eventually, grants, program, tool, type World, world } from './harness.ts'

/** Effects that wait until they are let go, and what they saw. */
function gate() {
  const waiting: (() => void)[] = []
  const seen: string[] = []
  let atWork = 0
  let most = 0
  const effect = tool('do', 'idempotent', async ({ arguments: args }) => {
    seen.push(String(args['name'] ?? ''))
    atWork += 1
    most = Math.max(most, atWork)
    await new Promise<void>((resolve) => waiting.push(resolve))
    atWork -= 1
    return 1
  })
  return {
    effect,
    seen,
    get atWork() {
      return atWork
    },
    get most() {
      return most
    },
    /** Lets the oldest go. */
    one: () => waiting.shift()?.(),
    all: () => {
      for (const go of waiting.splice(0)) go()
    },
  }
}

/** A program of one effect; its input is told to the handler. */
const single: Program = program(async (ctx, input) => {
  return ctx.effect('one', doing({ name: input } as JsonObject))
})

interface Supervised extends World {
  readonly supervisor: Supervisor
  readonly turns: Turns
  readonly errors: unknown[]
  /** What stretches came to. */
  readonly stretches: (readonly [RunId, Stretch])[]
}

async function supervised(
  w: World,
  programs: readonly Program[],
  more: Partial<SupervisorInit> & { readonly name?: string } = {},
): Promise<Supervised> {
  const index = createRunIndex({ log: w.log, rows: memoryRunRows() })
  const turns = more.turns ?? memoryTurns({ clock: systemClock })
  const errors: unknown[] = []
  const stretches: (readonly [RunId, Stretch])[] = []
  const supervisor = createSupervisor({
    runs: w.runs,
    log: w.log,
    index,
    ownership: w.ownership,
    clock: systemClock,
    programs,
    onError: (error) => errors.push(error),
    onStretch: (run, stretch) => stretches.push([run, stretch]),
    ...more,
    turns,
  })
  onTestFinished(async () => {
    await supervisor.drain({ withinMs: 0 })
  })
  return { ...w, supervisor, turns, errors, stretches }
}

const ended = (w: World, ...runs: readonly RunId[]) =>
  eventually(async () =>
    Promise.all(runs.map(async (run) => (await w.runs.view(run)).conclusion)),
  ).toEqual(runs.map(() => 'committed'))

/** Verifies: RUN-R179 */
test('runs of a version that a program takes over are driven by it, and no others', async () => {
  const w = await world({ programs: [{ ...single, version: '1' }] })
  const of = (version: string) =>
    w.runs.start({ ...single, version }, '', { grants, queue: 'mail' })
  const [taken, left] = [await of('1'), await of('0')]
  const next = { ...single, version: '2', takesOver: ['1'] }
  const heir = await w.another('bob', { programs: [next], effects: [tool('do')] })
  const { errors } = await supervised(heir, [next])
  await ended(w, taken)
  expect(await w.types(taken)).toContain('ProgramChanged')
  expect([(await w.runs.view(left)).state, errors]).toEqual(['CREATED', []])
})

/** Verifies: RUN-R171 */
test('queued runs are driven, so many at once as it may, and none twice', async () => {
  const g = gate()
  const w = await world({ effects: [g.effect] })
  const runs: RunId[] = []
  for (let n = 0; n < 12; n += 1) {
    runs.push(await w.runs.start(single, `${n}`, { grants, queue: 'mail' }))
  }
  await supervised(w, [single], { concurrency: 4 })
  while (g.seen.length < 12) {
    await eventually(() => g.atWork).toBe(Math.min(4, 12 - g.seen.length + g.atWork))
    g.one()
  }
  g.all()
  await ended(w, ...runs)
  expect([g.most, g.seen.length]).toEqual([4, 12])
})

/** Verifies: RUN-R172 */
test('within a queue the greatest priority comes first, then the oldest', async () => {
  const g = gate()
  const w = await world({ effects: [g.effect] })
  const order = [
    ['old', 0],
    ['low', -1],
    ['young', 0],
    ['high', 5],
  ] as const
  for (const [name, priority] of order) {
    await w.runs.start(single, name, { grants, queue: 'mail', priority })
  }
  await supervised(w, [single], { concurrency: 1 })
  for (const count of [1, 2, 3, 4]) {
    await eventually(() => g.seen.length).toBe(count)
    g.one()
  }
  expect(g.seen).toEqual(['high', 'old', 'young', 'low'])
})

/** Verifies: RUN-R172 */
test('a long queue leaves the others their shares', async () => {
  const g = gate()
  const w = await world({ effects: [g.effect] })
  for (let n = 0; n < 20; n += 1) {
    await w.runs.start(single, 'long', { grants, queue: 'long', priority: 100 })
  }
  for (let n = 0; n < 20; n += 1) await w.runs.start(single, 'short', { grants, queue: 'short' })
  await supervised(w, [single], { concurrency: 8, queues: { short: { weight: 3 } } })
  await eventually(() => g.seen.length).toBe(8)
  const of = (name: string) => g.seen.filter((one) => one === name).length
  expect([of('long'), of('short')]).toEqual([2, 6])
  g.all()
})

/** Verifies: RUN-R172 */
test('shares of queues that always have something follow their weights', () => {
  const weights = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 6 })
  fc.assert(
    fc.property(weights, fc.integer({ min: 1, max: 40 }), (of, slots) => {
      const shares = new Shares((queue) => of[Number(queue)] ?? 1)
      const queues = of.map((_, n) => String(n))
      const inUse = new Map<string, number>()
      shares.begin(queues)
      for (let n = 0; n < slots; n += 1) {
        const next = shares.next(queues, (queue) => inUse.get(queue) ?? 0) as string
        inUse.set(next, (inUse.get(next) ?? 0) + 1)
        shares.give(next)
      }
      const total = of.reduce((sum, weight) => sum + weight, 0)
      for (const [n, weight] of of.entries()) {
        const fair = (slots * weight) / total
        expect(Math.abs((inUse.get(String(n)) ?? 0) - fair)).toBeLessThan(of.length + 1)
      }
    }),
  )
})

/** Verifies: RUN-R173 */
test('runs with one key are driven one after another, and hold nobody else up', async () => {
  const g = gate()
  const w = await world({ effects: [g.effect] })
  for (let n = 0; n < 40; n += 1) {
    await w.runs.start(single, 'keyed', { grants, queue: 'mail', concurrencyKey: 'tenant' })
  }
  await w.runs.start(single, 'other', { grants, queue: 'mail' })
  const turns = memoryTurns({ clock: systemClock })
  await supervised(w, [single], { concurrency: 4, turns })
  const second = await w.another('bob', { programs: [single] })
  await supervised(second, [single], { concurrency: 4, turns })
  await eventually(() => [...g.seen].sort()).toEqual(['keyed', 'other'])
  g.all()
  await eventually(() => g.seen.length).toBe(3)
  expect(g.atWork).toBe(1)
  g.all()
})

/** Verifies: RUN-R173 */
test('a queue has so many runs at once, and so many starts in a window', async () => {
  const g = gate()
  const w = await world({ effects: [g.effect] })
  for (let n = 0; n < 6; n += 1) await w.runs.start(single, 'two', { grants, queue: 'two' })
  for (let n = 0; n < 6; n += 1) await w.runs.start(single, 'rare', { grants, queue: 'rare' })
  const turns = memoryTurns({ clock: systemClock })
  const queues = {
    two: { concurrency: 2 },
    rare: { rate: { count: 3, perMs: 86_400_000 } },
  }
  await supervised(w, [single], { turns, queues })
  const second = await w.another('bob', { programs: [single] })
  await supervised(second, [single], { turns, queues })
  await eventually(() => [...g.seen].sort()).toEqual(['rare', 'rare', 'rare', 'two', 'two'])
  g.all()
  await eventually(() => g.seen.filter((name) => name === 'two').length).toBe(4)
  g.all()
  await eventually(() => g.seen.filter((name) => name === 'two').length).toBe(6)
  expect(g.seen.filter((name) => name === 'rare')).toHaveLength(3)
  g.all()
})

/** Verifies: RUN-R173 */
test.each(['take', 'give'] as const)(
  'a turn is not lost with the answer to its %s',
  async (lost) => {
    const g = gate()
    const w = await world({ effects: [g.effect] })
    for (const name of ['a', 'b', 'c']) {
      await w.runs.start(single, name, { grants, queue: 'mail', concurrencyKey: 'tenant' })
    }
    const kept = memoryTurns({ clock: systemClock })
    let losses = 0
    /** Done, and nobody is told: of `give` not even done. */
    const lose = async <T>(what: string, act: () => Promise<T>): Promise<T> => {
      if (what !== lost || losses > 0) return act()
      losses += 1
      if (what === 'take') await act()
      throw new IceError({ code: 'ICE_EVENTS_UNAVAILABLE', message: 'gone', retryable: true })
    }
    const turns: Turns = {
      ...kept,
      take: (request) => lose('take', () => kept.take(request)),
      give: (run, owner) => lose('give', () => kept.give(run, owner)),
    }
    await supervised(w, [single], { turns })
    for (let n = 1; n <= 3; n += 1) {
      await eventually(() => g.seen.length).toBe(n)
      g.all()
    }
    await eventually(() => kept.owners()).toEqual([])
    expect(losses).toBe(1)
  },
)

/** Verifies: RUN-R174 */
test('what is asleep goes on when it is due, signalled, or answered', async () => {
  const w = await world()
  const p = program(
    async (ctx, input) => {
      // Long enough to be slept through by nobody, however late it is looked at.
      if (input === 'sleep') await ctx.sleep('s', 3_000)
      if (input === 'signal') await ctx.signal('s', 'go')
      if (input === 'ask') await ctx.approval('a', { prompt: '?' })
      return input
    },
    { signals: { go: any } },
  )
  const kinds = ['sleep', 'signal', 'ask']
  const runs = await Promise.all(kinds.map((kind) => w.runs.start(p, kind, { queue: 'mail' })))
  const [sleeper, signalled, asked] = runs as [RunId, RunId, RunId]
  await supervised(w, [p])
  await eventually(async () => (await w.runs.view(signalled)).suspended).toBe(true)
  await eventually(async () => (await w.runs.view(asked)).suspended).toBe(true)
  await w.runs.signal(signalled, { signal: 'go' })
  await w.runs.answer(asked, { step: 'a', approved: true })
  await ended(w, sleeper, signalled, asked)
  expect(await w.types(sleeper)).toContain('RunSuspended')
})

/** Verifies: RUN-R175 */
test('runs of an owner that died are taken over; those of one that lives are left', async () => {
  const g = gate()
  const w = await world({ effects: [g.effect] })
  const dying = await w.another('bob', { programs: [single] })
  const orphan = await dying.runs.start(single, 'orphan', { grants })
  const living = await w.another('carol', { programs: [single] })
  const held = await living.runs.start(single, 'held', { grants })
  void dying.runs.drive(orphan).catch(() => undefined)
  await eventually(() => g.seen.length).toBe(1)
  const heir = await w.another('dave', { programs: [single], effects: [tool('do')] })
  const s = await supervised(heir, [single])
  await eventually(() => s.supervisor.status().ready).toBe(true)
  expect(await w.runs.view(orphan)).toMatchObject({ owner: 'bob', conclusion: null })
  dying.die()
  await ended(w, orphan)
  expect(await w.runs.view(held)).toMatchObject({ owner: 'carol', state: 'CREATED' })
  g.all()
})

/** Verifies: RUN-R175 */
test('a run that a command took up here, and could not go on with, is driven', async () => {
  const acted: string[] = []
  let isUp = false
  const two = program(async (ctx) => {
    await ctx.effect('one', doing({}))
    return ctx.effect('two', doing({}))
  })
  const w = await world({
    effects: [tool('do', 'idempotent', async ({ effect }) => acted.push(effect))],
    programs: [two],
  })
  const { append } = w.log
  // The log goes away while the command drives the run, and comes back.
  const log = Object.assign(w.log, {
    append: (request: Parameters<typeof append>[0]) => {
      const isFirst = acted.length === 0
      if (isUp || isFirst) return append.call(log, request)
      const code = 'ICE_EVENTS_UNAVAILABLE'
      return Promise.reject(new IceError({ code, message: 'gone', retryable: true }))
    },
  })
  const run = await w.runs.start(two, 'left', { grants })
  await expect(w.runs.drive(run)).rejects.toMatchObject({ code: 'ICE_EVENTS_UNAVAILABLE' })
  const left = { owner: 'alice', state: 'EXECUTING', suspended: false }
  expect(await w.runs.view(run)).toMatchObject(left)
  isUp = true
  // The grace has passed, in which whoever drives it comes first.
  const clock = { ...systemClock, now: () => (systemClock.now() + 3_600_000) as Timestamp }
  await supervised(w, [two], { clock })
  await ended(w, run)
  // The first came back when nothing could be recorded: it is tried again, with the same key.
  expect(acted).toEqual(['one', 'one', 'two'])
})

/** Verifies: RUN-R175 */
test('a run that is driven here by somebody else is left to it', async () => {
  const g = gate()
  const w = await world({ effects: [g.effect], programs: [single] })
  const run = await w.runs.start(single, 'mine', { grants })
  const stretch = w.runs.drive(run)
  await eventually(() => g.atWork).toBe(1)
  const clock = { ...systemClock, now: () => (systemClock.now() + 3_600_000) as Timestamp }
  const s = await supervised(w, [single], { clock })
  await eventually(() => s.supervisor.status().ready).toBe(true)
  expect(s.supervisor.status().running).toBe(0)
  g.all()
  expect(await stretch).toMatchObject({ kind: 'concluded' })
})

/** Verifies: RUN-R176 */
test('a run that settles something between the deaths of its owners is driven on', async () => {
  const w = await world()
  const run = await w.runs.start(single, 'slow', { grants })
  const stream = streamId(`run/${run}`)
  const events: { type: string; data: unknown }[] = []
  for (let n = 1; n <= 8; n += 1) {
    const previous = n === 1 ? 'alice' : `m${n - 1}`
    events.push({ type: 'RunClaimed', data: { owner: `m${n}`, epoch: n + 1, previous } })
    const step = `t${n}`
    events.push({ type: 'TimerSet', data: { step, due: 0 } })
  }
  await w.log.append({ writes: [{ stream, expectedVersion: 1 as never, events }] })
  const heir = await w.another('heir', { programs: [single] })
  const clock = { ...systemClock, now: () => (systemClock.now() + 3_600_000) as Timestamp }
  await supervised(heir, [single], { clock })
  await eventually(async () => (await w.runs.view(run)).owner).toBe('heir')
  await ended(w, run)
  expect(await w.types(run)).not.toContain('RunQuarantined')
})

/** Verifies: RUN-R177 */
test('a run that is past its deadline is aborted, wherever it is', async () => {
  const g = gate()
  const w = await world({ effects: [g.effect] })
  const asleep = program(async (ctx) => ctx.sleep('s', 3_600_000), { name: 'asleep' })
  const deadline = (systemClock.now() + 300) as Timestamp
  const sleeper = await w.runs.start(asleep, null, { deadline })
  await w.runs.drive(sleeper)
  const queued = await w.runs.start(
    program(async () => 1, { name: 'unknown' }),
    null,
    {
      queue: 'mail',
      deadline,
    },
  )
  const other = await w.another('bob', { programs: [single] })
  const busy = await other.runs.start(single, 'busy', { grants, deadline })
  void other.runs.drive(busy).catch(() => undefined)
  await eventually(() => g.seen.length).toBe(1)
  const s = await supervised(w, [asleep], { principal: 'os:clock' as never })
  for (const run of [sleeper, queued]) {
    await eventually(async () => (await w.runs.view(run)).conclusion).toBe('aborted')
  }
  await eventually(() => w.types(busy)).toContain('AbortRequested')
  const asked = (await w.events(busy)).find(({ type }) => type === 'AbortRequested')
  expect(asked).toMatchObject({ principal: 'os:clock' })
  expect((await w.runs.view(sleeper)).reason).toMatch(/deadline/)
  g.all()
  await eventually(async () => (await w.runs.view(busy)).state).toBe('TERMINATED')
  expect(s.errors).toEqual([])
})

/** Verifies: RUN-R178 */
test('a drain takes nothing more, waits for what is at work, and stops what is left', async () => {
  const g = gate()
  const w = await world({ effects: [g.effect] })
  const [quick, slow, later] = [
    await w.runs.start(single, 'quick', { grants, queue: 'mail' }),
    await w.runs.start(single, 'slow', { grants, queue: 'mail' }),
    await w.runs.start(single, 'later', { grants, queue: 'mail' }),
  ]
  const s = await supervised(w, [single], { concurrency: 2 })
  await eventually(() => g.seen.length).toBe(2)
  const drained = s.supervisor.drain({ withinMs: 300 })
  g.one()
  expect(await drained).toEqual({ finished: 1, stopped: 1 })
  expect(s.supervisor.status()).toMatchObject({ state: 'stopped', ready: false, running: 0 })
  expect((await w.runs.view(quick)).conclusion).toBe('committed')
  expect((await w.runs.view(slow)).conclusion).toBe(null)
  expect((await w.runs.view(later)).state).toBe('CREATED')
  g.all()
  // The process ends, and with it its ownership: any other goes on at once.
  w.die()
  const next = await w.another('bob', { programs: [single], effects: [tool('do')] })
  await supervised(next, [single])
  await ended(next, slow, later)
})

/** Verifies: RUN-R179 */
test('a run that cannot be driven costs a pause; unknown programs are left', async () => {
  const w = await world({ programs: [single] })
  const stuck = await w.runs.start(single, 'stuck', { grants, queue: 'mail' })
  const nobodys = program(async () => 1, { name: 'unknown' })
  const unknown = await w.runs.start(nobodys, null, { queue: 'mail' })
  w.die()
  const next = await w.another('bob', { programs: [single] })
  const fine = await next.runs.start(single, 'fine', { grants, queue: 'mail' })
  const drive: typeof next.runs.drive = (run, options) => {
    if (run === stuck) return Promise.reject(new Error('it cannot be driven'))
    return next.runs.drive(run, options)
  }
  const s = await supervised({ ...next, runs: { ...next.runs, drive } }, [single])
  await ended(next, fine)
  await eventually(() => s.errors.length).toBeGreaterThan(0)
  expect(s.supervisor.status().setbacks).toBe(1)
  expect((await next.runs.view(unknown)).state).toBe('CREATED')
})

/** Verifies: RUN-R130, RUN-R179 */
test('a run that diverges is set aside, and stops nothing else', async () => {
  const w = await world()
  const wrong = program(async (ctx) => ctx.sleep('a', 300), { name: 'wrong' })
  const other = program(async (ctx) => ctx.sleep('b', 3_600_000), { name: 'wrong' })
  const diverging = await w.runs.start(wrong, null, { queue: 'mail' })
  await w.runs.drive(diverging)
  w.die()
  const next = await w.another('bob', { programs: [other, single] })
  const fine = await next.runs.start(single, 'fine', { grants, queue: 'mail' })
  await supervised(next, [other, single])
  await ended(next, fine)
  await eventually(async () => (await next.runs.view(diverging)).quarantine).not.toBeNull()
})

/** Verifies: RUN-R171 */
test('two supervisors over one log drive each run once', async () => {
  const w = await world({ programs: [single] })
  const other = await w.another('bob', { programs: [single] })
  const runs: RunId[] = []
  for (let n = 0; n < 60; n += 1) {
    runs.push(await w.runs.start(single, `${n}`, { grants, queue: 'mail' }))
  }
  await Promise.all([supervised(w, [single]), supervised(other, [single])])
  await ended(w, ...runs)
  const steps = [...w.witness, ...other.witness]
  expect(steps).toHaveLength(60)
})

/** Verifies: RUN-R170 */
test('a supervisor of an owner that is not sure takes nothing; of a dead one it ends', async () => {
  const w = await world()
  let isSure = false
  const ownership = { ...w.ownership, isSure: () => isSure }
  const run = await w.runs.start(single, 'x', { grants, queue: 'mail' })
  const s = await supervised(w, [single], { ownership })
  await eventually(() => s.supervisor.status().quietMs).toBeLessThan(1_000)
  expect(s.supervisor.status()).toMatchObject({ state: 'running', ready: false, running: 0 })
  isSure = true
  await ended(w, run)
  isSure = false
  w.die()
  expect(await s.supervisor.ended).toBe('lost')
})

/** Verifies: RUN-R179 */
test('bounds, weights and rates that are none are refused', async () => {
  const w = await world()
  const wrong: readonly Partial<SupervisorInit>[] = [
    { concurrency: 0 },
    { concurrency: 501 },
    { queues: { a: { weight: 0 } } },
    { queues: { a: { weight: Number.NaN } } },
    { queues: { a: { concurrency: 1.5 } } },
    { queues: { a: { keyConcurrency: 0 } } },
    { queues: { a: { rate: { count: 0, perMs: 1 } } } },
    { queues: { a: { rate: { count: 1, perMs: 0 } } } },
  ]
  for (const more of wrong) {
    await expect(supervised(w, [single], more)).rejects.toMatchObject({
      code: 'ICE_RUNS_SUPERVISOR_UNSUPPORTED',
    })
  }
})
