/** Reading a request: everything that is wrong with it is told, in one order. */
import { type EventId, sha256Hex } from '@ice/primitives'
import { describe, expect, it } from 'vitest'
import { CLAIM_CHARS_MAX, CLAIM_NODES_MAX } from '../src/limits.ts'
import { copyClaim, deepFreeze } from '../src/plain.ts'
import type { AuthorityRequest } from '../src/ports.ts'
import { readRequest } from '../src/request.ts'
import { alice, World } from './world.ts'

const world = new World()
const good = world.request(world.grant())
const faultsOf = (over: object): readonly string[] => {
  const reading = readRequest({ ...good, ...over })
  return 'faults' in reading ? reading.faults : []
}

/** Verifies: CAP-R03, CAP-R02 */
describe('the faults of a request', () => {
  const parts: readonly (readonly [over: object, fault: string])[] = [
    [{ run: 7 }, 'its run is a run id, not number'],
    [{ agent: 'a/b' }, 'its agent is an agent id, not "a/b"'],
    [{ session: '' }, 'its session is a session id, not ""'],
    [{ principal: 'a b' }, 'its principal is a principal id, not "a b"'],
    [{ tool: '' }, 'its tool is the name of one, not ""'],
    [{ grant: null }, 'its grant is a grant id, not null'],
    [{ action: '*' }, 'its action is the name of one, not "*"'],
    [{ resource: [] }, 'its resource is not a plain object of bounded JSON'],
    [{ argumentsDigest: 'x' }, 'its argumentsDigest is not a SHA-256 in hex'],
    [{ at: -1 }, 'its time is not a count of epoch milliseconds'],
    [{ callDigest: 'x' }, 'its callDigest is not a SHA-256 in hex'],
    [
      { approved: { digest: 'x', event: 'y', by: 'a b' } },
      'its approval is not the digest and the id of an event',
    ],
    [{}, 'its approval is not by a principal, or not at a time'],
    [{ standing: 'x' }, 'its standing approval is a grant id, not "x"'],
    [{ calls: 0 }, 'it is for 1 to 256 calls, not number'],
    [{ purse: 7 }, 'its purse is a list of shares, not number'],
  ]

  it('are all told at once, in the order of its members', () => {
    const worst = Object.assign({}, ...parts.map(([over]) => over))
    expect(faultsOf(worst)).toEqual(parts.map(([, fault]) => fault))
    const bounds = faultsOf({ ...worst, bounds: 7 })
    expect(bounds.at(-1)).toBe('its bounds are amounts by unit, not number')
    expect(bounds).toHaveLength(parts.length)
  })

  it.each(parts.filter(([over]) => !('approved' in over) && Object.keys(over).length > 0))(
    'are told one by one: %j',
    (over, fault) => {
      expect(faultsOf(over)).toEqual([fault])
    },
  )

  it.each([257, 1.5, -1, '2', null])('refuses an intent for %j calls', (calls) => {
    expect(faultsOf({ calls })[0]).toMatch(/^it is for 1 to 256 calls, not /)
  })

  it.each([1, 256])('takes an intent for %j calls', (calls) => {
    expect(faultsOf({ calls })).toEqual([])
  })

  const event = `run/${world.run}@7` as EventId
  const digest = sha256Hex('x')
  it.each<[string, object, boolean]>([
    ['a digest and an event', {}, true],
    ['who gave it', { by: alice }, true],
    ['when it was asked for and given', { askedAt: 0, answeredAt: 1 }, true],
    ['nobody', { by: '' }, false],
    ['a question at no time', { askedAt: -1 }, false],
    ['an answer at no time', { answeredAt: 0.5 }, false],
    ['no digest', { digest: 'x' }, false],
    ['no event', { event: undefined }, false],
    ['an event that is none', { event: 'x' }, false],
  ])('are none of an approval exactly when it has %s', (_, over, isOne) => {
    expect(faultsOf({ approved: { digest, event, ...over } }).length === 0).toBe(isOne)
  })

  it('are none of ids that only a look at the log could tell, and of a digest that is long', () => {
    expect(faultsOf({ run: 'x', grant: 'y' })).toEqual([])
    expect(faultsOf({ argumentsDigest: 'x'.repeat(64), callDigest: 'y'.repeat(64) })).toEqual([])
    const reading = readRequest({ ...good, givenDigest: undefined })
    expect('ok' in reading && reading.ok.givenDigest).toBe(good.argumentsDigest)
    const other = readRequest({ ...good, givenDigest: digest })
    expect('ok' in other && other.ok.givenDigest).toBe(digest)
    expect('ok' in other && other.ok.approvedBy).toBeNull()
  })
})

function members(n: number): Record<string, number> {
  return Object.fromEntries(Array.from({ length: n }, (_, i) => [`n${i}`, i]))
}

/** Verifies: CAP-R01, CAP-R02 */
describe('the copy of a claim', () => {
  const nested = (depth: number): unknown => (depth === 0 ? 1 : { a: nested(depth - 1) })
  const listed = (depth: number): unknown => (depth === 0 ? 1 : [listed(depth - 1)])

  it.each<[string, unknown, boolean]>([
    ['as deep as may be', nested(8), true],
    ['deeper', nested(9), false],
    ['with lists as deep as may be', { a: listed(7) }, true],
    ['with lists that are deeper', { a: listed(8) }, false],
    ['of as many values as may be', { a: Array(CLAIM_NODES_MAX - 1).fill(1) }, true],
    ['of one value more', { a: Array(CLAIM_NODES_MAX).fill(1) }, false],
    ['of as many members as may be', members(CLAIM_NODES_MAX), true],
    ['of one member more', members(CLAIM_NODES_MAX + 1), false],
    ['with a text as long as may be', { a: 'x'.repeat(CLAIM_CHARS_MAX) }, true],
    ['with a longer text', { a: 'x'.repeat(CLAIM_CHARS_MAX + 1) }, false],
    ['with a name as long as may be', { ['x'.repeat(CLAIM_CHARS_MAX)]: 1 }, true],
    ['with a longer name', { ['x'.repeat(CLAIM_CHARS_MAX + 1)]: 1 }, false],
    ['with numbers, truths and nothing', { a: [0.5, -1, true, false, null] }, true],
    ['with a number that is rounded', { a: 2 ** 53 }, false],
  ])('%s: %#', (_, claim, isCopied) => {
    const copy = copyClaim(claim)
    expect(copy).toEqual(isCopied ? claim : undefined)
    expect(copy).not.toBe(claim)
  })

  it('keeps the order of lists', () => {
    expect(copyClaim({ a: [1, 2, [3, 4]] })).toEqual({ a: [1, 2, [3, 4]] })
  })

  it('is frozen through and through where it is shown', () => {
    const inner = { list: [{}] }
    const value = deepFreeze({ a: 1, b: null, inner })
    const parts = [value, value.inner, inner.list, inner.list[0]]
    expect(parts.every((part) => Object.isFrozen(part))).toBe(true)
    const text: AuthorityRequest['action'] = 'x'
    expect([deepFreeze(text), deepFreeze(null)]).toEqual(['x', null])
  })
})
