import { describe, expect, it } from 'vitest'
import { checkAttenuation, composeKinds, fsKind } from '../src/index.ts'
import type { Caveat, Grant } from '../src/ports.ts'
import { at, fsRoot, World } from './world.ts'

const kinds = composeKinds([fsKind])
const world = new World()
const parent = world.draft({
  actions: ['fs.list', 'fs.read'],
  resource: fsRoot('/repo', 'src'),
  delegable: 2,
  notBefore: at(100),
  expiresAt: at(900),
  caveats: [{ kind: 'count', max: 3 }],
})
const child = (over: Partial<Grant> = {}): Grant =>
  world.draft({
    ...parent,
    id: world.ids.nextGrantId(),
    parent: parent.id,
    delegable: 1,
    caveats: [],
    ...over,
  })

/** Verifies: CAP-R15 */
describe('attenuation', () => {
  it('finds a resource against a child that is none, its own or its parent’s', () => {
    const odd = { kind: 'fs', root: 'relative' }
    const [fault] = [kinds.get('fs')?.checkResource(odd)]
    expect(fault).toBeTypeOf('string')
    const held = { ...parent, resource: odd }
    expect(checkAttenuation({ parent: held, child: child(), kinds })).toContain(fault)
    expect(checkAttenuation({ parent, child: child({ resource: odd }), kinds })).toContain(fault)
  })

  it('finds nothing against a child that is equal or narrower', () => {
    const narrower: Partial<Grant>[] = [
      {},
      { actions: ['fs.read'] },
      { resource: fsRoot('/repo', 'src/a') },
      { delegable: 0, notBefore: at(200), expiresAt: at(300) },
      { holder: 'agent/helper', revocable: false },
      { caveats: [{ kind: 'count', max: 99 } satisfies Caveat] },
    ]
    for (const over of narrower) {
      expect(checkAttenuation({ parent, child: child(over), kinds })).toEqual([])
    }
  })

  it.each<[string, Partial<Grant>]>([
    [`its parent is not ${parent.id}`, { parent: null }],
    ['delegable 2 is more than the 1 that are left', { delegable: 2 }],
    [
      'the actions "fs.write", "__proto__" are not among "fs.list", "fs.read"',
      { actions: ['fs.write', 'fs.read', '__proto__'] },
    ],
    ['the resource is of the kind "fs", not "tool"', { resource: { kind: 'tool', name: 'x' } }],
    ['"docs" is not within "src"', { resource: fsRoot('/repo', 'docs') }],
    ['"root" is a path, not number', { resource: { kind: 'fs', root: 7 } }],
    [
      'it would hold from 1970-01-01T00:00:00.099Z, before 1970-01-01T00:00:00.100Z',
      { notBefore: at(99) },
    ],
    [
      'it would hold until 1970-01-01T00:00:00.901Z, longer than 1970-01-01T00:00:00.900Z',
      { expiresAt: at(901) },
    ],
    ['it would hold for ever, longer than 1970-01-01T00:00:00.900Z', { expiresAt: null }],
  ])('tells: %s', (reason, over) => {
    expect(checkAttenuation({ parent, child: child(over), kinds })).toEqual([reason])
  })

  it('tells everything that is too much at once', () => {
    const over = { actions: ['fs.write'], resource: fsRoot(), delegable: 5, expiresAt: null }
    expect(checkAttenuation({ parent, child: child(over), kinds })).toHaveLength(4)
  })

  it('makes nothing of a grant that cannot be delegated, or whose kind is not known', () => {
    const last = { ...parent, delegable: 0 }
    expect(checkAttenuation({ parent: last, child: child({ delegable: 0 }), kinds })).toEqual([
      `the grant ${parent.id} cannot be delegated`,
    ])
    expect(checkAttenuation({ parent, child: child(), kinds: composeKinds([]) })).toEqual([
      'the resource kind "fs" is not registered',
    ])
  })

  it('lets a child of an endless grant end or not', () => {
    const endless = { ...parent, expiresAt: null }
    for (const expiresAt of [null, at(5_000)]) {
      expect(checkAttenuation({ parent: endless, child: child({ expiresAt }), kinds })).toEqual([])
    }
  })
})
