/** Each caveat at its bounds: as much as may be is understood, and one more is not. */
import type { GrantId } from '@ice/primitives'
import { describe, expect, it } from 'vitest'
import { caveatFault, caveatRules } from '../src/caveat.ts'
import {
  BUDGET_AMOUNT_MAX,
  COUNT_USES_MAX,
  RATE_WINDOW_MS_MAX,
  RATE_WINDOW_MS_MIN,
} from '../src/limits.ts'
import type { AuthorityRequest, Caveat } from '../src/ports.ts'
import { isMeasured, readPurse } from '../src/purse.ts'
import { allowed, denied } from './verdicts.ts'
import { at, World } from './world.ts'

const texts = (n: number, before: string): string[] =>
  Array.from({ length: n }, (_, i) => `${before}${i}`)

/** Verifies: CAP-R14, CAP-R83, CAP-R104 */
describe('a caveat', () => {
  it.each<Caveat>([
    { kind: 'count', max: 1 },
    { kind: 'count', max: COUNT_USES_MAX },
    { kind: 'rate', max: 1, windowMs: RATE_WINDOW_MS_MIN },
    { kind: 'rate', max: COUNT_USES_MAX, windowMs: RATE_WINDOW_MS_MAX },
    { kind: 'budget', unit: 'tokens', max: 1 },
    { kind: 'budget', unit: 'money/EUR', max: BUDGET_AMOUNT_MAX },
    { kind: 'approval-for', actions: texts(64, 'a') },
    { kind: 'trusted', paths: texts(32, '/p') },
    { kind: 'readers', paths: texts(32, '/p'), include: texts(64, 'os:u') },
    { kind: 'time-window', days: [0, 1, 2, 3, 4, 5, 6], from: 0, to: 1_440 },
    { kind: 'time-window', from: 1_439, to: 0 },
  ])('is understood: %j', (caveat) => {
    expect(caveatFault(caveat)).toBeUndefined()
  })

  it.each<[string, unknown]>([
    ['a "count" caveat has a max', { kind: 'count', max: COUNT_USES_MAX + 1 }],
    ['a "rate" caveat', { kind: 'rate', max: COUNT_USES_MAX + 1, windowMs: 1_000 }],
    ['a "rate" caveat', { kind: 'rate', max: 1, windowMs: RATE_WINDOW_MS_MAX + 1 }],
    ['a "budget" caveat', { kind: 'budget', unit: 'tokens', max: BUDGET_AMOUNT_MAX + 1 }],
    ['names 1 to 64 actions', { kind: 'approval-for', actions: texts(65, 'a') }],
    ['names 1 to 64 actions', { kind: 'approval-for', actions: ['a', 'a b'] }],
    ['"trusted" caveat has 1 to 32', { kind: 'trusted', paths: texts(33, '/p') }],
    ['"trusted" caveat has 1 to 32', { kind: 'trusted', paths: ['/a', 'b'] }],
    ['no other members', { kind: 'trusted', paths: ['/a'], include: ['os:u'] }],
    ['and includes readers', { kind: 'readers', paths: ['b'], include: ['os:u'] }],
    ['includes 1 to 64 readers', { kind: 'readers', paths: ['/a'], include: texts(65, 'os:u') }],
    ['a "time-window"', { kind: 'time-window', days: [0, 7], from: 0, to: 1 }],
    ['a "time-window"', { kind: 'time-window', days: [-1, 0], from: 0, to: 1 }],
  ])('is not understood, because %s', (reason, caveat) => {
    expect(caveatFault(caveat)).toContain(reason)
  })

  it('of one unit counts as the smallest of them, wherever it stands, and the others stay', () => {
    const count = (max: number): Caveat => ({ kind: 'count', max })
    const tokens: Caveat = { kind: 'budget', unit: 'tokens', max: 7 }
    for (const order of [
      [count(5), tokens, count(3), count(4)],
      [count(3), tokens, count(5)],
      [tokens, count(5), count(3)],
    ]) {
      const limits = caveatRules(order).limits.map(({ unit, max }) => [unit, max])
      expect(Object.fromEntries(limits)).toEqual({ uses: 3, tokens: 7 })
      expect(limits).toHaveLength(2)
    }
  })

  it.each([0, 1, 2, 3, 4, 5, 6])(
    'of a window on day %i names it, and says when it opens',
    (day) => {
      const names = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat']
      const world = new World()
      const grant = world.grant({ caveats: [{ kind: 'time-window', days: [day], from: 5, to: 6 }] })
      // The epoch is a Thursday.
      const opens = at(((day - 4 + 7) % 7) * 86_400_000 + 5 * 60_000)
      const denial = denied(world, world.request(grant, { at: at(0) }))
      expect(denial.message).toContain(`holds ${names[day]} 00:05 to 00:06 UTC`)
      expect(denial.data['opensAt']).toBe(opens)
      expect(allowed(world, world.request(grant, { at: opens })).expiresAt).toBe(opens + 60_000)
      // Once it has closed it opens a week later, also at the very minute it opened.
      const closed = at(opens + 60_000)
      expect(denied(world, world.request(grant, { at: closed })).data['opensAt']).toBe(
        opens + 7 * 86_400_000,
      )
    },
  )
})

/** Verifies: CAP-R44 */
describe('a purse', () => {
  const grant = new World().ids.nextGrantId()
  const share = { grant, unit: 'uses', amount: 1 } as const

  it('holds as many shares as its bound says, and no more', () => {
    expect(readPurse(Array(1_024).fill(share))).toEqual(new Map([[`${grant} uses `, 1_024]]))
    expect(readPurse(Array(1_025).fill(share))).toContain('at most 1024')
  })

  it('knows a share of a window from one of none', () => {
    const rate = { grant: grant as GrantId, unit: 'rate', amount: 2, window: 0 } as const
    const purse: AuthorityRequest['purse'] = [rate, { ...rate, window: 1 }, share]
    expect([...(readPurse(purse) as ReadonlyMap<string, number>).values()]).toEqual([2, 2, 1])
  })

  it.each([
    ['tokens', true],
    ['bytes', true],
    ['ms', true],
    ['money/EUR', true],
    ['xmoney/EUR', false],
    ['money/EURO', false],
    ['uses', false],
    [undefined, false],
  ])('%s is measured: %s', (unit, is) => {
    expect(isMeasured(unit)).toBe(is)
  })
})
