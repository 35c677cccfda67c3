import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  createIds,
  isGrantId,
  isRunId,
  type Random,
  seededRandom,
  systemClock,
  systemRandom,
  timestamp,
  uuidv7,
} from '../src/index.ts'
import { seededIds } from '../src/testing/index.ts'

const zeros: Random = { bytes: (length) => new Uint8Array(length), uint32: () => 0, float: () => 0 }
const ones: Random = {
  bytes: (length) => new Uint8Array(length).fill(255),
  uint32: () => 0xffff_ffff,
  float: () => 1 - 2 ** -53,
}

/** Verifies: PRI-R09 */
describe('uuidv7', () => {
  it('lays out time, version and variant as RFC 9562 says', () => {
    // The example of appendix A.6: 2022-02-22T19:22:22Z.
    expect(uuidv7(0x017f22e279b0, zeros)).toBe('017f22e2-79b0-7000-8000-000000000000')
    expect(uuidv7(0x017f22e279b0, ones)).toBe('017f22e2-79b0-7fff-bfff-ffffffffffff')
    expect(uuidv7(0, zeros)).toBe('00000000-0000-7000-8000-000000000000')
    expect(uuidv7(2 ** 48 - 1, ones)).toBe('ffffffff-ffff-7fff-bfff-ffffffffffff')
  })

  it('is a run id at any time, and sorts by time', () => {
    const random = seededRandom('uuid')
    const times = fc.tuple(fc.nat({ max: 2 ** 48 - 2 }), fc.nat({ max: 2 ** 48 - 2 }))
    fc.assert(
      fc.property(times, ([a, b]) => {
        const ids = [uuidv7(a, random), uuidv7(b, random)] as const
        expect(ids.every((id) => isRunId(id))).toBe(true)
        if (a !== b) expect(ids[0] < ids[1]).toBe(a < b)
      }),
      { numRuns: 1_000, seed: 7 },
    )
  })

  it.each([-1, 0.5, 2 ** 48, Number.NaN])('takes no time of %d', (ms) => {
    expect(() => uuidv7(ms, zeros)).toThrow(TypeError)
  })
})

function increasing(ids: readonly string[]): boolean {
  return ids.every((id, at) => at === 0 || (ids[at - 1] ?? '') < id)
}

/** Verifies: PRI-R09 */
describe('ids of one maker increase strictly', () => {
  it('while the clock stands still', () => {
    const ids = seededIds('still')
    const made = Array.from({ length: 50_000 }, () => ids.next())
    expect(increasing(made)).toBe(true)
    expect(made.every((id) => isRunId(id))).toBe(true)
  })

  it('on the machine', () => {
    const ids = createIds({ clock: systemClock, random: systemRandom })
    expect(increasing(Array.from({ length: 50_000 }, () => ids.next()))).toBe(true)
  })

  it('whatever the clock does', () => {
    const times = fc.array(fc.nat({ max: 2 ** 48 - 1 }), { minLength: 2, maxLength: 50 })
    fc.assert(
      fc.property(times, fc.string(), (readings, seed) => {
        let at = 0
        const clock = { now: () => timestamp(readings[at++ % readings.length] ?? 0) }
        const ids = createIds({ clock, random: seededRandom(seed.toWellFormed()) })
        expect(increasing(Array.from({ length: 100 }, () => ids.next()))).toBe(true)
      }),
      { numRuns: 300, seed: 8 },
    )
  })

  it('when the counter runs over, one millisecond ahead of the clock', () => {
    // Seeded with its largest value the counter has 2^41 steps left: it starts near its end here.
    let first = true
    const nearEnd: Random = {
      ...zeros,
      float: () => {
        const value = first ? 2 - 2 ** -41 : 0
        first = false
        return value
      },
    }
    const ids = createIds({ clock: { now: () => timestamp(5) }, random: nearEnd })
    expect([ids.next(), ids.next(), ids.next()]).toEqual([
      '00000000-0005-7fff-bfff-ffff00000000',
      '00000000-0006-7000-8000-000000000000',
      '00000000-0006-7000-8000-000100000000',
    ])
  })

  it('as run ids and grant ids too', () => {
    const ids = seededIds('kinds')
    const made: readonly string[] = [ids.nextRunId(), ids.nextGrantId(), ids.next()]
    expect([isRunId(made[0]), isGrantId(made[1]), increasing(made)]).toEqual([true, true, true])
  })
})

/** Verifies: PRI-R09 */
describe('seeded ids', () => {
  it('repeat themselves, and differ between seeds', () => {
    expect(seededIds('a').next()).toBe(seededIds('a').next())
    expect(seededIds('a').next()).not.toBe(seededIds('b').next())
    expect(seededIds('a').next().slice(0, 13)).toBe('01941f29-7c00')
  })

  it('follow a clock', () => {
    const ids = seededIds('a', { now: () => timestamp(1) })
    expect(ids.next().slice(0, 13)).toBe('00000000-0001')
  })
})
