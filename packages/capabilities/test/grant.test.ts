import type { GrantId, Timestamp } from '@ice/primitives'
import { describe, expect, it } from 'vitest'
import { caveatFault } from '../src/caveat.ts'
import { fsKind } from '../src/fs.ts'
import { issuable, rootGrant, structuralFaults } from '../src/grant.ts'
import { describeGrant } from '../src/index.ts'
import { composeKinds } from '../src/kinds.ts'
import type { Caveat, RootGrantSpec } from '../src/ports.ts'
import { alice, at, fsRoot, World } from './world.ts'

const world = new World()
const kinds = composeKinds([fsKind])
const id = world.ids.nextGrantId()
const spec: RootGrantSpec = {
  id,
  holder: `run/${world.run}`,
  actions: ['fs.read'],
  resource: fsRoot(),
}

function reasons(over: Partial<Record<keyof RootGrantSpec, unknown>>): readonly string[] {
  try {
    rootGrant({ ...spec, ...over } as RootGrantSpec, kinds)
  } catch (error) {
    expect(error).toMatchObject({ code: 'ICE_CAPABILITIES_GRANT_UNSUPPORTED' })
    return (error as { data: { reasons: readonly string[] } }).data.reasons
  }
  return []
}

/** Verifies: CAP-R16 */
describe('a root grant', () => {
  it('gets what its spec leaves out', () => {
    expect(rootGrant({ ...spec, actions: ['fs.read', 'fs.list', 'fs.read'] }, kinds)).toEqual({
      id,
      holder: spec.holder,
      actions: ['fs.read', 'fs.list'],
      resource: fsRoot(),
      caveats: [],
      parent: null,
      delegable: 0,
      notBefore: 0,
      expiresAt: null,
      revocable: true,
    })
  })

  it('keeps what its spec says', () => {
    const caveats: Caveat[] = [{ kind: 'approval-for', actions: ['fs.read'] }]
    const full = { ...spec, caveats, notBefore: at(5), expiresAt: at(9), delegable: 31 }
    expect(rootGrant({ ...full, revocable: false }, kinds)).toMatchObject({
      caveats,
      notBefore: 5,
      expiresAt: 9,
      delegable: 31,
      revocable: false,
    })
  })

  it('is a frozen copy', () => {
    const within = ['src']
    const grant = rootGrant({ ...spec, resource: { kind: 'fs', root: '/repo', within } }, kinds)
    within.push('etc')
    expect(grant.resource).toEqual(fsRoot('/repo', 'src'))
    expect(() => (grant.resource['within'] as string[]).push('etc')).toThrow(TypeError)
    expect(() => (grant.actions as string[]).push('fs.write')).toThrow(TypeError)
  })

  it.each<[string, Partial<Record<keyof RootGrantSpec, unknown>>]>([
    ['its id is a UUIDv7 in lower case, not "x"', { id: 'x' }],
    ['it has 1 to 64 actions', { actions: [] }],
    ['it has 1 to 64 actions', { actions: 'fs.read' }],
    ['it has 1 to 64 actions', { actions: Array.from({ length: 65 }, (_, i) => `a${i}`) }],
    ['an action is 1 to 128 of A-Z a-z 0-9 . _ : + ~ -, not "fs.*"', { actions: ['fs.*'] }],
    ['an action is 1 to 128 of A-Z a-z 0-9 . _ : + ~ -, not null', { actions: [null] }],
    ['its resource is an object with a kind', { resource: { root: '/repo' } }],
    ['its resource is an object with a kind', { resource: null }],
    ['the resource kind "net" is not registered', { resource: { kind: 'net' } }],
    ['the root "repo" is not absolute', { resource: fsRoot('repo') }],
    ['its caveats are a list of at most 32 objects', { caveats: {} }],
    ['its caveats are a list of at most 32 objects', { caveats: ['approval'] }],
    ['its caveats are a list of at most 32 objects', { caveats: Array(33).fill({}) }],
    ['a "count" caveat has a max from 1 to 1000000000000', { caveats: [{ kind: 'count' }] }],
    ['a caveat of the kind "moon" is not known here', { caveats: [{ kind: 'moon' }] }],
    ['delegable is 0 to 31', { delegable: 32 }],
    ['delegable is 0 to 31', { delegable: -1 }],
    ['notBefore is a time in epoch milliseconds', { notBefore: -1 }],
    ['expiresAt is null or epoch milliseconds', { expiresAt: 'never' }],
    ['it expires before it holds', { notBefore: 5, expiresAt: 5 }],
    ['revocable is true or false', { revocable: 'yes' }],
    ['it is not JSON', { resource: { kind: 'fs', root: Number.NaN } }],
    ['it is not JSON', { actions: ['\ud800'] }],
  ])('is refused: %s', (reason, over) => {
    expect(reasons(over)).toEqual([reason])
  })

  it.each(['', 'run', 'run/', 'run/x', 'tool/ x', 'constructor/x', 'agent/a b', 7, null])(
    'has no holder %j',
    (holder) => {
      expect(reasons({ holder })[0]).toContain(
        'its holder is <run|agent|session|principal|tool>/<id>, not',
      )
    },
  )

  it('is refused with every reason, and whatever the spec is', () => {
    expect(reasons({ id: 'x', delegable: 99, revocable: 1 })).toHaveLength(3)
    expect(reasons({ resource: { kind: 'fs', root: `/${'a/'.repeat(20_000)}a` } })[0]).toContain(
      'characters of JSON; at most 24576 fit',
    )
    const hostile = new Proxy(spec, {
      get: () => {
        throw new RangeError('no')
      },
    })
    expect(() => rootGrant(hostile, kinds)).toThrow(
      expect.objectContaining({ code: 'ICE_CAPABILITIES_GRANT_UNSUPPORTED' }),
    )
  })
})

/** Verifies: CAP-R16 */
describe('a recorded grant', () => {
  const good = world.draft({ parent: world.ids.nextGrantId() })

  it.each<[string, unknown]>([
    ['a grant is an object, not undefined', undefined],
    ['a grant is an object, not object', []],
    ['its parent is null or a grant id, not "root"', { ...good, parent: 'root' }],
    ['it is its own parent', { ...good, parent: good.id }],
    [
      'a grant has the members id, holder, actions, resource, caveats, parent, delegable, ' +
        'notBefore, expiresAt, revocable and no others',
      { ...good, scope: '*' },
    ],
  ])('is none: %s', (fault, value) => {
    expect(structuralFaults(value)).toEqual([fault])
  })

  it('may name an action twice, but is not issued so', () => {
    const twice = { ...good, actions: ['fs.read', 'fs.read'] }
    expect(structuralFaults(twice)).toEqual([])
    expect(() => issuable(twice, kinds)).toThrow('it names an action twice')
  })

  it('has caveats that are objects', () => {
    expect(caveatFault('approval')).toBe('a caveat is an object, not "approval"')
  })
})

/** Verifies: CAP-R21 */
describe('a grant for people', () => {
  it('says who may do what, on what, until when, and what became of it', () => {
    const grant = world.draft({
      id,
      actions: ['fs.list', 'fs.read'],
      expiresAt: at(86_400_000),
      notBefore: at(1),
      delegable: 2,
      caveats: [{ kind: 'count', max: 3 }],
      parent: '01929f6e-1c00-7abc-8def-0123456789ab' as GrantId,
    })
    const state = {
      grant,
      label: 'work\u202e',
      issuedBy: alice,
      issuedAt: 0 as Timestamp,
      revokedBy: 'grant/x@2' as never,
      version: 2,
    }
    expect(describeGrant(state)).toBe(
      [
        `grant ${id} "work\\u202e"`,
        `  run/${world.run} may "fs.list", "fs.read"`,
        '  on {"kind":"fs","root":"/repo"}',
        '  from 1970-01-01T00:00:00.001Z until 1970-01-02T00:00:00.000Z',
        '  only under {"kind":"count","max":3}',
        '  below 01929f6e-1c00-7abc-8def-0123456789ab, 2 links may hang below it, revocable',
        '  issued by os:alice at 1970-01-01T00:00:00.000Z',
        '  revoked by grant/x@2',
      ].join('\n'),
    )
  })

  it('says of what is long no more than 1,024 characters', () => {
    const within = Array.from({ length: 20 }, (_, i) => `${i}`.padEnd(200, 'x'))
    const by = Array.from({ length: 16 }, (_, i) => `os:${i}`.padEnd(128, 'x')) as never
    const grant = world.draft({
      ...{ id, resource: fsRoot('/repo', ...within), caveats: [{ kind: 'approval', by }] },
    })
    const issuedAt = 0 as Timestamp
    const bare = { grant, label: null, issuedBy: null, issuedAt, revokedBy: null, version: 1 }
    const [, , on, , under] = describeGrant(bare).split('\n')
    expect(on).toMatch(/^ {2}on \{"kind":"fs".*…$/)
    expect(on).toHaveLength('  on '.length + 1_024)
    expect(under).toMatch(/^ {2}only under \{"by":.*…$/)
    expect(under).toHaveLength('  only under '.length + 1_024)
  })

  it('says when nothing limits it', () => {
    const grant = world.draft({ id, revocable: false })
    const issuedAt = 8.64e15 as Timestamp
    const bare = { grant, label: null, issuedBy: null, issuedAt, revokedBy: null, version: 1 }
    expect(describeGrant({ ...bare, issuedAt: (8.64e15 + 1) as Timestamp })).toContain(
      'issued at 8640000000000001 ms',
    )
    expect(describeGrant(bare)).toBe(
      [
        `grant ${id}`,
        `  run/${world.run} may "fs.read"`,
        '  on {"kind":"fs","root":"/repo"}',
        '  without end',
        '  a root, cannot be delegated, cannot be revoked',
        '  issued at +275760-09-13T00:00:00.000Z',
      ].join('\n'),
    )
  })
})
