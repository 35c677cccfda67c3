/** Each member of a request, as a stranger would fill it: the answer is a decision, always. */
import { type GrantId, sha256Hex } from '@ice/primitives'
import { describe, expect, it } from 'vitest'
import { APPROVE_ACTION, approvalKind, decide, fsKind } from '../src/index.ts'
import type { AuthorityRequest, Caveat, Ceiling, Resource } from '../src/ports.ts'
import { expectRecordable } from './recordable.ts'
import { alice, World } from './world.ts'

const boom = (): never => {
  throw new RangeError('boom')
}
const TRAPS = Object.fromEntries(
  Object.getOwnPropertyNames(Reflect).map((trap) => [trap, boom]),
) as ProxyHandler<object>

function revoked(target: object): object {
  const { proxy, revoke } = Proxy.revocable(target, {})
  revoke()
  return proxy
}

function loop(): object {
  const value: Record<string, unknown> = {}
  value['self'] = value
  return value
}

/** What is put in the place of a member; made anew for each test. */
const VALUES: Readonly<Record<string, () => unknown>> = {
  null: () => null,
  'a number': () => -0.5,
  'a number that is none': () => Number.NaN,
  'a big integer': () => 10n ** 400n,
  'a symbol': () => Symbol('s'),
  'a function': () => boom,
  'an empty text': () => '',
  'a lone surrogate': () => '\ud800',
  'a long text': () => 'x'.repeat(100_000),
  'a name of everything': () => '__proto__',
  'an empty object': () => ({}),
  'an empty list': () => [],
  'a list with holes': () => Array(3),
  'a long list': () => Array(20_000).fill({}),
  'a loop': loop,
  'a class': () => new (class Odd {})(),
  'a date': () => new Date(Number.NaN),
  'a map': () => new Map([['digest', 1]]),
  'a text that throws': () => ({ toString: boom, toJSON: boom, valueOf: boom }),
  'a member that throws': () =>
    Object.defineProperty({}, 'digest', { get: boom, enumerable: true }),
  'a proxy that throws': () => new Proxy({}, TRAPS),
  'a proxy of a list that throws': () => new Proxy([], TRAPS),
  'a proxy that was revoked': () => revoked({}),
  'a list that was revoked': () => revoked([]),
  'a proxy of endless members': () => new Proxy({}, { get: (_, name) => String(name) }),
}

const CAVEATS: readonly Caveat[] = [
  { kind: 'approval', by: [alice], timeoutMs: 1_000 },
  { kind: 'count', max: 5 },
  { kind: 'rate', max: 5, windowMs: 1_000 },
  { kind: 'budget', unit: 'tokens', max: 5 },
  { kind: 'trusted', paths: ['/a/0', ''] },
  { kind: 'readers', paths: ['/a'], include: [alice] },
  { kind: 'arguments', schema: { type: 'object' } },
]

/** A ceiling that looks at all it is shown. */
const curious: Ceiling = {
  ...{ name: 'all', version: '1', digest: 'a'.repeat(64) as Ceiling['digest'] },
  judge: ({ request }) => {
    JSON.stringify(request)
    return { permits: true, policies: [] }
  },
}

class Room extends World {
  readonly grants: readonly GrantId[]
  readonly standing: GrantId

  constructor() {
    super([fsKind, approvalKind], 10, curious)
    const { name, version, digest } = curious
    const adopted = { name, version, digest, previous: null, policy: { inline: '' } }
    this.record('policy/ceiling', 'PolicyAdopted', adopted)
    const approved = this.grant({ caveats: [{ kind: 'approval' }] })
    this.grants = [
      this.grant(),
      this.grant({ holder: 'tool/search' }),
      approved,
      this.grant({ caveats: CAVEATS }),
    ]
    const resource = { kind: 'approval', grant: approved, actions: ['fs.read'] } as Resource
    this.standing = this.grant({
      actions: [APPROVE_ACTION],
      resource,
      caveats: CAVEATS.slice(1, 4),
    })
  }

  full(grant: GrantId): AuthorityRequest {
    const request = this.request(grant, {
      ...{ agent: 'a', session: 's', principal: alice, tool: 'search' },
      ...{ arguments: { a: ['b'] }, bounds: { tokens: 1 }, standing: this.standing },
      argumentsDigest: DIGEST,
      givenDigest: DIGEST,
      labels: { '': { sources: [], readers: null }, '/a': { sources: [], readers: null } },
      purse: [{ grant, unit: 'uses', amount: 1 }],
    })
    const event = `run/${this.run}@7` as NonNullable<AuthorityRequest['approved']>['event']
    const times = { askedAt: request.at, answeredAt: request.at }
    return { ...request, approved: { digest: request.callDigest, event, by: alice, ...times } }
  }
}

const DIGEST = sha256Hex('{"a":["b"]}')

const MEMBERS: readonly (readonly string[])[] = [
  ...['run', 'agent', 'session', 'principal', 'tool', 'grant', 'action', 'resource'],
  ...['arguments', 'argumentsDigest', 'givenDigest', 'at', 'bounds', 'purse', 'labels'],
  ...['approved', 'callDigest', 'standing'],
]
  .map((name) => [name])
  .concat([
    ...['digest', 'event', 'by', 'askedAt', 'answeredAt'].map((name) => ['approved', name]),
    ...[
      ['resource', 'path'],
      ['bounds', 'tokens'],
      ['purse', '0'],
      ['arguments', 'a'],
    ],
    ...['grant', 'unit', 'amount', 'window'].map((name) => ['purse', '0', name]),
    ...[
      ['labels', ''],
      ['labels', '', 'sources'],
      ['labels', '/a', 'readers'],
    ],
    ['arguments', 'a', '0'],
  ])

/** A copy in which one member is another. */
function replaced(
  source: unknown,
  [name, ...rest]: readonly string[],
  put: (copy: object, name: string) => void,
): unknown {
  const copy = (Array.isArray(source) ? [...source] : { ...(source as object) }) as object
  if (name === undefined) return copy
  if (rest.length === 0) put(copy, name)
  else {
    const inner = (source as Record<string, unknown>)[name]
    Object.assign(copy, { [name]: replaced(inner, rest, put) })
  }
  return copy
}

const setTo =
  (value: unknown) =>
  (copy: object, name: string): void =>
    void Object.defineProperty(copy, name, { value, enumerable: true, configurable: true })

/** Verifies: CAP-R01, CAP-R02, CAP-R21 */
describe('a request with a hostile member', () => {
  const room = new Room()

  it('is allowed when nothing about it is', () => {
    for (const grant of room.grants) {
      const decision = decide(room.state, room.full(grant))
      expect('denied' in decision ? decision.denied.causes : []).toEqual([])
    }
  })

  it.each(MEMBERS.map((path) => ({ path, name: path.join(' / ') })))(
    'gets a decision, whatever stands at $name',
    ({ path }) => {
      for (const grant of room.grants) {
        for (const [what, make] of Object.entries(VALUES)) {
          const request = replaced(room.full(grant), path, setTo(make()))
          const first = decide(room.state, request)
          expect(decide(room.state, request), what).toEqual(first)
          if ('denied' in first) expectRecordable(first.denied)
        }
      }
    },
  )

  it.each(MEMBERS.map((path) => ({ path, name: path.join(' / ') })))(
    'gets a decision when reading $name throws, now or the second time',
    ({ path }) => {
      for (const grant of room.grants) {
        for (const good of [0, 1, 2]) {
          let reads = 0
          const request = replaced(room.full(grant), path, (copy, name) => {
            const value = (copy as Record<string, unknown>)[name]
            const get = (): unknown => (reads++ < good ? value : boom())
            Object.defineProperty(copy, name, { get, enumerable: true })
          })
          const decision = decide(room.state, request)
          if ('denied' in decision) expectRecordable(decision.denied)
          const isOutside = !['labels', 'arguments'].includes(path[0] ?? '')
          if (good > 0 && isOutside) expect(reads).toBe(1)
        }
      }
    },
  )
})

/** Verifies: CAP-R107, CAP-R02 */
describe('a ceiling that throws', () => {
  const digest = 'b'.repeat(64) as Ceiling['digest']
  it.each<[string, () => unknown]>([
    ['an error whose message is none', () => Object.assign(new Error('x'), { message: 7 })],
    [
      'an error whose message throws',
      () => Object.defineProperty(new Error('x'), 'message', { get: boom }),
    ],
    ['a proxy that throws', () => new Proxy(new Error('x'), TRAPS)],
    ['a proxy that was revoked', () => revoked({})],
    ['nothing', () => undefined],
    ['a text', () => 'no'],
    ['an error of 1 MB', () => new Error('x'.repeat(1_048_576))],
  ])('%s refuses', (_, make) => {
    const judge = (): never => {
      throw make()
    }
    const policy = { name: 'odd', version: '1', digest }
    const world = new World([fsKind], 10, { ...policy, judge })
    world.record('policy/ceiling', 'PolicyAdopted', {
      ...{ ...policy, previous: null, policy: { inline: '' } },
    })
    const decision = decide(world.state, world.request(world.grant()))
    if (!('denied' in decision)) throw new TypeError('allowed')
    expect(decision.denied.code).toBe('ICE_CAPABILITIES_CEILING_REFUSED')
    expect(decision.denied.data['reason']).toBe('failed')
    expectRecordable(decision.denied)
  })
})

/** Verifies: CAP-R14, CAP-R02 */
describe('a kind that throws', () => {
  it.each<[string, () => unknown]>([
    ['an error whose message is none', () => Object.assign(new Error('x'), { message: 7 })],
    ['a proxy that throws', () => new Proxy(new Error('x'), TRAPS)],
    ['a proxy that was revoked', () => revoked({})],
  ])('%s denies', (_, make) => {
    const refuses = (): never => {
      throw make()
    }
    const world = new World([{ ...fsKind, refuses }])
    const decision = decide(world.state, world.request(world.grant()))
    if (!('denied' in decision)) throw new TypeError('allowed')
    expect(decision.denied.code).toBe('ICE_CAPABILITIES_RESOURCE_NOT_GRANTED')
    expect(decision.denied.message).toContain('fs failed')
  })
})
