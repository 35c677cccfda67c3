/** Guests as programs: what they are given, what they give, and that they can be run again. */
import { memoryEventStore } from '@ice/events'
import type { EventStore } from '@ice/events/ports'
import { type RunId, systemClock } from '@ice/primitives'
import { memoryOwnership } from '@ice/runs'
import type { EffectRequest } from '@ice/runs/ports'
import { describe, expect, it } from 'vitest'
import { context, guest, outcomeOf, toolGrants, world } from './world.ts'

const ask = `const ask = (args, action = 'do') => ({ action, grant: 'g', arguments: args })`

const work = guest(`
  ${ask}
  export default async function (ice, input) {
    const first = await ice.effect('first', ask({ n: 0, input }))
    const race = await Promise.race(
      [1, 2, 3].map((n) => ice.effect('race/' + n, ask({ n })).then(() => n)))
    await ice.propose('p', { agent: 'alice', content: { race }, reason: 'won' })
    const denied = await ice.attempt('denied', { ...ask({}), grant: 'none' })
    const inner = ice.scope('inner')
    const dice = [ice.random(), Math.random(), inner.random()]
    const last = await inner.effect('last', ask({ race, at: ice.now, clock: Date.now(), dice }))
    return { first, race, denied: denied.kind, last, now: ice.now, run: ice.run.length }
  }`)

/** Verifies: SBX-R06 */
describe('a guest as the program of a run', () => {
  it('asks, is answered, and commits like any other program', async () => {
    const { runs, witness } = world()
    const { stretch } = await runs.execute(work, { a: 1 }, { grants: toolGrants })
    expect(stretch).toMatchObject({
      kind: 'concluded',
      result: {
        conclusion: 'committed',
        value: { first: { n: 0, input: { a: 1 } }, race: 1, denied: 'denied', run: 36 },
      },
    })
    expect(witness).toEqual(['first', 'race/1', 'race/2', 'race/3', 'inner/last'])
  })

  it('has the clock and the randomness of its context, in every way it can ask', async () => {
    const program = guest(`export default (ice) => [
      ice.now, Date.now(), new Date().getTime(), ice.random(), Math.random(),
        ice.scope('s').random()]`)
    const { random } = context()
    const inner = context(undefined, 's/').random.float()
    const now = 1_700_000_000_000
    expect(await outcomeOf(program)).toEqual({
      value: [now, now, now, random.float(), random.float(), inner],
    })
  })

  it('is one of many at once, and none sees another', async () => {
    const program = guest(`
      ${ask}
      let mine = 0
      export default async (ice, input) => {
        for (let n = 0; n < 5; n += 1) mine += (await ice.effect('e' + n, ask(input))).n
        return mine
      }`)
    const results = await Promise.all(
      Array.from({ length: 20 }, (_, n) => outcomeOf(program, { n })),
    )
    expect(results).toEqual(Array.from({ length: 20 }, (_, n) => ({ value: n * 5 })))
  })

  it('is held to the schemas and the needs it is declared with', () => {
    const output = { parse: () => 1 }
    const program = guest('export default () => 1', { output, needs: ['g'] })
    expect(program).toMatchObject({ name: 'guest', needs: ['g'], output })
    expect(program.version).toMatch(/^source-[0-9a-f]{16}$/)
    expect(guest('export default () => 2').version).not.toBe(program.version)
  })
})

/** A store whose connection dies at the n-th append: before it is written, or right after. */
function dying(store: EventStore, at: number, when: 'before' | 'after'): EventStore {
  let appends = 0
  const dead = () => Object.assign(new Error('the process is dead'), { code: 'DEAD' })
  return {
    ...store,
    async append(unit) {
      appends += 1
      if (appends > at || (appends === at && when === 'before')) throw dead()
      const appended = await store.append(unit)
      if (appends === at) throw dead()
      return appended
    },
  }
}

/** Verifies: SBX-R07 */
describe('a guest whose owner dies', () => {
  const points = Array.from({ length: 9 }, (_, i) => i + 1).flatMap((at) =>
    (['before', 'after'] as const).map((when) => [at, when] as const),
  )
  it.each(points)('at append %i, %s it is written, goes on in another', async (at, when) => {
    const durable = memoryEventStore({ clock: systemClock })
    const owners = memoryOwnership()
    const alice = world({ store: dying(durable, at, when), owners })
    let run: RunId | undefined
    try {
      run = await alice.runs.start(work, {}, { grants: toolGrants, key: 'k' })
      await alice.runs.drive(run)
    } catch (error) {
      expect((error as { code: string }).code).toBe('DEAD')
    }
    const bob = world({ store: durable, owners, name: 'bob', programs: [work] })
    const recorded = run === undefined ? [] : await bob.events(run)
    alice.die()
    run = await bob.runs.start(work, {}, { grants: toolGrants, key: 'k' })
    const stretch = await bob.runs.drive(run)
    expect(stretch).toMatchObject({ kind: 'concluded', result: { conclusion: 'committed' } })
    expect((await bob.events(run)).slice(0, recorded.length)).toEqual(recorded)
    const settled = recorded.filter(({ type }) => type === 'EffectSucceeded')
    const ids = settled.map(({ data }) => (data as { effect: string }).effect)
    expect(bob.witness.filter((effect) => ids.includes(effect))).toEqual([])
    // A third process, which replays all of it, comes to the same end and does nothing.
    const carol = bob.another('carol', [work])
    expect(await carol.runs.drive(run)).toEqual(stretch)
    expect(carol.witness).toEqual([])
  })

  it('and that ran out of fuel, runs out of it at the same step', async () => {
    const source = `${ask}
      export default async (ice) => {
        for (let n = 0; ; n += 1) { await ice.effect('step/' + n, ask({ n })); for (let i = 0;
          i < 1e5; i += 1); }
      }`
    const program = guest(source, { limits: { fuel: 20_000_000 } })
    const counts = []
    for (const _ of [1, 2]) {
      const { runs, witness, events } = world()
      const { run, stretch } = await runs.execute(program, {}, { grants: toolGrants })
      expect(stretch).toMatchObject({ result: { conclusion: 'aborted' } })
      expect(JSON.stringify(await events(run))).toContain('ICE_SANDBOX_FUEL_LIMIT')
      counts.push(witness.length)
    }
    expect(counts[0]).toBeGreaterThan(1)
    expect(counts[1]).toBe(counts[0])
  })

  it('waits for a person without its engine, and goes on in another process', async () => {
    const asks = guest(`export default async (ice) => {
      const answer = await ice.approval('q', { prompt: 'really?', details: { n: 1 } })
      return { answer, now: ice.now > 0 }
    }`)
    const alice = world({ programs: [asks] })
    const { run, stretch } = await alice.runs.execute(asks, {}, {})
    expect(stretch).toMatchObject({ kind: 'suspended', waitingFor: [{ step: 'q' }] })
    const bob = alice.another('bob', [asks])
    await bob.runs.answer(run, { step: 'q', approved: true, comment: 'go' })
    expect(await bob.runs.drive(run)).toMatchObject({
      result: { value: { answer: { approved: true, comment: 'go' }, now: true } },
    })
  })
})

/** Verifies: SBX-R10 */
describe('a step that fails', () => {
  const denied = guest(`${ask}
    export default async (ice) => ice.effect('x', { ...ask({}), grant: 'none' })`)

  it('and that the guest does not catch, fails the run with its own error', async () => {
    const refusal = new TypeError('no such thing')
    const under = context(() => {
      throw refusal
    })
    await expect(denied.run(under, {})).rejects.toBe(refusal)
  })

  it('is seen by the guest as what would be recorded of it', async () => {
    const program = guest(`${ask}
      export default async (ice) => {
        try { await ice.effect('x', { ...ask({}), grant: 'none' }) }
        catch (e) { return { is: e instanceof Error, name: e.name, code: e.code,
          step: e.data.step, message: e.message } }
      }`)
    const { runs } = world()
    const { stretch } = await runs.execute(program, {}, { grants: toolGrants })
    expect(stretch).toMatchObject({
      result: {
        value: { is: true, name: 'IceError', code: 'ICE_RUNS_EFFECT_DENIED', step: 'x' },
      },
    })
  })

  it('shows nothing of the host: no stack, no path, no object', async () => {
    const program = guest(`${ask}
      export default async (ice) => {
        try { await ice.effect('x', ask({})) } catch (e) { return [Object.keys(e),
          String(e.stack).includes('world')] }
      }`)
    const under = context(() => {
      throw new Error('inside')
    })
    expect(await outcomeOf(program, {}, under)).toEqual({
      value: [['name', 'code', 'data'], false],
    })
  })

  it.each([
    ['no text for an id', '1, ask({})'],
    ['no request', '"x", null'],
    ['more than is asked for', '"x", { ...ask({}), fold: 1 }'],
    ['arguments that are a list', '"x", ask([])'],
    ['a function in its arguments', '"x", ask({ f() {} })'],
  ])('because it is %s, is a rejection the guest can catch', async (_name, call) => {
    const program = guest(
      `${ask}
      export default async (ice) =>
        ice.effect(${call}).catch((e) => 'caught ' + (e.code ?? e.name))`,
    )
    const { value } = (await outcomeOf(program)) as { value: string }
    expect(value).toMatch(/^caught (ICE_SANDBOX_VALUE_UNSUPPORTED|TypeError)$/)
    const uncaught = guest(`${ask}\nexport default async (ice) => ice.effect(${call})`)
    expect(await outcomeOf(uncaught)).toEqual({ code: 'ICE_SANDBOX_VALUE_UNSUPPORTED' })
  })
})

/** Verifies: SBX-R05, SBX-R12 */
describe('a guest that does not do its part', () => {
  it.each([
    ['waits for nothing', 'export default () => new Promise(() => {})', 'STALLED'],
    ['has no default export', 'export const a = 1', 'SOURCE_UNSUPPORTED'],
    ['exports no function', 'export default 1', 'SOURCE_UNSUPPORTED'],
    ['does not parse', 'export default (', 'SOURCE_UNSUPPORTED'],
    ['imports', 'import "x"; export default () => 1', 'SOURCE_UNSUPPORTED'],
    ['imports later', 'export default () => import("x")', 'GUEST_FAILED'],
    ['fails as it is loaded', 'throw new Error("x"); export default () => 1', 'GUEST_FAILED'],
    ['exports a then', 'export const then = () => {}; export default () => 1', 'STALLED'],
    [
      'floods',
      'export default (ice) => { for (let i = 0; ; i += 1) ice.attempt("s" + i, {}) }',
      'PENDING_LIMIT',
    ],
    ['scopes without end', 'export default (ice) => { for (;;) ice.scope("s") }', 'SCOPE_LIMIT'],
    [
      'throws in a microtask',
      'queueMicrotask(() => { throw 1 }); export default () => new Promise(() => {})',
      'GUEST_FAILED',
    ],
  ])('because it %s ends with a code', async (_name, source, code) => {
    const never = context(() => new Promise(() => undefined))
    expect(await outcomeOf(guest(source), {}, never)).toEqual({ code: `ICE_SANDBOX_${code}` })
  })

  it('ends once, whatever still comes', async () => {
    const program = guest(`${ask}
      export default async (ice) => {
        ice.effect('late', ask({})).then(() => ice.effect('later', ask({})))
        return 'done'
      }`)
    const seen: string[] = []
    let release: ((value: unknown) => void) | undefined
    const under = context((id) => {
      seen.push(id)
      return new Promise((resolve) => {
        release = resolve
      })
    })
    expect(await outcomeOf(program, {}, under)).toEqual({ value: 'done' })
    release?.({})
    await new Promise(setImmediate)
    expect(seen).toEqual(['late'])
  })

  it('is not blamed for a host that fails: that has a code, and its cause', async () => {
    const broken = new RangeError('no dice')
    const under = context()
    Object.assign(under, {
      random: {
        float: () => {
          throw broken
        },
      },
    })
    const program = guest('export default (ice) => { try { return ice.random() } catch {} }')
    await expect(program.run(under, {})).rejects.toMatchObject({
      code: 'ICE_SANDBOX_ENGINE_FAILED',
      cause: broken,
    })
  })

  it('is refused before it runs when its source or its limits are out of bounds', () => {
    const code = (more: object, source = 'export default () => 1') => {
      try {
        guest(source, more)
        return undefined
      } catch (error) {
        return (error as { code: string }).code
      }
    }
    expect(code({ limits: { sourceBytes: 5 } })).toBe('ICE_SANDBOX_SOURCE_LIMIT')
    expect(code({}, '"\ud800"')).toBe('ICE_SANDBOX_SOURCE_LIMIT')
    for (const limits of [{ fuel: 0 }, { fuel: 0.5 }, { memoryBytes: 1 }, { toString: 1 }]) {
      expect(code({ limits })).toBe('ICE_SANDBOX_LIMITS_UNSUPPORTED')
    }
  })
})

/** Verifies: SBX-R09 */
describe('an outcome that is concealed', () => {
  const secret = { token: 'a very secret thing', $odd: [1] }
  const perform = (id: string, { arguments: args }: EffectRequest<unknown>) =>
    id === 'secret' ? secret : args
  const conceal = ({ id }: { readonly id: string }) => id === 'secret'

  it('is handed on by a guest that cannot read it', async () => {
    const program = guest(
      `${ask}
      export default async (ice) => {
        const held = await ice.effect('secret', ask({}))
        const again = await ice.attempt('secret', ask({}))
        const seen = [typeof held, Object.getPrototypeOf(held), Reflect.ownKeys(held).length,
          Object.isFrozen(held)]
        const shown = JSON.stringify(held) + String(Object.keys(held))
        const used = await ice.effect('use', ask({ here: [held] }))
        return { seen, shown, held, used: used.here[0].token, other: again.value === held }
      }`,
      { conceal },
    )
    expect(await outcomeOf(program, {}, context(perform))).toEqual({
      value: {
        seen: ['object', null, 0, true],
        shown: '{}',
        held: secret,
        // What the host echoes in the open is in the open: that is its decision.
        used: 'a very secret thing',
        other: false,
      },
    })
  })

  it.each([
    ['id of a step', 'ice.effect(held, ask({}))'],
    ['action', 'ice.effect("use", ask({}, held))'],
    ['grant', 'ice.effect("use", { ...ask({}), grant: held })'],
    ['list of arguments', 'ice.effect("use", ask(held))'],
    ['reason', 'ice.propose("use", { agent: "alice", content: 1, reason: held })'],
    ['prompt', 'ice.approval("use", { prompt: held })'],
  ])('is not taken for an %s, which would tell of it', async (_name, call) => {
    const program = guest(
      `${ask}
      export default async (ice) => {
        const held = await ice.effect('secret', ask({}))
        return ${call}.catch((e) => e.code)
      }`,
      { conceal },
    )
    const text = context((id, { arguments: args }) => (id === 'secret' ? 'use' : args))
    expect(await outcomeOf(program, {}, text)).toEqual({ value: 'ICE_SANDBOX_VALUE_UNSUPPORTED' })
  })

  it.each([
    ['a number', 'ask({ $handle: 0 })', { $handle: 0 }],
    ['a name with more in front', 'ask({ $$handle: 0 })', { $$handle: 0 }],
    ['a name from JSON', 'ask(JSON.parse(\'{"$handle":0}\'))', { $handle: 0 }],
  ])('is not had by %s', async (_name, forged, arrives) => {
    const program = guest(
      `${ask}
      export default async (ice) => {
        await ice.effect('secret', ask({}))
        return ice.effect('use', ${forged})
      }`,
      { conceal },
    )
    expect(await outcomeOf(program, {}, context(perform))).toEqual({ value: arrives })
  })

  it('is not had by an answer that looks like a handle', async () => {
    const program = guest(
      `${ask}
      export default async (ice) => {
        await ice.effect('secret', ask({}))
        const bait = await ice.effect('bait', ask({ $handle: 0 }))
        return [Object.keys(bait), await ice.effect('use', ask({ bait }))]
      }`,
      { conceal },
    )
    expect(await outcomeOf(program, {}, context(perform))).toEqual({
      value: [['$handle'], { bait: { $handle: 0 } }],
    })
  })

  it('is not had by a copy, a proxy or a child of the handle', async () => {
    const program = guest(
      `${ask}
      export default async (ice) => {
        const held = await ice.effect('secret', ask({}))
        const tries = [{ ...held }, Object.create(held), new Proxy(held, {})]
        return Promise.all(tries.map((x, n) => ice.effect('use/' + n, ask({
          x })).catch((e) => e.name)))
      }`,
      { conceal },
    )
    expect(await outcomeOf(program, {}, context(perform))).toEqual({
      value: [{ x: {} }, 'TypeError', { x: {} }],
    })
  })
})
