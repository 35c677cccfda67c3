/** What a run knows of where its values came from, and what it may not do with them. */
import type { JsonObject } from '@ice/primitives'
import { describe, expect, test } from 'vitest'
import { callLabels } from '../src/call-labels.ts'
import { runProjection } from '../src/index.ts'
import { endorse, giveOutcome, labelledValues, markAt, noLabels } from '../src/labels.ts'
import type { EffectHandler } from '../src/ports.ts'
import { program, tool, toolGrant, world } from './harness.ts'
import {
  carryOut,
  committed,
  dataOf,
  effects,
  fetching,
  needs,
  STRANGER,
  sending,
  TEXT,
  TRUSTED,
  untrustedRecipients,
} from './labels-kit.ts'

/** Verifies: RUN-R60 */
describe('a run that was given a stranger’s text', () => {
  test('cannot send to an address out of it, and is told why', async () => {
    const { sent, stretch, alice, id } = await carryOut(async (ctx) => {
      const text = await ctx.effect('read', fetching)
      const to = /to (\S+)$/.exec(String(text))?.[1]
      const outcome = await ctx.attempt('leak', sending(to))
      return outcome.kind === 'denied' ? outcome.denial : outcome.kind
    })
    expect(sent).toEqual([])
    const { value } = (stretch as { result: { value: JsonObject } }).result
    expect(value).toMatchObject({ code: 'ICE_CAPABILITIES_ARGUMENT_UNTRUSTED' })
    expect(value['message']).toMatch(/wants "\/to" to be trusted.*"net:mallory.example"/)
    expect((await alice.runs.view(id)).label).toEqual(STRANGER)
  })

  test('could send before it was given it', async () => {
    const { sent, intents } = await carryOut(async (ctx) => {
      await ctx.effect('first', sending('bob'))
      await ctx.effect('read', fetching)
      return (await ctx.attempt('second', sending('bob'))).kind
    })
    expect(sent).toEqual([{ to: 'bob', body: 'hello' }])
    expect(intents.map(({ labels }) => labels)).toEqual([{ '': TRUSTED }, { '': TRUSTED }])
  })

  test('may send what it had handed over by then, however late that is decided', async () => {
    const caveats = [{ kind: 'trusted', paths: ['/to'] }, { kind: 'approval' }] as const
    const alice = await world({ effects: effects() })
    const work = program(async (ctx) => {
      const late = ctx.effect('late', sending('bob'))
      await ctx.effect('read', fetching)
      return late
    })
    const { run } = await alice.runs.execute(work, {}, { grants: needs(caveats) })
    await alice.runs.answer(run, { step: 'late', approved: true })
    expect(await alice.runs.drive(run)).toEqual(committed('sent'))
  })

  test('is not helped by changing arguments after they were handed over', async () => {
    const { sent } = await carryOut(async (ctx) => {
      const body: Record<string, string> = { text: 'mine' }
      const asked = ctx.attempt('send', sending('bob', body))
      body['text'] = String(await ctx.effect('read', fetching))
      return (await asked).kind
    })
    expect(sent).toEqual([{ to: 'bob', body: { text: 'mine' } }])
  })

  test('cannot show it to those who may not read it', async () => {
    const grants = needs([{ kind: 'readers', paths: ['/body'], include: ['net:slack.example'] }])
    const input = { note: 'our prices' }
    const labels = { '': { sources: [], readers: ['os:alice'] } }
    const { stretch, sent } = await carryOut(
      async (ctx) => {
        const outcome = await ctx.attempt('leak', sending('bob'))
        return outcome.kind === 'denied' && outcome.denial.code
      },
      grants,
      { input, options: { labels } },
    )
    expect(stretch).toEqual(committed('ICE_CAPABILITIES_READERS_EXCEEDED'))
    expect(sent).toEqual([])
  })
})

/** Verifies: RUN-R61 */
describe('the label of what an effect gave', () => {
  const labelOf = async (handler: Partial<EffectHandler>, act?: () => Promise<unknown>) => {
    const own = { ...tool('do', 'irreversible', act as never), ...handler }
    const alice = await world({ effects: [own] })
    const work = program(async (ctx) => {
      await ctx.attempt('one', { action: 'do', grant: 'g', arguments: { n: 1 } })
    })
    const labels = { '': { sources: ['doc'], readers: ['os:alice'] } }
    const grants = { g: toolGrant('do') }
    const { run } = await alice.runs.execute(work, {}, { grants, labels })
    const found = (await alice.events(run)).find(({ causes }) => causes.length > 0)
    return { label: dataOf(found)['label'], type: found?.type }
  }
  const readers = ['os:alice']

  test('is that of its arguments and of the action, unless the handler knows better', async () => {
    expect(await labelOf({})).toMatchObject({ label: { sources: ['do', 'doc'], readers } })
    const named = { source: ({ n }: JsonObject) => `db:${n}` }
    expect(await labelOf(named)).toMatchObject({ label: { sources: ['db:1', 'doc'], readers } })
    const none = { source: () => null }
    expect(await labelOf(none)).toMatchObject({ label: { sources: ['doc'], readers } })
  })

  test('is what the handler reports, where it does', async () => {
    const label = { sources: ['b', 'a', 'a'], readers: null }
    const perform = async () => ({ value: 1, observed: {}, label })
    expect(await labelOf({ perform })).toMatchObject({
      label: { sources: ['a', 'b'], readers: null },
    })
  })

  test.each<[string, Partial<EffectHandler>]>([
    [
      'a report that is no label',
      { perform: async () => ({ value: 1, observed: {}, label: 7 }) } as never,
    ],
    ['a source that is no text', { source: () => 7 } as never],
    [
      'a source that throws',
      {
        source: () => {
          throw new Error('mine')
        },
      },
    ],
  ])('is unknown for %s', async (_, handler) => {
    const { label } = await labelOf(handler)
    expect(label).toMatchObject({ readers: [] })
    expect((label as typeof TRUSTED).sources).toContain('*')
  })

  test('is there for a failure and for a refusal of the handler too', async () => {
    const fails = async () => {
      throw new Error(TEXT)
    }
    expect(await labelOf({}, fails)).toMatchObject({
      type: 'EffectFailed',
      label: { sources: ['do', 'doc'], readers },
    })
    const refuses = async () => {
      throw Object.assign(new Error(TEXT), { code: 'MINE_DENIED' })
    }
    expect(await labelOf({}, refuses)).toMatchObject({
      type: 'CapabilityDenied',
      label: { sources: ['do', 'doc'], readers },
    })
  })
})

/** Verifies: RUN-R60 */
describe('an error', () => {
  test('brings in who caused it', async () => {
    const fails = tool('fetch', 'observe', () => {
      throw new Error(TEXT)
    })
    const alice = await world({
      effects: [{ ...fails, source: () => 'net:mallory.example' }, tool('send')],
    })
    const work = program(async (ctx) => {
      await ctx.attempt('read', fetching)
      const { kind } = await ctx.attempt('leak', sending('bob'))
      return kind
    })
    const { stretch } = await alice.runs.execute(work, {}, { grants: untrustedRecipients })
    expect(stretch).toEqual(committed('denied'))
  })
})

/** Verifies: RUN-R67 */
describe('the labels of a run', () => {
  test('are bounded: what is no longer told apart still counts, and nobody can endorse it', () => {
    const labels = noLabels()
    const outcome = (n: number) =>
      ({
        version: n,
        data: {
          effect: `s${n}`,
          result: { inline: n },
          label: { sources: [`net:${n % 2}`], readers: null },
        },
      }) as never
    for (let n = 1; n <= 1_025; n += 1) giveOutcome(labels, outcome(n), false)
    expect(labels.given.size).toBe(1_024)
    expect(labels.base).toEqual({ sources: ['net:1'], readers: null })
    for (const value of labelledValues(labels)) {
      const data = {
        step: value.step,
        value: value.digest,
        sources: value.label.sources,
        reason: 'r',
      }
      endorse(labels, { principal: 'os:alice', data } as never)
    }
    expect(labels.mark).toEqual({ sources: ['net:1'], readers: null })
  })

  test('are unknown for outcomes and inputs of logs that do not tell', () => {
    const labels = noLabels()
    const data = { effect: 'a', result: { inline: 1 } }
    giveOutcome(labels, { version: 2, data } as never, false)
    expect(labels.mark).toEqual({ sources: ['*'], readers: [] })
  })

  test('are the same however the run is folded, at every version of it', async () => {
    const { alice, id } = await carryOut(async (ctx) => {
      const text = await ctx.hold('read', fetching)
      await ctx.effect('odd', { action: 'odd', grant: 'g', arguments: {} })
      return ctx.reveal<unknown>('look', text)
    })
    const events = await alice.events(id)
    const live = (await alice.runs.view(id)).label
    const state = events.reduce(
      (fold, e) => runProjection.evolve(fold, e),
      runProjection.initialState(),
    )
    expect(state.labels.mark).toEqual(live)
    expect(live).toEqual({ sources: ['net:mallory.example', 'odd'], readers: null })
    for (const { version } of events) {
      const before = events.filter((event) => event.version <= version)
      const then = before.reduce((f, e) => runProjection.evolve(f, e), runProjection.initialState())
      expect(markAt(state.labels, version)).toEqual(then.labels.mark)
    }
  })

  test('of many references in one call become one label', () => {
    const labels = noLabels()
    const references = Array.from({ length: 70 }, (_, i) => {
      const value = { sources: [`net:${i % 3}`], readers: null }
      giveOutcome(
        labels,
        { version: i, data: { effect: `s${i}`, result: { inline: i }, label: value } } as never,
        true,
      )
      return { path: [`${i}`], id: `s${i}`, digest: '' as never, at: '' }
    })
    const few = callLabels(labels, 99, references.slice(0, 2))
    expect(Object.keys(few)).toEqual(['', '/0', '/1'])
    expect(callLabels(labels, 99, references)).toEqual({
      '': { sources: ['net:0', 'net:1', 'net:2'], readers: null },
    })
    const deep = [{ path: Array(65).fill('a'), id: 's0', digest: '' as never, at: '' }]
    expect(callLabels(labels, 99, deep)).toEqual({ '': { sources: ['net:0'], readers: null } })
  })
})
