import type { GrantId } from '@ice/primitives'
import { describe, expect, it } from 'vitest'
import { decide } from '../src/decide.ts'
import type { Caveat, Grant } from '../src/ports.ts'
import { grantState } from '../src/state.ts'
import { alice, World } from './world.ts'

const code = (world: World, grant: GrantId): string => {
  const decision = decide(world.state, world.request(grant))
  return 'ok' in decision ? 'allowed' : decision.denied.code.replace('ICE_CAPABILITIES_', '')
}

/** Verifies: CAP-R18 */
describe('the fold', () => {
  it('tells a grant as it stands', () => {
    const world = new World()
    const grant = world.draft()
    const data = { grant, label: 'read the repository' }
    world.fold({
      ...world.event(`grant/${grant.id}`, 'CapabilityGranted', data, 77),
      principal: alice,
    })
    const issued = { grant, label: data.label, issuedBy: alice, issuedAt: 77, version: 1 }
    expect(grantState(world.state.grants.get(grant.id))).toEqual({ ...issued, revokedBy: null })
    world.revoke(grant.id)
    const revokedBy = `grant/${grant.id}@2`
    expect(grantState(world.state.grants.get(grant.id))).toEqual({
      ...issued,
      revokedBy,
      version: 2,
    })
    expect(grantState(undefined)).toBeUndefined()
  })

  it('takes an event only as the next of its stream: repeats and gaps change nothing', () => {
    const world = new World()
    const grant = world.draft({ caveats: [{ kind: 'count', max: 2 } satisfies Caveat] })
    const issued = world.event(`grant/${grant.id}`, 'CapabilityGranted', { grant })
    const debits = [1, 2].map(() =>
      world.event(`budget/${grant.id}`, 'CountDebited', { grant: grant.id, count: 1 }),
    )
    const [first, second] = debits as [(typeof debits)[0], (typeof debits)[0]]
    const expired = world.event(`grant/${grant.id}`, 'CapabilityExpired', {})
    const revoked = world.event(`grant/${grant.id}`, 'CapabilityRevoked', {})
    for (const event of [second, first, revoked, issued, issued, second, first, first, revoked]) {
      world.fold(event)
    }
    expect(world.state.grants.get(grant.id)).toMatchObject({
      version: 1,
      budget: { units: new Map([['uses', { taken: 1, holders: new Map() }]]), version: 1 },
    })
    for (const event of [issued, second, expired, revoked, revoked, expired]) world.fold(event)
    expect(world.state.grants.get(grant.id)).toMatchObject({
      version: 3,
      revokedBy: revoked.id,
      ended: true,
      budget: { units: new Map([['uses', { taken: 2, holders: new Map() }]]), version: 2 },
    })
  })

  it('shares nothing with the events it has seen', () => {
    const world = new World()
    const actions = ['fs.read']
    const grant = world.grant({ actions })
    actions[0] = 'fs.write'
    expect(code(world, grant)).toBe('allowed')
    expect(Object.isFrozen(actions)).toBe(false)
  })

  it('ignores what is no stream of authority', () => {
    const world = new World()
    const grant = world.draft()
    for (const stream of ['run/x', 'grant/x', 'grant/constructor', 'budget/__proto__']) {
      world.record(stream, 'CapabilityGranted', { grant })
    }
    world.record(`grant/${grant.id}`, 'CapabilityRevoked', {})
    world.record(`budget/${grant.id}`, 'CountDebited', { count: 1 })
    expect(world.state.grants.size).toBe(0)
    expect(code(world, grant.id)).toBe('GRANT_NOT_FOUND')
  })

  it.each<[string, unknown]>([
    ['no payload', undefined],
    ['no grant', {}],
    ['a grant that is text', { grant: 'all' }],
    ['a member too many', { grant: { ...new World().draft(), scope: 'all' } }],
    ['the id of another grant', { grant: new World().draft() }],
  ])('keeps a grant that is none from authorising: %s', (_, data) => {
    const world = new World()
    world.ids.next()
    const id = world.ids.nextGrantId()
    world.record(`grant/${id}`, 'CapabilityGranted', data)
    expect(['GRANT_NOT_FOUND', 'CHAIN_BROKEN']).toContain(code(world, id))
    expect(grantState(world.state.grants.get(id))).toBeUndefined()
  })

  it('keeps a grant that is not JSON from authorising', () => {
    const world = new World()
    const grant = world.draft()
    const resource = { ...grant.resource, root: '/\ud800' }
    world.record(`grant/${grant.id}`, 'CapabilityGranted', { grant: { ...grant, resource } })
    expect(code(world, grant.id)).toBe('CHAIN_BROKEN')
  })

  it('ends a grant whose stream holds what it does not know, and all below it', () => {
    const world = new World()
    const parent = world.grant({ delegable: 1 })
    const child = world.grant({ parent })
    expect(code(world, child)).toBe('allowed')
    world.record(`grant/${parent}`, 'CapabilityNarrowed', { actions: [] })
    expect(code(world, parent)).toBe('CHAIN_BROKEN')
    expect(code(world, child)).toBe('CHAIN_BROKEN')
  })

  it('issues nothing by an event that is not the first of its stream', () => {
    const world = new World()
    const grant = world.draft()
    world.event(`grant/${grant.id}`, 'CapabilityRevoked', {})
    world.record(`grant/${grant.id}`, 'CapabilityGranted', { grant })
    expect(code(world, grant.id)).toBe('GRANT_NOT_FOUND')
  })

  it('reissues nothing', () => {
    const world = new World()
    const draft = world.draft()
    const grant = world.grant(draft)
    world.record(`grant/${grant}`, 'CapabilityGranted', { grant: { ...draft, actions: ['fs.x'] } })
    expect(code(world, grant)).toBe('CHAIN_BROKEN')
  })

  it('gives grants that have the same rights one copy of them', () => {
    const world = new World()
    const [a, b] = [world.grant(), world.grant()].map((id) => world.state.grants.get(id)?.grant)
    expect(a?.resource).toBe(b?.resource)
    expect(a?.actions).toBe(b?.actions)
  })

  it('takes the events of a stop switch in their order', () => {
    const world = new World()
    const events = [1, 2].map(() => world.event('stop/all', 'Stopped', {}))
    for (const event of [...events.toReversed(), ...events]) world.fold(event)
    expect(world.state.stops.get('stop/all')).toMatchObject({ version: 2, stopped: true })
  })
})

/** Verifies: CAP-R18 */
describe('memory', () => {
  it('holds what lives and the last of the dead; a forgotten grant is unknown', () => {
    const world = new World(undefined, 3)
    const living = world.grant()
    const dead = Array.from({ length: 5 }, () => world.grant())
    for (const grant of dead) world.revoke(grant)
    expect(dead.map((grant) => code(world, grant))).toEqual([
      'GRANT_NOT_FOUND',
      'GRANT_NOT_FOUND',
      'GRANT_REVOKED',
      'GRANT_REVOKED',
      'GRANT_REVOKED',
    ])
    expect(code(world, living)).toBe('allowed')
    expect(world.state.grants.size).toBe(4)
  })

  it('ends and forgets descendants with the grant above them', () => {
    const world = new World(undefined, 2)
    const root = world.grant({ delegable: 2 })
    const middle = world.grant({ parent: root, delegable: 1 })
    const leaf = world.grant({ parent: middle })
    expect(code(world, leaf)).toBe('allowed')
    world.revoke(root)
    expect(world.state.grants.has(root)).toBe(false)
    expect(code(world, leaf)).toBe('CHAIN_BROKEN')
    world.revoke(world.grant())
    world.revoke(world.grant())
    expect(code(world, leaf)).toBe('GRANT_NOT_FOUND')
    expect(world.state.dead.size).toBe(2)
  })

  it('lets no dead child weigh on a living parent', () => {
    const world = new World(undefined, 1)
    const parent = world.grant({ delegable: 1 })
    for (let i = 0; i < 10; i += 1) world.revoke(world.grant({ parent }))
    expect(world.state.grants.get(parent)?.children?.size).toBe(1)
  })

  it('gives the reason of a forgotten parent alike, asked before or not', () => {
    const world = new World(undefined, 1)
    const [parent, child] = [world.draft({ delegable: 1 }), world.draft()]
    world.grant({ ...child, parent: parent.id })
    world.grant(parent)
    world.revoke(parent.id)
    expect(code(world, child.id)).toBe('GRANT_REVOKED')
    world.revoke(world.grant())
    expect(code(world, child.id)).toBe('CHAIN_BROKEN')
  })

  it('counts what is issued below a dead grant as dead', () => {
    const world = new World()
    const parent = world.grant({ delegable: 1 })
    world.revoke(parent)
    const child = world.grant({ parent })
    expect([...world.state.dead].map((entry) => entry.id)).toEqual([parent, child])
    expect(code(world, child)).toBe('GRANT_REVOKED')
  })

  it('is bounded for shared rights too', () => {
    const world = new World()
    const grants = Array.from({ length: 3_000 }, (_, i) => {
      return world.grant({ resource: { kind: 'fs', root: `/r${i}` } } as Partial<Grant>)
    })
    expect(grants.map((grant) => code(world, grant)).filter((each) => each !== 'allowed')).toEqual(
      [],
    )
  })
})
