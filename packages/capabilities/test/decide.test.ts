import type { EventId, GrantId, Hash } from '@ice/primitives'
import { seededIds } from '@ice/primitives/testing'
import { describe, expect, it } from 'vitest'
import { CAPABILITIES_CODES, type DenialCode } from '../src/errors.ts'
import { DENIAL_PRECEDENCE, decide, fsKind } from '../src/index.ts'
import type { AuthorityRequest, Caveat, Denial, Grant } from '../src/ports.ts'
import { allowed, codes, denied } from './verdicts.ts'
import { at, fsRoot, World } from './world.ts'

const C = CAPABILITIES_CODES
const OTHER_HASH = 'f'.repeat(64) as Hash
const EVENT = 'no-event' as EventId

/** Verifies: CAP-R17 */
describe('an allowed request', () => {
  it('is guarded by each link, nearest first, and by the stop switches', () => {
    const world = new World()
    const root = world.grant({
      delegable: 2,
      actions: ['fs.read', 'fs.write'],
      expiresAt: at(9_000),
    })
    const middle = world.grant({ parent: root, delegable: 1, expiresAt: at(8_000) })
    const leaf = world.grant({ parent: middle, resource: fsRoot('/repo', 'src') })
    expect(allowed(world, world.request(leaf))).toEqual({
      grant: leaf,
      chain: [leaf, middle, root],
      resources: [fsRoot('/repo', 'src'), fsRoot(), fsRoot()],
      guards: [
        { stream: `grant/${leaf}`, version: 1 },
        { stream: `grant/${middle}`, version: 1 },
        { stream: `grant/${root}`, version: 1 },
        { stream: 'policy/ceiling', version: 0 },
        { stream: 'stop/all', version: 0 },
        { stream: `stop/run/${world.run}`, version: 0 },
      ],
      expiresAt: 8_000,
      spends: [],
      allotments: [],
      approval: null,
    })
  })

  it('guards the stop switch of the run that asks, whoever asked before', () => {
    const world = new World()
    const grant = world.grant({ holder: 'agent/helper' })
    const stops = [world.run, world.otherRun, world.run].map((run) => {
      const request = world.request(grant, { run, agent: 'helper' })
      return allowed(world, request).guards.at(-2)?.stream
    })
    const [first, second] = [`stop/run/${world.run}`, `stop/run/${world.otherRun}`]
    expect(stops).toEqual([first, second, first])
  })

  it('takes from every counted link at the version it was decided on, and guards that', () => {
    const world = new World()
    const root = world.grant({ delegable: 2, caveats: [{ kind: 'count', max: 3 }] })
    const middle = world.grant({ parent: root, delegable: 1 })
    const caveats: Caveat[] = [
      { kind: 'count', max: 9 },
      { kind: 'count', max: 2 },
    ]
    const leaf = world.grant({ parent: middle, caveats })
    world.debit(root)
    world.debit(root)
    world.debit(leaf)
    const { spends, allotments, guards } = allowed(world, world.request(leaf))
    const use = { unit: 'uses', amount: 1 } as const
    expect(spends).toEqual([
      { grant: leaf, ...use },
      { grant: root, ...use },
    ])
    expect(allotments).toEqual([
      { grant: leaf, ...use, stream: `budget/${leaf}`, version: 1 },
      { grant: root, ...use, stream: `budget/${root}`, version: 2 },
    ])
    expect(guards.slice(-2)).toEqual([
      { stream: `budget/${leaf}`, version: 1 },
      { stream: `budget/${root}`, version: 2 },
    ])
  })

  it.each(['run', 'agent', 'session', 'principal'] as const)('is held by its %s', (kind) => {
    const world = new World()
    const ids = { run: world.run, agent: 'helper', session: 's1', principal: 'os:alice' }
    const grant = world.grant({ holder: `${kind}/${ids[kind]}` })
    expect(allowed(world, world.request(grant, ids)).grant).toBe(grant)
    const { [kind]: _, ...others } = ids
    const asked = kind === 'run' ? { ...others, run: world.otherRun } : others
    expect(denied(world, world.request(grant, asked)).code).toBe(C.holderMismatch)
  })
})

interface Case {
  readonly code: DenialCode
  readonly over?: Partial<Grant>
  readonly asked?: Partial<AuthorityRequest>
  /** What happens to the grant once it is recorded. */
  readonly later?: (world: World, grant: GrantId) => void
}

/** One grant and one request for each cause that can stand beside others. */
const cases: readonly Case[] = [
  { code: C.holderMismatch, over: { holder: 'agent/other' } },
  { code: C.chainBroken, over: { parent: seededIds('nobody').nextGrantId() } },
  { code: C.stopped, later: (world) => world.record('stop/all', 'Stopped', {}) },
  { code: C.revoked, later: (world, grant) => world.revoke(grant) },
  { code: C.notYetValid, over: { notBefore: at(6_000) } },
  { code: C.expired, over: { expiresAt: at(5_000) } },
  { code: C.actionNotGranted, asked: { action: 'fs.write' } },
  { code: C.kindUnsupported, over: { resource: { kind: 'net' } } },
  { code: C.resourceNotGranted, over: { resource: fsRoot('/repo', 'docs') } },
  { code: C.caveatUnsupported, over: { caveats: [{ kind: 'moon' } as unknown as Caveat] } },
  {
    code: C.countSpent,
    over: { caveats: [{ kind: 'count', max: 1 }] },
    later: (world, grant) => world.debit(grant),
  },
  { code: C.approvalRequired, over: { caveats: [{ kind: 'approval' }] } },
]

function denialOf(parts: readonly Case[]): Denial {
  const world = new World()
  const caveats = parts.flatMap((part) => part.over?.caveats ?? [])
  const over = Object.assign({}, ...parts.map((part) => part.over ?? {}), { caveats })
  const grant = world.grant(over)
  for (const part of parts) part.later?.(world, grant)
  return denied(world, world.request(grant, Object.assign({}, ...parts.map((p) => p.asked ?? {}))))
}

/** Verifies: CAP-R03 */
describe('causes', () => {
  it('have one documented precedence that names every code of a denial', () => {
    expect(DENIAL_PRECEDENCE).toEqual([
      'ICE_CAPABILITIES_REQUEST_INVALID',
      'ICE_CAPABILITIES_GRANT_NOT_FOUND',
      'ICE_CAPABILITIES_HOLDER_MISMATCH',
      'ICE_CAPABILITIES_CHAIN_BROKEN',
      'ICE_CAPABILITIES_STOPPED',
      'ICE_CAPABILITIES_GRANT_REVOKED',
      'ICE_CAPABILITIES_GRANT_NOT_YET_VALID',
      'ICE_CAPABILITIES_GRANT_EXPIRED',
      'ICE_CAPABILITIES_ACTION_NOT_GRANTED',
      'ICE_CAPABILITIES_KIND_UNSUPPORTED',
      'ICE_CAPABILITIES_RESOURCE_NOT_GRANTED',
      'ICE_CAPABILITIES_CAVEAT_UNSUPPORTED',
      'ICE_CAPABILITIES_RUN_MISMATCH',
      'ICE_CAPABILITIES_OUTSIDE_TIME_WINDOW',
      'ICE_CAPABILITIES_ARGUMENTS_NOT_GRANTED',
      'ICE_CAPABILITIES_ARGUMENT_UNTRUSTED',
      'ICE_CAPABILITIES_READERS_EXCEEDED',
      'ICE_CAPABILITIES_COUNT_SPENT',
      'ICE_CAPABILITIES_RATE_EXCEEDED',
      'ICE_CAPABILITIES_BUDGET_EXCEEDED',
      'ICE_CAPABILITIES_CEILING_REFUSED',
      'ICE_CAPABILITIES_APPROVAL_REQUIRED',
    ])
    const {
      ceilingUnsupported,
      grantUnsupported,
      escalation,
      notRevocable,
      scopeUnsupported,
      kindConflict,
      ...denials
    } = C
    expect(new Set(Object.values(denials))).toEqual(new Set(DENIAL_PRECEDENCE))
  })

  it.each(cases)('$code stands alone when nothing else is against the request', (one) => {
    const denial = denialOf([one])
    expect(denial.code).toBe(one.code)
    expect(codes(denial)).toEqual([one.code])
    expect(denial.causes[0]).toMatchObject({ message: denial.message, data: denial.data })
  })

  const pairs = cases.flatMap((first, i) => cases.slice(i + 1).map((second) => ({ first, second })))
  // Both make the resource what it is, so no grant has both.
  const possible = pairs.filter(
    ({ first, second }) => !(first.over?.resource && second.over?.resource),
  )

  it.each(possible)('$first.code comes before $second.code', ({ first, second }) => {
    const denial = denialOf([second, first])
    expect(denial.code).toBe(first.code)
    expect(codes(denial)).toEqual([first.code, second.code])
  })

  it('are told of the nearest link first, with the links above it below', () => {
    const world = new World()
    const root = world.grant({ delegable: 3, actions: ['fs.list'], resource: { kind: 'net' } })
    const upper = world.grant({ parent: root, delegable: 2 })
    const middle = world.grant({ parent: upper, delegable: 1, actions: ['fs.write'] })
    const leaf = world.grant({ parent: middle, actions: ['fs.write', 'fs.read'] })
    world.revoke(root)
    const denial = denied(world, world.request(leaf))
    expect(codes(denial)).toEqual([
      C.revoked,
      C.actionNotGranted,
      C.kindUnsupported,
      C.resourceNotGranted,
    ])
    expect(denial.causes.map((cause) => cause.data['grant'])).toEqual([root, middle, root, upper])
    expect(denial.causes[1]?.causes.map((cause) => cause.data)).toEqual([
      { grant: root, action: 'fs.read', allowed: ['fs.list'] },
    ])
  })

  it('count the links they no longer tell of', () => {
    const world = new World()
    let grant = world.grant({ delegable: 6, actions: ['fs.list'] })
    for (let depth = 5; depth >= 0; depth -= 1) {
      grant = world.grant({ parent: grant, delegable: depth, actions: ['fs.list'] })
    }
    const denial = denied(world, world.request(grant))
    expect(denial.causes).toHaveLength(1)
    expect(denial.causes[0]?.causes).toHaveLength(2)
    expect(denial.data['more']).toBe(4)
  })

  it('say what would have been enough', () => {
    const world = new World()
    const grant = world.grant({
      actions: ['fs.list', 'fs.read'],
      resource: fsRoot('/repo', 'docs'),
      caveats: [{ kind: 'count', max: 1 }],
      notBefore: at(6_000),
    })
    world.debit(grant)
    const denial = denied(world, world.request(grant, { action: 'fs.write' }))
    expect(denial.causes.map((cause) => cause.message)).toEqual([
      `The grant ${grant} holds from 1970-01-01T00:00:06.000Z; it is 1970-01-01T00:00:05.000Z`,
      `The grant ${grant} allows "fs.list", "fs.read", not "fs.write"`,
      `The grant ${grant} does not reach that far: the path "src/a.ts" is not within "docs"`,
      `The grant ${grant} allows 1 uses; 0 can still be taken and this run holds 0, of 1 that ` +
        'the call needs',
    ])
    expect(denial.causes.map((cause) => cause.data)).toEqual([
      { grant, notBefore: 6_000, at: 5_000 },
      { grant, action: 'fs.write', allowed: ['fs.list', 'fs.read'] },
      { grant, reason: 'the path "src/a.ts" is not within "docs"' },
      { grant, unit: 'uses', max: 1, left: 0, held: 0, purse: 0, needs: 1 },
    ])
  })
})

/** Verifies: CAP-R03, CAP-R02 */
describe('a request that is none', () => {
  const world = new World()
  const grant = world.grant()
  const good = world.request(grant)

  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['null', null],
    ['text', 'fs.read'],
    ['a list', [good]],
    ['an empty object', {}],
    ['a run that is none', { ...good, run: 'run-1' }],
    ['a run that is no text', { ...good, run: 7 }],
    ['a grant that is none', { ...good, grant: '__proto__' }],
    ['a grant that is no text', { ...good, grant: null }],
    ['an agent that is none', { ...good, agent: 'a/b' }],
    ['a session that is none', { ...good, session: '' }],
    ['a principal that is none', { ...good, principal: 'os alice' }],
    ['an action that is none', { ...good, action: 'fs read' }],
    ['a wildcard', { ...good, action: '*' }],
    ['an action that is too long', { ...good, action: 'a'.repeat(129) }],
    ['a claim that is text', { ...good, resource: 'src/a.ts' }],
    ['a claim that is a list', { ...good, resource: [] }],
    ['a claim of a class', { ...good, resource: new Map() }],
    ['a claim with a function', { ...good, resource: { path: () => 'a' } }],
    ['a claim with NaN', { ...good, resource: { path: Number.NaN } }],
    ['a claim with 2^60', { ...good, resource: { path: 2 ** 60 } }],
    ['a claim with a lone surrogate', { ...good, resource: { path: '\ud800' } }],
    ['a claim with a lone surrogate as a name', { ...good, resource: { '\udc00': 1 } }],
    ['a claim with __proto__', { ...good, resource: JSON.parse('{"__proto__":{"path":"a"}}') }],
    ['an arguments digest that is none', { ...good, argumentsDigest: 'abc' }],
    ['a call digest that is none', { ...good, callDigest: 7 }],
    ['a time that is none', { ...good, at: -1 }],
    ['a time with a fraction', { ...good, at: 1.5 }],
    ['an approval without an event', { ...good, approved: { digest: OTHER_HASH } }],
    ['an approval without a digest', { ...good, approved: { event: EVENT } }],
    ['an approval of null', { ...good, approved: null }],
  ])('is malformed: %s', (_, request) => {
    const denial = denied(world, request)
    expect(codes(denial)).toEqual([C.requestInvalid])
    expect(denial.data['faults']).not.toHaveLength(0)
  })

  it('is one of a run whose id is none, whoever else holds the grant', () => {
    const held = world.grant({ holder: 'agent/helper' })
    const request = { ...world.request(held), agent: 'helper' }
    expect(denied(world, { ...request, run: 'all' }).code).toBe(C.requestInvalid)
    expect(allowed(world, request).grant).toBe(held)
    expect(denied(world, { ...request, run: '../all' }).code).toBe(C.requestInvalid)
  })

  it('names a grant that is not known', () => {
    const unknown = world.ids.nextGrantId()
    const denial = denied(world, world.request(unknown))
    expect(denial).toMatchObject({ code: C.grantNotFound, data: { grant: unknown } })
  })

  it('is judged by a copy: nested claims are read, and bounded', () => {
    const nest = (depth: number): unknown =>
      depth === 0 ? [true, null, 0.5] : { a: nest(depth - 1) }
    const outcome = (claim: unknown): string => denied(world, { ...good, resource: claim }).code
    expect(outcome(nest(6))).toBe(C.resourceNotGranted)
    expect(outcome(nest(8))).toBe(C.requestInvalid)
    expect(outcome({ list: Array.from({ length: 300 }, () => 1) })).toBe(C.requestInvalid)
    expect(outcome({ list: Array.from({ length: 20 }, () => Array(20).fill(1)) })).toBe(
      C.requestInvalid,
    )
    expect(outcome({ list: [[undefined]] })).toBe(C.requestInvalid)
    const many = Object.fromEntries(Array.from({ length: 257 }, (_, i) => [`n${i}`, i]))
    expect(outcome(many)).toBe(C.requestInvalid)
    expect(outcome({ path: 'x'.repeat(9_000) })).toBe(C.requestInvalid)
    expect(outcome(Object.create(null))).toBe(C.resourceNotGranted)
  })
})

/** Verifies: CAP-R05 */
describe('a chain', () => {
  it.each([
    ['missing_parent', (world: World) => world.grant({ parent: world.ids.nextGrantId() })],
    ['malformed', (world: World) => world.grant({ actions: [] })],
    [
      'malformed',
      (world: World) => world.grant({ parent: world.grant({ actions: [], delegable: 1 }) }),
    ],
    ['not_delegable', (world: World) => world.grant({ parent: world.grant() })],
    [
      'not_delegable',
      (world: World) => {
        const middle = world.grant({ parent: world.grant({ delegable: 1 }), delegable: 1 })
        return world.grant({ parent: middle })
      },
    ],
    [
      'cycle',
      (world: World) => {
        const [a, b] = [world.ids.nextGrantId(), world.ids.nextGrantId()]
        world.grant({ id: a, parent: b, delegable: 31 })
        return world.grant({ id: b, parent: a, delegable: 31 })
      },
    ],
    [
      'too_deep',
      (world: World) => {
        let grant = world.grant({ delegable: 31 })
        for (let i = 0; i < 32; i += 1) grant = world.grant({ parent: grant, delegable: 31 })
        return grant
      },
    ],
    [
      'too_many_budgets',
      (world: World) => {
        const caveats: Caveat[] = [{ kind: 'count', max: 5 }]
        let grant = world.grant({ delegable: 31, caveats })
        for (let i = 0; i < 8; i += 1)
          grant = world.grant({ parent: grant, delegable: 31, caveats })
        return grant
      },
    ],
  ])('is broken: %s', (reason, make) => {
    const world = new World()
    const denial = denied(world, world.request(make(world)))
    expect(denial.code).toBe(C.chainBroken)
    expect(denial.data['reason']).toBe(reason)
  })

  it('of 32 links with 8 budgets holds', () => {
    const world = new World()
    let grant = world.grant({ delegable: 31 })
    for (let depth = 30; depth >= 0; depth -= 1) {
      const caveats: Caveat[] = depth < 8 ? [{ kind: 'count', max: 5 }] : []
      grant = world.grant({ parent: grant, delegable: depth, caveats })
    }
    const { chain, guards, allotments } = allowed(world, world.request(grant))
    expect([chain.length, guards.length, allotments.length]).toEqual([32, 43, 8])
  })

  it('becomes whole when its missing link comes, and ends with it', () => {
    const world = new World()
    const [parent, child] = [world.draft({ delegable: 1 }), world.draft()]
    world.grant({ ...child, parent: parent.id })
    expect(denied(world, world.request(child.id)).code).toBe(C.chainBroken)
    world.grant(parent)
    expect(allowed(world, world.request(child.id)).chain).toEqual([child.id, parent.id])
    world.revoke(parent.id)
    expect(denied(world, world.request(child.id)).code).toBe(C.revoked)
  })

  it('allows a child no more than its parent, whatever the child names', () => {
    const world = new World()
    const parent = world.grant({
      delegable: 1,
      resource: fsRoot('/repo', 'src/a', 'src/b'),
      notBefore: at(100),
      expiresAt: at(9_000),
    })
    const child = world.grant({
      parent,
      actions: ['fs.read', 'fs.write'],
      resource: fsRoot('/repo', 'src/a'),
    })
    const verdict = (over: Partial<AuthorityRequest>): string => {
      const request = world.request(child, { resource: { path: 'src/a/x' }, ...over })
      const decision = decide(world.state, request)
      return 'ok' in decision ? `until ${decision.ok.expiresAt}` : decision.denied.code
    }
    expect(verdict({})).toBe('until 9000')
    expect(verdict({ action: 'fs.write' })).toBe(C.actionNotGranted)
    expect(verdict({ resource: { path: 'src/b/x' } })).toBe(C.resourceNotGranted)
    expect(verdict({ at: at(99) })).toBe(C.notYetValid)
    expect(verdict({ at: at(9_000) })).toBe(C.expired)
  })

  it('asks every link about the claim, whatever the kind says of a child within its parent', () => {
    const world = new World([{ ...fsKind, exceeds: () => undefined }])
    const parent = world.grant({ delegable: 1, resource: fsRoot('/repo', 'src') })
    const child = world.grant({ parent })
    expect(allowed(world, world.request(child)).grant).toBe(child)
    const outside = { resource: { path: 'docs/x' } }
    expect(denied(world, world.request(child, outside)).data['grant']).toBe(parent)
  })

  it('allows nothing below a link whose resource lies outside its parent', () => {
    const world = new World()
    const parent = world.grant({ delegable: 1, resource: fsRoot('/repo') })
    const otherRoot = world.grant({ parent, resource: fsRoot('/etc') })
    const otherKind = world.grant({ parent, resource: { kind: 'tool', name: 'x' } })
    for (const grant of [otherRoot, otherKind]) {
      expect(codes(denied(world, world.request(grant)))).toEqual([C.resourceNotGranted])
    }
    const malformed = world.grant({ delegable: 1, resource: { kind: 'fs', root: 'x' } })
    const below = world.grant({ parent: malformed })
    expect(denied(world, world.request(below)).data['grant']).toBe(malformed)
  })
})

/** Verifies: CAP-R07, CAP-R06 */
describe('time', () => {
  const quiet: Caveat[] = [{ kind: 'approval-for', actions: ['fs.write'] }]

  it.each([
    ['without caveats', []],
    ['under one', quiet],
  ])('%s, holds from notBefore on until just before expiresAt, at every link', (_, caveats) => {
    const world = new World()
    const parent = world.grant({ delegable: 1, notBefore: at(100), expiresAt: at(300) })
    const child = world.grant({ parent, notBefore: at(50), expiresAt: at(200), caveats })
    const verdict = (ms: number): string => {
      const decision = decide(world.state, world.request(child, { at: at(ms) }))
      return 'ok' in decision ? `until ${decision.ok.expiresAt}` : decision.denied.code
    }
    expect([0, 99, 100, 199, 200, 300].map(verdict)).toEqual([
      C.notYetValid,
      C.notYetValid,
      'until 200',
      'until 200',
      C.expired,
      C.expired,
    ])
  })

  it('is over once an expiry was recorded, whatever the time of the request', () => {
    const world = new World()
    const parent = world.grant({ delegable: 1 })
    const child = world.grant({ parent })
    world.record(`grant/${parent}`, 'CapabilityExpired', { grant: parent, expiresAt: 9_000 })
    expect(denied(world, world.request(child))).toMatchObject({
      code: C.expired,
      data: { grant: parent, expiresAt: null, recorded: true },
    })
  })

  it('of a revocation is the moment it is recorded, for all below at once', () => {
    const world = new World()
    const root = world.grant({ delegable: 2 })
    const middle = world.grant({ parent: root, delegable: 1 })
    const leaves = [1, 2, 3].map(() => world.grant({ parent: middle }))
    const before = leaves.map((leaf) => allowed(world, world.request(leaf)))
    world.revoke(root)
    for (const leaf of [middle, ...leaves]) {
      expect(denied(world, world.request(leaf))).toMatchObject({
        code: C.revoked,
        data: { grant: root, revokedBy: `grant/${root}@2` },
      })
    }
    // What was decided before carries a guard that the revocation has moved.
    for (const { guards } of before) {
      expect(guards).toContainEqual({ stream: `grant/${root}`, version: 1 })
    }
  })
})

/** Verifies: CAP-R08 */
describe('stop switches', () => {
  it('stop everything, or one run, for good', () => {
    const world = new World()
    const mine = world.grant()
    const theirs = world.grant({ holder: `run/${world.otherRun}` })
    const other = (): unknown => world.request(theirs, { run: world.otherRun })
    world.record(`stop/run/${world.run}`, 'Stopped', {})
    expect(denied(world, world.request(mine))).toMatchObject({
      code: C.stopped,
      data: { stream: `stop/run/${world.run}`, version: 1 },
    })
    expect(allowed(world, other()).grant).toBe(theirs)
    world.record('stop/all', 'Stopped', {})
    expect(denied(world, other()).data).toEqual({ stream: 'stop/all', version: 1 })
    expect(codes(denied(world, world.request(mine)))).toEqual([C.stopped])
  })
})

/** Verifies: CAP-R09 */
describe('counts', () => {
  it('are spent by the uses of all descendants together', () => {
    const world = new World()
    const parent = world.grant({ delegable: 1, caveats: [{ kind: 'count', max: 2 }] })
    const [a, b] = [world.grant({ parent }), world.grant({ parent })]
    for (const leaf of [a, b]) {
      const { spends } = allowed(world, world.request(leaf))
      for (const { grant } of spends) world.debit(grant)
    }
    for (const leaf of [a, b]) {
      expect(denied(world, world.request(leaf))).toMatchObject({
        code: C.countSpent,
        data: { grant: parent, max: 2, left: 0 },
      })
    }
  })

  it.each([0, -1, 1.5, '1', undefined])('are spent at once by a debit of %j', (count) => {
    const world = new World()
    const grant = world.grant({ caveats: [{ kind: 'count', max: 1_000_000_000_000 }] })
    world.record(`budget/${grant}`, 'CountDebited', { grant, count })
    expect(denied(world, world.request(grant)).code).toBe(C.countSpent)
  })

  it.each([
    [1, 5],
    [5, 1],
  ])('of one grant all hold: %i and %i', (first, second) => {
    const world = new World()
    const caveats = [first, second].map((max) => ({ kind: 'count', max }) as const)
    const grant = world.grant({ caveats })
    world.debit(grant)
    expect(denied(world, world.request(grant))).toMatchObject({
      code: C.countSpent,
      data: { max: 1, left: 0 },
    })
  })

  it('are spent by what is no debit', () => {
    const world = new World()
    const grant = world.grant({ caveats: [{ kind: 'count', max: 5 }] })
    world.record(`budget/${grant}`, 'CountRefunded', { grant, count: 1 })
    expect(denied(world, world.request(grant)).code).toBe(C.countSpent)
  })
})

/** Verifies: CAP-R14 */
describe('caveats', () => {
  it.each([
    { kind: 'moon' },
    { kind: 'constructor' },
    {},
    { kind: 'count' },
    { kind: 'count', max: 0 },
    { kind: 'count', max: 1e13 },
    { kind: 'count', max: '5' },
    { kind: 'count', max: 5, per: 'day' },
    { kind: 'approval', by: 'bob' },
    { kind: 'approval-for' },
    { kind: 'approval-for', actions: [] },
    { kind: 'approval-for', actions: ['*'] },
    { kind: 'approval-for', actions: Array(65).fill('a') },
    { kind: 'approval-for', actions: ['fs.write'], else: 'allow' },
  ])('%j is not understood in every part, and denies', (caveat) => {
    const world = new World()
    const grant = world.grant({ caveats: [caveat as unknown as Caveat] })
    expect(denied(world, world.request(grant)).code).toBe(C.caveatUnsupported)
  })
})
