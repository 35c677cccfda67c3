import type { GrantId } from '@ice/primitives'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { slicesOf } from '../src/budget.ts'
import { CAPABILITIES_CODES } from '../src/errors.ts'
import type { AuthorityRequest, BudgetShare, Caveat, Slice } from '../src/ports.ts'
import { allowed, codes, denied } from './verdicts.ts'
import { at, World } from './world.ts'

const C = CAPABILITIES_CODES
const tokens = (max: number): Caveat => ({ kind: 'budget', unit: 'tokens', max })
const count = (max: number): Caveat => ({ kind: 'count', max })
const rate = (max: number, windowMs = 1_000): Caveat => ({ kind: 'rate', max, windowMs })

/** One grant, and what is asked of it. */
class Scene {
  readonly world = new World()
  readonly grant: GrantId

  constructor(...caveats: readonly Caveat[]) {
    this.grant = this.world.grant({ holder: 'agent/a', caveats })
  }

  ask(over: Partial<AuthorityRequest> = {}): AuthorityRequest {
    return this.world.request(this.grant, { agent: 'a', ...over })
  }

  share(unit: BudgetShare['unit'], amount: number, window?: number): BudgetShare {
    const base = { grant: this.grant, unit, amount }
    return window === undefined ? base : { ...base, window }
  }

  record(type: string, data: unknown): void {
    this.world.record(`budget/${this.grant}`, type, data)
  }

  allot(share: BudgetShare, run: string = this.world.run): void {
    this.record('BudgetAllotted', { ...share, run })
  }

  draw(share: BudgetShare, run: string = this.world.run): void {
    this.record('BudgetAllotted', { ...share, run, ifLeft: true })
  }

  /** What the budget gave a run. */
  slices(run: string = this.world.run): readonly Slice[] {
    const budget = this.world.state.grants.get(this.grant)?.budget
    return budget === undefined ? [] : slicesOf(budget, run)
  }

  giveBack(share: BudgetShare, run: string = this.world.run): void {
    this.record('BudgetReturned', { ...share, run })
  }
}

/** Verifies: CAP-R40 */
describe('a call that its purse covers', () => {
  it('takes from the purse, and neither allots nor guards a budget', () => {
    const scene = new Scene(tokens(1_000), count(9), rate(9))
    const purse = [scene.share('tokens', 40), scene.share('uses', 1), scene.share('rate', 1, 5)]
    const ok = allowed(scene.world, scene.ask({ bounds: { tokens: 40 }, purse }))
    expect(ok.spends).toEqual(purse)
    expect(ok.allotments).toEqual([])
    expect(ok.guards.map(({ stream }) => stream)).toEqual([
      `grant/${scene.grant}`,
      'policy/ceiling',
      'stop/all',
      `stop/run/${scene.world.run}`,
      'stop/agent/a',
    ])
  })

  it('may state a bound of nothing, and then takes nothing', () => {
    const scene = new Scene(tokens(1))
    scene.allot(scene.share('tokens', 1))
    const ok = allowed(scene.world, scene.ask({ bounds: { tokens: 0 } }))
    expect([ok.spends, ok.allotments]).toEqual([[], []])
  })

  it('is refused when the purse holds more than there ever was', () => {
    const scene = new Scene(count(3))
    const denial = denied(scene.world, scene.ask({ purse: [scene.share('uses', 4)] }))
    expect(denial.code).toBe(C.requestInvalid)
  })

  it('adds up shares of one kind, and takes none of another window or grant', () => {
    const scene = new Scene(rate(3))
    const other = scene.world.grant({ holder: 'agent/a', caveats: [rate(3)] })
    const one = scene.share('rate', 1, 4)
    const purse = [one, { ...one, grant: other, window: 5 }]
    expect(allowed(scene.world, scene.ask({ purse })).allotments).toHaveLength(1)
    const twice = [scene.share('rate', 2, 5), scene.share('rate', 2, 5)]
    expect(denied(scene.world, scene.ask({ purse: twice })).code).toBe(C.requestInvalid)
  })
})

/** Verifies: CAP-R41 */
describe('a slice', () => {
  it.each([
    // left, held, needs, the slice
    [100_000, 0, 10, 640],
    [100_000, 4, 10, 640],
    [6_400, 0, 10, 100],
    [640, 0, 10, 10],
    [640, 4, 10, 10],
    [639, 4, 10, 9],
    [10, 0, 10, 10],
    [6, 4, 10, 6],
  ])('of %i left, with %i held and %i needed, is %i', (left, held, needs, slice) => {
    const scene = new Scene(tokens(1_000_000))
    scene.allot(scene.share('tokens', 1_000_000 - left))
    const purse = [scene.share('tokens', held)]
    const ok = allowed(scene.world, scene.ask({ bounds: { tokens: needs }, purse }))
    expect(ok.spends).toEqual([scene.share('tokens', needs)])
    expect(ok.allotments).toEqual([
      { ...scene.share('tokens', slice), stream: `budget/${scene.grant}`, version: 1 },
    ])
  })

  it('is allotted for every unit and link at once, each budget guarded once', () => {
    const scene = new Scene(count(100), { kind: 'budget', unit: 'money/EUR', max: 5 })
    const parent = scene.world.grant({ delegable: 1, caveats: [tokens(9), tokens(7)] })
    const grant = scene.world.grant({ parent, caveats: [count(2), rate(8)] })
    const ok = allowed(scene.world, scene.world.request(grant, { bounds: { tokens: 7 } }))
    expect(ok.allotments).toMatchObject([
      { grant, unit: 'uses', amount: 1 },
      { grant, unit: 'rate', amount: 1, window: 5 },
      { grant: parent, unit: 'tokens', amount: 7 },
    ])
    expect(ok.guards.slice(-2).map(({ stream }) => stream)).toEqual([
      `budget/${grant}`,
      `budget/${parent}`,
    ])
  })
})

/** Verifies: CAP-R42, CAP-R45, CAP-R46, CAP-R09 */
describe('a budget', () => {
  it('refuses a call that does not say how much it takes at most', () => {
    const scene = new Scene(tokens(5))
    for (const bounds of [undefined, {}, { bytes: 1 }]) {
      const over = bounds === undefined ? {} : { bounds }
      expect(denied(scene.world, scene.ask(over))).toMatchObject({
        code: C.budgetExceeded,
        message:
          `The grant ${scene.grant} allows 5 tokens, and the call does not say how many it ` +
          'takes at most',
        data: { grant: scene.grant, unit: 'tokens', max: 5, needs: null },
      })
    }
  })

  it('says what is left, who holds the rest, and what would have been enough', () => {
    const scene = new Scene(tokens(100))
    scene.allot(scene.share('tokens', 30))
    scene.allot(scene.share('tokens', 50), scene.world.otherRun)
    const purse = [scene.share('tokens', 5)]
    const denial = denied(scene.world, scene.ask({ bounds: { tokens: 26 }, purse }))
    expect(denial).toMatchObject({
      code: C.budgetExceeded,
      message:
        `The grant ${scene.grant} allows 100 tokens; 20 can still be taken and this run holds ` +
        '5, of 26 that the call needs; other runs hold slices of 50, and return what they do ' +
        'not spend',
      data: { unit: 'tokens', max: 100, left: 20, held: 50, purse: 5, needs: 26 },
    })
    expect(allowed(scene.world, scene.ask({ bounds: { tokens: 25 }, purse })).spends).toHaveLength(
      1,
    )
  })

  it('gets back what a run returns, once, and of the rest nothing', () => {
    const scene = new Scene(tokens(10))
    scene.allot(scene.share('tokens', 10))
    scene.giveBack(scene.share('tokens', 4))
    expect(allowed(scene.world, scene.ask({ bounds: { tokens: 4 } })).allotments).toHaveLength(1)
    scene.giveBack(scene.share('tokens', 4))
    expect(denied(scene.world, scene.ask({ bounds: { tokens: 5 } })).data['left']).toBe(4)
  })

  it('gets nothing back from a run it gave nothing', () => {
    const scene = new Scene(tokens(10))
    scene.allot(scene.share('tokens', 10))
    scene.giveBack(scene.share('tokens', 4), scene.world.otherRun)
    expect(denied(scene.world, scene.ask({ bounds: { tokens: 1 } })).data['left']).toBe(0)
  })

  it('remembers the latest holders, and counts what others return as spent', () => {
    const scene = new Scene(tokens(1_000_000))
    const runs = Array.from({ length: 1_025 }, () => scene.world.ids.nextRunId())
    for (const run of runs) scene.allot(scene.share('tokens', 100), run)
    const left = (): unknown =>
      denied(scene.world, scene.ask({ bounds: { tokens: 1_000_000 } })).data['left']
    const before = left() as number
    scene.giveBack(scene.share('tokens', 100), runs[0])
    expect(left()).toBe(before)
    scene.giveBack(scene.share('tokens', 100), runs[1])
    expect(left()).toBe(before + 100)
  })

  it('counts the debits of older logs as allotted', () => {
    const scene = new Scene(count(3))
    scene.record('CountDebited', { grant: scene.grant, count: 2 })
    expect(allowed(scene.world, scene.ask()).allotments).toMatchObject([{ amount: 1 }])
    scene.record('CountDebited', { grant: scene.grant, count: 1 })
    expect(denied(scene.world, scene.ask()).code).toBe(C.countSpent)
  })

  it('is drawn from as long as all of a draw is left, and untouched by any other', () => {
    const scene = new Scene(tokens(10), count(1))
    const left = (): unknown =>
      denied(scene.world, scene.ask({ bounds: { tokens: 11 } })).data['left']
    const { otherRun } = scene.world
    scene.draw(scene.share('tokens', 6))
    expect(left()).toBe(4)
    scene.draw(scene.share('tokens', 5), otherRun)
    expect(left()).toBe(4)
    scene.draw(scene.share('tokens', 4), otherRun)
    expect(left()).toBe(0)
    scene.giveBack(scene.share('tokens', 2))
    scene.draw(scene.share('tokens', 3))
    expect(left()).toBe(2)
    expect(scene.slices()).toEqual([])
    expect(scene.slices(otherRun)).toEqual([{ ...scene.share('tokens', 4), last: 3 }])
  })

  it('gives a run more than once, and says which event gave it the last', () => {
    const scene = new Scene(tokens(10), rate(9))
    scene.draw(scene.share('tokens', 3))
    scene.draw(scene.share('tokens', 8))
    scene.draw(scene.share('tokens', 2))
    scene.draw({ ...scene.share('rate', 1), window: 6 })
    expect(scene.slices()).toEqual([
      { ...scene.share('tokens', 5), last: 3 },
      { ...scene.share('rate', 1), window: 6, last: 4 },
    ])
  })

  it('is never drawn beyond its limit, whoever draws and gives back in whatever order', () => {
    const draw = fc.record({ run: fc.nat(3), amount: fc.nat(12), back: fc.boolean() })
    const property = fc.property(fc.array(draw, { maxLength: 60 }), (draws) => {
      const scene = new Scene(tokens(20))
      const runs = Array.from({ length: 4 }, () => scene.world.ids.nextRunId())
      const held = [0, 0, 0, 0]
      for (const { run, amount, back } of draws) {
        const holder = held[run] ?? 0
        const sum = held.reduce((all, one) => all + one, 0)
        if (back && holder > 0) {
          scene.giveBack(scene.share('tokens', holder), runs[run])
          held[run] = 0
        } else {
          scene.draw(scene.share('tokens', amount), runs[run])
          if (sum + amount <= 20) held[run] = holder + amount
        }
        const known = runs.map((one) => scene.slices(one)[0]?.amount ?? 0)
        expect(known).toEqual(held)
      }
    })
    fc.assert(property)
  })

  const good = (scene: Scene): object => ({
    ...scene.share('tokens', 1),
    run: scene.world.otherRun,
  })
  it.each<[string, string, (scene: Scene) => unknown]>([
    ['another type', 'BudgetRaised', good],
    ['no payload', 'BudgetAllotted', () => null],
    ['another grant', 'BudgetAllotted', (s) => ({ ...good(s), grant: s.world.ids.nextGrantId() })],
    ['a unit it does not have', 'BudgetAllotted', (s) => ({ ...good(s), unit: 'bytes' })],
    ['a unit of nobody', 'BudgetAllotted', (s) => ({ ...good(s), unit: '__proto__' })],
    ['no unit', 'BudgetAllotted', (s) => ({ ...good(s), unit: undefined })],
    ['an amount below zero', 'BudgetAllotted', (s) => ({ ...good(s), amount: -1 })],
    ['half an amount', 'BudgetAllotted', (s) => ({ ...good(s), amount: 0.5 })],
    ['an amount in words', 'BudgetReturned', (s) => ({ ...good(s), amount: '1' })],
    ['an amount that rounds', 'BudgetAllotted', (s) => ({ ...good(s), amount: 2 ** 53 })],
    ['a window', 'BudgetAllotted', (s) => ({ ...good(s), window: 1 })],
    ['a draw of another make', 'BudgetAllotted', (s) => ({ ...good(s), ifLeft: 1 })],
    ['a draw that is none', 'BudgetAllotted', (s) => ({ ...good(s), ifLeft: false })],
    ['a return if left', 'BudgetReturned', (s) => ({ ...good(s), ifLeft: true })],
    ['no run', 'BudgetReturned', (s) => ({ ...good(s), run: 7 })],
    ['a return of more than was given', 'BudgetReturned', (s) => ({ ...good(s), amount: 11 })],
    ['a debit of no count', 'CountDebited', (s) => ({ ...good(s), count: 1 })],
  ])('is spent whole, for good, by %s', (_, type, data) => {
    const scene = new Scene(tokens(1_000))
    scene.allot(scene.share('tokens', 10), scene.world.otherRun)
    scene.record(type, data(scene))
    const denial = denied(scene.world, scene.ask({ bounds: { tokens: 1 } }))
    expect(denial).toMatchObject({ code: C.budgetExceeded, data: { left: 0 } })
    expect(denial.message).toContain(`budget/${scene.grant} is malformed`)
    scene.giveBack(scene.share('tokens', 1), scene.world.otherRun)
    expect(denied(scene.world, scene.ask({ bounds: { tokens: 1 } })).data['left']).toBe(0)
  })

  it('is spent by a sum that would be rounded', () => {
    const scene = new Scene(tokens(1_000))
    scene.allot(scene.share('tokens', Number.MAX_SAFE_INTEGER))
    scene.allot(scene.share('tokens', Number.MAX_SAFE_INTEGER))
    scene.giveBack(scene.share('tokens', Number.MAX_SAFE_INTEGER))
    expect(denied(scene.world, scene.ask({ bounds: { tokens: 1 } })).data['left']).toBe(0)
  })
})

/** Verifies: CAP-R43 */
describe('a rate', () => {
  it('counts each window by itself, and ends the authorization with it', () => {
    const scene = new Scene(rate(2))
    scene.allot(scene.share('rate', 2, 5))
    const denial = denied(scene.world, scene.ask({ at: at(5_400) }))
    expect(denial).toMatchObject({ code: C.rateExceeded, data: { unit: 'rate', max: 2, left: 0 } })
    expect(denial.message).toContain('the next window begins in 600 ms')
    const ok = allowed(scene.world, scene.ask({ at: at(6_000) }))
    expect(ok).toMatchObject({ expiresAt: 7_000, allotments: [{ window: 6, amount: 1 }] })
  })

  it('ends with the link that ends first', () => {
    const world = new World()
    const caveats = [rate(2)]
    for (const [expiresAt, end] of [
      [5_500, 5_500],
      [9_000, 6_000],
    ] as const) {
      const grant = world.grant({ caveats, expiresAt: at(expiresAt) })
      expect(allowed(world, world.request(grant)).expiresAt).toBe(end)
    }
  })

  it('remembers the newest windows; all before them are spent', () => {
    const scene = new Scene(rate(2))
    for (let window = 0; window < 9; window += 1) scene.allot(scene.share('rate', 1, window))
    expect(denied(scene.world, scene.ask({ at: at(500) })).code).toBe(C.rateExceeded)
    expect(allowed(scene.world, scene.ask({ at: at(1_500) })).spends).toHaveLength(1)
    scene.allot(scene.share('rate', 1, 0))
    scene.giveBack(scene.share('rate', 1, 0))
    expect(denied(scene.world, scene.ask({ at: at(500) })).code).toBe(C.rateExceeded)
    // A clock that runs far ahead costs one window, not all of them.
    scene.allot(scene.share('rate', 1, 1_000_000))
    expect(allowed(scene.world, scene.ask({ at: at(2_500) })).spends).toHaveLength(1)
  })

  it('of one grant has one window; the smaller of two rates holds', () => {
    const scene = new Scene(rate(5), rate(1), rate(7))
    scene.allot(scene.share('rate', 1, 5))
    expect(denied(scene.world, scene.ask()).data['max']).toBe(1)
    const mixed = new Scene(rate(5), rate(5, 2_000))
    expect(codes(denied(mixed.world, mixed.ask()))).toContain(C.caveatUnsupported)
  })
})

/** Verifies: CAP-R43, CAP-R45 */
describe('what a budget remembers', () => {
  const budgetOf = (scene: Scene) => scene.world.state.grants.get(scene.grant)?.budget

  it('is what it was, whatever is asked, and of no more windows than the bound', () => {
    const scene = new Scene(rate(2))
    for (let window = 0; window < 20; window += 1) scene.allot(scene.share('rate', 1, window))
    const windows = (): readonly number[] => [...(budgetOf(scene)?.windows.keys() ?? [])]
    const before = windows()
    expect(before).toEqual([12, 13, 14, 15, 16, 17, 18, 19])
    const asked = scene.ask({ at: at(99_000), purse: [scene.share('rate', 0, 99)] })
    expect(allowed(scene.world, asked).spends).toHaveLength(1)
    expect(denied(scene.world, scene.ask({ at: at(500) })).data).toEqual({
      ...{ grant: scene.grant, unit: 'rate', window: 0, max: 2 },
      ...{ left: 0, held: 0, purse: 0, needs: 1 },
    })
    const tokensOnly = new Scene(tokens(5))
    denied(tokensOnly.world, tokensOnly.ask({ bounds: { tokens: 6 } }))
    expect(budgetOf(tokensOnly)?.units.size).toBe(0)
    expect(windows()).toEqual(before)
  })

  it('does not widen when an old window is written again', () => {
    const scene = new Scene(rate(2))
    for (let window = 0; window < 10; window += 1) scene.allot(scene.share('rate', 2, window))
    scene.allot(scene.share('rate', 1, 0))
    expect(denied(scene.world, scene.ask({ at: at(1_500) })).code).toBe(C.rateExceeded)
  })

  it('is all slices of a run together, and of the runs the latest', () => {
    const scene = new Scene(tokens(1_000_000))
    const left = (): unknown =>
      denied(scene.world, scene.ask({ bounds: { tokens: 1_000_000 } })).data['left']
    scene.allot(scene.share('tokens', 10))
    scene.allot(scene.share('tokens', 10))
    scene.giveBack(scene.share('tokens', 15))
    expect(left()).toBe(1_000_000 - 5)
    const runs = Array.from({ length: 1_024 }, () => scene.world.ids.nextRunId())
    for (const run of runs) scene.allot(scene.share('tokens', 1), run)
    scene.allot(scene.share('tokens', 1), runs[0])
    scene.allot(scene.share('tokens', 1), scene.world.ids.nextRunId())
    const before = left() as number
    // The first run was allotted something lately, so that the second is the oldest.
    scene.giveBack(scene.share('tokens', 1), runs[1])
    expect(left()).toBe(before)
    scene.giveBack(scene.share('tokens', 2), runs[0])
    expect(left()).toBe(before + 2)
  })

  it('is told of in the share it is about', () => {
    const scene = new Scene(tokens(100), rate(1))
    const ok = allowed(scene.world, scene.ask({ bounds: { tokens: 1 } }))
    expect(ok.spends.map((share) => Object.keys(share))).toEqual([
      ['grant', 'unit', 'amount'],
      ['grant', 'unit', 'amount', 'window'],
    ])
    scene.allot(scene.share('rate', 1, 5), scene.world.otherRun)
    const { message } = denied(scene.world, scene.ask({ bounds: { tokens: 1 } }))
    expect(message).toBe(
      `The grant ${scene.grant} allows 1 uses in each window of 1000 ms; 0 can still be taken ` +
        'and this run holds 0, of 1 that the call needs; other runs hold slices of 1, and ' +
        'return what they do not spend; the next window begins in 1000 ms',
    )
  })
})

/** Verifies: CAP-R14, CAP-R42 */
describe('caveats that count', () => {
  it.each([
    { kind: 'budget' },
    { kind: 'budget', unit: 'uses', max: 1 },
    { kind: 'budget', unit: 'rate', max: 1 },
    { kind: 'budget', unit: 'money/eur', max: 1 },
    { kind: 'budget', unit: 'money/', max: 1 },
    { kind: 'budget', unit: 'tokens', max: 0 },
    { kind: 'budget', unit: 'tokens', max: 1.5 },
    { kind: 'budget', unit: 'tokens', max: 2e15 },
    { kind: 'budget', unit: 'tokens', max: 1, per: 'day' },
    { kind: 'rate', max: 1 },
    { kind: 'rate', max: 0, windowMs: 1_000 },
    { kind: 'rate', max: 1, windowMs: 999 },
    { kind: 'rate', max: 1, windowMs: 4e10 },
    { kind: 'rate', max: 1, windowMs: 1_000, unit: 'uses' },
  ])('%j is not understood in every part, and denies', (caveat) => {
    const scene = new Scene(caveat as unknown as Caveat)
    const bounds = { tokens: 1 }
    expect(denied(scene.world, scene.ask({ bounds })).code).toBe(C.caveatUnsupported)
  })

  it('are at most 64 over a chain', () => {
    const world = new World()
    const money = (n: number): Caveat => {
      const letter = (at: number): string => String.fromCharCode(65 + at)
      const code = `${letter(Math.floor(n / 26))}${letter(n % 26)}A`
      return { kind: 'budget', unit: `money/${code}`, max: 1 }
    }
    const limits = (from: number, n: number): Caveat[] =>
      Array.from({ length: n }, (_, i) => money(from + i))
    const bounds = Object.fromEntries(
      limits(0, 64).map((one) => [(one as { unit: string }).unit, 1]),
    )
    const parent = world.grant({ delegable: 1, caveats: limits(0, 32) })
    const grant = world.grant({ parent, delegable: 0, caveats: limits(32, 32) })
    const { spends, allotments, guards } = allowed(world, world.request(grant, { bounds }))
    expect([spends.length, allotments.length, guards.length]).toEqual([64, 64, 7])
    const root = world.grant({ delegable: 2, caveats: [count(1)] })
    const next = world.grant({ parent: root, delegable: 1, caveats: limits(0, 32) })
    const leaf = world.grant({ parent: next, caveats: limits(32, 32) })
    expect(denied(world, world.request(leaf, { bounds })).data['reason']).toBe('too_many_budgets')
  })
})

/** Verifies: CAP-R44 */
describe('what a request brings to a budget', () => {
  it.each<[string, unknown]>([
    ['a list of bounds', []],
    ['a bound on uses', { uses: 1 }],
    ['a bound on a rate', { rate: 1 }],
    ['a bound on an unknown unit', { constructor: 1 }],
    ['a bound on a prototype', JSON.parse('{"__proto__": 1}')],
    ['a bound below zero', { tokens: -1 }],
    ['a bound without end', { tokens: Number.POSITIVE_INFINITY }],
    ['half a bound', { tokens: 0.5 }],
    ['a bound in words', { tokens: '5' }],
    ['too many bounds', Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`u${i}`, 1]))],
  ])('is refused: %s', (_, bounds) => {
    const scene = new Scene()
    expect(denied(scene.world, scene.ask({ bounds: bounds as never })).code).toBe(C.requestInvalid)
  })

  it.each<[string, (scene: Scene) => unknown]>([
    ['no list', () => ({})],
    ['a hole', () => [undefined]],
    ['no grant', (s) => [{ ...s.share('uses', 1), grant: 'x' }]],
    ['an unknown unit', (s) => [{ ...s.share('uses', 1), unit: 'hours' }]],
    ['an amount below zero', (s) => [s.share('uses', -1)]],
    ['an amount that rounds', (s) => [s.share('uses', 2 ** 53)]],
    ['a sum that rounds', (s) => Array(2).fill(s.share('tokens', Number.MAX_SAFE_INTEGER))],
    ['a rate of no window', (s) => [s.share('rate', 1)]],
    ['uses of a window', (s) => [s.share('uses', 1, 1)]],
    ['too many shares', (s) => Array(1_025).fill(s.share('uses', 0))],
  ])('is refused: a purse with %s', (_, purse) => {
    const scene = new Scene()
    const asked = scene.ask({ purse: purse(scene) as never })
    expect(denied(scene.world, asked).code).toBe(C.requestInvalid)
  })
})

/** Verifies: CAP-R68 */
describe('a call that is one of several of an intent', () => {
  it('takes a use, and a place in a rate, for each; its bounds are of all', () => {
    const scene = new Scene(tokens(1_000), count(9), rate(9))
    const ok = allowed(scene.world, scene.ask({ calls: 4, bounds: { tokens: 40 } }))
    expect(ok.spends.map(({ unit, amount }) => [unit, amount])).toEqual([
      ['tokens', 40],
      ['uses', 4],
      ['rate', 4],
    ])
  })

  it('is refused where there is no room for all of them', () => {
    const scene = new Scene(count(3))
    expect(codes(denied(scene.world, scene.ask({ calls: 4 })))).toContain(C.countSpent)
    expect(allowed(scene.world, scene.ask({ calls: 3 })).spends).toMatchObject([{ amount: 3 }])
  })
})
