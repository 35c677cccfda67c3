import type { BudgetShare, Slice, Slices } from '@ice/capabilities/ports'
import type { GrantId } from '@ice/primitives'
import { seededIds } from '@ice/primitives/testing'
import { describe, expect, test } from 'vitest'
import { givenOf, Hand, handOf } from '../src/hand.ts'
import { createPurse, put, take } from '../src/purse.ts'

const ids = seededIds('hand')
const run = ids.nextRunId()
const [g, h] = [ids.nextGrantId(), ids.nextGrantId()]
const share = (amount: number, grant: GrantId = g): BudgetShare => ({
  grant,
  unit: 'tokens',
  amount,
})
const slice = (amount: number, last: number, grant: GrantId = g): Slice => ({
  ...share(amount, grant),
  last,
})

/** Budgets as they are known now, and as a refresh finds them. */
function budgets(known: Record<GrantId, Slices>, found: Record<GrantId, Slices> = {}) {
  const refreshed: GrantId[][] = []
  const now = new Map(Object.entries(known))
  return {
    refreshed,
    slices: (grant: GrantId) => now.get(grant),
    refresh: async (grants: readonly GrantId[] = []) => {
      refreshed.push([...grants])
      for (const [grant, slices] of Object.entries(found)) now.set(grant, slices)
    },
  }
}

/** Verifies: RUN-R20 */
describe('what was drawn', () => {
  const drawn = {
    shares: [share(5), share(7, h)],
    versions: new Map([
      [g, 3],
      [h, 9],
    ]),
    events: [3, 9],
  }

  test('is in hand where the budget says that this event gave it', async () => {
    const known = {
      [g]: { version: 3, held: [slice(8, 3)] },
      [h]: { version: 9, held: [slice(7, 8, h)] },
    }
    const at = budgets(known)
    expect(await givenOf(at, run, drawn)).toEqual([share(5)])
    expect(at.refreshed).toEqual([])
  })

  test('is looked up where the budget is known only up to before it', async () => {
    const found = { [h]: { version: 11, held: [slice(7, 9, h)] } }
    const at = budgets({ [g]: { version: 3, held: [] } }, found)
    expect(await givenOf(at, run, drawn)).toEqual([share(7, h)])
    expect(at.refreshed).toEqual([[h]])
  })

  test('is nothing where nobody knows the budget', async () => {
    expect(await givenOf(budgets({}), run, drawn)).toEqual([])
  })
})

/** Verifies: RUN-R22 */
describe('what the owner before had in hand', () => {
  const purse = () => {
    const held = createPurse()
    held.drawn.add(g)
    put(held, [share(10)])
    return held
  }

  test('is what its budgets gave and no intent told', async () => {
    const held = purse()
    const at = budgets({}, { [g]: { version: 5, held: [slice(14, 4)] } })
    expect((await handOf(at, run, held)).shares).toEqual([share(4)])
    expect(at.refreshed).toEqual([[g]])
  })

  test('is less what was charged to the run for an overspend', async () => {
    const held = purse()
    take(held, [share(13)])
    const at = budgets({}, { [g]: { version: 5, held: [slice(14, 4)] } })
    expect((await handOf(at, run, held)).shares).toEqual([share(1)])
  })

  test.each<[string, readonly Slice[]]>([
    ['that all was told of', [slice(10, 4)]],
    ['that forgot the run in between', [slice(4, 4)]],
    ['that knows nothing of the run', []],
    ['of a rate', [{ ...slice(14, 4), unit: 'rate', window: 7 }]],
  ])('is nothing of a budget %s', async (_, held) => {
    const at = budgets({}, { [g]: { version: 5, held } })
    expect((await handOf(at, run, purse())).isEmpty).toBe(true)
  })

  test('is not looked for where nothing was ever drawn', async () => {
    const at = budgets({ [g]: { version: 5, held: [slice(14, 4)] } })
    expect((await handOf(at, run, createPurse())).isEmpty).toBe(true)
    expect(at.refreshed).toEqual([])
  })
})

/** Verifies: RUN-R20 */
test('a hand adds up what it takes, and tells it whole and once', () => {
  const hand = new Hand([share(2)])
  const copy = hand.copy()
  hand.take([share(3), share(1, h)])
  expect(hand.tell([share(1)])).toEqual([share(5)])
  expect(hand.tell([share(1)])).toEqual([])
  expect([hand.shares, copy.shares]).toEqual([[share(1, h)], [share(2)]])
})
