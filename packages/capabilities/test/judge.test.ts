/** Judging again: authority between two events of a log, as it was or with one thing changed. */
import { type GrantId, type RunId, type StreamId, sha256Hex } from '@ice/primitives'
import { describe, expect, it } from 'vitest'
import { basisOf } from '../src/basis.ts'
import { CAPABILITIES_CODES as C } from '../src/errors.ts'
import { createAuthority, createJudge, fsKind, toolKind } from '../src/index.ts'
import type { AuthorityChange, AuthorityRequest, Ceiling, Grant, Judge } from '../src/ports.ts'
import { memoryLog, World } from './world.ts'

const kinds = [fsKind, toolKind]

const ceiling = (name: string, permits = true): Ceiling => ({
  ...{ name, version: '1', digest: sha256Hex(name) },
  judge: () => ({ permits, policies: [name], reason: 'it says so' }) as never,
})

/** A judge that is fed the events of a world. */
class Court {
  readonly world = new World()
  readonly judge: Judge

  constructor(change?: (world: World) => AuthorityChange) {
    const changed = change === undefined ? {} : { change: change(this.world) }
    this.judge = createJudge({ kinds, ...changed })
  }

  record(stream: string, type: string, data: unknown): void {
    this.judge.observe(this.world.event(stream, type, data))
  }

  grant(over: Partial<Grant> = {}): GrantId {
    const grant = this.world.draft(over)
    this.record(`grant/${grant.id}`, 'CapabilityGranted', { grant })
    return grant.id
  }

  adopt(policy: Ceiling): void {
    const { name, version, digest } = policy
    const data = { name, version, digest, previous: null, policy: { inline: '' } }
    this.record('policy/ceiling', 'PolicyAdopted', data)
  }

  /** `allowed`, or the code of the denial. */
  ask(grant: GrantId, over: Partial<AuthorityRequest> = {}): string {
    const decision = this.judge.decide(this.world.request(grant, over))
    return 'ok' in decision ? 'allowed' : decision.denied.code
  }

  version(stream: string): number {
    return this.judge.versionOf(stream as StreamId)
  }
}

/** Verifies: CAP-R130 */
describe('a judge', () => {
  it('decides on authority as it was between two events', () => {
    const court = new Court()
    const draft = court.world.draft()
    expect(court.ask(draft.id)).toBe(C.grantNotFound)
    const grant = court.grant()
    expect(court.ask(grant)).toBe('allowed')
    court.record('stop/all', 'AuthorityStopped', { scope: 'all', reason: 'x' })
    expect(court.ask(grant)).toBe(C.stopped)
    court.record('stop/all', 'AuthorityResumed', { scope: 'all', reason: 'x' })
    expect(court.ask(grant)).toBe('allowed')
    court.record(`grant/${grant}`, 'CapabilityRevoked', { grant, reason: 'x' })
    expect(court.ask(grant)).toBe(C.revoked)
    expect(court.judge.recounts).toBeNull()
    const request = court.world.request(grant)
    expect(court.judge.callDigest(request)).toBe(request.callDigest)
  })

  it('knows the version of each stream of authority, and 0 of any other', () => {
    const court = new Court()
    const grant = court.grant({ caveats: [{ kind: 'count', max: 9 }] })
    const unlimited = court.grant()
    const unknown = court.world.ids.nextGrantId()
    const allotted = { grant, run: court.world.run, unit: 'uses', amount: 1 }
    for (let i = 0; i < 3; i += 1) court.record(`budget/${grant}`, 'BudgetAllotted', allotted)
    court.record('stop/agent/a', 'AuthorityStopped', { scope: 'agent/a', reason: 'x' })
    court.adopt(ceiling('a'))
    court.adopt(ceiling('b'))
    expect([court.version(`grant/${grant}`), court.version(`budget/${grant}`)]).toEqual([1, 3])
    expect([court.version('stop/agent/a'), court.version('policy/ceiling')]).toEqual([1, 2])
    const others = [`grant/${unknown}`, `budget/${unknown}`, `budget/${unlimited}`, 'stop/all']
    expect(others.map((stream) => court.version(stream))).toEqual([0, 0, 0, 0])
  })

  it('has the policy that was loaded where it was decided', () => {
    const court = new Court()
    const grant = court.grant()
    court.adopt(ceiling('a'))
    expect(court.ask(grant)).toBe(C.ceilingRefused)
    court.judge.load(ceiling('a'))
    expect(court.ask(grant)).toBe('allowed')
    court.judge.load(ceiling('a', false))
    expect(court.ask(grant)).toBe(C.ceilingRefused)
    court.judge.load(ceiling('a'))
    court.judge.load(null)
    expect(court.ask(grant)).toBe(C.ceilingRefused)
  })
})

/** Verifies: CAP-R131 */
describe('a judge with a change', () => {
  it('of the policy has it in force from the beginning, and no other', () => {
    const court = new Court(() => ({ policy: ceiling('new') }))
    const grant = court.grant()
    expect(court.version('policy/ceiling')).toBe(1)
    expect(court.ask(grant)).toBe('allowed')
    court.adopt(ceiling('old'))
    court.judge.load(ceiling('old'))
    expect(court.version('policy/ceiling')).toBe(1)
    const decision = court.judge.decide(court.world.request(grant))
    expect(decision).toMatchObject({ ok: { ceiling: { name: 'new', version: '1' } } })
    const strict = new Court(() => ({ policy: ceiling('strict', false) }))
    expect(strict.ask(strict.grant())).toBe(C.ceilingRefused)
    expect(() => new Court(() => ({ policy: { ...ceiling('x'), name: '' } }))).toThrow(
      expect.objectContaining({ code: C.ceilingUnsupported }),
    )
  })

  it('that is a revocation has the grant revoked when it was issued', () => {
    const drafts: Grant[] = []
    const court = new Court((world) => {
      drafts.push(world.draft())
      return { revoke: (drafts[0] as Grant).id }
    })
    const other = court.grant()
    const [{ id }] = drafts as [Grant]
    expect(court.ask(id)).toBe(C.grantNotFound)
    court.record(`grant/${id}`, 'CapabilityGranted', { grant: drafts[0] })
    const decision = court.judge.decide(court.world.request(id))
    expect(decision).toMatchObject({
      denied: { code: C.revoked, data: { grant: id, revokedBy: `grant/${id}@2` } },
    })
    court.record(`grant/${id}`, 'CapabilityExpired', { grant: id, expiresAt: 1 })
    court.record(`grant/${id}`, 'CapabilityRevoked', { grant: id, reason: 'x' })
    expect(court.version(`grant/${id}`)).toBe(2)
    expect(court.ask(id)).toBe(C.revoked)
    expect(court.ask(other)).toBe('allowed')
    expect(court.judge.recounts).toBeNull()
  })

  it('of a grant has it in the place of the recorded one, until that ends', () => {
    const drafts: Grant[] = []
    const court = new Court((world) => {
      drafts.push(world.draft({ actions: ['fs.write'] }))
      return { grant: drafts[0] as Grant }
    })
    const [{ id }] = drafts as [Grant]
    const other = court.grant()
    court.grant({ id })
    expect(court.judge.recounts).toBe(id)
    expect(court.ask(id)).toBe(C.actionNotGranted)
    expect(court.ask(id, { action: 'fs.write' })).toBe('allowed')
    expect(court.ask(other)).toBe('allowed')
    court.record(`grant/${id}`, 'CapabilityRevoked', { grant: id, reason: 'x' })
    expect(court.ask(id, { action: 'fs.write' })).toBe(C.revoked)
  })

  it('of a grant reckons its budget anew, and no other', () => {
    const drafts: Grant[] = []
    const court = new Court((world) => {
      drafts.push(world.draft({ caveats: [{ kind: 'count', max: 2 }] }))
      return { grant: drafts[0] as Grant }
    })
    const [{ id }] = drafts as [Grant]
    court.grant({ id, caveats: [{ kind: 'count', max: 9 }] })
    const other = court.grant({ caveats: [{ kind: 'count', max: 2 }] })
    const { otherRun } = court.world
    const share = (grant: GrantId) => ({ grant, unit: 'uses', amount: 2 }) as const
    const taken = { ...share(id), run: otherRun }
    court.record(`budget/${id}`, 'BudgetAllotted', taken)
    expect([court.version(`budget/${id}`), court.ask(id)]).toEqual([0, 'allowed'])
    court.judge.allot(otherRun, [share(other), share(id)])
    expect([court.version(`budget/${id}`), court.ask(id)]).toEqual([1, C.countSpent])
    expect([court.version(`budget/${other}`), court.ask(other)]).toEqual([0, 'allowed'])
    court.judge.giveBack(otherRun, [share(other), share(id)])
    expect([court.version(`budget/${id}`), court.ask(id)]).toEqual([2, 'allowed'])
    court.record(`budget/${other}`, 'BudgetAllotted', { ...share(other), run: otherRun })
    expect([court.version(`budget/${other}`), court.ask(other)]).toEqual([1, C.countSpent])
  })

  it('of nothing reckons no budget anew', () => {
    const court = new Court()
    const grant = court.grant({ caveats: [{ kind: 'count', max: 2 }] })
    court.judge.allot(court.world.otherRun, [{ grant, unit: 'uses', amount: 2 }])
    expect([court.version(`budget/${grant}`), court.ask(grant)]).toEqual([0, 'allowed'])
  })

  it('of a grant into none is refused, with every reason', () => {
    const broken = (world: World) => ({ ...world.draft(), actions: [], delegable: -1 })
    expect(() => new Court((world) => ({ grant: broken(world) }))).toThrow(
      expect.objectContaining({
        code: C.grantUnsupported,
        message: expect.stringMatching(/^The changed grant is none: .*; /),
        data: { reasons: [expect.stringContaining('actions'), expect.stringContaining('deleg')] },
      }),
    )
  })
})

/** Verifies: CAP-R130 */
describe('the basis of a decision', () => {
  const guard = (stream: string, version = 0) => ({ stream, version })

  it('is what it looked at: links, policy, switches, and the budgets of the links', () => {
    const world = new World()
    const parent = world.grant({ delegable: 1, caveats: [{ kind: 'count', max: 9 }] })
    const child = world.grant({ parent })
    world.debit(parent)
    world.record('stop/agent/a', 'AuthorityStopped', { scope: 'agent/a', reason: 'x' })
    const basis = basisOf(world.state, world.request(child, { agent: 'a' }))
    expect(basis).toEqual([
      ...[guard(`grant/${child}`, 1), guard(`grant/${parent}`, 1), guard('policy/ceiling')],
      ...[guard('stop/all'), guard(`stop/run/${world.run}`), guard('stop/agent/a', 1)],
      guard(`budget/${parent}`, 1),
    ])
  })

  it('is nothing where there is no request, or no grant', async () => {
    const world = new World()
    const request = world.request(world.ids.nextGrantId())
    expect(basisOf(world.state, request)).toEqual([])
    expect(basisOf(world.state, { ...world.request(world.grant()), action: 7 })).toEqual([])
    expect(basisOf(world.state, null)).toEqual([])
    const log = memoryLog({ now: () => 1_000 } as never)
    expect(createAuthority({ log, kinds }).basis(request)).toEqual([])
  })

  it('names 64 streams at most', () => {
    const world = new World()
    let parent: GrantId | null = null
    for (let delegable = 31; delegable >= 0; delegable -= 1) {
      parent = world.grant({ parent, delegable, caveats: [{ kind: 'count', max: 9 }] })
    }
    const party = { agent: 'a', session: 's', principal: 'os:eve' } as const
    const basis = basisOf(world.state, world.request(parent as GrantId, party as never))
    expect(basis).toHaveLength(64)
    expect(basis[0]).toEqual(guard(`grant/${parent}`, 1))
    const run: RunId = world.run
    expect(basis.slice(32, 35).map(({ stream }) => stream)).toEqual([
      ...['policy/ceiling', 'stop/all', `stop/run/${run}`],
    ])
  })
})
