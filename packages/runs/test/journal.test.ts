import type { Allotment, BudgetShare } from '@ice/capabilities/ports'
import type { AppendRequest } from '@ice/events/ports'
import type { GrantId, Position, StreamId, StreamVersion, Timestamp } from '@ice/primitives'
import { manualClock, seededIds } from '@ice/primitives/testing'
import { describe, expect, test } from 'vitest'
import { Hand } from '../src/hand.ts'
import { type Intent, Journal, runStream } from '../src/journal.ts'
import { runProjection } from '../src/lifecycle.ts'
import { recordedEvent } from '../src/recorded.ts'

const ids = seededIds('journal')
const run = ids.nextRunId()
const grants = Array.from({ length: 20 }, () => ids.nextGrantId())
const [grant] = grants as [GrantId]

/** A journal of a run that has just begun, and what it appends. */
function scene({ answer = (): void => undefined, hand = new Hand() }: SceneInit = {}) {
  const clock = manualClock(10_000)
  const requests: AppendRequest[] = []
  const data = { run, program: { name: 'p', version: '1' }, input: { inline: null } }
  const created = { ...data, owner: 'alice', epoch: 1, grants: [] }
  const event = { type: 'RunCreated', data: created, time: clock.now() }
  const fold = runProjection.evolve(
    runProjection.initialState(),
    recordedEvent(event, runStream(run), 1),
  )
  const versions = new Map<string, number>([[runStream(run), 1]])
  let position = 1
  const log = {
    append: async (request: AppendRequest) => {
      requests.push(request)
      answer(request)
      const writes = request.writes.map(({ stream, events }) => {
        const version = (versions.get(stream) ?? 0) + events.length
        versions.set(stream, version)
        const positions = events.map((_, i) => (position + i + 1) as Position)
        position += events.length
        const times = events.map(() => clock.now())
        return { stream, version: version as StreamVersion, positions, times }
      })
      return { writes, retried: false }
    },
  }
  const journal = new Journal({ log, clock, run, fold, hand, onEvent: () => undefined })
  return { clock, journal, requests }
}

interface SceneInit {
  readonly answer?: (request: AppendRequest) => void
  readonly hand?: Hand
}

const share = (amount: number, of: GrantId = grant): BudgetShare => ({
  grant: of,
  unit: 'tokens',
  amount,
})

const slice = (amount: number, of: GrantId = grant): Allotment => ({
  ...share(amount, of),
  stream: `budget/${of}` as StreamId,
  version: 0,
})

function intent(effect: string, more: Partial<Intent> = {}): Intent {
  const { spends = [] } = more
  const digest = 'a'.repeat(64)
  return {
    causes: [],
    blob: null,
    guards: [],
    expiresAt: null,
    ...more,
    spends,
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
    },
  }
}

const effectsOf = (intents: readonly Intent[]) => intents.map(({ data }) => data.effect)

interface Told {
  readonly allotted?: readonly BudgetShare[]
}

/** Verifies: RUN-R20 */
describe('intents that wait', () => {
  test('leave a smaller purse to those decided after them', async () => {
    const { journal } = scene({ hand: new Hand([share(10)]) })
    expect(journal.purse()).toEqual([share(10)])
    journal.addIntent(intent('a', { spends: [share(3)] }))
    expect(journal.purse()).toEqual([share(7)])
    journal.addIntent(intent('b', { spends: [share(7)] }))
    expect(journal.purse()).toEqual([])
    const { recorded } = await journal.flush()
    expect(recorded).toHaveLength(2)
    expect(journal.purse()).toEqual([])
  })

  test('are all decided anew when some are refused, on what is still in hand', async () => {
    const refusal = Object.assign(new Error('ended'), { code: 'ICE_EVENTS_GUARD_CONFLICT' })
    let isRefused = true
    const answer = (): void => {
      if (isRefused) throw refusal
    }
    const { journal, requests } = scene({ answer, hand: new Hand([share(10)]) })
    journal.addIntent(intent('a', { spends: [share(3)] }))
    journal.addIntent(intent('b', { spends: [share(1)] }))
    const { recorded, refused } = await journal.flush()
    expect([recorded, effectsOf(refused)]).toEqual([[], ['a', 'b']])
    expect(requests).toHaveLength(1)
    expect([journal.dirty, journal.isAhead, journal.purse()]).toEqual([false, true, [share(10)]])
    isRefused = false
    for (const one of refused) journal.addIntent(one)
    await journal.flush()
    expect([journal.isAhead, journal.purse()]).toEqual([false, [share(6)]])
  })

  test('tell what is in hand once: the first that takes from it', async () => {
    const other = share(5, grants[1])
    const { journal, requests } = scene({ hand: new Hand([share(10), other]) })
    journal.addIntent(intent('a', { spends: [share(3)] }))
    journal.addIntent(intent('b', { spends: [share(3)] }))
    await journal.flush()
    const told = requests[0]?.writes[0]?.events.map(({ data }) => (data as Told).allotted)
    expect(told).toEqual([[share(10)], undefined])
    expect(journal.purse()).toEqual([share(4), other])
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

/** Verifies: RUN-R20 */
describe('a draw', () => {
  test('is a fact of the run beside what it asks of budgets, at any version', async () => {
    const { journal, requests } = scene()
    journal.add({ type: 'RunProvisioned', data: { limits: {} } })
    journal.draw([slice(4), { ...slice(7), unit: 'bytes' }, slice(5, grants[1])])
    expect([journal.isDrawing, journal.dirty]).toEqual([true, true])
    const { drawn } = await journal.flush()
    const shares = [share(4), { ...share(7), unit: 'bytes' as const }, share(5, grants[1])]
    expect(drawn).toEqual({
      shares,
      versions: new Map([
        [grant, 2],
        [grants[1], 1],
      ]),
      events: [1, 2, 1],
    })
    expect(requests).toHaveLength(1)
    const [own, ...budgets] = requests[0]?.writes ?? []
    expect(own?.events.at(-1)).toMatchObject({ type: 'BudgetDrawn', data: { shares } })
    expect(budgets.map(({ expectedVersion }) => expectedVersion)).toEqual(['any', 'any'])
    expect([journal.isDrawing, journal.dirty, journal.purse()]).toEqual([false, false, []])
  })

  test('gives nothing before the budget has said so', async () => {
    const { journal } = scene()
    journal.draw([slice(4)])
    await journal.flush()
    expect(journal.purse()).toEqual([])
    journal.take([share(4)])
    expect([journal.isAhead, journal.purse()]).toEqual([true, [share(4)]])
  })

  test('of several at once is one: the others are decided on what it brings', async () => {
    const { journal, requests } = scene()
    journal.draw([slice(4)])
    journal.draw([slice(4)])
    await journal.flush()
    expect(requests[0]?.writes[1]?.events).toHaveLength(1)
    expect(journal.dirty).toBe(false)
  })

  test('is not lost behind intents that are refused in its append', async () => {
    const refusal = Object.assign(new Error('ended'), { code: 'ICE_EVENTS_GUARD_CONFLICT' })
    const answer = ({ writes }: AppendRequest): void => {
      if (writes[0]?.events.some(({ type }) => type === 'CapabilityUsed')) throw refusal
    }
    const { journal, requests } = scene({ answer, hand: new Hand([share(1)]) })
    journal.addIntent(intent('a', { spends: [share(1)] }))
    journal.draw([slice(4)])
    const { refused, drawn } = await journal.flush()
    expect([effectsOf(refused), drawn?.shares]).toEqual([['a'], [share(4)]])
    expect(requests.map(({ writes }) => writes.length)).toEqual([2, 2])
  })

  test('is dropped by the end of the run, which returns what is in hand', async () => {
    const { journal, requests } = scene({ hand: new Hand([share(3)]) })
    journal.draw([slice(4)])
    const error = { name: 'Error', code: 'X', message: 'no', data: {}, retryable: false }
    journal.add({ type: 'RunAborted', data: { phase: 'execution' } })
    journal.add({ type: 'AbortReasonDeclared', data: { reason: 'no', error } as never })
    journal.add({ type: 'RunTerminated', data: { conclusion: 'aborted', doubts: [] } })
    await journal.flush()
    expect(requests.map(({ writes }) => writes.slice(1))).toEqual([
      [
        {
          stream: `budget/${grant}`,
          expectedVersion: 'any',
          events: [{ type: 'BudgetReturned', data: { ...share(3), run } }],
        },
      ],
    ])
    expect(journal.isDrawing).toBe(false)
  })
})
