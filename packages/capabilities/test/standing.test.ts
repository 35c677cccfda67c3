import type { EventId, GrantId, PrincipalId } from '@ice/primitives'
import { describe, expect, it } from 'vitest'
import { caveatFault } from '../src/caveat.ts'
import { CAPABILITIES_CODES as C } from '../src/errors.ts'
import { APPROVE_ACTION, approvalKind, decide, fsKind } from '../src/index.ts'
import type { ApprovalTerms, AuthorityRequest, Caveat, Grant, Resource } from '../src/ports.ts'
import { allowed, codes, denied } from './verdicts.ts'
import { alice, at, mallory, World } from './world.ts'

const bob = 'os:bob' as PrincipalId
const HOUR = 3_600_000

function yes(world: World, request: AuthorityRequest, more: object = {}): AuthorityRequest {
  const event = `run/${world.run}@7` as EventId
  return { ...request, approved: { digest: request.callDigest, event, by: alice, ...more } }
}

function asked(world: World, request: AuthorityRequest) {
  const decision = decide(world.state, request)
  return 'denied' in decision ? decision.ask : undefined
}

/** Verifies: CAP-R63 */
describe('an approval on terms', () => {
  const terms: ApprovalTerms = {
    ...{ by: [alice], timeoutMs: 2 * HOUR, escalateAfterMs: HOUR, escalateTo: [bob] },
  }
  const world = new World()
  const grant = world.grant({ caveats: [{ kind: 'approval', ...terms }] })
  const request = world.request(grant)
  const answer = (by: string, afterMs: number): AuthorityRequest =>
    yes(world, request, { by, askedAt: at(1_000), answeredAt: at(1_000 + afterMs) })

  it.each([
    [alice, 0],
    [alice, HOUR],
    [bob, HOUR],
    [alice, 2 * HOUR - 1],
  ])('counts from %s after %i ms', (by, afterMs) => {
    expect(allowed(world, answer(by, afterMs)).approval).not.toBeNull()
  })

  it.each([
    [bob, HOUR - 1, 'not by "os:alice"'],
    [mallory, HOUR, 'it is by "os:mallory"'],
    [alice, 2 * HOUR, 'it came too late'],
    [alice, -1, 'when it was given'],
  ])('does not count from %s after %i ms: %s', (by, afterMs, reason) => {
    const denial = denied(world, answer(by, afterMs))
    expect(codes(denial)).toEqual([C.approvalRequired])
    expect(denial.message).toContain(reason)
  })

  it('does not count when nobody says who gave it, or when', () => {
    const timed = { askedAt: at(1_000), answeredAt: at(1_000) }
    expect(denied(world, yes(world, request, { ...timed, by: undefined })).message).toContain('who')
    expect(denied(world, yes(world, request)).message).toContain('when it was given')
    const odd = { ...timed, by: 'a b' }
    expect(codes(denied(world, yes(world, request, odd)))).toContain(C.requestInvalid)
  })

  it('says who is to be asked, until when, and where the question goes on to', () => {
    expect(asked(world, request)).toEqual({
      digest: request.callDigest,
      approvers: [alice],
      timeoutMs: 2 * HOUR,
      escalation: { afterMs: HOUR, to: [bob] },
    })
    const other = world.request(grant, { action: 'fs.write' })
    expect(asked(world, other)).toBeUndefined()
  })

  it('has to satisfy every link', () => {
    const chained = new World()
    const both: Caveat = { kind: 'approval', by: [alice, bob] }
    const parent = chained.grant({ delegable: 1, caveats: [both] })
    const mine: Caveat = { kind: 'approval', by: [bob, mallory] }
    const leaf = chained.grant({ parent, caveats: [mine] })
    const call = chained.request(leaf)
    expect(asked(chained, call)?.approvers).toEqual([bob])
    expect(allowed(chained, yes(chained, call, { by: bob })).grant).toBe(leaf)
    for (const by of [alice, mallory]) {
      expect(denied(chained, yes(chained, call, { by })).code).toBe(C.approvalRequired)
    }
    const nobody: Caveat = { kind: 'approval', by: [mallory] }
    const none = chained.request(chained.grant({ parent, caveats: [nobody] }))
    expect(denied(chained, none).code).toBe(C.approvalRequired)
    expect(asked(chained, none)).toBeUndefined()
  })

  it.each([
    [{ by: [] }],
    [{ by: [alice, alice] }],
    [{ by: ['a b'] }],
    [{ by: Array.from({ length: 33 }, (_, i) => `os:u${i}`) }],
    [{ timeoutMs: 0 }],
    [{ timeoutMs: 1.5 }],
    [{ escalateAfterMs: 5 }],
    [{ escalateTo: [bob], escalateAfterMs: 5 }],
    [{ by: [alice], escalateTo: [bob], escalateAfterMs: 5, timeoutMs: 5 }],
    [{ by: [alice], escalateTo: 'os:bob', escalateAfterMs: 5 }],
    [{ unknown: 1 }],
  ])('is refused with terms %j', (terms) => {
    expect(caveatFault({ kind: 'approval', ...terms })).toBeTypeOf('string')
    expect(caveatFault({ kind: 'approval-for', actions: ['fs.read'], ...terms })).toBeTypeOf(
      'string',
    )
  })
})

/** Verifies: CAP-R64 */
describe('a standing approval', () => {
  class Room extends World {
    constructor() {
      super([fsKind, approvalKind])
    }

    stand(resource: object, over: Partial<Grant> = {}, principal: PrincipalId = alice): GrantId {
      const draft = this.draft({
        actions: [APPROVE_ACTION],
        resource: { kind: 'approval', ...resource } as Resource,
        ...over,
      })
      const event = this.event(`grant/${draft.id}`, 'CapabilityGranted', { grant: draft })
      this.fold({ ...event, principal })
      return draft.id
    }
  }
  const caveats: Caveat[] = [{ kind: 'approval', by: [alice] }]

  it('stands for a yes, guarded, debited and named', () => {
    const room = new Room()
    const grant = room.grant({ caveats, expiresAt: at(9_000) })
    const count: Caveat = { kind: 'count', max: 1 }
    const more = { caveats: [count], expiresAt: at(8_000) }
    const standing = room.stand({ grant, actions: ['fs.read'] }, more)
    const request = room.request(grant, { standing })
    const ok = allowed(room, request)
    expect(ok).toMatchObject({ standing, approval: null, expiresAt: 8_000, chain: [grant] })
    expect(ok.guards.map(({ stream }) => stream)).toEqual([
      ...[`grant/${grant}`, 'policy/ceiling', 'stop/all', `stop/run/${room.run}`],
      ...[`grant/${standing}`, `budget/${standing}`],
    ])
    expect(ok.allotments.map((slice) => slice.grant)).toEqual([standing])
    room.debit(standing)
    expect(denied(room, request).message).toContain('0 can still be taken')
  })

  it('is not needed where a person said yes, and then neither used nor counted', () => {
    const room = new Room()
    const grant = room.grant({ caveats })
    const standing = room.stand({ grant, actions: ['fs.read'] })
    const ok = allowed(room, yes(room, room.request(grant, { standing })))
    expect(ok.approval).not.toBeNull()
    expect(ok.standing ?? null).toBeNull()
  })

  it('covers calls below its grant, and only those it names', () => {
    const room = new Room()
    const grant = room.grant({ caveats, delegable: 1, actions: ['fs.read', 'fs.stat'] })
    const child = room.grant({ parent: grant, actions: ['fs.read', 'fs.stat'] })
    const other = room.grant({ caveats })
    const place = { path: 'src/a.ts' }
    const narrow = { grant, actions: ['fs.read'], resources: [place] }
    const standing = room.stand(narrow)
    const may = (id: GrantId, over: Partial<AuthorityRequest> = {}): boolean =>
      'ok' in decide(room.state, room.request(id, { standing, ...over }))
    expect([may(grant), may(child), may(other)]).toEqual([true, true, false])
    expect(may(grant, { action: 'fs.stat' })).toBe(false)
    expect(may(grant, { resource: { path: 'src/b.ts' } })).toBe(false)
    const { argumentsDigest } = room.request(grant)
    const exact = room.stand({ ...narrow, arguments: [argumentsDigest] })
    expect(may(grant, { standing: exact })).toBe(true)
    const digest = 'a'.repeat(64) as typeof argumentsDigest
    expect(may(grant, { standing: exact, argumentsDigest: digest })).toBe(false)
  })

  it.each<[string, (room: Room, grant: GrantId) => GrantId]>([
    [
      'that is revoked',
      (room, grant) => {
        const standing = room.stand({ grant, actions: ['fs.read'] })
        room.revoke(standing)
        return standing
      },
    ],
    [
      'that has expired',
      (room, grant) => room.stand({ grant, actions: ['fs.read'] }, { expiresAt: at(4_000) }),
    ],
    [
      'of another holder',
      (room, grant) =>
        room.stand({ grant, actions: ['fs.read'] }, { holder: `run/${room.otherRun}` }),
    ],
    [
      'by who may not approve',
      (room, grant) => room.stand({ grant, actions: ['fs.read'] }, {}, mallory),
    ],
    [
      'that wants an approval itself',
      (room, grant) =>
        room.stand({ grant, actions: ['fs.read'] }, { caveats: [{ kind: 'approval' }] }),
    ],
    ['that is the grant of the call', (_room, grant) => grant],
    ['that is unknown', (room) => room.ids.nextGrantId()],
    [
      'with a caveat nobody knows',
      (room, grant) =>
        room.stand({ grant, actions: ['fs.read'] }, { caveats: [{ kind: 'moon' } as never] }),
    ],
  ])('does not stand %s', (_what, make) => {
    const room = new Room()
    const grant = room.grant({ caveats })
    const standing = make(room, grant)
    expect(codes(denied(room, room.request(grant, { standing })))).toEqual([C.approvalRequired])
  })

  it('says why it does not stand: one link is of another kind, or nobody issued it', () => {
    const room = new Room()
    const grant = room.grant({ caveats, delegable: 1 })
    const about = { grant, actions: ['fs.read'] }
    const below = room.stand(about, { parent: grant })
    const reason = (standing: GrantId): unknown =>
      denied(room, room.request(grant, { standing })).data['reason']
    expect(reason(below)).toBe(`the grant ${below} is no standing approval`)
    const resource = { kind: 'approval', ...about } as Resource
    const unnamed = room.grant({ actions: [APPROVE_ACTION], resource })
    expect(reason(unnamed)).toBe('it was issued by null, who may not approve this')
  })

  it('allows nothing by itself', () => {
    const room = new Room()
    const grant = room.grant({ caveats, actions: ['fs.stat'] })
    const standing = room.stand({ grant, actions: ['fs.read'] })
    expect(denied(room, room.request(grant, { standing })).code).toBe(C.actionNotGranted)
    expect(denied(room, room.request(standing)).code).toBe(C.actionNotGranted)
  })

  it('is narrowed like any other grant', () => {
    const [grant, actions] = ['01890000-0000-7000-8000-000000000000', ['a', 'b']]
    const held = { kind: 'approval', grant, actions, resources: [{ path: 'x' }, { path: 'y' }] }
    const within = { ...held, actions: ['a'], resources: [{ path: 'y' }] }
    expect(approvalKind.exceeds(held, within)).toBeUndefined()
    for (const over of [
      { ...within, actions: ['c'] },
      { ...within, resources: [{ path: 'z' }] },
      { kind: 'approval', grant, actions },
      { ...within, grant: '01890000-0000-7000-8000-000000000001' },
    ]) {
      expect(approvalKind.exceeds(held, over)).toBeTypeOf('string')
    }
    for (const bad of [
      { ...held, more: 1 },
      { ...held, actions: [] },
      { ...held, grant: 'x' },
      { ...held, resources: [] },
      { ...held, resources: ['x'] },
      { ...held, arguments: ['x'] },
    ]) {
      expect(approvalKind.checkResource(bad as Resource)).toBeTypeOf('string')
    }
  })
})
