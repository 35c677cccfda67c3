import type { Allotment, BudgetShare } from '@ice/capabilities/ports'
import type { AppendRequest } from '@ice/events/ports'
import type { GrantId, StreamId, Timestamp } from '@ice/primitives'
import { manualClock, seededIds } from '@ice/primitives/testing'
import { describe, expect, test } from 'vitest'
import { type Intent, Journal, runStream } from '../src/journal.ts'
import { runProjection } from '../src/lifecycle.ts'
import { UNIT_BUDGETS_MAX } from '../src/limits.ts'
import { recordedEvent } from '../src/recorded.ts'

const ids = seededIds('journal')
const run = ids.nextRunId()
const grants = Array.from({ length: 20 }, () => ids.nextGrantId())
const [grant] = grants as [GrantId]

/** A journal of a run that has just begun, and what it appends. */
function scene(answer: (request: AppendRequest) => void = () => undefined) {
  const clock = manualClock(10_000)
  const requests: AppendRequest[] = []
  const data = { run, program: { name: 'p', version: '1' }, input: { inline: null } }
  const created = { ...data, owner: 'alice', epoch: 1, grants: [] }
  const event = { type: 'RunCreated', data: created, time: clock.now() }
  const fold = runProjection.evolve(
    runProjection.initialState(),
    recordedEvent(event, runStream(run), 1),
  )
  const log = {
    append: async (request: AppendRequest) => {
      requests.push(request)
      answer(request)
      return { writes: [], retried: false }
    },
  }
  const journal = new Journal({ log, clock, run, fold, onEvent: () => undefined })
  return { clock, journal, requests }
}

const share = (amount: number, of: GrantId = grant): BudgetShare => ({
  grant: of,
  unit: 'tokens',
  amount,
})

const slice = (amount: number, version = 0, of: GrantId = grant): Allotment => ({
  ...share(amount, of),
  stream: `budget/${of}` as StreamId,
  version,
})

function intent(effect: string, more: Partial<Intent> = {}): Intent {
  const { spends = [], allotments = [] } = more
  const digest = 'a'.repeat(64)
  return {
    causes: [],
    blob: null,
    guards: [],
    expiresAt: null,
    ...more,
    spends,
    allotments,
    data: {
      effect,
      attempt: 1,
      action: 'do',
      resource: {},
      arguments: { inline: {} },
      argumentsDigest: digest,
      grant,
      chain: [grant],
      basis: [],
      fate: 'idempotent',
      spends: [...spends],
      allotted: allotments.map(({ grant: of, unit, amount }) => ({ grant: of, unit, amount })),
    },
  }
}

const effectsOf = (intents: readonly Intent[]) => intents.map(({ data }) => data.effect)
const budgetsOf = ({ writes }: AppendRequest) => writes.slice(1).map(({ stream }) => stream)

/** Verifies: RUN-R20 */
describe('intents that wait', () => {
  test('leave a smaller purse to those decided after them', async () => {
    const { journal } = scene()
    expect(journal.purse()).toEqual([])
    journal.addIntent(intent('a', { spends: [share(3)], allotments: [slice(10)] }))
    expect(journal.purse()).toEqual([share(7)])
    journal.addIntent(intent('b', { spends: [share(7)] }))
    expect(journal.purse()).toEqual([])
    const { recorded } = await journal.flush()
    expect(recorded).toHaveLength(2)
    expect(journal.purse()).toEqual([])
  })

  test('are all decided anew when some are refused: they may stand on these', async () => {
    const conflict = Object.assign(new Error('moved'), {
      code: 'ICE_EVENTS_VERSION_CONFLICT',
      data: { stream: `budget/${grant}` },
    })
    const { journal, requests } = scene(() => {
      throw conflict
    })
    journal.addIntent(intent('a', { spends: [share(3)], allotments: [slice(10)] }))
    // Needs another slice of the same budget, so it waits for the next append.
    journal.addIntent(intent('b', { spends: [share(8)], allotments: [slice(9)] }))
    journal.addIntent(intent('c', { spends: [share(1)] }))
    const { recorded, refused } = await journal.flush()
    expect([recorded, effectsOf(refused)]).toEqual([[], ['a', 'b', 'c']])
    expect(requests).toHaveLength(1)
    expect([journal.dirty, journal.purse()]).toEqual([false, []])
  })

  test('go one by one where they need slices of one budget', async () => {
    const { journal, requests } = scene()
    journal.addIntent(intent('a', { allotments: [slice(1)] }))
    journal.addIntent(intent('b', { allotments: [slice(1, 1)] }))
    for (const [i, of] of grants.entries()) {
      if (i > 0) journal.addIntent(intent(`w${i}`, { allotments: [slice(1, 0, of)] }))
    }
    while (journal.dirty) await journal.flush()
    expect(requests.map((request) => budgetsOf(request).length)).toEqual([1, UNIT_BUDGETS_MAX, 5])
  })

  test('may need more slices than an append has streams, of budgets that fit', async () => {
    const { journal, requests } = scene()
    const units = ['tokens', 'bytes', 'ms', 'money/EUR', 'money/USD', 'money/CHF'] as const
    const allotments = grants
      .slice(0, 3)
      .flatMap((of) => units.map((unit) => ({ ...slice(1, 0, of), unit })))
    expect(allotments.length).toBeGreaterThan(UNIT_BUDGETS_MAX)
    journal.addIntent(intent('a', { allotments }))
    expect(effectsOf((await journal.flush()).recorded.map(({ intent: one }) => one))).toEqual(['a'])
    expect(requests.map((request) => budgetsOf(request).length)).toEqual([3])
  })

  test('are not recorded once their time has passed, whatever the store says', async () => {
    const { clock, journal, requests } = scene()
    journal.addIntent(intent('a', { expiresAt: 10_500 as Timestamp }))
    await clock.advance(499)
    journal.add({ type: 'RunProvisioned', data: { limits: {} } })
    expect((await journal.flush()).recorded).toHaveLength(1)
    journal.addIntent(intent('b', { expiresAt: 10_500 as Timestamp }))
    journal.add({ type: 'ResourcesAllocated', data: { resources: [] } })
    await clock.advance(1)
    const { recorded, refused } = await journal.flush()
    expect([recorded, effectsOf(refused)]).toEqual([[], ['b']])
    expect(requests.at(-1)?.writes[0]?.events.map(({ type }) => type)).toEqual([
      'ResourcesAllocated',
    ])
  })
})
