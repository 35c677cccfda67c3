import type { JsonObject } from '@ice/primitives'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { memoryKind, modelKind, secretKind, spawnKind } from '../src/index.ts'
import type { Resource, ResourceKind } from '../src/ports.ts'

const many = Array.from({ length: 257 }, (_, at) => `n${at}`)

interface Kind {
  readonly kind: ResourceKind
  readonly accepted: readonly JsonObject[]
  readonly refused: readonly (readonly [JsonObject, string])[]
  readonly within: readonly (readonly [JsonObject, JsonObject])[]
  readonly outside: readonly (readonly [JsonObject, JsonObject, string])[]
  /** What a parent, a child and the parent's answer to it are. */
  readonly exceeding: readonly (readonly [JsonObject, JsonObject, string])[]
}

const KINDS: readonly Kind[] = [
  {
    kind: secretKind,
    accepted: [
      { names: ['api'] },
      { names: ['constructor', '__proto__', 'a.b/c_d-e'] },
      { prefixes: ['team/billing'], origins: ['https://api.example.com'] },
      { names: ['a'], origins: ['http://127.0.0.1:8080', 'https://[::1]:8443'] },
      { names: ['a'], programs: ['/usr/bin/git', 'C:/git/git.exe'] },
      { names: many.slice(0, 256) },
      { prefixes: ['x'.repeat(256)] },
      { names: ['a'], origins: ['http://a.example:443', 'https://a.example:80'] },
      { names: ['a'], origins: ['https://a.example:65535', 'http://[2001:db8::1]'] },
    ],
    refused: [
      [{}, 'has names or prefixes'],
      [{ names: [] }, '"names" is a list, not empty'],
      [{ names: many }, 'more than 256'],
      [{ names: ['a'], extra: 1 }, 'has the members'],
      [{ names: ['../a'] }, 'no name in segments'],
      [{ names: ['a//b'] }, 'no name in segments'],
      [{ names: ['a/'] }, 'no name in segments'],
      [{ names: ['*'] }, 'no name in segments'],
      [{ prefixes: [''] }, 'no name in segments'],
      [{ prefixes: ['x'.repeat(257)] }, 'no name in segments'],
      [{ names: ['a'], origins: ['https://api.example.com/'] }, 'no origin'],
      [{ names: ['a'], origins: ['https://u@api.example.com'] }, 'is no host'],
      [{ names: ['a'], origins: ['https://api.example.com:443'] }, 'the usual one'],
      [{ names: ['a'], origins: ['https://api.example.com:65536'] }, 'the port'],
      [{ names: ['a'], origins: ['https://*'] }, 'is no host'],
      [{ names: ['a'], origins: ['ftp://a.example'] }, 'no origin'],
      [{ names: ['a'], origins: ['https://API.example.com'] }, 'is no host'],
      [{ names: ['a'], programs: ['git'] }, 'no absolute path'],
      [{ names: ['a'], programs: ['/usr/../bin/git'] }, '".."'],
      [{ names: ['a'], programs: ['/'] }, 'empty segment'],
      [{ names: ['a'], programs: ['/.'] }, 'is no folder'],
      [{ names: ['a'], programs: ['C:/git/nul'] }, 'names a device'],
      [{ names: ['a'], programs: [7] }, 'a program is a path, not number'],
      [{ names: ['a'], origins: [7] }, 'no origin'],
      [{ names: ['a'], origins: [['https://a.example']] }, 'no origin'],
      [{ names: ['a'], origins: ['http://a.example:80'] }, 'the usual one'],
    ],
    within: [
      [{ names: ['a'] }, { name: 'a' }],
      [{ prefixes: ['a'] }, { name: 'a/b' }],
      [{ prefixes: ['a'] }, { name: 'a' }],
      [
        { names: ['a'], origins: ['https://x.example'] },
        { name: 'a', origin: 'https://x.example' },
      ],
      [
        { names: ['a'], programs: ['/bin/git'] },
        { name: 'a', program: '/bin/git' },
      ],
    ],
    outside: [
      [{ names: ['a'] }, { name: 'a/b' }, 'none of'],
      [{ prefixes: ['a'] }, { name: 'ab' }, 'none of'],
      [{ names: ['a'] }, { name: 'A' }, 'none of'],
      [{ names: ['a'] }, { name: 'toString' }, 'none of'],
      [{ names: ['a'] }, { name: 7 }, 'no name in segments'],
      [{ names: ['a'] }, {}, 'no name in segments'],
      [{ names: ['a'] }, { name: 'a', host: 'x' }, 'a claim on'],
      [{ names: ['a'] }, { name: 'a', origin: 'https://x.example' }, 'none is'],
      [{ names: ['a'] }, { name: 'a', program: '/bin/git' }, 'none is'],
      [
        { names: ['a'], origins: ['https://x.example'] },
        { name: 'a', origin: 'https://x.example:444' },
        'none of',
      ],
      [
        { names: ['a'], origins: ['https://x.example'] },
        { name: 'a', origin: ['https://x.example'] },
        'none of',
      ],
      [
        { names: ['a'], prefixes: ['b'] },
        { name: 'c', origin: 7 },
        'the secret "c" is none of "a", "b"',
      ],
      [
        { names: ['a'], programs: ['/bin/git', '/bin/sh'] },
        { name: 'a', program: '/bin/ssh' },
        'the program "/bin/ssh" is none of "/bin/git", "/bin/sh"',
      ],
      [
        { names: ['a'], programs: ['/bin/git'] },
        { name: 'a', origin: '/bin/git' },
        'the origin "/bin/git" is not held: none is',
      ],
    ],
    exceeding: [
      [{ names: ['a'] }, { names: ['a', 'b', 'c'] }, 'the names "b", "c" are more than'],
      [{ names: ['a'] }, { prefixes: ['a'] }, 'the prefixes "a" are more than'],
      [{ prefixes: ['a/b'] }, { prefixes: ['a'] }, 'the prefixes "a" are more than'],
      [{ names: ['a'] }, { names: ['a'], origins: ['https://x.example'] }, 'the origins "https:'],
      [{ names: ['a'] }, { names: ['a'], programs: ['/bin/a'] }, 'the programs "/bin/a" are'],
    ],
  },
  {
    kind: modelKind,
    accepted: [
      { models: ['anthropic/large-4'] },
      { models: ['router/meta/small:8b'], maxOutputTokens: 4_096 },
      { providers: ['local'] },
      { models: [`a/${'x'.repeat(256)}`], maxOutputTokens: 1 },
      { providers: ['x'.repeat(64)], maxOutputTokens: 1_000_000_000 },
      { providers: many.slice(0, 256) },
    ],
    refused: [
      [{}, 'has models or providers'],
      [{ models: ['large'] }, 'has no provider'],
      [{ models: ['/large'] }, 'no name of a provider'],
      [{ models: ['a/'] }, 'no id of a model'],
      [{ models: ['a/b c'] }, 'no id of a model'],
      [{ models: [7] }, 'a model is text'],
      [{ providers: ['*'] }, 'no name of a provider'],
      [{ providers: ['a'], maxOutputTokens: 0 }, 'a number from 1'],
      [{ providers: ['a'], maxOutputTokens: 1.5 }, 'a number from 1'],
      [{ providers: ['a'], temperature: 1 }, 'has the members'],
      [{ models: [`a/${'x'.repeat(257)}`] }, 'no id of a model'],
      [{ providers: ['x'.repeat(65)] }, 'no name of a provider'],
      [{ providers: many }, 'more than 256'],
      [{ providers: ['a'], maxOutputTokens: 1_000_000_001 }, 'from 1 to 1000000000, not number'],
    ],
    within: [
      [{ models: ['a/b'] }, { provider: 'a', model: 'b' }],
      [{ providers: ['a'] }, { provider: 'a', model: 'b/c' }],
      [
        { models: ['a/b'], maxOutputTokens: 10 },
        { provider: 'a', model: 'b', maxOutputTokens: 10 },
      ],
    ],
    outside: [
      [{ models: ['a/b'] }, { provider: 'a', model: 'B' }, 'none of'],
      [{ providers: ['a'] }, { provider: 'ab', model: 'c' }, 'none of'],
      [{ models: ['a/b/c'] }, { provider: 'a/b', model: 'c' }, 'no name of a provider'],
      [{ models: ['a/b'], maxOutputTokens: 9 }, { provider: 'a', model: 'b' }, 'no bound'],
      [
        { models: ['a/b'], maxOutputTokens: 9 },
        { provider: 'a', model: 'b', maxOutputTokens: 10 },
        'more than 9',
      ],
      [{ models: ['a/b'] }, { provider: 'a', model: 'b', maxOutputTokens: -1 }, 'from 1'],
      [{ models: ['a/b'] }, { model: 'b' }, 'no name of a provider'],
      [{ models: ['a/b'] }, { provider: 'a', model: 'b', tools: [] }, 'a claim on'],
      [{ models: ['a/b'] }, { provider: 'a' }, 'undefined is no id of a model'],
      [{ models: ['a/b'] }, { provider: 'a', model: 7 }, 'number is no id of a model'],
      [
        { models: ['a/b'], providers: ['c'] },
        { provider: 'd', model: 'b' },
        'the model "d/b" is none of "a/b", "c"',
      ],
    ],
    exceeding: [
      [{ models: ['a/b'] }, { models: ['a/b', 'a/c'] }, 'the models "a/c" are more than'],
      [{ models: ['a/b'] }, { providers: ['a'] }, 'the providers "a" are more than'],
      [{ providers: ['a'], maxOutputTokens: 9 }, { providers: ['a'] }, 'no bound of output is'],
      [
        { providers: ['a'], maxOutputTokens: 9 },
        { providers: ['a'], maxOutputTokens: 10 },
        '10 tokens of output are more than 9',
      ],
    ],
  },
  {
    kind: memoryKind,
    accepted: [
      { spaces: ['team/notes'], types: ['preference'] },
      { spaces: many.slice(0, 256), types: ['x'.repeat(64)] },
    ],
    refused: [
      [{ spaces: ['a'] }, 'has the members'],
      [{ types: ['a'] }, 'has the members'],
      [{ spaces: [], types: ['a'] }, '"spaces" is a list'],
      [{ spaces: ['a'], types: ['*'] }, 'no type'],
      [{ spaces: ['.'], types: ['a'] }, 'no name in segments'],
      [{ spaces: ['a'], types: ['a'], readers: [] }, 'has the members'],
      [{ spaces: ['a'], types: [] }, '"types" is a list'],
      [{ spaces: ['a'], types: [7] }, 'number is no type of a record'],
      [{ spaces: ['a'], types: ['x'.repeat(65)] }, 'no type'],
      [{ spaces: many, types: ['a'] }, 'more than 256'],
    ],
    within: [
      [
        { spaces: ['a'], types: ['t', 'u'] },
        { space: 'a/b', types: ['u'] },
      ],
    ],
    outside: [
      [
        { spaces: ['a', 'b'], types: ['t'] },
        { space: 'ab', types: ['t'] },
        'the space "ab" is none of "a", "b"',
      ],
      [{ spaces: ['a'], types: ['t'] }, { space: 'a', types: ['t', 'u'] }, 'not among'],
      [{ spaces: ['a'], types: ['t'] }, { space: 'a', types: [] }, '"types" is a list'],
      [{ spaces: ['a'], types: ['t'] }, { space: 'a' }, '"types" is a list'],
      [{ spaces: ['a/b'], types: ['t'] }, { space: 'a', types: ['t'] }, 'none of'],
      [{ spaces: ['a'], types: ['t'] }, { space: 'a', types: ['t'], as: 1 }, 'a claim on "memory"'],
      [{ spaces: ['a'], types: ['t'] }, { space: 7, types: ['t'] }, 'no name in segments'],
      [{ spaces: ['a'], types: ['t'] }, { space: 'a', types: ['*'] }, 'no type of a record'],
      [
        { spaces: ['a'], types: ['t', 'u'] },
        { space: 'a', types: ['v', 't', 'w'] },
        'the types "v", "w" are not among "t", "u"',
      ],
    ],
    exceeding: [
      [
        { spaces: ['a/b', 'c'], types: ['t'] },
        { spaces: ['a', 'c/d'], types: ['t'] },
        'the spaces "a" are more than',
      ],
      [
        { spaces: ['a'], types: ['t'] },
        { spaces: ['a'], types: ['t', 'u'] },
        'the types "u" are more than',
      ],
    ],
  },
  {
    kind: spawnKind,
    accepted: [
      { programs: [{ name: 'survey', version: '1.2.0' }] },
      { names: ['survey'], depthMax: 32, widthMax: 10_000 },
      { names: ['x'.repeat(256)], depthMax: 1, widthMax: 1 },
      { programs: many.slice(0, 256).map((name) => ({ name, version: '1' })) },
    ],
    refused: [
      [{}, 'has programs or names'],
      [{ programs: ['survey'] }, 'a program is { name, version }'],
      [{ programs: [{ name: 'survey' }] }, 'no name, or no version'],
      [{ programs: [{ name: 'a', version: '1', digest: 'x' }] }, 'a program is'],
      [{ names: ['a'], depthMax: 33 }, 'from 1 to 32'],
      [{ names: ['a'], widthMax: 0 }, 'from 1 to 10000'],
      [{ names: [' a'] }, 'no name'],
      [{ names: ['x'.repeat(257)] }, 'no name'],
      [{ names: [7] }, 'number is no name'],
      [{ names: ['a'], depthMax: 0 }, 'from 1 to 32'],
      [{ names: ['a'], widthMax: 10_001 }, 'from 1 to 10000'],
      [{ names: ['a'], budget: 1 }, 'has the members'],
      [{ programs: [{ name: '', version: '1' }] }, 'no name, or no version'],
    ],
    within: [
      [{ names: ['a'] }, { program: 'a', version: '9', depth: 1, width: 1 }],
      [
        { programs: [{ name: 'a', version: '1' }], depthMax: 2, widthMax: 3 },
        { program: 'a', version: '1', depth: 2, width: 3 },
      ],
    ],
    outside: [
      [
        { programs: [{ name: 'a', version: '1' }] },
        { program: 'a', version: '2', depth: 1, width: 1 },
        'none of',
      ],
      [{ names: ['a'] }, { program: 'a', version: '1', depth: 2, width: 1 }, 'depth of 1'],
      [{ names: ['a'] }, { program: 'a', version: '1', depth: 1, width: 2 }, 'width of 1'],
      [{ names: ['a'] }, { program: 'a', version: '1', depth: 1 }, 'a claim on'],
      [{ names: ['a'] }, { program: 'a', version: '1', depth: 0, width: 1 }, 'from 1'],
      [
        { programs: [{ name: 'a","b', version: 'c' }] },
        { program: 'a', version: 'b","c', depth: 1, width: 1 },
        'none of',
      ],
      [
        { names: ['a'], programs: [{ name: 'b', version: '1' }] },
        { program: 'c', version: '2', depth: 1, width: 1 },
        'the program "c" "2" is none of "a", "[',
      ],
      [{ names: ['a'] }, { program: 'a', version: '', depth: 1, width: 1 }, 'no version'],
      [{ names: ['a'] }, { program: '', version: '1', depth: 1, width: 1 }, 'no name'],
      [{ names: ['a'] }, { program: 'a', version: '1', depth: 33, width: 1 }, '"depth" is a'],
      [{ names: ['a'] }, { program: 'a', version: '1', depth: 1, width: 10_001 }, '"width" is a'],
      [{ names: ['a'] }, { program: 'a', version: '1', depth: 1, width: 1, by: 1 }, 'a claim on'],
      [
        { names: ['a'], depthMax: 3, widthMax: 2 },
        { program: 'a', version: '1', depth: 3, width: 3 },
        '3 is more than the width of 2',
      ],
    ],
    exceeding: [
      [{ names: ['a'] }, { names: ['b'] }, 'the names "b" are more than'],
      [
        { programs: [{ name: 'a', version: '1' }] },
        { programs: [{ name: 'a', version: '2' }] },
        'the programs "a 2" are more than',
      ],
      [{ programs: [{ name: 'a', version: '1' }] }, { names: ['a'] }, 'the names "a" are more'],
      [{ names: ['a'] }, { names: ['a'], depthMax: 2 }, '2 is more than the depth of 1'],
      [{ names: ['a'] }, { names: ['a'], widthMax: 2 }, '2 is more than the width of 1'],
      [{ names: ['a'], depthMax: 4 }, { names: ['a'], depthMax: 5 }, '5 is more than the depth'],
    ],
  },
]

const of = (kind: ResourceKind, members: JsonObject): Resource => ({
  kind: kind.kind,
  ...members,
})

/** Verifies: CAP-R120, CAP-R121, CAP-R122, CAP-R123 */
describe('the kinds that go by names', () => {
  it('have the names that grants call them by', () => {
    const called = KINDS.map(({ kind }) => kind.kind)
    expect(called).toEqual(['secret', 'model', 'memory', 'spawn'])
  })
})

/** Verifies: CAP-R120, CAP-R121, CAP-R122, CAP-R123 */
describe.each(KINDS)('$kind.kind', ({ kind, accepted, refused, within, outside, exceeding }) => {
  it.each(accepted)('accepts %j', (members) => {
    expect(kind.checkResource(of(kind, members))).toBeUndefined()
  })

  it.each(refused)('refuses %j: %s', (members, why) => {
    expect(kind.checkResource(of(kind, members))).toContain(why)
  })

  it.each(within)('%j holds %j', (members, claim) => {
    expect(kind.checkResource(of(kind, members))).toBeUndefined()
    expect(kind.refuses(of(kind, members), 'do', claim)).toBeUndefined()
  })

  it.each(outside)('%j does not hold %j: %s', (members, claim, why) => {
    expect(kind.checkResource(of(kind, members))).toBeUndefined()
    expect(kind.refuses(of(kind, members), 'do', claim)).toContain(why)
  })

  it.each(exceeding)('%j does not hold the child %j: %s', (parent, child, why) => {
    expect(kind.checkResource(of(kind, parent))).toBeUndefined()
    expect(kind.checkResource(of(kind, child))).toBeUndefined()
    expect(kind.exceeds(of(kind, parent), of(kind, child))).toContain(why)
  })
})

const some = <T>(...values: readonly T[]): fc.Arbitrary<T[]> =>
  fc.uniqueArray(fc.constantFrom(...values), { minLength: 1, maxLength: values.length })
const names = some('a', 'a/b', 'a/b/c', 'ab', 'b')
const origins = some('https://x.example', 'http://x.example', 'https://x.example:444')
const bound = fc.integer({ min: 1, max: 3 })
const version = { name: fc.constantFrom('p', 'q'), version: fc.constantFrom('1', '2') }
const programs = fc.array(fc.record(version), { minLength: 1, maxLength: 3 })

const ARBITRARIES: readonly (readonly [
  ResourceKind,
  fc.Arbitrary<JsonObject>,
  fc.Arbitrary<JsonObject>,
])[] = [
  [
    secretKind,
    fc.record(
      { names, prefixes: names, origins, programs: some('/bin/a', '/bin/b') },
      { requiredKeys: [] },
    ),
    fc.record(
      {
        name: fc.constantFrom('a', 'a/b', 'a/b/c', 'ab', 'b', 'b/x'),
        origin: fc.constantFrom('https://x.example', 'http://x.example'),
        program: fc.constantFrom('/bin/a', '/bin/b', '/bin/c'),
      },
      { requiredKeys: ['name'] },
    ),
  ],
  [
    modelKind,
    fc.record(
      { models: some('a/m', 'a/n', 'b/m'), providers: some('a', 'b'), maxOutputTokens: bound },
      { requiredKeys: [] },
    ),
    fc.record(
      {
        provider: fc.constantFrom('a', 'b', 'c'),
        model: fc.constantFrom('m', 'n'),
        maxOutputTokens: bound,
      },
      { requiredKeys: ['provider', 'model'] },
    ),
  ],
  [
    memoryKind,
    fc.record({ spaces: names, types: some('t', 'u') }),
    fc.record({ space: fc.constantFrom('a', 'a/b/d', 'ab', 'b'), types: some('t', 'u') }),
  ],
  [
    spawnKind,
    fc.record(
      { programs, names: some('p', 'q'), depthMax: bound, widthMax: bound },
      { requiredKeys: [] },
    ),
    fc.record({
      program: fc.constantFrom('p', 'q'),
      version: fc.constantFrom('1', '2', '3'),
      depth: bound,
      width: bound,
    }),
  ],
] as never

/** Verifies: CAP-R124 */
describe.each(ARBITRARIES)('$kind / containment', (kind, members, claims) => {
  const resources = members
    .map((one) => of(kind, one))
    .filter((resource) => kind.checkResource(resource) === undefined)

  it('a child that does not exceed its parent allows nothing that the parent refuses', () => {
    let held = 0
    const holds = fc.property(resources, resources, claims, (parent, child, claim) => {
      if (kind.exceeds(parent, child) !== undefined) return
      if (kind.refuses(child, 'do', claim) !== undefined) return
      held += 1
      expect(kind.refuses(parent, 'do', claim)).toBeUndefined()
    })
    fc.assert(holds, { numRuns: 3_000, seed: 7 })
    expect(held).toBeGreaterThan(10)
  })

  it('what exceeds does so for a reason: a resource does not exceed itself', () => {
    fc.assert(fc.property(resources, (one) => kind.exceeds(one, one) === undefined))
  })

  it('is total over any JSON', () => {
    const json = fc.dictionary(fc.string(), fc.jsonValue()) as fc.Arbitrary<JsonObject>
    const total = fc.property(resources, json, (resource, any) => {
      expect(typeof kind.refuses(resource, 'do', any)).toBe('string')
      expect(['string', 'undefined']).toContain(typeof kind.checkResource(of(kind, any)))
    })
    fc.assert(total)
  })
})
