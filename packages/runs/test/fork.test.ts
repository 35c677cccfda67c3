/** Verifies: RUN-R192, RUN-R193, RUN-R194, RUN-R195, RUN-R196 */
import { createJudge, secretKind, spawnKind, toolKind } from '@ice/capabilities'
import type { AuthorityChange } from '@ice/capabilities/ports'
import type { EventLog } from '@ice/events/ports'
import type { RunId } from '@ice/primitives'
import { manualClock } from '@ice/primitives/testing'
import { describe, expect, expectTypeOf, test } from 'vitest'
import { RUNS_CODES } from '../src/errors.ts'
import { type Fork, type ForkInit, forkRun } from '../src/index.ts'
import type { Program } from '../src/ports.ts'
import { any, doing, grants, program, tool, toolGrant, world } from './harness.ts'
import { historyNames, openHistory } from './histories.ts'
import * as all from './history-programs.ts'

const kinds = [toolKind, secretKind, spawnKind]

/** A fork of a run, under a change of authority where there is one. */
function forked(
  log: EventLog,
  run: RunId,
  programs: readonly Program[],
  more: Partial<ForkInit> & { readonly change?: AuthorityChange } = {},
): Promise<Fork> {
  const { change, ...rest } = more
  const judge = () => createJudge(change === undefined ? { kinds } : { kinds, change })
  return forkRun({ log, run, programs, judge, ...rest })
}

async function runsOf(log: EventLog): Promise<readonly RunId[]> {
  const runs: RunId[] = []
  const filter = { streamPrefix: 'run/', types: ['ExecutionWindowOpened'] }
  for await (const batch of log.readAll({ filter })) {
    for (const { stream } of batch) runs.push(stream.slice('run/'.length) as RunId)
  }
  return runs
}

describe('a fork with nothing replaced', () => {
  test.each(historyNames)('is the run that was, wherever it is forked: %s', async (name) => {
    const log = await openHistory(name)
    let forks = 0
    for (const run of await runsOf(log)) {
      for (let at = 0; ; at += 1) {
        let fork: Fork
        try {
          fork = await forked(log, run, all.programs, { at })
        } catch (error) {
          // Behind its end there is nothing to drive on.
          expect(error).toMatchObject({ code: RUNS_CODES.forkUnsupported })
          break
        }
        forks += 1
        const { diff, decisions, result } = fork
        const flips = decisions.filter(({ outcome }) => outcome !== 'same')
        expect({ run, at, flips, ...diff, same: 0 }).toEqual({
          run,
          at,
          flips: [],
          same: 0,
          added: [],
          missing: [],
          changed: [],
        })
        expect(result).toMatchObject({ same: true })
      }
    }
    expect(forks).toBeGreaterThan(0)
  })
})

const shop = program(
  async (context) => {
    const { price } = await context.effect<{ price: number }>('look', doing({ price: 5 }))
    if (price > 10) {
      const { approved } = await context.approval('ask', { prompt: 'So dear?' })
      if (!approved) return 'too dear'
    }
    await context.effect('buy', doing({ price }))
    const said = await context.signal<string>('thanks', 'said', { timeoutMs: 1000 })
    return said?.value ?? 'bought'
  },
  { signals: { said: any } },
)

async function shopped() {
  const clock = manualClock(1_000)
  const one = await world({ clock })
  const run = await one.runs.start(shop, null, { grants })
  await one.runs.signal(run, { signal: 'said', payload: 'thank you' })
  expect(await one.runs.drive(run)).toMatchObject({ result: { value: 'thank you' } })
  return { ...one, run }
}

describe('a fork', () => {
  test('with another outcome goes where the program goes, as far as the record knows', async () => {
    const { log, run } = await shopped()
    const outcomes = { look: { value: { price: 20 } } }
    const fork = await forked(log, run, [shop], { replace: { outcomes } })
    expect(fork).toMatchObject({
      at: 8,
      unanswered: [{ step: 'ask', kind: 'question', why: 'nobody has answered' }],
      result: { was: { value: 'thank you' }, would: null, same: false },
    })
    const asked = { answers: { ask: { approved: false } } }
    const refused = await forked(log, run, [shop], { replace: { outcomes, ...asked } })
    expect(refused.result).toMatchObject({ would: { value: 'too dear' } })
    expect(refused.diff.missing.map(({ type, step }) => [type, step])).toEqual([
      ['CapabilityUsed', 'buy'],
      ['EffectSucceeded', 'buy'],
      ['SignalConsumed', 'thanks'],
    ])
    const yes = { answers: { ask: { approved: true } } }
    const bought = await forked(log, run, [shop], { replace: { outcomes, ...yes } })
    expect(bought.unanswered).toMatchObject([{ step: 'buy', kind: 'effect' }])
    expect(bought.decisions).toMatchObject([{ effect: 'buy', outcome: 'new', would: null }])
    const more = { look: { value: { price: 20 } }, buy: { value: null } }
    const whole = await forked(log, run, [shop], { replace: { outcomes: more, ...yes } })
    expect(whole.result).toMatchObject({ would: { value: 'thank you' }, same: true })
  })

  test('with a failure, with another signal, with another input', async () => {
    const { log, run } = await shopped()
    const error = { code: 'SHOP_CLOSED', message: 'closed' }
    const failed = await forked(log, run, [shop], { replace: { outcomes: { buy: { error } } } })
    expect(failed.result.would).toMatchObject({
      conclusion: 'aborted',
      reason: expect.stringContaining('closed'),
    })
    const signals = { thanks: { value: 'go away' } }
    const said = await forked(log, run, [shop], { replace: { signals } })
    expect(said).toMatchObject({ result: { would: { value: 'go away' } } })
    expect(said.diff).toMatchObject({
      added: [],
      missing: [],
      changed: expect.arrayContaining([expect.objectContaining({ type: 'SignalConsumed' })]),
    })
    const log2 = await openHistory('effects')
    const [first] = await runsOf(log2)
    const input = { value: { text: 'other' } }
    const other = await forked(log2, first as RunId, all.programs, { replace: { input } })
    expect(other.unanswered).toMatchObject(
      [{ step: 'first', why: /it is recorded as do/ }].map(({ step }) => ({
        step,
        why: expect.stringContaining('it is recorded as do'),
      })),
    )
  })

  test('under a change of authority tells what would be denied, and put to a person', async () => {
    const { log, run, runs } = await shopped()
    const { g } = (await runs.view(run)).grants
    const revoked = await forked(log, run, [shop], { change: { revoke: g as never } })
    expect(revoked.decisions).toMatchObject([
      {
        effect: 'look',
        outcome: 'flip',
        was: { verdict: 'allowed' },
        would: { verdict: 'denied' },
      },
    ])
    expect(revoked.result.would).toMatchObject({ conclusion: 'aborted' })
    const [issued] = await events(log, `grant/${g}`)
    const { grant } = (issued as { data: { grant: object } }).data
    const asking = { ...grant, caveats: [{ kind: 'approval' }] } as never
    const at = 9
    const asked = await forked(log, run, [shop], { at, change: { grant: asking } })
    expect(asked).toMatchObject({
      decisions: [{ effect: 'buy', outcome: 'flip', would: { verdict: 'asked' } }],
      unanswered: [{ step: 'buy', why: 'nobody has answered' }],
    })
    const replace = { answers: { buy: { approved: true } } }
    const allowed = await forked(log, run, [shop], { at, replace, change: { grant: asking } })
    expect(allowed.result).toMatchObject({ would: { value: 'thank you' }, same: true })
    const once = { ...grant, caveats: [{ kind: 'count', max: 1 }] } as never
    const counted = await forked(log, run, [shop], { change: { grant: once } })
    expect(counted.decisions.map(({ effect, would }) => [effect, would?.verdict])).toEqual([
      ['look', 'allowed'],
      ['buy', 'denied'],
    ])
  })

  test('answers a person otherwise: of an effect, and of a question', async () => {
    const log = await openHistory('approvals')
    const [run] = await runsOf(log)
    const fork = await forked(log, run as RunId, all.programs, {
      replace: { answers: { yes: { approved: false, comment: 'no' }, no: { approved: true } } },
    })
    expect(fork.decisions).toMatchObject([
      { effect: 'yes', outcome: 'flip', was: { verdict: 'allowed' }, would: { verdict: 'denied' } },
      { effect: 'no', outcome: 'flip', was: { verdict: 'denied' }, would: { verdict: 'allowed' } },
    ])
    expect(fork.unanswered).toEqual([
      { step: 'no', kind: 'effect', why: 'it would be tried, and was not' },
    ])
  })

  test('refuses what lies before its point, and points that the run has not', async () => {
    const { log, run } = await shopped()
    const outcomes = { look: { value: 1 } }
    const cases: readonly Partial<ForkInit>[] = [
      { at: 9, replace: { outcomes } },
      { at: 8, replace: { input: { value: 1 } } },
      { at: 1_000 },
      { at: -1 },
      { at: 1.5 },
      { at: 15 },
    ]
    for (const each of cases) {
      await expect(forked(log, run, [shop], each)).rejects.toMatchObject({
        code: RUNS_CODES.forkUnsupported,
      })
    }
    const none = forked(log, '00000000-0000-7000-8000-000000000000' as RunId, [shop])
    await expect(none).rejects.toMatchObject({ code: RUNS_CODES.notFound })
    await expect(forked(log, run, [])).rejects.toMatchObject({ code: RUNS_CODES.programNotFound })
    const hostile = { outcomes: JSON.parse('{"__proto__":{"value":1},"constructor":{"value":2}}') }
    const same = await forked(log, run, [shop], { replace: hostile })
    expect(same.result.same).toBe(true)
  })

  test('ends where a program would go on for ever', async () => {
    const one = await world()
    const ticking = program(async (context) => {
      for (let at = 0; ; at += 1) await context.sleep(`tick-${at}`, 1_000_000)
    })
    const { run } = await one.runs.execute(ticking, null, { grants })
    const fork = forked(one.log, run, [ticking])
    await expect(fork).rejects.toMatchObject({ code: RUNS_CODES.forkLimit })
  }, 120_000)

  test('of a run that is not over drives it on', async () => {
    const log = await openHistory('ends')
    const run = (await runsOf(log)).at(-1) as RunId
    const fork = await forked(log, run, all.programs, {
      replace: {
        answers: { asked: { approved: true } },
        signals: { wanted: { value: 1 } },
      },
    })
    expect(fork.result).toEqual({
      was: null,
      would: { conclusion: 'committed', value: 2 },
      same: false,
    })
  })
})

describe('no handler is in reach of a fork', () => {
  test('neither by its types', () => {
    expectTypeOf<keyof ForkInit>().toEqualTypeOf<
      'log' | 'run' | 'programs' | 'at' | 'replace' | 'judge' | 'policyOf' | 'signal'
    >()
  })

  test('nor when it is made: nobody is called, and nothing is appended', async () => {
    let calls = 0
    const effects = [
      tool('do', 'idempotent', ({ arguments: args }) => {
        calls += 1
        return args
      }),
    ]
    const one = await world({ effects, clock: manualClock(1_000) })
    const { run } = await one.runs.execute(
      program(async (context) => [
        await context.effect('a', doing({ n: 1 })),
        await context.attempt('b', { ...doing({ n: 2 }), grant: 'h' }),
      ]),
      null,
      { grants: { g: toolGrant('do'), h: { ...toolGrant('do'), actions: ['other'] } } },
    )
    expect(calls).toBe(1)
    const { position } = await one.log.store.head()
    const dead = {
      ...one.log,
      append: () => {
        throw new Error('a fork appends nothing')
      },
    }
    const same = program(async (context) => [
      await context.effect('a', doing({ n: 1 })),
      await context.attempt('b', { ...doing({ n: 2 }), grant: 'h' }),
    ])
    for (const at of [0, 8, 9]) await forked(dead, run, [same], { at })
    expect(calls).toBe(1)
    expect((await one.log.store.head()).position).toBe(position)
  })
})

test('a run is seen as it was at every version', async () => {
  const { runs, run, log } = await shopped()
  const { version } = await runs.view(run)
  const states: string[] = []
  for (let at = 1; at <= version; at += 1) {
    const view = await runs.viewAt(run, at)
    expect(view.version).toBe(at)
    if (states.at(-1) !== view.state) states.push(view.state)
  }
  expect(states).toEqual(
    'CREATED PROVISIONED CONTEXT_READY EXECUTING VALIDATING COMMITTED TERMINATED'.split(' '),
  )
  expect(await runs.viewAt(run, version)).toEqual(await runs.view(run))
  for (const at of [0, -1, version + 1, 1.5, Number.NaN]) {
    const gone = { code: RUNS_CODES.versionNotFound }
    await expect(runs.viewAt(run, at)).rejects.toMatchObject(gone)
  }
  expect((await log.store.head()).position).toBeGreaterThan(version)
})

async function events(log: EventLog, stream: string) {
  const found = []
  for await (const batch of log.read({ stream: stream as never })) found.push(...batch)
  return found
}
