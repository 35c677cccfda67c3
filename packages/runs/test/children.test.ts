/** Verifies: RUN-R104, RUN-R105, RUN-R106 */
import { EventsError, memoryEventStore } from '@ice/events'
import type { EventStore } from '@ice/events/ports'
import { systemClock } from '@ice/primitives'
import { describe, expect, test } from 'vitest'
import { RUNS_CODES } from '../src/errors.ts'
import { defineProgram } from '../src/index.ts'
import type { GrantSpec, RunContext } from '../src/ports.ts'
import { any, doing, eventually, program, toolGrant, world } from './harness.ts'

const spawning = (more: object = {}): GrantSpec => ({
  actions: ['run.spawn'],
  resource: { kind: 'spawn', names: ['child'], widthMax: 4, ...more },
  delegable: 2,
})
const grants = { spawn: spawning(), g: { ...toolGrant('do'), delegable: 1 } }
const under = { grant: 'spawn', grants: { g: 'g' } }

function child(run: (context: RunContext, input: unknown) => Promise<unknown>) {
  return defineProgram({ name: 'child', version: '1', input: any, output: any, run })
}

const doubling = child(async (context, input) => {
  const { n } = await context.effect<{ n: number }>('double', doing({ n: (input as number) * 2 }))
  return n
})

describe('a child', () => {
  const parent = program(async (context) => {
    const one = await context.spawn<number>('one', doubling, 21, under)
    return [one.run, await one.result()]
  })

  test('acts under grants that hang below those of its parent, and gives its result', async () => {
    const { runs, witness, authority } = await world({ programs: [doubling] })
    const { run, stretch } = await runs.execute(parent, null, { grants })
    expect(stretch).toMatchObject({
      result: { conclusion: 'committed', value: [expect.any(String), 42] },
    })
    expect(witness).toEqual(['double'])
    const [id] = (stretch as never as { result: { value: [never] } }).result.value
    const view = await runs.view(id)
    expect(view.parent).toEqual({ run, step: 'one', depth: 1 })
    const { grants: own } = await runs.view(run)
    const held = authority.grant(view.grants['g'] as never)?.grant
    expect(held).toMatchObject({ parent: own['g'], holder: `run/${id}` })
  })

  test('is one child, however often its parent dies', async () => {
    const stuck = child((context) => context.signal('go', 'go').then(() => 7))
    const waiting = defineProgram({ ...stuck, signals: { go: any } })
    const asking = program(async (context) => {
      const one = await context.spawn<number>('one', waiting, null, { grant: 'spawn' })
      return one.result()
    })
    const programs = [waiting, asking]
    const one = await world({ programs })
    const { run, stretch } = await one.runs.execute(asking, null, { grants })
    expect(stretch).toMatchObject({ kind: 'suspended', waits: [{ kind: 'child' }] })
    one.die()
    const two = await one.another('bob', { programs })
    expect(await two.runs.drive(run)).toMatchObject({ kind: 'suspended' })
    const [{ child: id } = {}] = (await two.runs.view(run)).waits
    await two.runs.signal(id as never, { signal: 'go' })
    expect(await two.runs.drive(id as never)).toMatchObject({ kind: 'concluded' })
    expect(await two.runs.drive(run)).toMatchObject({ result: { value: 7 } })
    const all = []
    for await (const view of two.runs.list()) all.push(view.program.name)
    expect(all.sort()).toEqual(['child', 'test'])
  })

  test('is started once the log can be reached again, and not told to have failed', async () => {
    const store = memoryEventStore({ clock: systemClock })
    let away = 3
    const blinking: EventStore = {
      ...store,
      async append(unit) {
        const isChild = unit.writes.some(({ events }) =>
          events.some(({ type }) => type === 'RunRequested'),
        )
        if (isChild && away > 0) {
          away -= 1
          throw new EventsError('ICE_EVENTS_UNAVAILABLE', 'The server is away')
        }
        return store.append(unit)
      },
    }
    const { runs } = await world({ store: blinking, programs: [doubling] })
    const { stretch } = await runs.execute(parent, null, { grants })
    expect(stretch).toMatchObject({ result: { conclusion: 'committed' } })
    expect(away).toBe(0)
  })

  test('is not started any more once its parent is told to stop', async () => {
    const store = memoryEventStore({ clock: systemClock })
    const stop = new AbortController()
    const away: EventStore = {
      ...store,
      async append(unit) {
        const isChild = unit.writes.some(({ events }) =>
          events.some(({ type }) => type === 'RunRequested'),
        )
        if (!isChild) return store.append(unit)
        stop.abort()
        throw new EventsError('ICE_EVENTS_UNAVAILABLE', 'The server is away')
      },
    }
    const { runs, types } = await world({ store: away, programs: [doubling] })
    const run = await runs.start(parent, null, { grants })
    expect(await runs.drive(run, { signal: stop.signal })).toEqual({ kind: 'stopped' })
    expect((await types(run)).at(-1)).toBe('CapabilityUsed')
  })

  test('that aborts is thrown, or given as a value', async () => {
    const failing = child(async () => {
      throw new Error('no')
    })
    const parents = [
      program(async (context) => (await context.spawn('one', failing, 1, under)).result()),
      program(
        async (context) =>
          (await (await context.spawn('one', failing, 1, under)).settled()).conclusion,
        { name: 'asking' },
      ),
    ]
    const { runs } = await world({ programs: [failing] })
    const [thrown, given] = await Promise.all(
      parents.map((each) => runs.execute(each, null, { grants })),
    )
    expect(thrown?.stretch).toMatchObject({ result: { conclusion: 'aborted' } })
    expect(given?.stretch).toMatchObject({ result: { value: 'aborted' } })
  })

  test('is not started beyond the width, the depth or the programs of the grant', async () => {
    const wide = program(async (context) => {
      const branches = Array.from({ length: 6 }, (_, i) => i)
      return context.map('each', branches, async (branch, n) => {
        try {
          return await (await branch.spawn<number>('it', doubling, n, under)).result()
        } catch (error) {
          return (error as { code: string }).code
        }
      })
    })
    const { runs } = await world({ programs: [doubling] })
    const { stretch } = await runs.execute(wide, null, { grants })
    const { value } = (stretch as never as { result: { value: unknown[] } }).result
    expect(value.filter((each) => each === RUNS_CODES.effectDenied)).toHaveLength(2)
    expect(value.filter((each) => typeof each === 'number')).toHaveLength(4)
    const other = program(async (context) => {
      await context.spawn('it', { name: 'constructor', version: '1' }, null, under)
    })
    const refused = await runs.execute(other, null, { grants })
    expect(refused.stretch).toMatchObject({ result: { conclusion: 'aborted' } })
  })

  test('ends with its parent, unless it is detached', async () => {
    const sleeping = child(async (context) => context.sleep('nap', 3_600_000))
    const leaving = program(async (context) => {
      const one = await context.spawn('one', sleeping, 1, { grant: 'spawn' })
      const two = await context.spawn('two', sleeping, 2, { grant: 'spawn', detached: true })
      return [one.run, two.run]
    })
    const { runs } = await world({ programs: [sleeping] })
    const { stretch } = await runs.execute(leaving, null, { grants })
    const [one, two] = (stretch as never as { result: { value: never[] } }).result.value
    expect(await runs.result(one as never)).toMatchObject({
      conclusion: 'aborted',
      reason: 'Its parent has ended',
    })
    expect((await runs.view(two as never)).conclusion).toBeNull()
    await runs.abort(two as never, { reason: 'test' })
  })
})

describe('a child whose parent ends', () => {
  const sleeping = child(async (context) => context.sleep('nap', 3_600_000))
  const leaving = program(
    async (context) => {
      await context.spawn('one', sleeping, 1, { grant: 'spawn' })
      await context.signal('go', 'go')
    },
    { signals: { go: any } },
  )
  const childOf = async ({ runs }: Awaited<ReturnType<typeof world>>) => {
    for await (const { run, program: of } of runs.list()) if (of.name === 'child') return run
    throw new Error('there is no child')
  }

  test('by force is aborted, too', async () => {
    const w = await world({ programs: [sleeping, leaving] })
    const { run } = await w.runs.execute(leaving, null, { grants })
    await w.runs.abort(run, { reason: 'enough', force: true })
    expect(await w.runs.result(await childOf(w))).toMatchObject({
      conclusion: 'aborted',
      reason: 'Its parent has ended',
    })
  })

  test('whose owner dies before it could tell it finds that out when it is driven', async () => {
    const programs = [sleeping, leaving]
    const one = await world({ programs })
    const { run } = await one.runs.execute(leaving, null, { grants })
    const { append } = one.log
    Object.assign(one.log, {
      append: (request: Parameters<typeof append>[0]) => {
        const types = request.writes.flatMap(({ events }) => events.map(({ type }) => type))
        if (types.includes('AbortRequested')) return Promise.reject(new Error('it is dead'))
        return append(request)
      },
    })
    await one.runs.signal(run, { signal: 'go' })
    await expect(one.runs.drive(run)).rejects.toThrow('it is dead')
    expect((await one.types(run)).at(-1)).toBe('RunTerminated')
    one.die()
    const two = await one.another('bob', { programs })
    Object.assign(two.log, { append })
    expect(await two.runs.drive(await childOf(two))).toMatchObject({
      result: { conclusion: 'aborted', reason: 'Its parent has ended' },
    })
  })
})

describe('going on as another run', () => {
  const counting = defineProgram({
    name: 'counting',
    version: '1',
    input: any,
    output: any,
    signals: { word: any },
    run: async (context, input) => {
      const { n, words } = input as { n: number; words: string[] }
      await context.effect('tick', doing({ n }))
      const word = await context.signal<string>('word', 'word')
      const all = [...words, word?.value ?? '']
      if (n === 3) return all
      return context.continueAs({ n: n + 1, words: all })
    },
  })

  test('keeps the grants and the inbox, and has the result at its end', async () => {
    const { runs, witness, types } = await world({ programs: [counting] })
    const counted = { g: { ...toolGrant('do'), caveats: [{ kind: 'count' as const, max: 3 }] } }
    const run = await runs.start(
      counting,
      { n: 1, words: [] },
      { grants: counted, tags: { a: 'b' } },
    )
    for (const payload of ['x', 'y', 'z']) await runs.signal(run, { signal: 'word', payload })
    await runs.drive(run)
    expect(await runs.result(run)).toMatchObject({ value: ['x', 'y', 'z'] })
    expect(witness).toEqual(['tick', 'tick', 'tick'])
    expect((await types(run)).at(-1)).toBe('RunTerminated')
    const { continuedAs } = await runs.view(run)
    const next = await runs.view(continuedAs as never)
    expect(next).toMatchObject({ line: run, tags: { a: 'b' } })
  })

  test('gains nothing: what was spent is spent', async () => {
    const { runs } = await world({ programs: [counting] })
    const counted = { g: { ...toolGrant('do'), caveats: [{ kind: 'count' as const, max: 2 }] } }
    const run = await runs.start(counting, { n: 1, words: [] }, { grants: counted })
    void runs.drive(run, { wait: true })
    for (const payload of ['x', 'y', 'z']) {
      await runs.signal(run, { signal: 'word', payload }).catch(() => undefined)
    }
    expect(await runs.result(run)).toMatchObject({ conclusion: 'aborted' })
  })

  test('is the child that its parent waits for', async () => {
    const going = child(async (context, input) => {
      return (input as number) === 2 ? 'end' : context.continueAs((input as number) + 1)
    })
    const parent = program(async (context) => {
      return (await context.spawn<string>('one', going, 0, { grant: 'spawn' })).result()
    })
    const { runs } = await world({ programs: [going] })
    const { stretch } = await runs.execute(parent, null, { grants, wait: true })
    expect(stretch).toMatchObject({ result: { value: 'end' } })
  })
})

describe('versions', () => {
  const version = (
    name: string,
    run: (context: RunContext) => Promise<unknown>,
    more: object = {},
  ) => defineProgram({ name: 'priced', version: name, input: any, output: any, run, ...more })
  const old = version('1', async (context) => {
    await context.approval('go', { prompt: 'go?' })
    await context.effect('price', doing({ of: 'old' }))
    return context.approval('end', { prompt: 'end?' }).then(() => 'old')
  })
  const patched = version(
    '2',
    async (context) => {
      await context.approval('go', { prompt: 'go?' })
      const isNew = await context.patched('new-prices')
      await context.effect('price', doing({ of: isNew ? 'new' : 'old' }))
      return context.approval('end', { prompt: 'end?' }).then(() => (isNew ? 'new' : 'old'))
    },
    { takesOver: ['1'] },
  )
  const g = { g: toolGrant('do') }

  test('a run stays with its version where nobody takes it over', async () => {
    const one = await world({ programs: [old] })
    const { run } = await one.runs.execute(old, null, { grants: g })
    one.die()
    const two = await one.another('bob', { programs: [version('2', async () => 1)] })
    await two.runs.answer(run, { step: 'go', approved: true })
    await expect(two.runs.drive(run)).rejects.toMatchObject({ code: RUNS_CODES.programNotFound })
  })

  test.each([
    ['before', 'new'],
    ['past', 'old'],
  ])('a run that is %s the patch goes the %s way, on every replay', async (where, way) => {
    const one = await world({ programs: [old] })
    const { run } = await one.runs.execute(old, null, { grants: g })
    if (where === 'past') {
      await one.runs.answer(run, { step: 'go', approved: true })
      await one.runs.drive(run)
    }
    one.die()
    const two = await one.another('bob', { programs: [patched] })
    if (where === 'before') await two.runs.answer(run, { step: 'go', approved: true })
    await two.runs.drive(run)
    two.die()
    const three = await one.another('eve', { programs: [patched] })
    await eventually(async () => (await three.runs.view(run)).waitingFor[0]?.step).toBe('end')
    await three.runs.answer(run, { step: 'end', approved: true })
    expect(await three.runs.drive(run)).toMatchObject({ result: { value: way } })
    expect((await three.runs.view(run)).program.version).toBe('2')
  })
})

test('what the log says of steps is what counts as progress', async () => {
  const { STEP_EVENTS } = await import('../src/steps.ts')
  const { RECORDED_TYPES } = await import('../src/records.ts')
  expect([...RECORDED_TYPES].sort()).toEqual([...STEP_EVENTS].sort())
})
