/** The index of real runs: who should drive which, and when. */
import { memoryEventStore } from '@ice/events'
import { streamId, systemClock, type Timestamp } from '@ice/primitives'
import { manualClock } from '@ice/primitives/testing'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createRunIndex, memoryRunRows } from '../src/index.ts'
import type { RunIndex, RunRow, RunRows } from '../src/ports.ts'
import { any, doing, grants, program, tool, type World, world } from './harness.ts'

const PROGRAMS = [{ name: 'test', version: '1' }]

interface Indexed extends World {
  readonly rows: RunRows
  readonly index: RunIndex
}

async function indexed(options: Parameters<typeof world>[0] = {}): Promise<Indexed> {
  const w = await world(options)
  const rows = memoryRunRows()
  return { ...w, rows, index: createRunIndex({ log: w.log, rows }) }
}

async function only({ index }: Pick<Indexed, 'index'>): Promise<RunRow | undefined> {
  await index.catchUp()
  return (await index.find({}))[0]
}

/** Of a whole log, by new rows. */
async function rebuilt({ log }: World): Promise<readonly RunRow[]> {
  const index = createRunIndex({ log, rows: memoryRunRows() })
  await index.catchUp()
  return index.find({ limit: 1_000 })
}

/** Verifies: RUN-R168 */
test('a run in a queue is ready until it is driven, another is its starter’s', async () => {
  const w = await indexed()
  const p = program(async () => 1)
  const queued = await w.runs.start(p, null, {
    queue: 'mail',
    concurrencyKey: 'k',
    priority: 7,
    deadline: 9_000_000_000_000 as Timestamp,
    tags: { tenant: 'a' },
    key: 'once',
  })
  const own = await w.runs.start(p, null)
  await w.index.catchUp()
  const [first, second] = await w.index.find({})
  expect(first).toMatchObject({
    run: queued,
    state: 'CREATED',
    standing: 'ready',
    queue: 'mail',
    concurrencyKey: 'k',
    priority: 7,
    deadline: 9_000_000_000_000,
    tags: { tenant: 'a' },
    key: 'once',
  })
  expect(second).toMatchObject({ run: own, standing: 'held', queue: 'default' })
  await w.runs.drive(queued)
  await w.runs.drive(own)
  await w.index.catchUp()
  expect((await w.index.find({})).map(({ standing, state }) => [standing, state])).toEqual([
    ['ended', 'TERMINATED'],
    ['ended', 'TERMINATED'],
  ])
})

/** Verifies: RUN-R169 */
test('a run in a queue is taken up by another process though its starter lives', async () => {
  const w = await world()
  const p = program(async () => 1)
  const queued = await w.runs.start(p, null, { queue: 'mail' })
  const own = await w.runs.start(p, null)
  const other = await w.another('bob', { programs: [p] })
  expect(await other.runs.drive(own)).toEqual({ kind: 'owned', owner: 'alice' })
  const both = await Promise.all([other.runs.drive(queued), w.runs.drive(queued)])
  const kinds = both.map(({ kind }) => kind)
  expect(kinds).toContain('concluded')
  expect((await w.types(queued)).filter((type) => type === 'RunCommitted')).toHaveLength(1)
})

/** Verifies: RUN-R168 */
test('a sleeper is ready when it is due, and an abort ends it', async () => {
  const clock = manualClock(1_000)
  const w = await indexed({ clock })
  const sleeper = program(async (ctx) => ctx.sleep('s', 60_000))
  const run = await w.runs.start(sleeper, null)
  await w.runs.drive(run)
  expect(await only(w)).toMatchObject({ standing: 'asleep', until: 61_000 })
  const query = { programs: PROGRAMS, perQueue: 5 }
  expect(await w.index.ready({ ...query, now: 60_999 as Timestamp })).toEqual([])
  expect(await w.index.ready({ ...query, now: 61_000 as Timestamp })).toMatchObject([{ run }])
  await w.runs.abort(run, { reason: 'enough' })
  expect(await only(w)).toMatchObject({ standing: 'ended', aborting: true })
})

/** Verifies: RUN-R168 */
test('a signal wakes who listens for its name, and nobody else', async () => {
  const w = await indexed()
  const signals = { go: any, stop: any }
  const p = program(async (ctx) => ctx.signal('s', 'go'), { signals })
  const run = await w.runs.start(p, null)
  await w.runs.drive(run)
  await w.runs.signal(run, { signal: 'stop' })
  expect(await only(w)).toMatchObject({ standing: 'asleep' })
  await w.runs.signal(run, { signal: 'go' })
  expect(await only(w)).toMatchObject({ standing: 'ready' })
  await w.runs.drive(run)
  expect(await only(w)).toMatchObject({ standing: 'ended', listens: [] })
})

/** Verifies: RUN-R168 */
test('an answer wakes', async () => {
  const w = await indexed()
  const p = program(async (ctx) => ctx.approval('ask', { prompt: 'May I?' }))
  const run = await w.runs.start(p, null)
  await w.runs.drive(run)
  expect(await only(w)).toMatchObject({ standing: 'asleep', until: null })
  await w.runs.answer(run, { step: 'ask', approved: true })
  expect(await only(w)).toMatchObject({ standing: 'ready' })
})

/** Verifies: RUN-R168 */
test('an effect in doubt is told until somebody says what became of it, which wakes', async () => {
  const unknown = Object.assign(new Error('who knows'), { code: 'TEST_IN_DOUBT' })
  const w = await indexed({ effects: [tool('do', 'irreversible', () => Promise.reject(unknown))] })
  const p = program(async (ctx) => ctx.effect('one', doing()))
  const run = await w.runs.start(p, null, { grants })
  await w.runs.drive(run)
  expect(await only(w)).toMatchObject({ standing: 'asleep', doubts: ['one'] })
  await w.runs.resolveDoubt(run, { effect: 'one', happened: true, evidence: 'seen' })
  expect(await only(w)).toMatchObject({ standing: 'ready', doubts: [] })
})

/** Verifies: RUN-R168 */
test('an event wakes who listens for it, wherever it stands', async () => {
  const w = await indexed()
  const waiter = program(async (ctx) => ctx.event('e', { types: ['RunCommitted'] }))
  const other = program(async () => 1, { name: 'other' })
  const run = await w.runs.start(waiter, null)
  await w.runs.drive(run)
  expect(await only(w)).toMatchObject({
    standing: 'asleep',
    listens: [{ types: ['RunCommitted'] }],
  })
  expect((await w.index.outlook(0 as Timestamp)).listenedFor).toEqual(['RunCommitted'])
  await w.runs.execute(other, null)
  expect(await only(w)).toMatchObject({ run, standing: 'ready' })
  // The same log, read in one go: the event stands behind the suspension, and is seen all the same.
  expect(await rebuilt(w)).toEqual(await w.index.find({}))
})

/** Verifies: RUN-R168 */
test('an event that came between the last look of a run and its sleep wakes it', async () => {
  const w = await indexed()
  const waiter = program(async (ctx) => ctx.event('e', { types: ['RunAborted'] }))
  const run = await w.runs.start(waiter, null)
  const stream = streamId(`run/${run}`)
  await w.runs.drive(run)
  const slept = (await w.events(run)).at(-1)
  expect(slept?.type).toBe('RunSuspended')
  // What the run would have missed: the event is there, and then it falls asleep again.
  const expectedVersion = slept?.version as never
  await w.log.append({
    writes: [{ stream, expectedVersion, events: [{ type: 'RunResumed', data: {} }] }],
  })
  const failing = program(async () => Promise.reject(new Error('no')), { name: 'failing' })
  await w.runs.execute(failing, null)
  const again = { type: 'RunSuspended', data: { waitingFor: ['e'] } }
  const writes = [
    { stream, expectedVersion: (Number(expectedVersion) + 1) as never, events: [again] },
  ]
  await w.log.append({ writes })
  expect(await only(w)).toMatchObject({ run, standing: 'ready' })
})

/** Verifies: RUN-R168 */
test('a takeover from a dead owner is counted until the run is asleep', async () => {
  const gate = Promise.withResolvers<void>()
  const w = await indexed({ effects: [tool('do', 'idempotent', () => gate.promise.then(() => 1))] })
  const p = program(async (ctx) => {
    await ctx.effect('one', doing())
    await ctx.sleep('s', 60_000)
  })
  const run = await w.runs.start(p, null, { grants, queue: 'mail' })
  for (const name of ['bob', 'carol']) {
    const dying = await w.another(name, { programs: [p] })
    const driven = dying.runs.drive(run)
    await expect.poll(() => dying.witness.length, { timeout: 30_000 }).toBe(1)
    dying.die()
    void driven.catch(() => undefined)
  }
  expect(await only(w)).toMatchObject({ standing: 'held', owner: 'carol', crashes: 1 })
  gate.resolve()
  const last = await w.another('dave', { programs: [p], effects: [tool('do')] })
  await last.runs.drive(run)
  expect(await only(w)).toMatchObject({ standing: 'asleep', crashes: 0, crashedAt: 0 })
})

/** Verifies: RUN-R160 */
test('rows of another history are folded anew', async () => {
  const w = await indexed()
  await w.runs.start(
    program(async () => 1),
    null,
  )
  await w.index.catchUp()
  const other = await world({ store: memoryEventStore({ clock: systemClock, incarnation: 'two' }) })
  const run = await other.runs.start(
    program(async () => 1),
    null,
  )
  const index = createRunIndex({ log: other.log, rows: w.rows })
  await index.catchUp()
  expect((await index.find({})).map((row) => row.run)).toEqual([run])
  expect(await index.lag()).toBe(0)
})

/** Verifies: RUN-R160 */
test('two that move the same rows at once come to the same', async () => {
  const w = await indexed()
  const p = program(async () => 1)
  for (let n = 0; n < 20; n += 1) await w.runs.start(p, null, { queue: 'mail' })
  const twin = createRunIndex({ log: w.log, rows: w.rows })
  const marks = await Promise.all([w.index.catchUp(), twin.catchUp(), w.index.catchUp()])
  expect(new Set(marks.map(({ position }) => position)).size).toBe(1)
  expect(await w.index.find({})).toEqual(await rebuilt(w))
})

/** Verifies: RUN-R160 */
test('rows are the same wherever the reading stopped in between', async () => {
  const signals = { go: any }
  const p = program(
    async (ctx, input) => {
      const kind = input as number
      if (kind % 5 === 1) await ctx.signal('s', 'go')
      if (kind % 5 === 2) await ctx.event('e', { types: ['RunCommitted', 'SignalReceived'] })
      if (kind % 5 === 3) await ctx.approval('a', { prompt: '?' })
      if (kind % 5 === 4) await ctx.sleep('t', 60_000)
      return kind
    },
    { signals },
  )
  const steps = fc.array(fc.tuple(fc.nat(9), fc.nat(20)), { minLength: 1, maxLength: 24 })
  await fc.assert(
    fc.asyncProperty(steps, async (actions) => {
      const w = await indexed({ programs: [p] })
      const runs: Awaited<ReturnType<typeof w.runs.start>>[] = []
      for (const [what, of] of actions) {
        const run = runs[of % Math.max(runs.length, 1)]
        if (what < 4 || run === undefined) {
          const queue = what % 2 === 0 ? { queue: `q${of % 3}` } : {}
          runs.push(await w.runs.start(p, of, queue))
        } else if (what < 6) await w.runs.drive(run)
        else if (what === 6) await w.runs.signal(run, { signal: 'go' }).catch(() => undefined)
        else if (what === 7) {
          await w.runs.answer(run, { step: 'a', approved: true }).catch(() => undefined)
        } else if (what === 8) {
          await w.runs.abort(run, { reason: 'x' }).catch(() => undefined)
        } else await w.index.catchUp()
      }
      await w.index.catchUp()
      const [found, whole] = [await w.index.find({ limit: 1_000 }), await rebuilt(w)]
      // When a sleeper was woken is told by the event that was seen first.
      expect(found.map(withoutWake)).toEqual(whole.map(withoutWake))
      await w.runs.close()
    }),
    { numRuns: 40 },
  )
})

function withoutWake({ since: _, at: __, ...row }: RunRow): unknown {
  return row
}

/** Verifies: RUN-R168 */
test('the end of a child wakes its parent, also one that was not asleep yet', async () => {
  const w = await indexed()
  const child = program(async (ctx) => ctx.signal('s', 'go'), {
    name: 'child',
    signals: { go: any },
  })
  const started = await w.runs.start(child, null)
  // A parent that waits for it, as its events tell: the child ends before it is asleep, and after.
  const parent = await w.runs.start(
    program(async () => 1),
    null,
  )
  const stream = streamId(`run/${parent}`)
  const slept = { type: 'RunSuspended', data: { waitingFor: ['c'] } }
  const awaited = { type: 'ChildAwaited', data: { step: 'c', child: started } }
  const append = (version: number, ...events: { type: string; data: unknown }[]) =>
    w.log.append({ writes: [{ stream, expectedVersion: version as never, events }] })
  await append(1, awaited, slept)
  await w.index.catchUp()
  expect((await w.index.find({ runs: [parent] }))[0]).toMatchObject({ standing: 'asleep' })
  await w.runs.drive(started)
  await w.runs.signal(started, { signal: 'go' })
  await w.runs.drive(started)
  await append(3, { type: 'RunResumed', data: {} }, slept)
  await w.index.catchUp()
  expect((await w.index.find({ runs: [parent] }))[0]).toMatchObject({ standing: 'ready' })
  const [row] = (await rebuilt(w)).filter(({ run }) => run === parent)
  expect(row).toMatchObject({ standing: 'ready' })
})

/** Verifies: RUN-R168 */
test('a signal to a line wakes the run that goes on for the first, in the same queue', async () => {
  const w = await indexed()
  const p = program(
    async (ctx, input) => (input === 0 ? ctx.continueAs(1) : ctx.signal('s', 'go')),
    { signals: { go: any } },
  )
  const first = await w.runs.start(p, 0, { queue: 'mail', priority: 3 })
  await w.runs.drive(first)
  await expect
    .poll(async () => {
      await w.index.catchUp()
      return (await w.index.find({ lines: [first], standings: ['asleep'] })).length
    })
    .toBe(1)
  await w.runs.signal(first, { signal: 'go' })
  await w.index.catchUp()
  const [, next] = await w.index.find({})
  expect(next).toMatchObject({ line: first, standing: 'ready', queue: 'mail', priority: 3 })
})
