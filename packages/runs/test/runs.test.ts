import type { RunId } from '@ice/primitives'
import { describe, expect, test } from 'vitest'
import { runOfKey } from '../src/index.ts'
import { any, doing, grants, program, tool, toolGrant, traceOf, world } from './harness.ts'

const three = program(async (ctx) => {
  const a = await ctx.effect('a', doing({ n: 1 }))
  const b = await ctx.effect('b', doing({ n: 2 }))
  const c = await ctx.effect('c', doing({ n: 3 }))
  return [a, b, c]
})

/** Verifies: RUN-R01, RUN-R02, RUN-R03 */
describe('a run', () => {
  test('of three effects is eighteen events in five appends, its terminal event last', async () => {
    const { runs, types, store } = await world()
    let appends = 0
    const { append } = store
    store.append = (unit) => {
      appends += 1
      return append(unit)
    }
    const { run, stretch } = await runs.execute(three, {}, { grants })
    expect(stretch).toEqual({
      kind: 'concluded',
      result: { conclusion: 'committed', value: [{ n: 1 }, { n: 2 }, { n: 3 }] },
    })
    expect(await types(run)).toEqual(traceOf(3))
    expect(await types(run)).toHaveLength(18)
    expect(appends).toBe(5)
  })

  test('records every intent before its act', async () => {
    const order: string[] = []
    const { runs, log } = await world({
      effects: [
        tool('do', 'idempotent', async (call) => {
          const stored = await log.event(call.intent)
          order.push(`${stored.type} ${(stored.data as { effect: string }).effect}`)
          return null
        }),
      ],
    })
    await runs.execute(three, {}, { grants })
    expect(order).toEqual(['CapabilityUsed a', 'CapabilityUsed b', 'CapabilityUsed c'])
  })

  test('started twice under one key is one run; with another input it is a conflict', async () => {
    const { runs, log } = await world()
    const first = await runs.start(three, { n: 1 }, { grants, key: 'k' })
    expect(await runs.start(three, { n: 1 }, { grants, key: 'k' })).toBe(first)
    expect(await runOfKey(log, { program: three.name, key: 'k' })).toBe(first)
    expect(await runOfKey(log, { program: three.name, key: 'other' })).toBeNull()
    expect(await runOfKey(log, { program: 'other', key: 'k' })).toBeNull()
    await expect(runs.start(three, { n: 2 }, { grants, key: 'k' })).rejects.toMatchObject({
      code: 'ICE_RUNS_KEY_CONFLICT',
    })
  })

  test('started many times at once under one key is one run', async () => {
    const { runs } = await world()
    const starts = Array.from({ length: 20 }, () => runs.start(three, {}, { grants, key: 'k' }))
    expect(new Set(await Promise.all(starts)).size).toBe(1)
  })

  test('tells its result to another process that waits for it', async () => {
    const alice = await world()
    const bob = await alice.another('bob')
    const run = await alice.runs.start(three, {}, { grants })
    const awaited = bob.runs.result(run)
    await alice.runs.drive(run)
    expect(await awaited).toEqual({
      conclusion: 'committed',
      value: [{ n: 1 }, { n: 2 }, { n: 3 }],
    })
  })

  test('that lacks a grant its program needs does not start', async () => {
    const { runs, log } = await world()
    const needy = program(async () => null, { needs: ['g', 'h'] })
    await expect(runs.start(needy, {}, { grants })).rejects.toMatchObject({
      code: 'ICE_RUNS_GRANTS_UNSUPPORTED',
      data: { missing: ['h'], given: ['g'] },
    })
    expect(await log.store.head()).toEqual({ position: 0 })
  })

  test('that is not there is said not to be there', async () => {
    const { runs } = await world()
    const run = '01890000-0000-7000-8000-000000000000' as RunId
    for (const attempt of [runs.view(run), runs.drive(run), runs.result(run)]) {
      await expect(attempt).rejects.toMatchObject({ code: 'ICE_RUNS_NOT_FOUND' })
    }
  })

  test('is driven once, however often its drive is asked for at the same time', async () => {
    const { runs, witness } = await world()
    const run = await runs.start(three, {}, { grants })
    const stretches = await Promise.all([runs.drive(run), runs.drive(run), runs.drive(run)])
    expect(new Set(stretches.map((s) => JSON.stringify(s))).size).toBe(1)
    expect(witness).toEqual(['a', 'b', 'c'])
  })

  test('of a thousand effects at once settles each of them once', async () => {
    const { runs, witness } = await world()
    const wide = program(async (ctx) => {
      const ids = Array.from({ length: 1000 }, (_, i) => `w/${i}`)
      return (await Promise.all(ids.map((id) => ctx.effect(id, doing({ id }))))).length
    })
    const { stretch } = await runs.execute(wide, {}, { grants })
    expect(stretch).toMatchObject({ result: { value: 1000 } })
    expect(new Set(witness).size).toBe(1000)
    expect(witness).toHaveLength(1000)
  })
})

/** Verifies: RUN-R04 */
describe('a denial', () => {
  test('is a value, is recorded with its reason, and the run goes on', async () => {
    const { runs, events } = await world({ effects: [tool('do'), tool('other')] })
    const denied = program(async (ctx) => {
      const outside = await ctx.attempt('outside', doing({}, 'other'))
      const unbound = await ctx.attempt('unbound', { ...doing(), grant: 'nothing' })
      const unknown = await ctx.attempt('unknown', doing({}, 'fly'))
      return [outside, unbound, unknown].map((outcome) => outcome.kind)
    })
    const { run, stretch } = await runs.execute(denied, {}, { grants })
    expect(stretch).toMatchObject({ result: { value: ['denied', 'denied', 'denied'] } })
    const reasons = (await events(run))
      .filter(({ type }) => type === 'CapabilityDenied')
      .map(({ data }) => (data as { denial: { code: string } }).denial.code)
    expect(reasons).toEqual([
      'ICE_CAPABILITIES_ACTION_NOT_GRANTED',
      'ICE_RUNS_GRANT_UNBOUND_DENIED',
      'ICE_RUNS_ACTION_UNKNOWN_DENIED',
    ])
  })

  test('that nobody handles aborts the run with its reason', async () => {
    const { runs } = await world()
    const careless = program(async (ctx) => ctx.effect('x', { ...doing(), grant: 'nothing' }))
    const { run, stretch } = await runs.execute(careless, {}, { grants })
    expect(stretch).toMatchObject({ result: { conclusion: 'aborted' } })
    expect(await runs.view(run)).toMatchObject({
      state: 'TERMINATED',
      conclusion: 'aborted',
      reason: '"x" was denied: This run has no grant called "nothing"; it has: "g"',
    })
  })

  test('by a handler that has not acted is recorded at the stage "handler"', async () => {
    const refusing = tool('do', 'irreversible', () => {
      throw Object.assign(new Error('outside'), { code: 'ICE_EFFECTS_PATH_ESCAPE_DENIED' })
    })
    const { runs, events } = await world({ effects: [refusing] })
    const asks = program(async (ctx) => (await ctx.attempt('x', doing())).kind)
    const { run, stretch } = await runs.execute(asks, {}, { grants })
    expect(stretch).toMatchObject({ result: { value: 'denied' } })
    const denial = (await events(run)).find(({ type }) => type === 'CapabilityDenied')
    expect(denial?.data).toMatchObject({ stage: 'handler', effect: 'x' })
  })

  test('follows a revocation that comes between the decision and the append', async () => {
    const { runs, grants: authority, types, store, witness } = await world()
    const run = await runs.start(three, {}, { grants })
    const { g } = (await runs.view(run)).grants
    const { append } = store
    let revoked = false
    store.append = async (unit) => {
      const intends = unit.writes.some(({ events }) =>
        events.some(({ type }) => type === 'CapabilityUsed'),
      )
      if (intends && !revoked && witness.length === 1) {
        revoked = true
        await authority.revoke(g as never, { reason: 'enough' })
      }
      return append(unit)
    }
    await runs.drive(run)
    expect(witness).toEqual(['a'])
    expect((await types(run)).filter((type) => type === 'CapabilityUsed')).toHaveLength(1)
    expect(await runs.view(run)).toMatchObject({ conclusion: 'aborted', effects: { denied: 1 } })
  })
})

/** Verifies: RUN-R05 */
describe('a failure', () => {
  const odd: readonly [string, unknown][] = [
    ['an error', new Error('no')],
    ['a string', 'no'],
    ['null', null],
    ['undefined', undefined],
    ['a symbol', Symbol('no')],
    ['a bigint', 10n],
    [
      'an object with a throwing getter',
      Object.defineProperty({}, 'message', {
        get: () => {
          throw 1
        },
      }),
    ],
  ]
  test.each(odd)(
    'of a handler that throws %s is recorded and given to the program',
    async (_, thrown) => {
      const { runs } = await world({
        effects: [
          tool('do', 'observe', () => {
            throw thrown
          }),
        ],
      })
      const asks = program(async (ctx) => (await ctx.attempt('x', doing())).kind)
      const { stretch } = await runs.execute(asks, {}, { grants })
      expect(stretch).toMatchObject({ result: { value: 'failed' } })
    },
  )

  test.each(odd)('of a program that throws %s aborts the run', async (_, thrown) => {
    const { runs } = await world()
    const throws = program(async () => {
      throw thrown
    })
    const { run } = await runs.execute(throws, {}, { grants })
    expect(await runs.view(run)).toMatchObject({ state: 'TERMINATED', conclusion: 'aborted' })
  })

  test('of a handler whose value JSON cannot hold says that the act took place', async () => {
    const { runs, events } = await world({
      effects: [tool('do', 'irreversible', () => ({ n: Number.NaN }))],
    })
    const asks = program(async (ctx) => (await ctx.attempt('x', doing())).kind)
    const { run, stretch } = await runs.execute(asks, {}, { grants })
    expect(stretch).toMatchObject({ result: { value: 'failed' } })
    const failed = (await events(run)).find(({ type }) => type === 'EffectFailed')
    expect(failed?.data).toMatchObject({ error: { code: 'ICE_RUNS_VALUE_UNSUPPORTED' } })
  })
})

/** Verifies: RUN-R06 */
describe('a value', () => {
  test('larger than an event goes through a blob and comes back on replay', async () => {
    const large = 'x'.repeat(200_000)
    const store = (await world()).store
    const alice = await world({ store, effects: [tool('do', 'observe', () => ({ large }))] })
    const asks = program(async (ctx, input) => {
      const got = (await ctx.effect('x', doing({ large }))) as { large: string }
      await ctx.approval('q', { prompt: 'go on?', details: { large } })
      return { input, length: got.large.length, large: got.large }
    })
    const { run, stretch } = await alice.runs.execute(asks, { large }, { grants })
    expect(stretch.kind).toBe('suspended')
    await alice.runs.answer(run, { step: 'q', approved: true })
    expect(await alice.runs.drive(run)).toMatchObject({
      result: { value: { length: 200_000, large, input: { large } } },
    })
    expect(alice.witness).toEqual(['x'])
  })

  test.each([
    ['undefined', undefined],
    ['a function', () => 1],
    ['NaN', Number.NaN],
    [
      'a cycle',
      (() => {
        const a: Record<string, unknown> = {}
        a['a'] = a
        return a
      })(),
    ],
    ['a date', new Date(0)],
    ['a lone surrogate', '\ud800'],
  ])('that JSON cannot hold (%s) ends the run with a coded reason', async (_, value) => {
    const { runs, events } = await world()
    const returns = program(async () => value)
    const { run } = await runs.execute(returns, {}, { grants })
    const declared = (await events(run)).find(({ type }) => type === 'AbortReasonDeclared')
    expect(declared?.data).toMatchObject({ error: { code: 'ICE_RUNS_VALUE_UNSUPPORTED' } })
    expect(await runs.view(run)).toMatchObject({ state: 'TERMINATED' })
  })
})

/** Verifies: RUN-R07 */
describe('validation', () => {
  test('refuses a result that does not fit, and names the check', async () => {
    const { runs, types, events } = await world()
    const picky = program(async () => 41, {
      checks: [
        { name: 'even', check: (n) => ((n as number) % 2 === 0 ? undefined : `${n} is odd`) },
        {
          name: 'small',
          check: () => {
            throw new Error('cannot tell')
          },
        },
      ],
    })
    const { run } = await runs.execute(picky, {}, { grants })
    expect((await types(run)).slice(-6)).toEqual([
      'ValidationStarted',
      'ValidationFailed',
      'RunAborted',
      'AbortReasonDeclared',
      'ResourcesReleased',
      'RunTerminated',
    ])
    const failed = (await events(run)).find(({ type }) => type === 'ValidationFailed')
    expect(failed?.data).toMatchObject({
      failures: [
        { check: 'even', error: { code: 'ICE_RUNS_CHECK_CONFLICT', message: 'even: 41 is odd' } },
        { check: 'small' },
      ],
    })
  })

  test('holds the result against the output schema', async () => {
    const { runs } = await world()
    const output = {
      parse: () => {
        throw new Error('not that')
      },
    }
    const { run } = await runs.execute(
      program(async () => 1, { output }),
      {},
      { grants },
    )
    expect(await runs.view(run)).toMatchObject({
      conclusion: 'aborted',
      reason: 'The result of test does not fit its output schema',
    })
  })
})

/** Verifies: RUN-R08 */
describe('a step', () => {
  test('that uses an id twice is refused', async () => {
    const { runs } = await world()
    const twice = program(async (ctx) => {
      await ctx.effect('x', doing())
      await ctx.effect('x', doing())
    })
    const { run } = await runs.execute(twice, {}, { grants })
    expect(await runs.view(run)).toMatchObject({ reason: 'Two steps of this run are called "x"' })
  })

  test('of a scope has an id and a randomness of its own', async () => {
    const { runs, events } = await world()
    const scoped = program(async (ctx) => {
      const inner = ctx.scope('a').scope('b')
      await inner.effect('x', doing())
      await ctx.effect('x', doing())
      return ctx.random.uint32() === inner.random.uint32()
    })
    const { run, stretch } = await runs.execute(scoped, {}, { grants })
    expect(stretch).toMatchObject({ result: { value: false } })
    const ids = (await events(run))
      .filter(({ type }) => type === 'CapabilityUsed')
      .map(({ data }) => (data as { effect: string }).effect)
    expect(ids).toEqual(['a/b/x', 'x'])
  })

  test.each([
    ['', 'ICE_RUNS_STEP_CONFLICT'],
    ['\ud800', 'ICE_RUNS_STEP_CONFLICT'],
    ['x'.repeat(513), 'ICE_RUNS_VALUE_LIMIT'],
    ['€'.repeat(200), 'ICE_RUNS_VALUE_LIMIT'],
  ])('with a hostile id (%#) is refused with a code', async (id, code) => {
    const { runs, events } = await world()
    const { run } = await runs.execute(
      program(async (ctx) => ctx.effect(id, doing())),
      {},
      { grants },
    )
    const declared = (await events(run)).find(({ type }) => type === 'AbortReasonDeclared')
    expect(declared?.data).toMatchObject({ error: { code } })
  })

  test.each(['constructor', '__proto__', 'toString', 'then'])(
    'called %s, and a tool of that name, are steps and tools like others',
    async (name) => {
      const { runs } = await world({ effects: [tool(name)] })
      const odd = program(async (ctx) => ctx.effect(name, doing({ ok: true }, name)))
      const { stretch } = await runs.execute(odd, {}, { grants: { g: toolGrant(name) } })
      expect(stretch).toMatchObject({ result: { value: { ok: true } } })
    },
  )

  test('that awaits outside of the runtime ends the run with a coded reason', async () => {
    const { runs, events } = await world()
    const outside = program(async () => new Promise(() => undefined))
    const { run } = await runs.execute(outside, {}, { grants })
    const declared = (await events(run)).find(({ type }) => type === 'AbortReasonDeclared')
    expect(declared?.data).toMatchObject({
      error: { code: 'ICE_RUNS_PENDING_OUTSIDE_UNSUPPORTED' },
    })
  })
})

/** Verifies: RUN-R09 */
describe('a proposal', () => {
  test('is recorded as its agent said it, and changes nothing', async () => {
    const { runs, events, witness } = await world()
    const proposes = program(async (ctx) => {
      await ctx.propose('p', { agent: 'alice', content: { read: ['a'] }, reason: 'because' })
      return ctx.now
    })
    const { run } = await runs.execute(proposes, {}, { grants })
    const proposed = (await events(run)).find(({ type }) => type === 'DecisionProposed')
    expect(proposed).toMatchObject({
      origin: 'agent:alice',
      data: { step: 'p', proposal: { inline: { read: ['a'] } }, reason: 'because' },
    })
    expect(witness).toEqual([])
  })

  test('by an agent whose id is none, or with endless prose, ends the run', async () => {
    const { runs, events } = await world()
    for (const hostile of [
      { agent: 'a b', content: 1, reason: '' },
      { agent: 'a', content: 1, reason: 'x'.repeat(5000) },
    ]) {
      const { run } = await runs.execute(
        program(async (ctx) => ctx.propose('p', hostile)),
        {},
        { grants },
      )
      const declared = (await events(run)).find(({ type }) => type === 'AbortReasonDeclared')
      const data = declared?.data as { error?: { code: string } } | undefined
      expect(data?.error?.code).toMatch(/^ICE_PRIMITIVES_ID_INVALID|^ICE_RUNS_VALUE_LIMIT/)
    }
  })
})

test('an unregistered program is asked for by name when a run is resumed', async () => {
  const alice = await world()
  const run = await alice.runs.start(three, {}, { grants })
  alice.die()
  const bob = await alice.another('bob')
  await expect(bob.runs.drive(run)).rejects.toMatchObject({ code: 'ICE_RUNS_PROGRAM_NOT_FOUND' })
  expect(any.parse(1)).toBe(1)
})

/** Verifies: RUN-R04, RUN-R05 */
describe('a handler', () => {
  test('whose outcome is no event type, or that has a twin, is refused', async () => {
    const strange = { ...tool('do'), outcome: 'NoSuchThing' }
    for (const effects of [[strange], [tool('do'), tool('do')]]) {
      await expect(world({ effects })).rejects.toMatchObject({
        code: 'ICE_RUNS_HANDLERS_UNSUPPORTED',
      })
    }
  })

  test.each([
    [
      'throws',
      () => {
        throw new TypeError('no resource')
      },
    ],
    ['is too large', () => ({ name: 'x'.repeat(10_000) })],
    ['is not JSON', () => ({ name: Number.NaN })],
  ])('whose claim %s is a denial of its call', async (_, resource) => {
    const { runs, witness } = await world({ effects: [{ ...tool('do'), resource }] })
    const asks = program(async (ctx) => (await ctx.attempt('x', doing())).kind)
    const { stretch } = await runs.execute(asks, {}, { grants })
    expect(stretch).toMatchObject({ result: { value: 'denied' } })
    expect(witness).toEqual([])
  })

  test('whose outcome the log refuses ends its run, and the end is recorded', async () => {
    const { runs, types, log } = await world()
    const { append } = log
    log.append = (request) => {
      const outcome = request.writes[0]?.events.some(({ type }) => type === 'EffectSucceeded')
      if (outcome !== true) return append(request)
      const error = Object.assign(new Error('no'), { code: 'ICE_EVENTS_EVENT_LIMIT' })
      return Promise.reject(error)
    }
    const { run } = await runs.execute(three, {}, { grants })
    expect((await types(run)).slice(-6)).toEqual([
      'CapabilityUsed',
      'EffectFailed',
      'RunAborted',
      'AbortReasonDeclared',
      'ResourcesReleased',
      'RunTerminated',
    ])
  })

  test('is not asked for more than a value may hold', async () => {
    const { runs, events } = await world()
    const large = 'x'.repeat(17 * 1_048_576)
    const asks = program(async (ctx) => ctx.effect('x', doing({ large })))
    const { run } = await runs.execute(asks, {}, { grants })
    const declared = (await events(run)).find(({ type }) => type === 'AbortReasonDeclared')
    expect(declared?.data).toMatchObject({ error: { code: 'ICE_RUNS_VALUE_LIMIT' } })
  })
})
