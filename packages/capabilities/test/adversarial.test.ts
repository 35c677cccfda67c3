/** What a hostile caller, a hostile log or a hostile kind can do: be denied, in bounded time. */
import { canonicalize, type GrantId, type JsonValue, sha256Hex } from '@ice/primitives'
import { describe, expect, it } from 'vitest'
import { issuable } from '../src/grant.ts'
import { composeKinds, decide, fsKind, describe as render, toolKind } from '../src/index.ts'
import type { Caveat, Denial, Grant, ResourceKind } from '../src/ports.ts'
import { expectRecordable } from './recordable.ts'
import { at, fsRoot, World } from './world.ts'

const NAMES = ['constructor', '__proto__', 'toString', 'hasOwnProperty', 'valueOf'] as const

function denialOf(world: World, request: unknown): Denial {
  const decision = decide(world.state, request)
  if (!('denied' in decision)) throw new TypeError('allowed')
  return decision.denied
}

/** Verifies: CAP-R02, CAP-R14 */
describe('hostile names', () => {
  it.each(NAMES)('%s is no grant, kind, caveat, holder or tool that is known', (name) => {
    const world = new World()
    const good = world.grant()
    for (const over of [{ grant: name }, { run: name }, { action: `${name}!` }]) {
      expect(denialOf(world, { ...world.request(good), ...over }).code).toBe(
        'ICE_CAPABILITIES_REQUEST_INVALID',
      )
    }
    expect(denialOf(world, world.request(good, { action: name })).code).toBe(
      'ICE_CAPABILITIES_ACTION_NOT_GRANTED',
    )
    const kind = world.grant({ resource: { kind: name } })
    expect(denialOf(world, world.request(kind)).code).toBe('ICE_CAPABILITIES_KIND_UNSUPPORTED')
    const caveat = world.grant({ caveats: [{ kind: name } as unknown as Caveat] })
    expect(denialOf(world, world.request(caveat)).code).toBe('ICE_CAPABILITIES_CAVEAT_UNSUPPORTED')
    const holder = world.grant({ holder: `${name}/x` as Grant['holder'] })
    expect(denialOf(world, world.request(holder)).code).toBe('ICE_CAPABILITIES_CHAIN_BROKEN')
    const tool = world.grant({ resource: { kind: 'tool', names: ['safe'] } })
    const claim = JSON.parse(`{"name":"${name}"}`)
    expect(denialOf(world, world.request(tool, { resource: claim })).code).toBe(
      'ICE_CAPABILITIES_RESOURCE_NOT_GRANTED',
    )
  })

  it('do not reach a claim by inheritance', () => {
    const world = new World()
    const grant = world.grant()
    const inherits = Object.create({ path: 'src/a.ts' })
    expect(denialOf(world, { ...world.request(grant), resource: inherits }).code).toBe(
      'ICE_CAPABILITIES_REQUEST_INVALID',
    )
    const resource = JSON.parse('{"kind":"fs","root":"/repo","__proto__":{"within":["x"]}}')
    const odd = world.grant({ resource })
    expect(denialOf(world, world.request(odd)).message).toContain('kind, root and within')
  })
})

/** Verifies: CAP-R02, CAP-R05 */
describe('hostile logs', () => {
  it('with a loop of grants end in a denial', () => {
    const world = new World()
    const loop = Array.from({ length: 20 }, () => world.ids.nextGrantId())
    for (const [i, id] of loop.entries()) {
      const parent = loop[(i + 19) % loop.length] as GrantId
      world.grant({ id, parent, delegable: 31 })
    }
    for (const id of loop) {
      expect(denialOf(world, world.request(id))).toMatchObject({
        code: 'ICE_CAPABILITIES_CHAIN_BROKEN',
        data: { reason: 'cycle' },
      })
    }
    world.revoke(loop[3] as GrantId)
    expect(world.state.dead.size).toBe(17)
  })

  it('with a chain of 10,000 links end in a denial, and in its revocation', () => {
    const world = new World()
    const root = world.grant({ delegable: 31 })
    let grant = root
    for (let i = 1; i < 10_000; i += 1) grant = world.grant({ parent: grant, delegable: 31 })
    const denial = denialOf(world, world.request(grant))
    expect(denial.data).toMatchObject({ reason: 'too_deep', links: 32 })
    expectRecordable(denial)
    world.revoke(root)
    expect(world.state.dead.size).toBe(10_000)
  })

  it('with everything wrong at every link give a denial that fits into an event', () => {
    const wide = 'ü'.repeat(255)
    const world = new World()
    const broad = (): Partial<Grant> => ({
      actions: Array.from({ length: 64 }, (_, i) => `${i}`.padEnd(128, 'x')),
      resource: fsRoot('/repo', ...Array.from({ length: 256 }, (_, i) => `${wide.slice(8)}${i}`)),
      caveats: [
        ...Array.from({ length: 30 }, () => ({ kind: wide }) as unknown as Caveat),
        { kind: 'count', max: 1 },
        { kind: 'approval' },
      ],
      notBefore: at(9_000),
      expiresAt: at(1),
      holder: 'agent/other',
    })
    let grant = world.grant({ ...broad(), delegable: 31 })
    const all = [grant]
    for (let depth = 30; depth >= 0; depth -= 1) {
      grant = world.grant({ ...broad(), parent: grant, delegable: depth })
      all.push(grant)
    }
    for (const id of all) {
      world.debit(id)
      world.revoke(id)
    }
    world.record('stop/all', 'Stopped', {})
    world.record(`stop/run/${world.run}`, 'Stopped', {})
    const denial = denialOf(world, world.request(grant, { resource: { path: wide.slice(1) } }))
    expect(denial.causes.length).toBeGreaterThan(9)
    expectRecordable(denial)
  })

  it.each([0, 253_402_300_799_999, 8_640_000_000_000_001, Number.MAX_SAFE_INTEGER])(
    'with times around %d are judged as they are',
    (ms) => {
      const world = new World()
      const [now, next] = [at(ms), at(Math.min(ms + 1, Number.MAX_SAFE_INTEGER))]
      const from = world.grant({ notBefore: now })
      expect(decide(world.state, world.request(from, { at: now }))).toHaveProperty('ok')
      const until = world.grant({ expiresAt: now })
      const denial = denialOf(world, world.request(until, { at: next }))
      expect(denial.code).toBe('ICE_CAPABILITIES_GRANT_EXPIRED')
      expectRecordable(denial)
    },
  )
})

/** Verifies: CAP-R02, CAP-R01 */
describe('hostile requests', () => {
  const traps = ['get', 'has', 'ownKeys', 'getPrototypeOf', 'getOwnPropertyDescriptor'] as const

  it.each(traps)('that are proxies throwing from %s are denied', (trap) => {
    const world = new World()
    const grant = world.grant()
    const good = world.request(grant)
    const boom = (): never => {
      throw new RangeError('boom')
    }
    const proxied = <T extends object>(target: T): T => new Proxy(target, { [trap]: boom })
    for (const request of [proxied(good), { ...good, resource: proxied({ path: 'src/a.ts' }) }]) {
      const decision = decide(world.state, request)
      // A trap that nothing asks for changes nothing.
      const code = 'ok' in decision ? 'allowed' : decision.denied.code
      expect(['allowed', 'ICE_CAPABILITIES_REQUEST_INVALID']).toContain(code)
    }
    expect(denialOf(world, new Proxy(good, { get: boom })).message).toContain('cannot be read')
    const { proxy, revoke } = Proxy.revocable(good, {})
    revoke()
    expect(denialOf(world, proxy).code).toBe('ICE_CAPABILITIES_REQUEST_INVALID')
  })

  it('that show another path each time they are read are judged by the first', () => {
    const world = new World()
    const parent = world.grant({ delegable: 1 })
    const grant = world.grant({ parent, resource: fsRoot('/repo', 'src') })
    const paths = ['etc/passwd', 'src/a.ts', 'src/a.ts']
    const shifty = {
      get path(): string {
        return paths.shift() ?? 'src/a.ts'
      },
    }
    const request = { ...world.request(grant), resource: shifty }
    expect(denialOf(world, request).message).toContain('etc/passwd')
    expect(paths).toHaveLength(2)
  })

  it('with a path of 1 MB, a lone surrogate or an escape sequence give a recordable denial', () => {
    const world = new World()
    const grant = world.grant({ resource: fsRoot('/repo', 'docs') })
    const paths = ['a/'.repeat(524_288), '\ud800', '\u001b[31mred\u202e', 'x'.repeat(8_000), '\0']
    for (const path of paths) {
      const request = { ...world.request(grant), resource: { path } }
      expectRecordable(denialOf(world, request))
      expectRecordable(denialOf(world, { ...request, action: path, run: path, agent: path }))
    }
  })
})

/** Verifies: CAP-R14, CAP-R16 */
describe('hostile kinds and matchers', () => {
  it('that throw or lie about their answer deny', () => {
    const answers = [() => 1, () => null, () => Promise.resolve(undefined), () => '']
    for (const answer of answers) {
      const odd = { ...toolKind, refuses: answer as unknown as ResourceKind['refuses'] }
      const world = new World([odd])
      const grant = world.grant({ resource: { kind: 'tool', name: 'x' } })
      expect(denialOf(world, world.request(grant, { resource: { name: 'x' } })).code).toBe(
        'ICE_CAPABILITIES_RESOURCE_NOT_GRANTED',
      )
    }
  })

  it('of 1 MB are not issued, and deny where they were recorded', () => {
    const kinds = composeKinds([fsKind, toolKind])
    const world = new World()
    const within = Array.from({ length: 100_000 }, (_, i) => `path-${i}`)
    const resource = { kind: 'fs', root: '/repo', within }
    expect(() => issuable(world.draft({ resource }), kinds)).toThrow(
      expect.objectContaining({ code: 'ICE_CAPABILITIES_GRANT_UNSUPPORTED' }),
    )
    const denial = denialOf(world, world.request(world.grant({ resource })))
    expect(denial.message).toContain('more than 256 paths')
    expectRecordable(denial)
  })
})

/** Verifies: CAP-R02, CAP-R100, CAP-R104 */
describe('hostile schemas and arguments', () => {
  const given = (value: unknown) => ({
    arguments: value as JsonValue,
    argumentsDigest: sha256Hex(canonicalize(value)),
  })
  const under = (world: World, schema: unknown): GrantId =>
    world.grant({ caveats: [{ kind: 'arguments', schema } as Caveat] })

  it('of 1 MB, or too deep, are not understood, and deny', () => {
    let deep: unknown = {}
    for (let i = 0; i < 29; i += 1) deep = { not: deep }
    const choices = Array.from({ length: 100_000 }, (_, i) => `choice-${i}`)
    for (const schema of [{ enum: choices }, deep, { const: 'x'.repeat(1_048_576), also: 1 }]) {
      const world = new World()
      const denial = denialOf(world, world.request(under(world, schema)))
      expect(denial.code).toBe('ICE_CAPABILITIES_CAVEAT_UNSUPPORTED')
      expectRecordable(denial)
    }
    // Canonical JSON has no room for it, so no grant that holds it was ever recorded.
    for (let i = 0; i < 64; i += 1) deep = { not: deep }
    const world = new World()
    expect(denialOf(world, world.request(under(world, deep))).code).toBe(
      'ICE_CAPABILITIES_CHAIN_BROKEN',
    )
  })

  it('that take long to compare are refused after a bounded number of steps', () => {
    const world = new World()
    const schema = { allOf: Array.from({ length: 900 }, () => ({ items: { minimum: 0 } })) }
    const request = world.request(
      under(world, schema),
      given(Array.from({ length: 16_000 }, () => 1)),
    )
    expect(denialOf(world, request).message).toContain('compared in 1000000 steps')
  })

  it.each(NAMES)('with members called %s are judged by their own ones', (name) => {
    const world = new World()
    const schema = JSON.parse(`{"properties":{"${name}":{"const":1}},"required":["${name}"]}`)
    const grant = under(world, schema)
    const member = (value: number): unknown => JSON.parse(`{"${name}":${value}}`)
    expect(decide(world.state, world.request(grant, given(member(1))))).toHaveProperty('ok')
    for (const other of [{}, member(2)]) {
      expect(denialOf(world, world.request(grant, given(other))).code).toBe(
        'ICE_CAPABILITIES_ARGUMENTS_NOT_GRANTED',
      )
    }
  })

  it('with names that steer a terminal or fill an event give a recordable denial', () => {
    const world = new World()
    const odd = ['\u001b[2J', '\u202e', '~/'.repeat(9_000), 'ü'.repeat(9_000)]
    const schema = {
      additionalProperties: false,
      required: odd,
      properties: { [odd[2] ?? '']: true },
    }
    let grant = world.grant({ delegable: 31, caveats: [{ kind: 'arguments', schema }] })
    for (let depth = 30; depth >= 0; depth -= 1) {
      const caveats: Caveat[] = [{ kind: 'arguments', schema }]
      grant = world.grant({ parent: grant, delegable: depth, caveats })
    }
    const value = Object.fromEntries(odd.map((name) => [`${name}!`, { [name]: 1 }]))
    expectRecordable(denialOf(world, world.request(grant, given(value))))
    expectRecordable(denialOf(world, { ...world.request(grant), tool: odd[0] }))
  })
})

/** Verifies: CAP-R103, CAP-R02 */
describe('hostile times', () => {
  it.each([0, 253_402_300_799_999, 8_640_000_000_000_001, Number.MAX_SAFE_INTEGER])(
    'around %d are held against windows as they are',
    (ms) => {
      const minute = Math.floor(ms / 60_000) % 1_440
      const open: Caveat = { kind: 'time-window', from: minute, to: minute + 1 }
      const shut: Caveat = { kind: 'time-window', from: (minute + 1) % 1_440, to: minute }
      const world = new World()
      const request = (caveat: Caveat) =>
        world.request(world.grant({ caveats: [caveat] }), { at: at(ms) })
      expect(decide(world.state, request(open))).toHaveProperty('ok')
      const denial = denialOf(world, request(shut))
      expect(denial.code).toBe('ICE_CAPABILITIES_OUTSIDE_TIME_WINDOW')
      expectRecordable(denial)
    },
  )
})

/** Verifies: CAP-R21 */
describe('denials read back', () => {
  it.each<[string, JsonValue]>([
    ['nothing', {}],
    ['causes that are text', { message: 'm', code: 'c', causes: 'x' }],
    ['causes that are not objects', { message: 'm', code: 'c', causes: [1, null, ['x']] }],
    ['an escape sequence', { message: '\u001b[2J', code: '\u202e', causes: [] }],
  ])('are rendered whatever they hold: %s', (_, denial) => {
    expect(render(denial as unknown as Denial)).toMatch(/^denied: .* \[.*\]$/)
  })

  it('are rendered as a tree, to a bounded depth', () => {
    const leaf = { code: 'C', message: 'm', data: {}, causes: [] as Denial[] }
    let deep: Denial = leaf
    for (let i = 0; i < 100; i += 1) deep = { ...leaf, causes: [deep] }
    expect(render(deep).split('\n')).toHaveLength(9)
    const two = { ...leaf, causes: [leaf, { ...leaf, causes: [leaf] }] }
    expect(render(two)).toBe('denied, for 2 reasons:\n- m [C]\n- m [C]\n  - m [C]')
    expect(render(leaf)).toBe('denied: m [C]')
  })
})
