/** Verifies: RUN-R110 */
import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { RUNS_CODES } from '../src/errors.ts'
import { isRetried, retryOf, termsOf, waitMs } from '../src/retry.ts'

const unsupported = expect.objectContaining({ code: RUNS_CODES.attemptsInvalid })
const policyOf = (policy: object) => retryOf({ attempts: 5, ...policy } as never)

describe('a retry policy', () => {
  it('has defaults, and of one attempt is none', () => {
    expect(retryOf({ attempts: 3 })).toEqual({
      ...{ attempts: 3, firstMs: 1000, factor: 2, maxMs: 60_000, jitter: 0.2, on: new Set() },
    })
    expect(retryOf({ attempts: 2, firstMs: 100_000 })?.maxMs).toBe(100_000)
    expect(retryOf({ attempts: 1 })).toBeNull()
    expect(termsOf({ retry: { attempts: 1 } }, { attempts: 9 }).retry).toBeNull()
    expect(termsOf({}, { attempts: 9 }).retry?.attempts).toBe(9)
  })

  it.each([
    { attempts: 0 },
    { attempts: 1001 },
    { attempts: 1.5 },
    { attempts: '3' },
    { firstMs: -1 },
    { firstMs: Number.NaN },
    { maxMs: Number.POSITIVE_INFINITY },
    { firstMs: 10, maxMs: 5 },
    { factor: 0.5 },
    { factor: 101 },
    { jitter: -0.1 },
    { jitter: 1.1 },
    { on: 'CODE' },
    { on: [''] },
    { on: [7] },
    { on: Array.from({ length: 65 }, () => 'CODE') },
  ])('refuses %j', (policy) => {
    expect(() => policyOf(policy)).toThrow(unsupported)
  })

  it.each([0, -1, 1.5, Number.NaN, 1e300, '5', null])('refuses a bound of %s', (ms) => {
    for (const name of ['timeoutMs', 'totalTimeoutMs', 'heartbeatMs']) {
      expect(() => termsOf({ [name]: ms } as never)).toThrow(unsupported)
    }
    expect(() => retryOf(null as never)).toThrow(unsupported)
  })

  it('follows what an error says of itself, and the codes it names, but no denial', () => {
    const policy = policyOf({ on: ['BUSY', 'GATE_DENIED', 'constructor'] })
    const is = (code: string, retryable = false) => isRetried(policy as never, { code, retryable })
    expect([is('BUSY'), is('constructor'), is('OTHER', true)]).toEqual([true, true, true])
    expect([is('OTHER'), is('GATE_DENIED'), is('X_DENIED', true)]).toEqual([false, false, false])
  })
})

test('waits grow to their bound, and chance only shortens them, the same everywhere', () => {
  const policies = fc.record({
    firstMs: fc.integer({ min: 0, max: 1e6 }),
    factor: fc.double({ min: 1, max: 100, noNaN: true }),
    jitter: fc.double({ min: 0, max: 1, noNaN: true }),
  })
  const property = fc.property(policies, fc.nat(1100), fc.string(), (policy, failed, seed) => {
    const retry = policyOf(policy)
    const plain = policyOf({ ...policy, jitter: 0 })
    if (retry === null || plain === null) throw new Error('more than one attempt')
    const at = { failed: failed + 1, seed: seed.toWellFormed() }
    const whole = waitMs(plain, at)
    const wait = waitMs(retry, at)
    expect(whole).toBeLessThanOrEqual(plain.maxMs)
    expect(whole).toBeGreaterThanOrEqual(Math.min(plain.firstMs, plain.maxMs))
    expect(wait).toBeLessThanOrEqual(whole)
    expect(wait).toBeGreaterThanOrEqual(Math.floor(whole * (1 - policy.jitter)) - 1)
    expect(waitMs(policyOf(policy) as never, at)).toBe(wait)
  })
  fc.assert(property)
})
