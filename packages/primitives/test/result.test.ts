import { describe, expect, it } from 'vitest'
import { err, isOk, ok, type Result } from '../src/index.ts'

/** Verifies: PRI-R16 */
describe('a result', () => {
  it('has one head', () => {
    expect([ok(1), err('why')]).toEqual([{ ok: 1 }, { error: 'why' }])
  })

  it('is told by its head, also around undefined', () => {
    expect([isOk(ok(undefined)), isOk(err(undefined))]).toEqual([true, false])
  })

  it('narrows', () => {
    const half = (value: number): Result<number, string> =>
      value % 2 === 0 ? ok(value / 2) : err('odd')
    const shown = [4, 5].map(half).map((each) => (isOk(each) ? each.ok + 1 : each.error.length))
    expect(shown).toEqual([3, 3])
  })
})
