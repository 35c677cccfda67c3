/** Recorded decisions, judged again: as they were, and under a change. */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { createJudge } from '@ice/capabilities'
import type { AuthorityChange, Ceiling, Grant } from '@ice/capabilities/ports'
import { composeTaxonomy, createEventLog, memoryEventStore, standardTypes } from '@ice/events'
import type { EventLog } from '@ice/events/ports'
import { openSqliteEventStore } from '@ice/events-sqlite'
import { type GrantId, type PrincipalId, type RunId, sha256Hex, systemClock } from '@ice/primitives'
import { defineProgram, type Rejudged, rejudge } from '@ice/runs'
import type { EffectHandler, RunContext } from '@ice/runs/ports'
import { quickFolder } from '@ice/tooling/lib/quick-folder'
import { holdToLedger } from '@ice/tooling/models/authority-model'
import { authorityCases } from '@ice/tooling/models/authority-steps'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { createRuntime, STANDARD_KINDS as kinds } from '../src/index.ts'
import type { Runtime, RuntimeOptions } from '../src/ports.ts'

async function judged(
  log: EventLog,
  change?: AuthorityChange,
  policy?: Ceiling,
): Promise<readonly Rejudged[]> {
  const found: Rejudged[] = []
  const judges = () => ({
    recorded: createJudge({ kinds }),
    changed: createJudge({ kinds, ...(change === undefined ? {} : { change }) }),
  })
  const policyOf = async () => policy ?? 'none is at hand'
  for await (const each of rejudge({ log, judges, policyOf })) found.push(each)
  return found
}

/** Everything that is not as it was recorded. */
async function faultsOf(log: EventLog, policy?: Ceiling): Promise<readonly unknown[]> {
  const all = await judged(log, undefined, policy)
  return all.filter(({ outcome }) => outcome === 'flip' || outcome === 'unreproducible')
}

const tool = (action: string, more: Partial<EffectHandler> = {}): EffectHandler => ({
  action,
  fate: 'irreversible',
  outcome: 'EffectSucceeded',
  arguments: z.record(z.string(), z.unknown()) as never,
  resource: () => ({ name: action }),
  bounds: (args) => ({ tokens: Number(args['tokens'] ?? 1) }),
  source: () => 'net:stranger',
  perform: async ({ arguments: args }) => ({
    value: 'done',
    observed: {},
    spent: { tokens: Math.ceil(Number(args['tokens'] ?? 1) / 2) },
  }),
  ...more,
})
const effects = [tool('send'), tool('look', { source: () => null })]
const principal = 'os:alice' as PrincipalId
const spec = (caveats: readonly object[]) => ({
  actions: ['send', 'look'],
  resource: { kind: 'tool', names: ['send', 'look'] },
  caveats: caveats as Grant['caveats'],
})
const make = (run: (ctx: RunContext) => Promise<unknown>) =>
  defineProgram({ name: 'p', version: '1', input: z.unknown(), output: z.unknown(), run })
const send = (args: Readonly<Record<string, unknown>> = {}, grant = 'g', action = 'send') =>
  ({ action, grant, arguments: args }) as never

const open = (over: RuntimeOptions = {}): Promise<Runtime> =>
  createRuntime({ effects, bare: true, principal, path: ':memory:', ...over })

async function grantsOf({ runs }: Runtime, run: RunId): Promise<Readonly<Record<string, GrantId>>> {
  return (await runs.view(run))?.grants ?? {}
}

async function grantOf(ice: Runtime, run: RunId, name = 'g'): Promise<Grant> {
  await ice.authority.refresh()
  const state = ice.authority.grant((await grantsOf(ice, run))[name] as GrantId)
  return state?.grant as Grant
}

/** Verifies: RUN-R80, CAP-R130 */
describe('an untouched log', () => {
  test('reproduces all of its decisions: budgets in processes that die', async () => {
    const base = quickFolder('ice-rejudge-')
    let [number, decisions] = [0, 0]
    const property = fc.asyncProperty(authorityCases, async (chosen) => {
      number += 1
      const path = join(base, `${number}.db`)
      await holdToLedger(
        { open: (clock) => openSqliteEventStore({ path, clock, durability: 'process' }) },
        chosen,
      )
      const store = openSqliteEventStore({ path, clock: systemClock })
      const taxonomy = composeTaxonomy(standardTypes)
      const log = createEventLog({ store, taxonomy, clock: systemClock })
      const all = await judged(log)
      await store.close()
      decisions += all.length
      expect(all.filter(({ outcome }) => outcome !== 'same')).toEqual([])
    })
    try {
      const seed = Number(process.env['ICE_SIM_SEED'] ?? 20_260_103)
      await fc.assert(property, { numRuns: 12, seed })
    } finally {
      rmSync(base, { recursive: true, force: true })
    }
    expect(decisions).toBeGreaterThan(50)
  }, 120_000)

  test('reproduces them: many at once, approvals, labels, ends of rights, references', async () => {
    const ice = await open()
    const many = make(async (ctx) =>
      Promise.all([...Array(8).keys()].map((i) => ctx.attempt(`${i}`, send({ tokens: 3 })))),
    )
    const limits = [
      { kind: 'count', max: 5 },
      { kind: 'budget', unit: 'tokens', max: 12 },
    ]
    await ice.runs.execute(many, null, { grants: { g: spec(limits) } })
    const rate = [{ kind: 'rate', max: 3, windowMs: 3_600_000 }]
    await ice.runs.execute(many, null, { grants: { g: spec(rate) } })
    const strange = make(async (ctx) => {
      await ctx.attempt('fits', send({ to: 'ann' }))
      await ctx.attempt('not', send({ to: 7 }))
      const held = await ctx.hold('held', send({}, 'plain'))
      await ctx.attempt('quoted', send({ to: held }))
      await ctx.attempt('read', send({}, 'plain'))
      await ctx.attempt('tainted', send({ to: 'ann' }))
      await ctx.attempt('none', send({}, 'nothing'))
      await ctx.attempt('unknown', send({}, 'plain', 'fly'))
    })
    const schema = { type: 'object', properties: { to: { type: 'string' } } }
    const careful = spec([
      { kind: 'arguments', schema },
      { kind: 'trusted', paths: ['/to'] },
    ])
    await ice.runs.execute(strange, null, { grants: { g: careful, plain: spec([]) } })
    const asking = make(async (ctx) => {
      for (const id of ['a', 'b', 'c']) await ctx.attempt(id, send())
      await ctx.attempt('d', send({}, 'plain'))
    })
    const approval = [{ kind: 'approval', by: ['os:alice'] }]
    const bound = { g: spec(approval), plain: spec([]) }
    const suspended = await ice.runs.execute(asking, null, { grants: bound })
    const run = suspended.run as RunId
    const answers = [{ approved: true }, { approved: false }, { approved: true, standing: {} }]
    for (const [i, answer] of answers.entries()) {
      const view = await ice.runs.view(run)
      const waiting = view?.waitingFor[0]
      expect(waiting?.step).toBe(['a', 'b', 'c'][i])
      await ice.runs.answer(run, {
        ...answer,
        step: waiting?.step,
        digest: waiting?.digest,
      } as never)
      if (i === 2) {
        await ice.grants.revoke((await grantsOf(ice, run))['plain'] as GrantId, { reason: 'x' })
      }
      await ice.runs.drive(run)
    }
    await ice.grants.stop('all', { reason: 'x' })
    await ice.runs.execute(many, null, { grants: { g: spec([]) } })
    await ice.grants.resume('all', { reason: 'x' })
    const all = await judged(ice.log)
    expect(all.filter(({ outcome }) => !['same', 'outside'].includes(outcome))).toEqual([])
    const codes = all.flatMap(({ was }) => (was.verdict === 'denied' ? was.denial.code : []))
    for (const word of [
      'COUNT_SPENT',
      'RATE_EXCEEDED',
      'ARGUMENTS_NOT_GRANTED',
      'UNTRUSTED',
      'APPROVAL_REJECTED',
      'REVOKED',
      'STOPPED',
    ]) {
      expect(codes.join(' ')).toContain(word)
    }
    await ice.close()
  })
})

/** Verifies: RUN-R80 */
test('a denial is judged on what it was decided on, whatever was written since', async () => {
  const plain = memoryEventStore({ clock: systemClock })
  let before: (() => Promise<unknown>) | null = null
  const store: typeof plain = {
    ...plain,
    async append(request) {
      const isDenial = JSON.stringify(request.writes).includes('CapabilityDenied')
      const first = isDenial ? before : null
      if (first !== null) before = null
      await first?.()
      return plain.append(request)
    },
  }
  const ice = await open({ store })
  const other = await open({ store: plain })
  await ice.grants.stop('all', { reason: 'x' })
  before = () => other.grants.resume('all', { reason: 'x' })
  await ice.runs.execute(
    make((ctx) => ctx.attempt('a', send())),
    null,
    { grants: { g: spec([]) } },
  )
  expect(before).toBe(null)
  const [only, ...more] = await judged(ice.log)
  expect([only?.outcome, only?.reason, more]).toEqual(['same', null, []])
  expect(only?.was).toMatchObject({ denial: { code: 'ICE_CAPABILITIES_STOPPED' } })
})

/** Verifies: RUN-R81, CAP-R131 */
describe('a change', () => {
  const three = make(async (ctx) => {
    for (const id of ['a', 'b', 'c']) await ctx.attempt(id, send({ tokens: 4, to: id }))
  })
  /** What an outcome spent is recorded of what is limited. */
  const wide = { kind: 'budget', unit: 'tokens', max: 1_000 }
  const flips = async (ice: Runtime, change: AuthorityChange, policy?: Ceiling) =>
    (await judged(ice.log, change, policy))
      .filter(({ outcome }) => outcome !== 'same')
      .map(({ effect, outcome, would }) => [effect, outcome, would?.verdict])

  test.each<[string, object, readonly string[]]>([
    ['a count', { kind: 'count', max: 2 }, ['c']],
    ['a budget that what was spent fits', { kind: 'budget', unit: 'tokens', max: 8 }, []],
    ['a budget', { kind: 'budget', unit: 'tokens', max: 7 }, ['c']],
    ['a schema', { kind: 'arguments', schema: { enum: [{ tokens: 4, to: 'a' }] } }, ['b', 'c']],
    ['trust', { kind: 'trusted', paths: ['/to'] }, ['b', 'c']],
  ])('that adds %s flips what it would have denied', async (_, caveat, expected) => {
    const ice = await open()
    const { run } = await ice.runs.execute(three, null, { grants: { g: spec([wide]) } })
    const grant = await grantOf(ice, run)
    const head = await ice.log.store.head()
    const change = { grant: { ...grant, caveats: [...grant.caveats, caveat] } as Grant }
    expect(await flips(ice, change)).toEqual(expected.map((id) => [id, 'flip', 'denied']))
    expect(await ice.log.store.head()).toEqual(head)
    await ice.close()
  })

  test('that revokes, ends, asks a person, or takes a limit away', async () => {
    const ice = await open()
    const { run } = await ice.runs.execute(three, null, {
      grants: { g: spec([{ kind: 'count', max: 1 }]) },
    })
    const grant = await grantOf(ice, run)
    const { id } = grant
    expect(await flips(ice, { revoke: id })).toEqual([['a', 'flip', 'denied']])
    expect(await flips(ice, { grant: { ...grant, expiresAt: 1 as never } })).toEqual([
      ['a', 'flip', 'denied'],
    ])
    const asked = [...grant.caveats, { kind: 'approval', by: ['os:bob'] } as const]
    expect(await flips(ice, { grant: { ...grant, caveats: asked } })).toEqual([
      // What a person would be asked about first takes nothing: the count is left to the next.
      ...['a', 'b', 'c'].map((each) => [each, 'flip', 'asked']),
    ])
    expect(await flips(ice, { grant: { ...grant, caveats: [] } })).toEqual([
      ['b', 'flip', 'allowed'],
      ['c', 'flip', 'allowed'],
    ])
    const policy: Ceiling = {
      ...{ name: 'p', version: '1', digest: sha256Hex('p') },
      judge: ({ request }) => {
        const permits = (request.arguments as { to?: string }).to !== 'a'
        return permits ? { permits, policies: [] } : { permits, policies: [], reason: 'no a' }
      },
    }
    expect(await flips(ice, { policy })).toEqual([['a', 'flip', 'denied']])
    await ice.close()
  })

  test('of the policy is judged on those that were in force, or says why not', async () => {
    const store = memoryEventStore({ clock: systemClock })
    const first: Ceiling = {
      ...{ name: 'first', version: '1', digest: sha256Hex('first') },
      judge: ({ request }) => {
        const permits = (request.arguments as { to?: string }).to !== 'b'
        return permits ? { permits, policies: [] } : { permits, policies: [], reason: 'no b' }
      },
    }
    const early = await open({ store, ceiling: first })
    await early.runs.execute(three, null, { grants: { g: spec([]) } })
    await early.close()
    const ice = await open({ store, ceiling: first, adoptCeiling: { policyText: 'no b' } })
    await ice.runs.execute(three, null, { grants: { g: spec([]) } })
    const none = await open({ store })
    await none.runs.execute(three, null, { grants: { g: spec([]) } })
    await none.close()
    const other = { ...first, name: 'other', digest: sha256Hex('other') }
    const stale = await open({ store, ceiling: other })
    await stale.runs.execute(three, null, { grants: { g: spec([]) } })
    await stale.close()
    expect(await faultsOf(ice.log, first)).toEqual([])
    const unknown = (await judged(ice.log)).filter(({ outcome }) => outcome !== 'same')
    expect(unknown.map(({ outcome }) => outcome)).toEqual(Array(3).fill('unreproducible'))
    expect(unknown[0]?.reason).toContain('none is at hand')
    const all: Ceiling = { ...other, judge: () => ({ permits: true, policies: [] }) }
    // Whatever was refused by a policy, or because another one was loaded, would be allowed.
    const allowed = await flips(ice, { policy: all }, first)
    expect(allowed.map(([id]) => id)).toEqual([...'abc', 'b', ...'abc', ...'abc'])
    expect(allowed.every(([, outcome, would]) => outcome === 'flip' && would === 'allowed')).toBe(
      true,
    )
    await ice.close()
  })
})
