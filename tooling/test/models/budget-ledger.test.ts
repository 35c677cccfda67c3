/** The ledger notices each thing that it promises to notice. */
import type { RecordedEvent } from '@ice/events'
import { seededIds } from '@ice/primitives/testing'
import { describe, expect, it } from 'vitest'
import { BudgetLedger } from '../../src/models/budget-ledger.ts'

const ids = seededIds('ledger')
const grant = ids.nextGrantId()
const run = `run/${ids.nextRunId()}`
const share = (amount: number) => ({ grant, unit: 'tokens', amount })

type Told = readonly [stream: string, type: string, data: object]

const granted: Told = [
  `grant/${grant}`,
  'CapabilityGranted',
  { grant: { id: grant, caveats: [{ kind: 'budget', unit: 'tokens', max: 10 }] } },
]
const charged = (amount: number): Told => [`budget/${grant}`, 'BudgetAllotted', share(amount)]
const drawn = (amount: number): Told => [
  `budget/${grant}`,
  'BudgetAllotted',
  { ...share(amount), run: run.slice('run/'.length), ifLeft: true },
]
const returned = (amount: number): Told => [`budget/${grant}`, 'BudgetReturned', share(amount)]
const intent = (effect: string, took: number, slice: number, bound = took): Told => [
  run,
  'CapabilityUsed',
  {
    effect,
    chain: [grant],
    arguments: { inline: { bound } },
    spends: [share(took)],
    allotted: slice === 0 ? [] : [share(slice)],
  },
]
const outcome = (effect: string, spent: number): Told => [
  run,
  'EffectSucceeded',
  { effect, intent: 'x', spent: [share(spent)] },
]
const refusal = (left: number, purse: number, needs: number): Told => [
  run,
  'CapabilityDenied',
  {
    effect: '0/0/of 1',
    stage: 'decision',
    denial: {
      code: 'ICE_CAPABILITIES_BUDGET_EXCEEDED',
      data: { grant, unit: 'tokens', max: 10, left, purse, needs },
      causes: [],
    },
  },
]

/** Shows a ledger these units. */
function shown(...units: readonly (readonly Told[])[]): BudgetLedger {
  const all = units.flat()
  const ends = new Set<number>()
  let last = 0
  for (const unit of units) {
    last += unit.length
    ends.add(last)
  }
  const ledger = new BudgetLedger(ends)
  for (const [i, [stream, type, data]] of all.entries()) {
    const event = { id: `${stream}@${i + 1}`, stream, type, data, position: i + 1, time: 5 }
    ledger.take(event as unknown as RecordedEvent)
  }
  return ledger
}

describe('a ledger', () => {
  it('agrees with what is in order', () => {
    const ledger = shown(
      [granted],
      [drawn(6)],
      [intent('a', 4, 6)],
      [outcome('a', 1)],
      [refusal(4, 5, 10)],
      [intent('b', 5, 0), returned(0)],
      [outcome('b', 5)],
      [[run, 'RunTerminated', {}], returned(0)],
    )
    expect(ledger.counts).toEqual({ intents: 2, slices: 1, missed: 0, refusals: 1, overspends: 0 })
    expect(() => ledger.finish()).not.toThrow()
  })

  it('tells of an overspend by what is in doubt', () => {
    const first = [drawn(10)]
    const two = [intent('a', 6, 10), [run, 'EffectInDoubt', { effect: 'a' }] as const]
    expect(() => shown([granted], first, two, [intent('b', 6, 0)])).toThrow('12 of 10')
  })

  it('tells of a slice that no budget gave', () => {
    const told = 'that no budget gave'
    expect(() => shown([granted], [intent('a', 3, 4)])).toThrow(told)
    expect(() => shown([granted], [drawn(3)], [intent('a', 3, 4)])).toThrow(told)
    expect(() => shown([granted], [drawn(11)], [intent('a', 3, 11)])).toThrow(told)
    expect(shown([granted], [drawn(11)], [drawn(10)]).counts).toMatchObject({
      slices: 1,
      missed: 1,
    })
  })

  it('tells of a purse that is spent twice', () => {
    const first = [drawn(4), intent('a', 3, 4)]
    expect(() => shown([granted], first, [intent('b', 3, 0)])).toThrow('more of')
  })

  it('tells of a share that is not what the call needs', () => {
    expect(() => shown([granted], [drawn(3), intent('a', 3, 3, 4)])).toThrow('takes')
  })

  it('tells of what was spent beyond what went out', () => {
    const first = [drawn(3), intent('a', 3, 3)]
    expect(() => shown([granted], first, [outcome('a', 5)])).toThrow('5 were spent')
    expect(shown([granted], first, [outcome('a', 5), charged(2)]).counts.overspends).toBe(1)
  })

  it('tells of a refusal that is not true', () => {
    const first = [drawn(6), intent('a', 3, 6)]
    expect(() => shown([granted], first, [refusal(4, 3, 7)])).toThrow('are enough')
    expect(() => shown([granted], first, [refusal(4, 2, 8)])).toThrow('the purse held 3')
    expect(() => shown([granted], first, [refusal(3, 3, 8)])).toThrow('were left')
  })

  it('tells at the end of what was not returned', () => {
    const ledger = shown([granted], [drawn(6), intent('a', 3, 6)], [outcome('a', 3)])
    expect(() => ledger.finish()).toThrow('6 went out, 3 were spent')
  })
})
