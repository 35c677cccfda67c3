/** Caveats that a request alone fulfils or not: this run, these times, arguments like these. */
import { canonicalize, type JsonObject, type JsonValue, sha256Hex } from '@ice/primitives'
import { describe, expect, it } from 'vitest'
import { CAPABILITIES_CODES as C } from '../src/errors.ts'
import { toolKind } from '../src/index.ts'
import type { AuthorityRequest, Caveat, Grant } from '../src/ports.ts'
import { expectRecordable } from './recordable.ts'
import { allowed, codes, denied } from './verdicts.ts'
import { at, World } from './world.ts'

const DAY = 86_400_000
const HOUR = 3_600_000
/** 2024-01-01, a Monday. */
const MONDAY = 19_723 * DAY

const schemaOf = (schema: JsonObject): Caveat => ({ kind: 'arguments', schema })
const given = (value: unknown): Partial<AuthorityRequest> => ({
  arguments: value as JsonValue,
  argumentsDigest: sha256Hex(canonicalize(value)),
})
const PATH = { type: 'object', properties: { path: { const: 'a' } }, required: ['path'] }

/** Verifies: CAP-R102 */
describe('same-run', () => {
  it('holds in the run it names, whoever holds the grant', () => {
    const world = new World()
    const caveats: Caveat[] = [{ kind: 'same-run', run: world.run }]
    const grant = world.grant({ holder: 'agent/helper', caveats })
    const asked = { agent: 'helper' }
    expect(allowed(world, world.request(grant, asked)).chain).toEqual([grant])
    const denial = denied(world, world.request(grant, { ...asked, run: world.otherRun }))
    expect(denial).toMatchObject({
      code: C.runMismatch,
      message: `The grant ${grant} is bound to the run ${world.run}`,
      data: { grant, bound: world.run, run: world.otherRun },
    })
  })

  it('of two runs authorises nothing', () => {
    const world = new World()
    const root = world.grant({
      delegable: 1,
      caveats: [{ kind: 'same-run', run: world.otherRun }],
    })
    const grant = world.grant({ parent: root, caveats: [{ kind: 'same-run', run: world.run }] })
    expect(denied(world, world.request(grant)).data['grant']).toBe(root)
  })
})

/** Verifies: CAP-R103 */
describe('time-window', () => {
  const office: Caveat = { kind: 'time-window', days: [1, 2, 3, 4, 5], from: 540, to: 1_020 }
  const night: Caveat = { kind: 'time-window', days: [5], from: 1_320, to: 360 }
  const askedAt = (caveat: Caveat, ms: number) => {
    const world = new World()
    const grant = world.grant({ caveats: [caveat] })
    return { world, grant, request: world.request(grant, { at: at(ms) }) }
  }

  it.each<[string, Caveat, number, number]>([
    ['at its first instant', office, MONDAY + 9 * HOUR, MONDAY + 17 * HOUR],
    ['at its last', office, MONDAY + 17 * HOUR - 1, MONDAY + 17 * HOUR],
    ['on the evening it begins', night, MONDAY + 4 * DAY + 22 * HOUR, MONDAY + 5 * DAY + 6 * HOUR],
    ['on the morning after', night, MONDAY + 5 * DAY + 6 * HOUR - 1, MONDAY + 5 * DAY + 6 * HOUR],
    ['all day', { kind: 'time-window', from: 0, to: 1_440 }, MONDAY, MONDAY + DAY],
    ['until midnight', { kind: 'time-window', from: 60, to: 0 }, MONDAY + HOUR, MONDAY + DAY],
    ['at the epoch, a Thursday', { kind: 'time-window', days: [4], from: 0, to: 1 }, 0, 60_000],
    [
      'before the epoch began a day',
      { kind: 'time-window', days: [3], from: 1_439, to: 10 },
      0,
      600_000,
    ],
  ])('holds %s, and the authorization ends when it closes', (_, caveat, ms, closes) => {
    const { world, request } = askedAt(caveat, ms)
    expect(allowed(world, request).expiresAt).toBe(closes)
  })

  it.each<[string, Caveat, number, number]>([
    ['just before it opens', office, MONDAY + 9 * HOUR - 1, MONDAY + 9 * HOUR],
    ['as it closes', office, MONDAY + 17 * HOUR, MONDAY + DAY + 9 * HOUR],
    ['on another day', office, MONDAY + 5 * DAY + 12 * HOUR, MONDAY + 7 * DAY + 9 * HOUR],
    ['on the morning of its day', night, MONDAY + 4 * DAY + HOUR, MONDAY + 4 * DAY + 22 * HOUR],
    ['as a night closes', night, MONDAY + 5 * DAY + 6 * HOUR, MONDAY + 11 * DAY + 22 * HOUR],
    [
      'once a week, a week ahead',
      { kind: 'time-window', days: [1], from: 0, to: 1 },
      MONDAY + 60_000,
      MONDAY + 7 * DAY,
    ],
  ])('denies %s, and says when it opens', (_, caveat, ms, opensAt) => {
    const { world, grant, request } = askedAt(caveat, ms)
    const denial = denied(world, request)
    expect(denial.code).toBe(C.outsideWindow)
    expect(denial.data).toEqual({ grant, window: caveat, at: ms, opensAt })
    expectRecordable(denial)
  })

  it('says its times as people read them', () => {
    const { world, grant, request } = askedAt(office, MONDAY)
    expect(denied(world, request).message).toBe(
      `The grant ${grant} holds Mon, Tue, Wed, Thu, Fri 09:00 to 17:00 UTC; ` +
        'it is 2024-01-01T00:00:00.000Z, and opens at 2024-01-01T09:00:00.000Z',
    )
    const daily = askedAt({ kind: 'time-window', from: 1_439, to: 5 }, MONDAY + HOUR)
    expect(denied(daily.world, daily.request).message).toContain('every day 23:59 to 00:05 UTC')
  })

  it('ends an authorization with the first of all windows and grants', () => {
    const world = new World()
    const until = MONDAY + 11 * HOUR
    const expiresAt = at(until + 1)
    const root = world.grant({ delegable: 2, caveats: [office], expiresAt })
    const between: Caveat = { kind: 'time-window', from: 0, to: 660 }
    const middle = world.grant({ parent: root, delegable: 1, caveats: [between] })
    const leaf = world.grant({ parent: middle, caveats: [office] })
    expect(allowed(world, world.request(leaf, { at: at(until - 1) })).expiresAt).toBe(until)
    const late = denied(world, world.request(leaf, { at: at(until) }))
    expect(late.data['grant']).toBe(middle)
    const long = world.grant({ caveats: [office], expiresAt: at(MONDAY + 10 * HOUR) })
    const soon = allowed(world, world.request(long, { at: at(MONDAY + 9 * HOUR) }))
    expect(soon.expiresAt).toBe(MONDAY + 10 * HOUR)
  })
})

/** Verifies: CAP-R100 */
describe('arguments', () => {
  it('allows what fits, and denies what does not, with where and what', () => {
    const world = new World()
    const grant = world.grant({ caveats: [schemaOf(PATH)] })
    expect(allowed(world, world.request(grant, given({ path: 'a' }))).grant).toBe(grant)
    const denial = denied(world, world.request(grant, given({ path: 'secret-b' })))
    expect(denial).toMatchObject({
      code: C.argumentsNotGranted,
      message: `The grant ${grant} allows other arguments: at "/path" exactly "a"`,
      data: { grant, mismatches: [{ pointer: '/path', wanted: 'exactly "a"' }] },
    })
    expect(JSON.stringify(denial)).not.toContain('secret-b')
  })

  it.each([0, 1, 2])('of link %i alone hold for the whole chain', (wanted) => {
    const world = new World()
    const under = (link: number): Caveat[] =>
      link === wanted ? [{ kind: 'arguments', schema: { type: 'string' } }] : []
    const root = world.grant({ delegable: 2, caveats: under(0) })
    const middle = world.grant({ parent: root, delegable: 1, caveats: under(1) })
    const leaf = world.grant({ parent: middle, caveats: under(2) })
    expect(denied(world, world.request(leaf)).code).toBe(C.argumentsNotGranted)
  })

  it('of all links hold together', () => {
    const world = new World()
    const most = (maximum: number): Caveat =>
      schemaOf({ type: 'object', properties: { n: { maximum } } })
    const root = world.grant({ delegable: 1, caveats: [most(5)] })
    const wide = world.grant({ parent: root, caveats: [most(9)] })
    const narrow = world.grant({ parent: root, caveats: [most(3), schemaOf({ minProperties: 1 })] })
    expect(denied(world, world.request(wide, given({ n: 7 }))).data['grant']).toBe(root)
    expect(allowed(world, world.request(wide, given({ n: 5 }))).grant).toBe(wide)
    expect(denied(world, world.request(narrow, given({ n: 4 }))).data['grant']).toBe(narrow)
    expect(allowed(world, world.request(narrow, given({ n: 3 }))).grant).toBe(narrow)
    expect(denied(world, world.request(narrow, given({}))).data['grant']).toBe(narrow)
  })
})

/** Verifies: CAP-R101 */
describe('the arguments that are judged', () => {
  const world = new World()
  const grant = world.grant({ caveats: [schemaOf(PATH)] })
  const plain = world.grant()

  it.each<[string, Partial<AuthorityRequest>, string]>([
    [
      'of another digest',
      { ...given({ path: 'a' }), argumentsDigest: sha256Hex('{}') },
      'the digest it states is not that of its arguments',
    ],
    ['that JSON cannot hold', { ...given({}), arguments: { path: Number.NaN } }, 'are not JSON'],
    ['of too many values', given(Array.from({ length: 16_384 }, () => 0)), 'than 16384 values'],
    ['of too many characters', given('x'.repeat(1_048_576)), 'than 1048576 characters'],
  ])('are none when they are %s', (_, over, fault) => {
    const denial = denied(world, world.request(grant, over))
    expect(denial.code).toBe(C.requestInvalid)
    expect(denial.message).toContain(fault)
    expect(codes(denial)).toEqual([C.requestInvalid])
    // Where nothing asks for them nothing is said of them.
    expect(allowed(world, world.request(plain, over)).grant).toBe(plain)
  })

  it('may have as many values and characters as their bounds say', () => {
    const any = world.grant({ caveats: [schemaOf({})] })
    const most = Array.from({ length: 16_383 }, () => 0)
    expect(allowed(world, world.request(any, given(most))).grant).toBe(any)
    const longest = 'ü'.repeat(1_048_574)
    expect(allowed(world, world.request(any, given(longest))).grant).toBe(any)
  })

  it('are read once, however many rules look at them', () => {
    let reads = 0
    const shifty = {
      get path(): string {
        reads += 1
        return reads === 1 ? 'a' : 'b'
      },
    }
    const twice = world.grant({ caveats: [schemaOf(PATH), schemaOf(PATH)] })
    const request = { ...world.request(twice, given({ path: 'a' })), arguments: shifty }
    expect(allowed(world, request).grant).toBe(twice)
    expect(reads).toBe(1)
    const boom = { ...request, arguments: Object.defineProperty({}, 'path', { get: thrown }) }
    boom.arguments = new Proxy({}, { ownKeys: thrown })
    expect(denied(world, boom).message).toContain('its arguments are not JSON')
  })
})

function thrown(): never {
  throw new RangeError('boom')
}

/** Verifies: CAP-R104, CAP-R14 */
describe('a caveat that is not well formed', () => {
  const world = new World()
  it.each<[string, unknown, string]>([
    ['names no run', { kind: 'same-run', run: 'x' }, 'names a run'],
    ['has another member', { kind: 'same-run', run: world.run, also: 1 }, 'names a run'],
    ['has no schema', { kind: 'arguments' }, 'it is an object, not undefined'],
    ['has more than a schema', { kind: 'arguments', schema: {}, also: 1 }, 'has a schema'],
    ['has a pattern', schemaOf({ pattern: '.*' }), '"/pattern" is not decided here'],
    ['begins before the day', { kind: 'time-window', from: -1, to: 9 }, 'from of 0 to 1439'],
    ['begins after the day', { kind: 'time-window', from: 1_440, to: 9 }, 'from of 0 to 1439'],
    ['ends after the day', { kind: 'time-window', from: 1, to: 1_441 }, 'from of 0 to 1439'],
    ['ends before the day', { kind: 'time-window', from: 1, to: -1 }, 'from of 0 to 1439'],
    ['ends as it begins', { kind: 'time-window', from: 9, to: 9 }, 'from of 0 to 1439'],
    ['begins at half a minute', { kind: 'time-window', from: 0.5, to: 9 }, 'from of 0 to 1439'],
    ['has an eighth day', { kind: 'time-window', days: [7], from: 1, to: 9 }, 'days of 0 to 6'],
    ['has no day', { kind: 'time-window', days: [], from: 1, to: 9 }, 'days of 0 to 6'],
    ['has a day twice', { kind: 'time-window', days: [1, 1], from: 1, to: 9 }, 'days of 0 to 6'],
    ['has days of text', { kind: 'time-window', days: '1', from: 1, to: 9 }, 'days of 0 to 6'],
    ['has a zone', { kind: 'time-window', from: 1, to: 9, zone: 'CET' }, 'days of 0 to 6'],
  ])('denies: it %s', (_, caveat, fault) => {
    const grant = world.grant({ caveats: [caveat as Caveat] })
    const denial = denied(world, world.request(grant))
    expect(codes(denial)).toEqual([C.caveatUnsupported])
    expect(denial.message).toContain(fault)
  })
})

/** Verifies: CAP-R105 */
describe('a grant held by a tool', () => {
  it.each(['search', 'constructor', '__proto__', 'my tool'])('is %s’s alone', (tool) => {
    const world = new World([toolKind])
    const resource = { kind: 'tool', name: 'x' }
    const holder = `tool/${tool}` as Grant['holder']
    const grant = world.grant({ holder, resource, actions: ['tool.call'] })
    const asked = { action: 'tool.call', resource: { name: 'x' } }
    expect(allowed(world, world.request(grant, { ...asked, tool })).grant).toBe(grant)
    for (const other of [{}, { tool: `${tool}x` }, { agent: 'search' }]) {
      const denial = denied(world, world.request(grant, { ...asked, ...other }))
      expect(denial).toMatchObject({ code: C.holderMismatch, data: { holder } })
    }
  })

  it('is not one that no tool can be called', () => {
    const world = new World()
    const grant = world.grant({ holder: 'tool/' as Grant['holder'] })
    expect(denied(world, world.request(grant)).code).toBe(C.chainBroken)
    const good = world.grant()
    for (const tool of ['', ' x', 'ü', 'x'.repeat(257), 7]) {
      const denial = denied(world, { ...world.request(good), tool })
      expect(denial).toMatchObject({ code: C.requestInvalid })
      expect(denial.message).toContain('its tool is the name of one')
    }
  })
})
