import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  canonicalize,
  declassifyLabel,
  endorseLabel,
  isTrusted,
  joinLabels,
  type Label,
  mayRead,
  readLabel,
  sameLabel,
  sourceLabel,
  TRUSTED_LABEL,
  UNKNOWN_LABEL,
  UNKNOWN_SOURCE,
} from '../src/index.ts'

/** Few names, so that labels meet; and hostile ones, so that nothing depends on what they are. */
const name = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom('a', 'b', 'net:x', '*', 'constructor', '__proto__') },
  { weight: 2, arbitrary: fc.nat(60).map((n) => `s${n}`) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', minLength: 1, maxLength: 200 }) },
)
const names = fc.array(name, { maxLength: 60 })
const raw = fc.record({ sources: names, readers: fc.option(fc.array(name, { maxLength: 90 })) })
const label = raw.map((given) => readLabel(given) ?? expect.unreachable())

/** Verifies: PRI-R17 */
describe('joining labels', () => {
  it('is associative, commutative and idempotent, also past the bounds', () => {
    fc.assert(
      fc.property(label, label, label, (a, b, c) => {
        expect(joinLabels(a, joinLabels(b, c))).toEqual(joinLabels(joinLabels(a, b), c))
        expect(joinLabels(a, b)).toEqual(joinLabels(b, a))
        expect(joinLabels(a, a)).toEqual(a)
        expect(joinLabels(a, b, c)).toEqual(joinLabels(c, b, a))
      }),
    )
  })

  it('has the trusted label as its neutral element, and is that when nothing is joined', () => {
    fc.assert(
      fc.property(label, (a) => {
        expect(joinLabels(TRUSTED_LABEL, a)).toEqual(a)
      }),
    )
    expect(joinLabels()).toEqual({ sources: [], readers: null })
  })

  it('never forgets that a source was untrusted and never lets more read', () => {
    fc.assert(
      fc.property(label, label, name, (a, b, someone) => {
        const both = joinLabels(a, b)
        expect(isTrusted(both)).toBe(isTrusted(a) && isTrusted(b))
        if (mayRead(both, someone)) expect(mayRead(a, someone) && mayRead(b, someone)).toBe(true)
        for (const source of [...a.sources, ...b.sources]) {
          expect(both.sources.includes(source) || both.sources.includes(UNKNOWN_SOURCE)).toBe(true)
        }
      }),
    )
  })
})

/** Verifies: PRI-R18 */
describe('the normal form of a label', () => {
  it('is sorted, free of repeats, bounded, and its own normal form', () => {
    fc.assert(
      fc.property(raw, (given) => {
        const read = readLabel(given) ?? expect.unreachable()
        expect(readLabel(read)).toEqual(read)
        const { sources, readers } = read
        for (const list of [sources, readers ?? []]) {
          expect(list).toEqual([...new Set(list)].sort())
          for (const each of list) expect(bytesOf(each)).toBeLessThanOrEqual(130)
        }
        expect(sources.length).toBeLessThanOrEqual(32)
        expect(readers?.length ?? 0).toBeLessThanOrEqual(64)
        expect(bytesOf(read)).toBeLessThanOrEqual(16_384)
        expect(sameLabel(read, readLabel(given) ?? UNKNOWN_LABEL)).toBe(true)
      }),
    )
  })

  it('stays untrusted when there are more sources than it tells, whatever is endorsed', () => {
    const many = Array.from({ length: 40 }, (_, i) => `net:${String(i).padStart(2, '0')}`)
    const full = readLabel({ sources: many, readers: null }) ?? expect.unreachable()
    expect(full.sources).toEqual(['*', ...many.slice(0, 31)])
    const told = endorseLabel(full, many)
    expect(told).toEqual({ sources: ['*'], readers: null })
    expect(isTrusted(endorseLabel(told, ['*']))).toBe(true)
    const exact = readLabel({ sources: many.slice(0, 32), readers: null })
    expect(exact?.sources).toEqual(many.slice(0, 32))
  })

  it('lets only the first readers read when there are more than it holds', () => {
    const many = Array.from({ length: 70 }, (_, i) => `os:${String(i).padStart(2, '0')}`)
    const full = readLabel({ sources: [], readers: many }) ?? expect.unreachable()
    expect([mayRead(full, 'os:63'), mayRead(full, 'os:64')]).toEqual([true, false])
  })

  it('tells long names by their beginning and the digest of the whole', () => {
    const long = `fs:${'a'.repeat(300)}`
    const [one] = sourceLabel(long).sources
    const [other] = sourceLabel(`${long}b`).sources
    expect(one).toMatch(/^fs:a+…#[0-9a-f]{64}$/)
    expect(one).not.toBe(other)
    expect(endorseLabel(sourceLabel(long), [long])).toEqual(TRUSTED_LABEL)
    const reader = readLabel({ sources: [], readers: [long] }) ?? expect.unreachable()
    expect([mayRead(reader, long), mayRead(reader, `${long}b`)]).toEqual([true, false])
  })
})

/** Verifies: PRI-R18 */
describe('reading a label', () => {
  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['a list', []],
    ['no sources', { readers: null }],
    ['no readers', { sources: [] }],
    ['inherited members', Object.create({ sources: [], readers: null })],
    ['another member', { sources: [], readers: null, trusted: true }],
    ['sources that are a text', { sources: 'a', readers: null }],
    ['an empty name', { sources: [''], readers: null }],
    ['a name that is a number', { sources: [1], readers: null }],
    ['a list with a hole', { sources: Array(1), readers: null }],
    ['readers that are no list', { sources: [], readers: 'everyone' }],
    ['too many names', { sources: Array(1_025).fill('a'), readers: null }],
  ])('refuses %s', (_, value) => {
    expect(readLabel(value)).toBe(undefined)
  })

  it('gives a frozen copy', () => {
    const sources = ['b', 'a']
    const read = readLabel({ sources, readers: ['r'] }) as Label
    sources.push('c')
    expect(read).toEqual({ sources: ['a', 'b'], readers: ['r'] })
    expect(Object.isFrozen(read) && Object.isFrozen(read.sources)).toBe(true)
  })

  it('answers anything at all with a label or with none', () => {
    fc.assert(
      fc.property(fc.anything(), (value) => {
        const read = readLabel(value)
        if (read !== undefined) canonicalize(read)
      }),
    )
  })
})

/** Verifies: PRI-R19 */
describe('widening a label', () => {
  it('removes exactly the sources that are endorsed', () => {
    fc.assert(
      fc.property(label, names, (a, vouched) => {
        const { sources, readers } = endorseLabel(a, vouched)
        const gone = sourcesOf(vouched)
        expect(sources).toEqual(a.sources.filter((source) => !gone.has(source)))
        expect(readers).toEqual(a.readers)
      }),
    )
  })

  it('adds exactly the readers that are let in', () => {
    fc.assert(
      fc.property(label, fc.option(fc.array(name, { maxLength: 5 })), name, (a, more, someone) => {
        const wider = declassifyLabel(a, more)
        expect(wider.sources).toEqual(a.sources)
        if (more === null) expect(wider.readers).toBe(null)
        if (mayRead(wider, someone) && !mayRead(a, someone)) {
          expect(more === null || sourcesOf(more).has(someone)).toBe(true)
        }
      }),
    )
    const few = readLabel({ sources: [], readers: ['os:bob'] }) ?? expect.unreachable()
    expect(declassifyLabel(few, ['os:alice']).readers).toEqual(['os:alice', 'os:bob'])
    expect(declassifyLabel(UNKNOWN_LABEL, null).readers).toBe(null)
  })
})

function bytesOf(value: unknown): number {
  return Buffer.byteLength(canonicalize(value))
}

/** The names as a label holds them. */
function sourcesOf(given: readonly string[]): ReadonlySet<string> {
  return new Set(given.flatMap((each) => [each, ...sourceLabel(each).sources]))
}
