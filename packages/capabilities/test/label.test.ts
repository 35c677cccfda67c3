import { type JsonObject, type JsonValue, type Label, sourceLabel } from '@ice/primitives'
import { describe, expect, it } from 'vitest'
import { caveatFault } from '../src/caveat.ts'
import { CAPABILITIES_CODES } from '../src/errors.ts'
import { decide } from '../src/index.ts'
import type { Caveat } from '../src/ports.ts'
import { expectRecordable } from './recordable.ts'
import { codes, denied } from './verdicts.ts'
import { World } from './world.ts'

const C = CAPABILITIES_CODES
const TRUSTED: Label = { sources: [], readers: null }
const MALLORY: Label = sourceLabel('net:mallory.example')
const SECRET: Label = { sources: [], readers: ['os:alice'] }

type Labels = Readonly<Record<string, Label>>

function ask(caveats: readonly Caveat[], args: JsonValue, labels?: unknown) {
  const world = new World()
  const grant = world.grant({ caveats })
  const given = labels === undefined ? {} : { labels: labels as Labels }
  const request = world.request(grant, { arguments: args, ...given })
  return { decision: decide(world.state, request), denial: () => denied(world, request) }
}

const isAllowed = (caveats: readonly Caveat[], args: JsonValue, labels?: unknown): boolean =>
  'ok' in ask(caveats, args, labels).decision

const trusted = (...paths: string[]): Caveat => ({ kind: 'trusted', paths })
const readers = (paths: string[], ...include: string[]): Caveat => ({
  kind: 'readers',
  paths,
  include,
})

/** Verifies: CAP-R80 */
describe('a grant that wants arguments to be trusted', () => {
  const args = { to: 'bob', body: 'hello', cc: ['carol', 'dave'] }

  it('allows what comes from nobody who would have to be mistrusted', () => {
    expect(isAllowed([trusted('/to')], args, { '': TRUSTED })).toBe(true)
    expect(isAllowed([trusted('/to')], args, { '': MALLORY, '/to': TRUSTED })).toBe(true)
    expect(isAllowed([trusted('')], args, { '': TRUSTED })).toBe(true)
  })

  it('denies what a stranger wrote, and says where it stands and who that was', () => {
    const { denial } = ask([trusted('/to')], args, { '': TRUSTED, '/to': MALLORY })
    const { code, message, data } = denial()
    expect(code).toBe(C.argumentUntrusted)
    expect(message).toMatch(/wants "\/to" to be trusted, and it comes from "net:mallory.example"/)
    expect(message).toMatch(/a person who endorses them/)
    expect(data).toMatchObject({ paths: [{ path: '/to', from: ['net:mallory.example'] }] })
  })

  it('tells of two places and four sources, and counts the others', () => {
    const sources = (n: number) => Array.from({ length: n }, (_, i) => `net:${i}.example`)
    const told = (places: number, names: number) => {
      const paths = Array.from({ length: places }, (_, i) => `/p${i}`)
      const given = Object.fromEntries(paths.map((path) => [path.slice(1), 1]))
      const labels = { '': { sources: sources(names), readers: null } }
      const { message, data } = ask([trusted(...paths)], given, labels).denial()
      return { message, data: { ...data, grant: undefined } }
    }
    const from = sources(4)
    expect(told(2, 4).data).toEqual({
      paths: [
        { path: '/p0', from },
        { path: '/p1', from },
      ],
    })
    expect(told(1, 4).message).toMatch(/"net:3.example"\. A value/)
    expect(told(2, 4).message).toContain('"net:3.example" (and 1 more paths like it). A value')
    expect(told(4, 5).data).toEqual({
      paths: [
        { path: '/p0', from, more: 1 },
        { path: '/p1', from, more: 1 },
      ],
      more: 2,
    })
    expect(told(4, 5).message).toContain('"net:3.example" and 1 more (and 3 more paths like it).')
    expect(ask([trusted('')], args, { '': MALLORY }).denial().message).toContain(
      'wants all arguments to be trusted',
    )
  })

  it('tells of one place once, with everybody whom several rules show it to', () => {
    const rules = [readers(['/to'], 'os:bob'), readers(['/to'], 'os:carol')]
    const { data, message } = ask(rules, args, { '': SECRET }).denial()
    expect(data['paths']).toEqual([{ path: '/to', to: ['os:bob', 'os:carol'] }])
    expect(message).toContain('shows "/to" to "os:bob", "os:carol", who may not')
  })

  it('takes a value for as little trusted as the least trusted that it holds', () => {
    const labels = { '': TRUSTED, '/cc/1': MALLORY }
    expect(isAllowed([trusted('/cc')], args, labels)).toBe(false)
    expect(isAllowed([trusted('')], args, labels)).toBe(false)
    expect(isAllowed([trusted('/cc/0')], args, labels)).toBe(true)
  })

  it('takes a place without a label of its own for that of the nearest above it', () => {
    const labels = { '': TRUSTED, '/cc': MALLORY }
    expect(isAllowed([trusted('/cc/0')], args, labels)).toBe(false)
    expect(isAllowed([trusted('/cc/0')], args, { ...labels, '/cc/0': TRUSTED })).toBe(true)
    expect(isAllowed([trusted('/cc')], args, { ...labels, '/cc/0': TRUSTED })).toBe(false)
  })

  it('takes a place that is blocked for all of what blocks it', () => {
    // `/to` is a text: whatever is labelled below it is of it, whichever pointer was meant.
    const labels = { '': TRUSTED, '/to/1': MALLORY }
    expect(isAllowed([trusted('/to/0')], args, labels)).toBe(false)
    expect(isAllowed([trusted('/to/0')], args, { '': TRUSTED, '/cc/1': MALLORY })).toBe(true)
  })

  it('knows names that begin alike apart', () => {
    expect(isAllowed([trusted('/to')], args, { '': TRUSTED, '/top': MALLORY })).toBe(true)
    const escaped = { '': TRUSTED, '/a~1b': MALLORY }
    expect(isAllowed([trusted('/a')], { a: 1, 'a/b': 2 }, escaped)).toBe(true)
  })

  it('takes a pointer to nothing for trusted, but not one whose way is blocked', () => {
    const labels = { '': MALLORY }
    expect(isAllowed([trusted('/bcc')], args, labels)).toBe(true)
    expect(isAllowed([trusted('/constructor')], args, labels)).toBe(true)
    expect(isAllowed([trusted('/to/0')], args, labels)).toBe(false)
    expect(isAllowed([trusted('/cc/address')], args, labels)).toBe(false)
    expect(isAllowed([trusted('/to/0')], { to: 'bob' }, { '': MALLORY, '/to': TRUSTED })).toBe(true)
  })

  it('holds the link above to it too', () => {
    const world = new World()
    const root = world.grant({ delegable: 1, caveats: [trusted('/to')] })
    const leaf = world.grant({ parent: root, caveats: [trusted('/body')] })
    const given = { arguments: args, labels: { '': MALLORY } }
    const { causes } = denied(world, world.request(leaf, given))
    expect(causes[0]).toMatchObject({ code: C.argumentUntrusted, data: { grant: leaf } })
    expect(causes[0]?.causes[0]).toMatchObject({ data: { grant: root } })
  })
})

/** Verifies: CAP-R81 */
describe('a grant that shows arguments to others', () => {
  const args = { body: 'hello' }

  it('allows what they all may read', () => {
    expect(isAllowed([readers(['/body'], 'os:bob')], args, { '': TRUSTED })).toBe(true)
    expect(isAllowed([readers(['/body'], 'os:alice')], args, { '': SECRET })).toBe(true)
    expect(isAllowed([readers(['/body'], 'os:bob')], args, { '': MALLORY })).toBe(true)
  })

  it('denies what one of them may not read, and says who', () => {
    const { denial } = ask([readers(['/body'], 'os:alice', 'os:bob')], args, { '': SECRET })
    const { code, message, data } = denial()
    expect(code).toBe(C.readersExceeded)
    expect(message).toMatch(/shows "\/body" to "os:bob", who may not read it/)
    expect(data).toMatchObject({ paths: [{ path: '/body', to: ['os:bob'] }] })
  })

  it('is told of beside what is not trusted, and after it', () => {
    const both = { sources: ['net:x'], readers: [] }
    const caveats = [readers(['/body'], 'os:bob'), trusted('/body')]
    const { denial } = ask(caveats, args, { '': both })
    expect(codes(denial())).toEqual([C.argumentUntrusted, C.readersExceeded])
  })
})

/** Verifies: CAP-R82 */
describe('labels that are not known', () => {
  const both = [trusted('/a'), readers(['/a'], 'os:alice')]
  const args = { a: 1 }
  const unknown: readonly [string, unknown][] = [
    ['left out', undefined],
    ['a list', [TRUSTED]],
    ['null', null],
    ['without the whole', { '/b': TRUSTED }],
    ['empty', {}],
    ['under no pointer', { '': TRUSTED, a: TRUSTED }],
    ['no label', { '': TRUSTED, '/a': 'trusted' }],
    ['no label elsewhere', { '': TRUSTED, '/b': { sources: [] } }],
    ['inherited', Object.create({ '': TRUSTED })],
    ['too many', { '': TRUSTED, ...pointers(64) }],
    [
      'a proxy that throws',
      new Proxy(
        {},
        {
          ownKeys() {
            throw new Error('mine')
          },
        },
      ),
    ],
  ]

  it.each(unknown)('%s: from anywhere and for nobody', (_, labels) => {
    expect(codes(ask(both, args, labels).denial())).toEqual([
      C.argumentUntrusted,
      C.readersExceeded,
    ])
  })

  it.each(unknown)('%s: of no matter to a grant that does not ask', (_, labels) => {
    expect(isAllowed([], args, labels)).toBe(true)
    expect(isAllowed([{ kind: 'count', max: 1 }], args, labels)).toBe(true)
  })

  it('are what arguments have that cannot be read', () => {
    const hostile = {
      get a(): never {
        throw new Error('mine')
      },
    }
    expect(isAllowed([trusted('/a')], hostile as JsonObject, { '': TRUSTED })).toBe(false)
  })
})

/** Verifies: CAP-R83 */
describe('a caveat on labels', () => {
  it.each<[string, Record<string, unknown>]>([
    ['without paths', { kind: 'trusted' }],
    ['with no path', { kind: 'trusted', paths: [] }],
    ['with a path that is none', { kind: 'trusted', paths: ['to'] }],
    ['with a path that is no text', { kind: 'trusted', paths: [7] }],
    ['with too many paths', { kind: 'trusted', paths: Array(33).fill('/a') }],
    ['with another member', { kind: 'trusted', paths: ['/a'], unless: 'friday' }],
    ['without readers', { kind: 'readers', paths: ['/a'] }],
    ['with no reader', { kind: 'readers', paths: ['/a'], include: [] }],
    ['with a reader without a name', { kind: 'readers', paths: ['/a'], include: [''] }],
    ['with everyone', { kind: 'readers', paths: ['/a'], include: null }],
    ['with too many readers', { kind: 'readers', paths: ['/a'], include: Array(65).fill('b') }],
  ])('%s is not understood, and denies', (_, caveat) => {
    expect(caveatFault(caveat)).toMatch(/caveat (has|includes) 1 to \d+/)
    const world = new World()
    const grant = world.grant({ caveats: [caveat as never] })
    const labels = { '': TRUSTED }
    expect(codes(denied(world, world.request(grant, { labels })))).toEqual([C.caveatUnsupported])
  })

  it('is denied in words that fit into an event, however long its paths and names are', () => {
    const paths = Array.from({ length: 32 }, (_, i) => `/${i}${'\u0001'.repeat(400)}`)
    const names = Array.from({ length: 64 }, (_, i) => `${i}${'\u202e'.repeat(40)}`)
    const world = new World()
    const caveats: Caveat[] = [trusted(...paths), readers(paths.slice(0, 8), ...names)]
    const root = world.grant({ delegable: 3, caveats })
    const middle = world.grant({ parent: root, delegable: 2, caveats })
    const leaf = world.grant({ parent: middle, caveats })
    const args = Object.fromEntries(paths.map((path) => [path.slice(1), 1]))
    const labels = { '': { sources: names.slice(0, 32), readers: [] } }
    expectRecordable(denied(world, world.request(leaf, { arguments: args, labels })))
  })
})

function pointers(count: number): Labels {
  return Object.fromEntries(Array.from({ length: count }, (_, i) => [`/${i}`, TRUSTED]))
}
