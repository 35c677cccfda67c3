import { describe, expect, it } from 'vitest'
import {
  isPosition,
  isStreamVersion,
  isTimestamp,
  position,
  streamVersion,
  timestamp,
} from '../src/index.ts'
import { failure } from './failures.ts'

const kinds = {
  position: { is: isPosition, make: position },
  'stream version': { is: isStreamVersion, make: streamVersion },
  timestamp: { is: isTimestamp, make: timestamp },
}

/** Verifies: PRI-R08 */
describe.each(Object.entries(kinds))('a %s', (kind, { is, make }) => {
  it('is a safe integer of zero or more', () => {
    for (const value of [0, 1, 1_735_689_600_000, Number.MAX_SAFE_INTEGER]) {
      expect([is(value), make(value)]).toEqual([true, value])
    }
  })

  it.each([-1, -0, 0.5, 2 ** 53, Number.NaN, Number.POSITIVE_INFINITY])('is not %d', (value) => {
    expect(is(value)).toBe(false)
    const shown = Object.is(value, -0) ? '-0' : String(value)
    expect(failure(() => make(value))).toEqual({
      code: 'ICE_PRIMITIVES_NUMBER_INVALID',
      data: { kind, value: shown },
    })
  })

  it('is a number', () => {
    for (const value of ['1', 1n, null, undefined, [1]]) expect(is(value)).toBe(false)
  })
})
