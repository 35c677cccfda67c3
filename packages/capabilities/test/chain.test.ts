/** What is worked out once for a chain and kept: never for whom, or for what, it is not. */
import { type GrantId, sha256Hex } from '@ice/primitives'
import { describe, expect, it } from 'vitest'
import { CAPABILITIES_CODES as C } from '../src/errors.ts'
import { APPROVE_ACTION, approvalKind, decide, fsKind } from '../src/index.ts'
import type { AuthorityRequest, Caveat, Grant, Resource } from '../src/ports.ts'
import { authorityProjection, grantState } from '../src/state.ts'
import { allowed, codes, denied } from './verdicts.ts'
import { at, fsRoot, World } from './world.ts'

const streams = (world: World, request: unknown): readonly string[] =>
  allowed(world, request).guards.map(({ stream }) => stream)

/** Verifies: CAP-R17, CAP-R60 */
describe('guards of a chain that was asked before', () => {
  const parties: readonly Partial<AuthorityRequest>[] = [
    { agent: 'a' },
    { agent: 'b' },
    { agent: 'a', session: 's' },
    { agent: 'a', session: 't' },
    { agent: 'a', session: 's', principal: 'os:alice' },
    { agent: 'a', session: 's', principal: 'os:bob' },
    { session: 's' },
    { principal: 'os:alice' },
    { session: 't', principal: 'os:alice' },
    {},
  ]
  const pairs = parties.flatMap((first) => parties.map((second) => ({ first, second })))

  it.each(pairs)('are those of who asks now: $second, after $first', ({ first, second }) => {
    const world = new World()
    const grant = world.grant()
    allowed(world, world.request(grant, first))
    const { agent, session, principal } = second
    expect(streams(world, world.request(grant, second))).toEqual([
      ...[`grant/${grant}`, 'policy/ceiling', 'stop/all', `stop/run/${world.run}`],
      ...(agent === undefined ? [] : [`stop/agent/${agent}`]),
      ...(session === undefined ? [] : [`stop/session/${session}`]),
      ...(principal === undefined ? [] : [`stop/operator/${principal.replace('/', '~2f')}`]),
    ])
  })

  it('follow a switch that moves', () => {
    const world = new World()
    const grant = world.grant()
    const version = (): number | undefined =>
      allowed(world, world.request(grant)).guards.find(({ stream }) => stream === 'stop/all')
        ?.version
    expect(version()).toBe(0)
    for (const type of ['AuthorityStopped', 'AuthorityResumed']) {
      world.record('stop/all', type, { scope: 'all', reason: 'r' })
    }
    expect(version()).toBe(2)
    for (const type of ['AuthorityStopped', 'AuthorityResumed']) {
      world.record('stop/all', type, { scope: 'all', reason: 'r' })
    }
    expect(version()).toBe(4)
  })

  it('hold one budget, where one is allotted from', () => {
    const world = new World()
    const grant = world.grant({ caveats: [{ kind: 'count', max: 1 }] })
    expect(streams(world, world.request(grant)).at(-1)).toBe(`budget/${grant}`)
  })

  it('hold the links of a standing approval, whoever used it by itself before', () => {
    const world = new World([fsKind, approvalKind])
    const grant = world.grant({ caveats: [{ kind: 'approval' }] })
    const resource = { kind: 'approval', grant, actions: ['fs.read'] } as Resource
    const standing = world.grant({ actions: [APPROVE_ACTION], resource })
    const { action, resource: claim, argumentsDigest } = world.request(grant)
    const direct = world.request(standing, {
      action: APPROVE_ACTION,
      resource: { grants: [grant], action, resource: claim, argumentsDigest },
    })
    expect(streams(world, direct)).toContain(`grant/${standing}`)
    expect(streams(world, world.request(grant, { standing }))).toEqual([
      ...[`grant/${grant}`, 'policy/ceiling', 'stop/all', `stop/run/${world.run}`],
      `grant/${standing}`,
    ])
  })
})

/** Verifies: CAP-R04, CAP-R18 */
describe('a chain of links that differ', () => {
  it('allows an action that all of them have', () => {
    const both: Partial<Grant> = { actions: ['fs.read', 'fs.write'] }
    for (const [root, middle] of [
      [both, {}],
      [{}, both],
    ]) {
      const world = new World()
      const top = world.grant({ ...root, delegable: 2 })
      const below = world.grant({ ...middle, parent: top, delegable: 1 })
      const leaf = world.grant({ ...both, parent: below })
      expect(allowed(world, world.request(leaf)).grant).toBe(leaf)
      const write = world.request(leaf, { action: 'fs.write' })
      expect(codes(denied(world, write))).toEqual([C.actionNotGranted])
    }
  })

  it('ends with its root, also where the child came first', () => {
    const world = new World()
    const root = world.ids.nextGrantId()
    const child = world.grant({ parent: root })
    expect(codes(denied(world, world.request(child)))).toEqual([C.chainBroken])
    world.grant({ id: root, delegable: 1 })
    expect(allowed(world, world.request(child)).chain).toEqual([child, root])
    world.revoke(root)
    expect(codes(denied(world, world.request(child)))).toEqual([C.revoked])
  })

  it.each(['root', 'middle'] as const)('ends with its %s, also where it came last', (end) => {
    const world = new World()
    const [root, middle] = [world.ids.nextGrantId(), world.ids.nextGrantId()]
    const leaf = world.grant({ parent: middle })
    world.grant({ id: middle, parent: root, delegable: 1 })
    world.grant({ id: root, delegable: 2 })
    expect(allowed(world, world.request(leaf)).chain).toEqual([leaf, middle, root])
    world.revoke(end === 'root' ? root : middle)
    expect(codes(denied(world, world.request(leaf)))).toEqual([C.revoked])
  })

  it('is told of link by link, where two have one resource', () => {
    const world = new World()
    const src = fsRoot('/repo', 'src')
    const root = world.grant({ resource: src, delegable: 1 })
    const leaf = world.grant({ resource: src, parent: root })
    const denial = denied(world, world.request(leaf, { resource: { path: 'docs/a' } }))
    expect(denial.data['grant']).toBe(leaf)
    expect(denial.causes[0]?.causes.map(({ data }) => data['grant'])).toEqual([root])
  })

  it('is told of link by link, where a wider one stands between two', () => {
    const world = new World()
    const src = fsRoot('/repo', 'src')
    const root = world.grant({ resource: src, delegable: 2 })
    const middle = world.grant({ parent: root, delegable: 1 })
    const leaf = world.grant({ resource: src, parent: middle })
    const denial = denied(world, world.request(leaf, { resource: { path: 'docs/a' } }))
    const told = [denial.causes[0], ...(denial.causes[0]?.causes ?? [])]
    expect(told.map((cause) => cause?.data['grant'])).toEqual([leaf, middle, root])
  })

  it('ends when the first window of a rate on it closes, whichever link that is on', () => {
    const rate = (windowMs: number): Caveat[] => [{ kind: 'rate', max: 9, windowMs }]
    for (const [mine, parents] of [
      [2_000, 7_000],
      [7_000, 2_000],
    ] as const) {
      const world = new World()
      const parent = world.grant({ delegable: 1, caveats: rate(parents) })
      const leaf = world.grant({ parent, caveats: rate(mine) })
      expect(allowed(world, world.request(leaf)).expiresAt).toBe(6_000)
    }
  })
})

interface Wrong {
  readonly code: string
  readonly over?: Partial<Grant>
  readonly asked?: Partial<AuthorityRequest>
  readonly later?: (world: World, grant: GrantId) => void
}

/** What can be wrong at every link, each in its own way. */
const wrongs: readonly Wrong[] = [
  { code: C.revoked, later: (world, grant) => world.revoke(grant) },
  { code: C.notYetValid, over: { notBefore: at(6_000) } },
  { code: C.expired, over: { expiresAt: at(5_000) } },
  { code: C.actionNotGranted, over: { actions: ['fs.write'] } },
  { code: C.kindUnsupported, over: { resource: { kind: 'net' } } },
  { code: C.resourceNotGranted, over: { resource: fsRoot('/repo', 'docs') } },
  { code: C.caveatUnsupported, over: { caveats: [{ kind: 'moon' } as unknown as Caveat] } },
  {
    code: C.countSpent,
    over: { caveats: [{ kind: 'count', max: 1 }] },
    later: (world, grant) => world.debit(grant),
  },
  { code: C.budgetExceeded, over: { caveats: [{ kind: 'budget', unit: 'tokens', max: 1 }] } },
  { code: C.runMismatch, over: { caveats: [{ kind: 'same-run', run: new World().otherRun }] } },
  {
    code: C.outsideWindow,
    over: { caveats: [{ kind: 'time-window', from: 600, to: 700 }] },
  },
  {
    code: C.argumentsNotGranted,
    over: { caveats: [{ kind: 'arguments', schema: { type: 'string' } }] },
  },
  { code: C.argumentUntrusted, over: { caveats: [{ kind: 'trusted', paths: [''] }] } },
]

/** Verifies: CAP-R03 */
describe('causes at several links', () => {
  it.each(wrongs)('are told of the nearest first: $code', ({ code, over, later }) => {
    const world = new World()
    const root = world.grant({ ...over, delegable: 2 })
    const middle = world.grant({ ...over, parent: root, delegable: 1 })
    const leaf = world.grant({ ...over, parent: middle })
    for (const grant of [leaf, middle, root]) later?.(world, grant)
    const cause = denied(world, world.request(leaf)).causes.find((each) => each.code === code)
    const told = [cause, ...(cause?.causes ?? [])]
    expect(told.map((each) => each?.data['grant'])).toEqual([leaf, middle, root])
  })

  it('tell of the widest stop switch first', () => {
    const world = new World()
    const grant = world.grant()
    for (const scope of [`run/${world.run}`, 'all']) {
      world.record(`stop/${scope}`, 'AuthorityStopped', { scope, reason: scope })
    }
    const denial = denied(world, world.request(grant))
    expect(denial.data['stream']).toBe('stop/all')
    expect(denial.causes[0]?.causes.map(({ data }) => data['stream'])).toEqual([
      `stop/run/${world.run}`,
    ])
  })

  it('tell of arguments that cannot be read before a purse that cannot be', () => {
    const world = new World()
    const caveats: Caveat[] = [
      { kind: 'arguments', schema: {} },
      { kind: 'count', max: 1 },
    ]
    const grant = world.grant({ caveats })
    const purse = [{ grant, unit: 'uses' as const, amount: 2 }]
    const other = sha256Hex('other')
    const request = world.request(grant, { purse, argumentsDigest: other, givenDigest: other })
    expect(denied(world, request).message).toContain('not that of its arguments')
  })

  it('tell of a purse that holds more than there is, the nearest link first', () => {
    const world = new World()
    const caveats: Caveat[] = [{ kind: 'count', max: 1 }]
    const parent = world.grant({ caveats, delegable: 1 })
    const leaf = world.grant({ caveats, parent })
    const purse = [parent, leaf].map((grant) => ({ grant, unit: 'uses' as const, amount: 2 }))
    expect(denied(world, world.request(leaf, { purse })).data['grant']).toBe(leaf)
    const full = purse.map((share) => ({ ...share, amount: 1 }))
    expect(allowed(world, world.request(leaf, { purse: full })).allotments).toEqual([])
  })

  it('tell of arguments that cannot be read before digests that belong to no call', () => {
    const world = new World()
    const caveats: Caveat[] = [{ kind: 'arguments', schema: {} }, { kind: 'approval' }]
    const good = world.request(world.grant({ caveats }), { arguments: { other: 1 } })
    const odd = { ...good, argumentsDigest: 'x'.repeat(64) }
    for (const request of [odd, { ...good, callDigest: sha256Hex('other') }]) {
      const denial = denied(world, request)
      expect(denial.message).toContain('not that of its arguments')
      expect(denial.causes[0]?.causes).toHaveLength(1)
    }
  })

  it('tell of the run before the grant, where neither is one', () => {
    const world = new World()
    const request = { ...world.request(world.grant()), run: 'x', grant: 'y' }
    expect(denied(world, request).data['faults']).toEqual([
      'its run is a run id, not "x"',
      'its grant is a grant id, not "y"',
    ])
  })

  it('ask for nobody where nobody could say yes', () => {
    const world = new World()
    const decision = decide(world.state, world.request(world.grant(), { action: 'fs.write' }))
    expect(Object.keys(decision)).toEqual(['denied'])
  })

  it('tell what is wrong with the digests of a call that wants an approval', () => {
    const world = new World()
    const grant = world.grant({ caveats: [{ kind: 'approval' }] })
    const good = world.request(grant)
    const bad = { ...good, argumentsDigest: 'x'.repeat(64) }
    expect(denied(world, bad).message).toContain('its argumentsDigest is not a SHA-256 in hex')
    const other = { ...good, callDigest: sha256Hex('other') }
    expect(denied(world, other).message).toContain('its callDigest is of another call')
  })
})

/** Verifies: CAP-R18, CAP-R01 */
describe('a chain of the dead', () => {
  it('is what is remembered of it, whoever asked before', () => {
    const ask = (isWarm: boolean): readonly string[] => {
      const world = new World(undefined, 2)
      const root = world.grant({ delegable: 1 })
      const leaf = world.grant({ parent: root })
      const other = world.grant()
      world.revoke(root)
      if (isWarm) denied(world, world.request(leaf))
      world.revoke(other)
      return codes(denied(world, world.request(leaf)))
    }
    expect(ask(false)).toEqual([C.chainBroken])
    expect(ask(true)).toEqual(ask(false))
  })

  it('has a name for the fold, and nobody as its issuer where none was recorded', () => {
    const world = new World()
    const grant = world.grant()
    expect(grantState(world.state.grants.get(grant))?.issuedBy).toBeNull()
    expect(authorityProjection({ kinds: world.state.kinds }).name).toBe('authority')
  })
})
