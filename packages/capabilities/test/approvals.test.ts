import { type EventId, type GrantId, type Hash, sha256Hex } from '@ice/primitives'
import { describe, expect, it } from 'vitest'
import { CAPABILITIES_CODES as C } from '../src/errors.ts'
import { callDigest } from '../src/index.ts'
import type { Caveat } from '../src/ports.ts'
import { allowed, codes, denied } from './verdicts.ts'
import { World } from './world.ts'

const OTHER_HASH = 'f'.repeat(64) as Hash
const EVENT = 'no-event' as EventId

/** Verifies: CAP-R10, CAP-R11 */
describe('approvals', () => {
  const approval: Caveat = { kind: 'approval' }

  it('are asked for when nothing else is against the request, with their digest', () => {
    const world = new World()
    const grant = world.grant({ caveats: [approval, { kind: 'count', max: 1 }] })
    const request = world.request(grant)
    expect(denied(world, request)).toMatchObject({
      code: C.approvalRequired,
      data: { digest: request.callDigest },
    })
    world.debit(grant)
    expect(codes(denied(world, request))).toEqual([C.countSpent, C.approvalRequired])
  })

  it('allow exactly the call they are for', () => {
    const world = new World()
    const grant = world.grant({ caveats: [approval] })
    const request = world.request(grant)
    const approved = { digest: request.callDigest, event: EVENT }
    expect(denied(world, { ...request, approved }).code).toBe(C.requestInvalid)
    const recorded = { digest: request.callDigest, event: `run/${world.run}@7` as EventId }
    expect(allowed(world, { ...request, approved: recorded }).approval).toBe(recorded.event)
    const other = world.request(grant, { resource: { path: 'src/b.ts' }, approved: recorded })
    expect(denied(world, other)).toMatchObject({
      code: C.approvalRequired,
      data: { digest: other.callDigest, approved: recorded.digest },
    })
  })

  it('are not carried over by a request that names the digest of another call', () => {
    const world = new World()
    const grant = world.grant({ caveats: [approval] })
    const { callDigest: digest } = world.request(grant)
    const approved = { digest, event: `run/${world.run}@7` as EventId }
    const forged = { resource: { path: 'src/b.ts' }, approved, callDigest: digest }
    expect(codes(denied(world, world.request(grant, forged)))).toEqual([
      C.requestInvalid,
      C.approvalRequired,
    ])
    const noHash = { argumentsDigest: 'x'.repeat(64) as Hash, approved, callDigest: digest }
    expect(codes(denied(world, world.request(grant, noHash)))).toEqual([C.requestInvalid])
  })

  it('may be wanted for some actions, at any link', () => {
    const world = new World()
    const actions = ['fs.read', 'fs.write']
    const caveats: Caveat[] = [{ kind: 'approval-for', actions: ['fs.write'] }]
    const parent = world.grant({ actions, delegable: 1, caveats })
    const leaf = world.grant({ parent, actions })
    const read = world.request(leaf)
    expect(allowed(world, read).approval).toBeNull()
    const given = { digest: read.callDigest, event: `run/${world.run}@7` as EventId }
    expect(allowed(world, { ...read, approved: given }).approval).toBeNull()
    const write = world.request(leaf, { action: 'fs.write' })
    expect(denied(world, write).code).toBe(C.approvalRequired)
  })

  it.each([
    [[approval], []],
    [[], [approval]],
  ])('are wanted by the whole chain when one link wants them', (above, below) => {
    const world = new World()
    const parent = world.grant({ delegable: 1, caveats: above })
    const leaf = world.grant({ parent, caveats: below })
    expect(denied(world, world.request(leaf)).code).toBe(C.approvalRequired)
  })

  it('are digests of canonical JSON, different for calls that differ in one member', () => {
    const world = new World()
    const call = {
      run: world.run,
      grant: world.ids.nextGrantId(),
      action: 'fs.read',
      resource: { path: 'a' },
      argumentsDigest: OTHER_HASH,
    }
    const others = [
      { ...call, run: world.otherRun },
      { ...call, grant: world.ids.nextGrantId() },
      { ...call, action: 'fs.rea' },
      { ...call, resource: { path: 'b' } },
      { ...call, resource: { path: 'a', more: null } },
      { ...call, argumentsDigest: '0'.repeat(64) as Hash },
    ]
    const digests = [call, ...others].map(callDigest)
    expect(new Set(digests).size).toBe(digests.length)
    const reordered = Object.fromEntries(Object.entries(call).toReversed()) as typeof call
    expect(callDigest({ ...reordered, note: 'ignored' } as typeof call)).toBe(digests[0])
    const text =
      `{"action":"fs.read","argumentsDigest":"${OTHER_HASH}","grant":"${call.grant}",` +
      `"resource":{"path":"a"},"run":"${call.run}"}`
    expect(digests[0]).toBe(sha256Hex(text))
  })

  it('have no digest for what is not JSON', () => {
    const call = { ...new World().request('x' as GrantId), resource: { path: '\ud800' } }
    expect(() => callDigest(call)).toThrow(
      expect.objectContaining({ code: 'ICE_PRIMITIVES_CANONICAL_UNSUPPORTED' }),
    )
  })
})
