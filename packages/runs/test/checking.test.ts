/** Verifies: RUN-R190, RUN-R191 */
import type { EventLog } from '@ice/events/ports'
import { beforeAll, describe, expect, test } from 'vitest'
import { checkHistories, type HistoryCheck } from '../src/index.ts'
import type { Program } from '../src/ports.ts'
import { digests, historyNames, openHistory, recordMissing } from './histories.ts'
import * as all from './history-programs.ts'

beforeAll(async () => {
  if (process.env['ICE_UPDATE_FIXTURES'] === '1') await recordMissing()
})

async function checked(log: EventLog, programs: readonly Program[], more = {}) {
  const found: HistoryCheck[] = []
  for await (const check of checkHistories({ log, programs, ...more })) found.push(check)
  return found
}

describe('the recorded histories', () => {
  test('are the bytes that were recorded', () => {
    const { noted, found } = digests()
    expect(found).toBe(noted)
    for (const name of historyNames) expect(noted).toContain(` ${name}.jsonl\n`)
  })

  test.each(historyNames)('%s replay equal, and nothing is appended', async (name) => {
    const log = await openHistory(name)
    const { position } = await log.store.head()
    const checks = await checked(log, all.programs)
    expect(checks.length).toBeGreaterThan(0)
    for (const check of checks) expect(check).toMatchObject({ outcome: 'equal', reason: null })
    expect((await log.store.head()).position).toBe(position)
  })

  test('tell which patches a run took and went past, and which version drives it', async () => {
    const checks = await checked(await openHistory('patches'), [all.patched])
    expect(checks.map(({ heldTo, patches }) => [heldTo?.version, patches])).toEqual([
      ['2', { taken: [], passed: ['new-way'] }],
      ['2', { taken: ['new-way'], passed: [] }],
      ['2', { taken: [], passed: ['new-way'] }],
    ])
  })

  test('that no program drives are told so, and can be held to another version', async () => {
    const log = await openHistory('effects')
    const next = { ...all.acting, version: '2' }
    const [check] = await checked(log, [next])
    expect(check).toMatchObject({ outcome: 'unmatched', heldTo: null })
    const [other] = await checked(log, [next], { anyVersion: true })
    expect(other).toMatchObject({ outcome: 'equal', heldTo: { version: '2' } })
  })

  test('of a run that is not over say what is asked for next', async () => {
    const more = {
      ...all.open,
      run: (async (context, input) => {
        const after = all.open.run(context, input)
        const next = context.effect('first/then', all.doing({ more: true }))
        return Promise.all([after, next])
      }) as Program['run'],
    }
    const checks = await checked(await openHistory('ends'), [all.refused, all.thrown, more])
    const last = checks.at(-1)
    expect(last).toMatchObject({
      outcome: 'equal',
      beyond: [
        { step: 'first/then', kind: 'effect', asks: { action: 'do', arguments: { more: true } } },
      ],
    })
  })
})

type Run = Program['run']
const changed = (program: Program, run: Run): Program => ({ ...program, run })

describe('a changed program is told with the right difference', () => {
  const cases: readonly (readonly [
    what: string,
    history: string,
    program: Program,
    difference: object,
  ])[] = [
    [
      'that renames a step',
      'effects',
      changed(all.acting, async (context, input) => context.effect('frist', all.doing({ input }))),
      {
        step: 'first',
        why: 'the program has not asked for it',
        recorded: { step: 'first', type: 'CapabilityUsed', says: { action: 'do' } },
        asked: null,
        nearest: [{ step: 'frist', kind: 'effect' }],
        ended: null,
      },
    ],
    [
      'that asks with other arguments',
      'effects',
      changed(all.acting, async (context) => context.effect('first', all.doing({ input: 1 }))),
      {
        step: 'first',
        recorded: { says: { arguments: { input: { text: 'ü' } } } },
        asked: { step: 'first', asks: { arguments: { input: 1 } } },
      },
    ],
    [
      'that asks a question where an effect was',
      'effects',
      changed(all.acting, async (context) => context.approval('first', { prompt: 'First?' })),
      { step: 'first', why: 'it is recorded as effect', asked: { kind: 'question' } },
    ],
    [
      'that returns too early',
      'effects',
      changed(all.acting, async () => 'done'),
      { step: 'first', asked: null, nearest: [], ended: 'it had returned' },
    ],
    [
      'that throws',
      'effects',
      changed(all.acting, async () => {
        throw new Error('not today')
      }),
      { step: 'first', ended: expect.stringContaining('not today') },
    ],
    [
      'that gives another result',
      'effects',
      changed(all.acting, async (context, input) => [await all.acting.run(context, input)]),
      { step: '', why: expect.stringContaining('its result is recorded as') },
    ],
    [
      'that asks for one step more',
      'effects',
      changed(all.acting, async (context, input) => {
        const result = await all.acting.run(context, input)
        void context.effect('more', all.doing())
        return result
      }),
      { step: 'more', asked: { step: 'more' }, ended: 'it had returned' },
    ],
    [
      'that no longer takes the input',
      'effects',
      {
        ...all.acting,
        input: {
          parse: () => {
            throw new Error('a number is wanted')
          },
        },
      },
      { step: '', why: expect.stringContaining('a number is wanted') },
    ],
    [
      'that waits for another time',
      'waits',
      changed(all.waits, async (context) => context.sleep('nap', 1)),
      { step: 'nap', recorded: { type: 'TimerSet' }, asked: { kind: 'timer' } },
    ],
    [
      'whose check passes',
      'ends',
      { ...all.refused, checks: [] },
      { step: '', why: expect.stringContaining('would be accepted now') },
    ],
    [
      'that throws something else',
      'ends',
      changed(all.thrown, async (context) => {
        await context.effect('first', all.doing())
        throw new Error('other')
      }),
      { step: '', why: expect.stringContaining('SHOP_CLOSED: enough') },
    ],
    [
      'that asks a person something else',
      'ends',
      changed(all.open, async (context) => {
        await context.effect('first', all.doing())
        return Promise.all([
          context.signal('wanted', 'go'),
          context.approval('asked', { prompt: 'Stop?' }),
        ])
      }),
      {
        step: 'asked',
        asked: { asks: { prompt: 'Stop?' } },
        why: expect.stringContaining('Go on?'),
      },
    ],
    [
      'that goes on with another input',
      'successors',
      changed(all.line, async (context, input) => {
        await context.effect('count', all.doing({ left: input }))
        if (input === 0) return 'done'
        return context.continueAs(0)
      }),
      { step: '', why: expect.stringContaining('goes on with the input') },
    ],
  ]

  test.each(cases)('%s', async (_, history, program, difference) => {
    const others = all.programs.filter(({ name }) => name !== program.name)
    const checks = await checked(await openHistory(history), [...others, program])
    const different = checks.filter(({ outcome }) => outcome === 'different')
    expect(different[0]).toMatchObject({ program: { name: program.name }, difference })
    expect(checks.filter(({ outcome }) => outcome === 'unreadable')).toEqual([])
  })
})
