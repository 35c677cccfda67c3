import { createJudge, toolKind } from '@ice/capabilities'
import type { Caveat } from '@ice/capabilities/ports'
import type { JsonObject } from '@ice/primitives'
import { describe, expect, it } from 'vitest'
import { RUNS_CODES } from '../src/errors.ts'
import { type Rejudged, rejudge } from '../src/index.ts'
import type { BatchCall, BatchRequest, EffectHandler, Fate } from '../src/ports.ts'
import {
  type Act,
  doing,
  eventually,
  grants,
  program,
  tool,
  toolGrant,
  type World,
  world,
} from './harness.ts'

const coded = (code: string, more: object = {}): Error =>
  Object.assign(new Error(code), { code, ...more })
const numbers = (count: number): JsonObject[] => Array.from({ length: count }, (_, n) => ({ n }))

const batching = (items: readonly JsonObject[], more: Partial<BatchRequest> = {}) =>
  program(async (ctx) => {
    try {
      return await ctx.batch('all', { action: 'do', grant: 'g', items, ...more })
    } catch (error) {
      const { code, data } = error as { readonly code: string; readonly data: JsonObject }
      return { code, ...data }
    }
  })

/** The tool `do`, whose calls act as told by their number. */
function numbered(acts: (n: number, key: string) => unknown, fate: Fate = 'idempotent') {
  const act: Act = ({ arguments: { n }, idempotencyKey }) => {
    const given = acts(n as number, idempotencyKey)
    if (given instanceof Error) throw given
    return given as never
  }
  return tool('do', fate, act)
}

async function only(at: World, run: string, type: string): Promise<JsonObject> {
  const found = (await at.events(run as never)).filter((event) => event.type === type)
  expect(found).toHaveLength(1)
  return found[0]?.data as JsonObject
}

/** Judges all that is recorded again, as it was. */
async function judged(at: World): Promise<readonly Rejudged[]> {
  const judge = () => createJudge({ kinds: [toolKind] })
  const found: Rejudged[] = []
  const judges = () => ({ recorded: judge(), changed: judge() })
  for await (const one of rejudge({ log: at.log, judges })) found.push(one)
  return found
}

/** Verifies: RUN-R114 */
describe('a batch', () => {
  it('is one intent and one outcome of many calls, each with a key of its own', async () => {
    const keys: string[] = []
    const acts = (n: number, key: string) => {
      keys.push(key)
      return n === 2 ? coded('ICE_TEST_BROKEN') : n * 10
    }
    const at = await world({ effects: [numbered(acts)] })
    const { run, stretch } = await at.runs.execute(batching(numbers(4)), null, { grants })
    const broken = { error: { code: 'ICE_TEST_BROKEN' } }
    expect(stretch).toMatchObject({
      result: { value: [{ ok: 0 }, { ok: 10 }, broken, { ok: 30 }] },
    })
    expect(keys.sort()).toEqual([0, 1, 2, 3].map((i) => `${run}/all/${i}`))
    const intent = await only(at, run, 'CapabilityUsed')
    expect(intent).toMatchObject({ batch: 4, resource: { name: 'do' } })
    expect(intent['arguments']).toEqual({ inline: numbers(4) })
    const { observed } = await only(at, run, 'EffectSucceeded')
    expect(observed).toMatchObject({ calls: 4, failed: 1 })
  })

  it('is handed over whole to a handler that takes it so', async () => {
    const calls: BatchCall[] = []
    const handler: EffectHandler = {
      ...tool('do', 'irreversible'),
      performBatch: async (call) => {
        calls.push(call)
        return call.items.map((item) => ({ value: item.arguments, observed: {} }))
      },
    }
    const at = await world({ effects: [handler] })
    const { run, stretch } = await at.runs.execute(batching(numbers(2)), null, { grants })
    expect(stretch).toMatchObject({ result: { value: [{ ok: { n: 0 } }, { ok: { n: 1 } }] } })
    expect(calls).toHaveLength(1)
    expect(calls[0]?.items[1]).toEqual({
      ...{ arguments: { n: 1 }, resource: { name: 'do' }, idempotencyKey: `${run}/all/1` },
    })
    expect(at.witness).toEqual([])
    const short = { ...handler, performBatch: async () => [] }
    const other = await world({ effects: [short] })
    const failed = await other.runs.execute(batching(numbers(2)), null, { grants })
    expect(failed.stretch).toMatchObject({
      result: { value: { error: { code: RUNS_CODES.batchReport } } },
    })
  })

  it('keeps to its concurrency', async () => {
    let now = 0
    let most = 0
    const act: Act = async () => {
      now += 1
      most = Math.max(most, now)
      await new Promise((resolve) => setImmediate(resolve))
      now -= 1
      return null
    }
    for (const [concurrency, bound] of [
      [3, 3],
      [undefined, 16],
    ] as const) {
      most = 0
      const at = await world({ effects: [tool('do', 'idempotent', act)] })
      const more = concurrency === undefined ? {} : { concurrency }
      await at.runs.execute(batching(numbers(40), more), null, { grants })
      expect(most).toBe(bound)
    }
  })

  it('is denied as a whole when one of its calls is, and says which', async () => {
    const handler = {
      ...numbered((n) => n),
      resource: ({ n }: JsonObject) => ({ name: n === 5 ? 'other' : 'do' }),
    }
    const at = await world({ effects: [handler] })
    const { run, stretch } = await at.runs.execute(batching(numbers(8)), null, { grants })
    const denial = { code: 'ICE_CAPABILITIES_RESOURCE_NOT_GRANTED', data: { item: 5, batch: 8 } }
    expect(stretch).toMatchObject({ result: { value: { code: RUNS_CODES.effectDenied, denial } } })
    expect(at.witness).toEqual([])
    expect((await only(at, run, 'CapabilityDenied'))['argumentsDigest']).toBeDefined()
    expect(await judged(at)).toMatchObject([{ outcome: 'same', was: { verdict: 'denied' } }])
  })

  it.each([
    ['count', { kind: 'count', max: 10 }],
    ['tokens', { kind: 'budget', unit: 'tokens', max: 50 }],
  ] as const)('pays for every call: %s', async (_name, caveat) => {
    const handler = { ...numbered((n) => n), bounds: () => ({ tokens: 5 }) }
    const at = await world({ effects: [handler] })
    const g = { ...toolGrant('do'), caveats: [caveat as Caveat] }
    const run = async (items: number) => {
      const { stretch } = await at.runs.execute(batching(numbers(items)), null, { grants: { g } })
      return stretch
    }
    expect(await run(10)).toMatchObject({ result: { value: Array(10).fill({}) } })
    expect(await run(11)).toMatchObject({ result: { value: { code: RUNS_CODES.effectDenied } } })
    expect((await judged(at)).map(({ outcome }) => outcome)).toEqual(['same', 'same'])
  })

  it('never takes more of a budget that runs share than there is', async () => {
    const at = await world({ effects: [numbered((n) => n)] })
    const others = await Promise.all(['b', 'c'].map((name) => at.another(name)))
    const grant = at.ids.nextGrantId()
    const rights = { ...toolGrant('do'), caveats: [{ kind: 'count' as const, max: 40 }] }
    const root = { id: grant, holder: 'principal/os:test' as const, ...rights }
    const events = [{ type: 'CapabilityGranted', data: { grant: at.authority.rootGrant(root) } }]
    const stream = `grant/${grant}` as never
    await at.log.append({ writes: [{ stream, expectedVersion: 'no_stream', events }] })
    const stretches = await Promise.all(
      [at, ...others].map(({ runs }) =>
        runs.execute(batching(numbers(16)), null, { grants: { g: grant } }),
      ),
    )
    const done = stretches.filter(({ stretch }) => {
      return (
        stretch.kind === 'concluded' && Array.isArray((stretch.result as { value?: unknown }).value)
      )
    })
    expect(done.length).toBeGreaterThan(0)
    expect(done.length * 16).toBeLessThanOrEqual(40)
  })

  it('gives back what its calls say they did not take', async () => {
    const act: Act = ({ arguments: { n } }) => {
      if (n === 1) throw coded('ICE_TEST_BROKEN', { spent: { tokens: 1 } })
      return null
    }
    const handler: EffectHandler = {
      ...tool('do', 'idempotent', act),
      bounds: () => ({ tokens: 5 }),
      perform: async (call) => {
        const value = await act(call)
        return {
          value,
          observed: {},
          ...(call.arguments['n'] === 0 ? { spent: { tokens: 2 } } : {}),
        }
      },
    }
    const at = await world({ effects: [handler] })
    const caveats = [{ kind: 'budget' as const, unit: 'tokens' as const, max: 100 }]
    const g = { ...toolGrant('do'), caveats }
    const { run } = await at.runs.execute(batching(numbers(3)), null, { grants: { g } })
    // Two, one, and the bound of the one that says nothing.
    const { spent } = await only(at, run, 'EffectSucceeded')
    expect(spent).toMatchObject([{ unit: 'tokens', amount: 8 }])
  })

  it('is asked about once, with all of its calls', async () => {
    const at = await world({ effects: [numbered((n) => n)] })
    const g = { ...toolGrant('do'), caveats: [{ kind: 'approval' as const }] }
    const { run, stretch } = await at.runs.execute(batching(numbers(3)), null, { grants: { g } })
    expect(stretch).toMatchObject({
      waitingFor: [{ kind: 'effect', prompt: 'Allow do (3 calls)?' }],
    })
    const asked = await only(at, run, 'ApprovalRequested')
    expect(asked['details']).toMatchObject({ inline: { arguments: numbers(3) } })
    await at.runs.answer(run, { step: 'all', approved: true })
    expect(await at.runs.drive(run)).toMatchObject({
      result: { value: [{ ok: 0 }, { ok: 1 }, { ok: 2 }] },
    })
    expect((await judged(at)).map(({ outcome }) => outcome)).toEqual(['same'])
  })

  it('has failed when nothing of it succeeded, and is tried again as a whole', async () => {
    let failures = 3
    const acts = (n: number) => {
      failures -= 1
      return failures >= 0 ? coded('ICE_TEST_BUSY', { retryable: true }) : n
    }
    const at = await world({ effects: [numbered(acts)] })
    const more = { retry: { attempts: 2, firstMs: 1 } }
    const { run, stretch } = await at.runs.execute(batching(numbers(3), more), null, { grants })
    expect(stretch).toMatchObject({ result: { value: [{ ok: 0 }, { ok: 1 }, { ok: 2 }] } })
    expect(await at.types(run)).toContain('EffectRetryScheduled')
    failures = 9
    const failed = await at.runs.execute(batching(numbers(3)), null, { grants })
    expect(failed.stretch).toMatchObject({
      result: { value: { code: RUNS_CODES.effectFailed, error: { code: 'ICE_TEST_BUSY' } } },
    })
  })

  it('is in doubt as a whole when one of its calls is, where it is irreversible', async () => {
    const acts = (n: number) => (n === 1 ? coded('ICE_TEST_IN_DOUBT') : n)
    for (const fate of ['irreversible', 'idempotent'] as const) {
      const at = await world({ effects: [numbered(acts, fate)] })
      const { stretch } = await at.runs.execute(batching(numbers(3)), null, { grants })
      expect(stretch).toMatchObject(
        fate === 'irreversible'
          ? { kind: 'suspended', waitingFor: [{ kind: 'doubt' }] }
          : { result: { value: [{ ok: 0 }, { error: {} }, { ok: 2 }] } },
      )
    }
  })

  it('that is stopped proves that nothing happened only where every call does', async () => {
    const acts: Act = ({ arguments: { n }, signal }) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => {
          reject(coded(n === 7 ? 'ICE_TEST_BROKEN' : 'ICE_TEST_ABORTED'))
        })
      })
    const at = await world({ effects: [tool('do', 'irreversible', acts)] })
    const more = { timeoutMs: 20, concurrency: 2 }
    // The third was never begun.
    const { run } = await at.runs.execute(batching(numbers(3), more), null, { grants })
    expect(await at.types(run)).toContain('EffectFailed')
    const items = [{ n: 7 }, ...numbers(2)]
    const other = await at.runs.execute(batching(items, more), null, { grants })
    expect(other.stretch).toMatchObject({ waitingFor: [{ kind: 'doubt' }] })
  })

  it('is repeated with the same keys after its owner died, and is no other ask', async () => {
    const keys: string[] = []
    let isStuck = true
    const act: Act = ({ idempotencyKey }) => {
      keys.push(idempotencyKey)
      return isStuck ? new Promise(() => undefined) : 'done'
    }
    const effects = [tool('do', 'idempotent', act)]
    const one = await world({ effects })
    const programs = [batching(numbers(2))]
    const run = await one.runs.start(batching(numbers(2)), null, { grants })
    void one.runs.drive(run)
    await eventually(() => keys.length).toBe(2)
    one.die()
    const single = program(async (ctx) => ctx.effect('all', doing([...numbers(2)] as never)))
    const other = await one.another('eve', { programs: [single] })
    const aside = await other.runs.drive(run)
    expect(aside).toMatchObject({ kind: 'quarantined' })
    await other.runs.release(run, { reason: 'the right program is back' })
    other.die()
    isStuck = false
    const two = await one.another('bob', { programs })
    expect(await two.runs.drive(run)).toMatchObject({
      result: { value: [{ ok: 'done' }, { ok: 'done' }] },
    })
    expect(keys.slice(2).sort()).toEqual(keys.slice(0, 2).sort())
  })

  it('fills in what its items have references to, each at its own label', async () => {
    const seen: unknown[] = []
    const act: Act = ({ arguments: args }) => {
      seen.push(args)
      return 'x'
    }
    const web = { ...tool('web', 'observe', () => 'from the web'), source: () => 'web' }
    const at = await world({ effects: [tool('do', 'idempotent', act), web] })
    const held = program(async (ctx) => {
      const page = await ctx.hold('page', doing({}, 'web'))
      const items = [{ body: page }, { body: 'mine' }]
      return ctx.batch('all', { action: 'do', grant: 'g', items })
    })
    const g = toolGrant('do', 'web')
    const { run, stretch } = await at.runs.execute(held, null, { grants: { g } })
    expect(stretch).toMatchObject({ result: { value: [{ ok: 'x' }, { ok: 'x' }] } })
    expect(seen).toEqual([{ body: 'from the web' }, { body: 'mine' }])
    const intents = (await at.events(run)).filter(({ type }) => type === 'CapabilityUsed')
    expect(intents[1]?.data).toMatchObject({
      labels: { '': { sources: [] }, '/0/body': { sources: ['web'] } },
    })
    expect((await judged(at)).map(({ outcome }) => outcome)).toEqual(['same', 'same'])
    const trusted = { ...g, caveats: [{ kind: 'trusted' as const, paths: ['/body'] }] } as never
    const denied = await at.runs.execute(held, null, { grants: { g: trusted } })
    expect(denied.stretch).toMatchObject({ result: { conclusion: 'aborted' } })
    expect(await only(at, denied.run, 'CapabilityDenied')).toMatchObject({
      denial: { data: { item: 0, batch: 2 } },
    })
  })

  it.each([
    [[], {}],
    [numbers(257), {}],
    ['many' as never, {}],
    [numbers(2), { action: 'run.spawn' }],
    [numbers(2), { concurrency: 0 }],
    [numbers(2), { concurrency: 1.5 }],
  ])('that is none is refused, and asks for nothing', async (items, more) => {
    const at = await world()
    const { run, stretch } = await at.runs.execute(batching(items, more), null, { grants })
    expect(stretch).toMatchObject({ result: { value: { code: RUNS_CODES.attemptsInvalid } } })
    expect(await at.types(run)).not.toContain('CapabilityDenied')
  })

  it('of as many calls as there may be fits into its events, whatever they claim', async () => {
    const named = Array.from({ length: 256 }, (_, n) => `do-${n}-${'x'.repeat(70)}`)
    const handler = {
      ...numbered((n) => n),
      resource: ({ n }: JsonObject) => ({ name: named[n as number] as string }),
    }
    const at = await world({ effects: [handler] })
    const g = { actions: ['do'], resource: { kind: 'tool' as const, names: named } }
    const { run, stretch } = await at.runs.execute(batching(numbers(256)), null, { grants: { g } })
    expect(stretch).toMatchObject({ result: { conclusion: 'committed' } })
    const { resource } = await only(at, run, 'CapabilityUsed')
    expect(resource).toMatchObject({ items: 256, digest: expect.any(String) })
    const few = await at.runs.execute(batching(numbers(3)), null, { grants: { g } })
    expect((await only(at, few.run, 'CapabilityUsed'))['resource']).toMatchObject({
      each: [{ name: named[0] }, { name: named[1] }, { name: named[2] }],
    })
    const outcomes = (await judged(at)).map(({ outcome }) => outcome)
    expect(outcomes).toEqual(['unreproducible', 'same'])
  })
})
