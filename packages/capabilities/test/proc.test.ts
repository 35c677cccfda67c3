import type { JsonObject } from '@ice/primitives'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type ArgumentRule, type ArgumentWord, composeKinds, procKind } from '../src/index.ts'
import type { Resource } from '../src/ports.ts'

const GIT = { path: '/usr/bin/git', args: { words: ['status'] } }

const proc = (members: JsonObject = {}): Resource => ({
  kind: 'proc',
  programs: [GIT],
  root: '/srv/work',
  ...members,
})

const claim = (members: JsonObject = {}): JsonObject => ({
  program: '/usr/bin/git',
  args: ['status'],
  env: [],
  cwd: '.',
  write: false,
  network: false,
  sandbox: 'required',
  ...members,
})

const asks = (resource: Resource, members: JsonObject = {}): string | undefined =>
  procKind.refuses(resource, 'proc.run', claim(members))

/** What a program that has one entry is told of arguments. */
const told = (args: ArgumentRule | undefined, words: readonly string[]): string | undefined => {
  const program = args === undefined ? { path: '/bin/x' } : { path: '/bin/x', args }
  const resource = proc({ programs: [program as unknown as JsonObject] })
  expect(procKind.checkResource(resource)).toBeUndefined()
  return asks(resource, { program: '/bin/x', args: words })
}

const OPEN = { write: true, network: true }

/** Verifies: CAP-R30 */
describe('proc / resources', () => {
  it.each<JsonObject>([
    {},
    { programs: [{ path: '/usr/bin/true' }] },
    { programs: [GIT, { path: '/usr/bin/git', args: { words: ['log'] } }] },
    { env: [] },
    { env: ['HOME', '_x9', 'constructor', 'AZaz_09', 'x'.repeat(256)] },
    { env: Array.from({ length: 256 }, (_, i) => `N${i}`) },
    { env: ['A', 'Z', 'a', 'z', '_'] },
    { reads: ['/opt/tools'] },
    { write: true, network: false, sandbox: 'required' },
    { ...OPEN, sandbox: 'unsandboxed' },
    { programs: [{ path: '/bin/x', args: { rest: { of: '-v', max: 128 } } }] },
    { programs: [{ path: '/bin/x', args: { words: [''], rest: { of: { text: 1 }, max: 1 } } }] },
    { programs: [{ path: '/bin/x', args: { words: [{ oneOf: ['-a'] }, { path: 4_096 }] } }] },
    { programs: [{ path: '/bin/x', args: { words: Array.from({ length: 128 }, () => 'x') } }] },
    { programs: [{ path: '/bin/x', args: { words: [{ oneOf: Array(256).fill('x') }] } }] },
    { programs: [{ path: '/bin/x', args: { rest: { of: 'x', min: 128, max: 128 } } }] },
    { programs: [{ path: '/bin/x', args: { rest: { of: 'x', min: 0, max: 1 } } }] },
  ])('accepts %j', (members) => {
    expect(procKind.checkResource(proc(members))).toBeUndefined()
  })

  it.each<[JsonObject, string]>([
    [{ programs: [] }, 'not empty'],
    [{ programs: 'git' }, '"programs" is a list'],
    [{ programs: ['git'] }, 'a program is'],
    [{ programs: [{ path: 'git' }] }, 'not absolute'],
    [{ programs: [{ path: '/usr/../bin/git' }] }, '".."'],
    [{ programs: [{ path: '/usr//bin/git' }] }, 'empty segment'],
    [{ programs: [{ path: '/usr/bin/git/' }] }, 'empty segment'],
    [{ programs: [{ path: 'C:/git.exe' }] }, 'begins with a drive'],
    [{ programs: [{ path: '/usr/bin/git\0' }] }, 'NUL'],
    [{ programs: [{ path: '/usr/bin/git', env: [] }] }, 'a program is'],
    [{ programs: Array.from({ length: 257 }, () => GIT) }, 'more than 256'],
    [{ root: '/' }, 'holds everything'],
    [{ root: 'srv' }, 'not absolute'],
    [{ root: '/srv/./x' }, '"."'],
    [{ root: 'D:/srv' }, 'begins with a drive'],
    [{ env: 'HOME' }, '"env" is a list'],
    [{ env: ['A=B'] }, 'no name of a variable'],
    [{ env: [''] }, 'no name of a variable'],
    [{ env: ['9A'] }, 'no name of a variable'],
    [{ env: ['A\0'] }, 'no name of a variable'],
    [{ env: ['É'] }, 'no name of a variable'],
    ...['@', '[', '`', '{', '/', ':'].map((next): [JsonObject, string] => [
      { env: [`A${next}`] },
      'no name of a variable',
    ]),
    [{ env: ['0'] }, 'no name of a variable'],
    [{ env: Array.from({ length: 257 }, () => 'A') }, '"env" has more than 256 entries'],
    [{ env: [7] }, 'no name of a variable'],
    [{ env: ['x'.repeat(257)] }, 'no name of a variable'],
    [{ reads: ['tools'] }, 'not absolute'],
    [{ reads: '/opt/tools' }, '"reads" is a list'],
    [{ reads: ['/'] }, 'holds everything'],
    [{ write: 'yes' }, '"write" is true or false'],
    [{ network: 1 }, '"network" is true or false'],
    [{ sandbox: 'none' }, '"sandbox" is'],
    [{ sandbox: 'unsandboxed' }, 'say "write": true'],
    [{ sandbox: 'unsandboxed', write: true }, 'say "network": true'],
    [{ shell: true }, 'has the members'],
  ])('refuses %j: %s', (members, why) => {
    expect(procKind.checkResource(proc(members))).toContain(why)
  })

  it.each<[unknown, string]>([
    [[], '"args" is'],
    [null, '"args" is'],
    [{ any: true }, '"args" is'],
    [{ words: [] }, '"words" is a list, not empty'],
    [{ words: Array.from({ length: 129 }, () => 'x') }, 'more than 128'],
    [{ words: ['a\0'] }, 'NUL'],
    [{ words: ['\ud800'] }, 'well-formed'],
    [{ words: ['x'.repeat(4_097)] }, 'at most 4096 bytes'],
    [{ words: ['ü'.repeat(2_049)] }, 'at most 4096 bytes'],
    [{ words: [7] }, 'a place is'],
    [{ words: [{}] }, 'a place has one of'],
    [{ words: [{ oneOf: [] }] }, '"oneOf" is a list'],
    [{ words: [{ oneOf: [1] }] }, 'a word is text'],
    [{ words: [{ oneOf: Array.from({ length: 257 }, () => 'x') }] }, 'more than 256'],
    [{ words: [{ text: 0 }] }, 'from 1 to 4096'],
    [{ words: [{ text: 1.5 }] }, 'from 1 to 4096'],
    [{ words: [{ text: 4_097 }] }, 'from 1 to 4096'],
    [{ words: [{ path: -1 }] }, 'from 1 to 4096'],
    [{ words: [{ text: 1, path: 1 }] }, 'a place has one of'],
    [{ words: [{ constructor: 1 }] }, 'a place has one of'],
    [{ rest: 3 }, '"rest" is'],
    [{ rest: { of: 'x' } }, '"max" of "rest"'],
    [{ rest: { of: 'x', max: 0 } }, '"max" of "rest"'],
    [{ rest: { of: 'x', max: 129 } }, '"max" of "rest"'],
    [{ rest: { of: 'x', max: 2, min: 3 } }, '"min" of "rest"'],
    [{ rest: { of: 'x', max: 2, min: null } }, '"min" of "rest"'],
    [{ rest: { of: 'x', max: 2, step: 1 } }, '"rest" is'],
    [{ rest: { max: 2 } }, 'a place is'],
  ])('refuses arguments %j: %s', (args, why) => {
    const programs = [{ path: '/bin/x', args } as JsonObject]
    expect(procKind.checkResource(proc({ programs }))).toContain(why)
  })

  it('refuses one without programs or root', () => {
    expect(procKind.checkResource({ kind: 'proc', root: '/srv' })).toContain('"programs" is a list')
    expect(procKind.checkResource({ kind: 'proc', programs: [GIT] })).toContain('"root" is a path')
  })
})

/** Verifies: CAP-R31 */
describe('proc / arguments', () => {
  const SCRIPT: ArgumentRule = { words: [{ path: 64 }], rest: { of: { text: 8 }, max: 2 } }

  it.each<[ArgumentRule | undefined, readonly string[]]>([
    [undefined, []],
    [{ words: ['status'] }, ['status']],
    [{ words: [''] }, ['']],
    [{ words: [{ oneOf: ['-v', '-q'] }, 'x'] }, ['-q', 'x']],
    [SCRIPT, ['src/a.js']],
    [SCRIPT, ['a', 'b c', 'x\ny']],
    [{ words: [{ path: 1 }] }, ['.']],
    [{ rest: { of: { text: 2 }, min: 1, max: 3 } }, ['ü']],
  ])('%j takes %j', (rule, args) => {
    expect(told(rule, args)).toBeUndefined()
  })

  it.each<[ArgumentRule | undefined, readonly string[], string]>([
    [undefined, ['x'], 'it takes 0 arguments, not 1'],
    [{ words: ['status'] }, [], 'it takes 1 arguments, not 0'],
    [{ words: ['status'] }, ['status', '-s'], 'it takes 1 arguments, not 2'],
    [{ words: ['status'] }, ['Status'], 'argument 1, "Status", is not "status"'],
    [SCRIPT, ['-e'], 'is not a relative path'],
    [SCRIPT, ['/etc/passwd'], 'is not a relative path'],
    [SCRIPT, ['../x'], 'is not a relative path'],
    [SCRIPT, ['a\\b'], 'is not a relative path'],
    [SCRIPT, ['a', '--eval'], 'argument 2, "--eval", is not a word'],
    [SCRIPT, ['a', '-'], 'is not a word'],
    [SCRIPT, ['a', ''], 'is not a word'],
    [SCRIPT, ['a', '123456789'], 'is not a word of 1 to 8 bytes'],
    [SCRIPT, ['a', 'üüüüü'], 'is not a word of 1 to 8 bytes'],
    [SCRIPT, ['a', 'b', 'c', 'd'], 'it takes 1 to 3 arguments, not 4'],
    [{ words: [{ oneOf: ['-v', '-q'] }] }, ['-vq'], 'is not one of "-v", "-q"'],
    [{ rest: { of: '-v', min: 2, max: 3 } }, ['-v'], 'it takes 2 to 3 arguments, not 1'],
  ])('%j does not take %j: %s', (rule, args, why) => {
    expect(told(rule, args)).toContain(why)
  })

  it('takes a vector by one entry whole, and not by parts of two', () => {
    const entry = (...words: string[]): JsonObject => ({ path: '/bin/x', args: { words } })
    const resource = proc({ programs: [entry('a', 'b'), entry('c', 'd')] })
    expect(asks(resource, { program: '/bin/x', args: ['c', 'd'] })).toBeUndefined()
    expect(asks(resource, { program: '/bin/x', args: ['a', 'd'] })).toBe(
      'the program "/bin/x" is not given these arguments: argument 2, "d", is not "b"; ' +
        'none of its 2 entries takes them',
    )
    expect(asks(proc(), { args: ['log'] })).toBe(
      'the program "/usr/bin/git" is not given these arguments: ' +
        'argument 1, "log", is not "status"',
    )
  })
})

/** Verifies: CAP-R30 */
describe('proc / claims', () => {
  it('holds what each member grants', () => {
    const wide = proc({ env: ['HOME'], ...OPEN, sandbox: 'unsandboxed' })
    expect(asks(wide, { env: ['HOME'], cwd: 'a/b', ...OPEN })).toBeUndefined()
    expect(asks(wide, { ...OPEN, sandbox: 'unsandboxed' })).toBeUndefined()
    const many = Array.from({ length: 256 }, () => 'HOME')
    expect(asks(wide, { env: many })).toBeUndefined()
    expect(asks(wide, { env: [...many, 'HOME'] })).toBe('"env" has more than 256 entries')
    expect(asks(wide, { env: ['HOME', 'PATH', 'TERM'] })).toBe(
      'the variable "PATH" may not be set: it holds "HOME"',
    )
  })

  it.each<[JsonObject, string]>([
    [{ program: '/usr/bin/gi' }, 'is none of "/usr/bin/git"'],
    [{ program: '/usr/bin/git ' }, 'is none of'],
    [{ program: '/usr/bin//git' }, 'empty segment'],
    [{ program: 'git' }, 'not absolute'],
    [{ program: 7 }, 'is a path'],
    [{ args: 'status' }, '"args" is a list'],
    [{ args: ['sta\0tus'] }, 'NUL'],
    [{ args: [7] }, 'a word is text'],
    [{ env: ['HOME'] }, 'the variable "HOME" may not be set: it holds none'],
    [{ env: ['A=1'] }, 'no name of a variable'],
    [{ env: 'HOME' }, '"env" is a list'],
    [{ network: 'true' }, '"network" is true or false'],
    [{ cwd: '..' }, '".."'],
    [{ cwd: '/etc' }, 'absolute'],
    [{ write: true }, 'its root is only read'],
    [{ network: true }, 'it gives no network'],
    [{ write: 'true' }, '"write" is true or false'],
    [{ sandbox: 'unsandboxed' }, 'say "write": true'],
    [{ sandbox: 'unsandboxed', ...OPEN }, 'its root is only read'],
    [{ sandbox: 'off' }, '"sandbox" is'],
    [{ shell: true }, 'a claim on "proc" is'],
  ])('refuses %j: %s', (members, why) => {
    expect(asks(proc(), members)).toContain(why)
  })

  it('refuses a claim that leaves something out', () => {
    for (const name of Object.keys(claim())) {
      const { [name]: _, ...rest } = claim()
      expect(procKind.refuses(proc(), 'proc.run', rest)).toContain('a claim on "proc" is')
    }
  })

  it('gives no program without a box under a grant that has one', () => {
    const why = asks(proc(OPEN), { ...OPEN, sandbox: 'unsandboxed' })
    expect(why).toBe('it gives no program without a box')
  })
})

/** Verifies: CAP-R32 */
describe('proc / narrowing', () => {
  const exceeds = (parent: JsonObject, child: JsonObject): string | undefined =>
    procKind.exceeds(proc(parent), proc(child))
  const one = (args: JsonObject): JsonObject => ({ programs: [{ path: '/bin/x', args }] })

  it.each<[JsonObject, JsonObject]>([
    [{}, {}],
    [
      { env: ['A', 'B'], reads: ['/opt/a'], ...OPEN },
      { env: ['B'], write: true },
    ],
    [{ ...OPEN, sandbox: 'unsandboxed' }, OPEN],
    [{ programs: [GIT, { path: '/bin/x' }] }, { programs: [{ path: '/bin/x' }, GIT] }],
    [one({ words: [{ text: 9 }] }), one({ words: [{ path: 9 }] })],
    [one({ rest: { of: { text: 9 }, max: 9 } }), one({ words: ['a', { oneOf: ['b', 'c'] }] })],
    [
      one({ words: ['a'], rest: { of: 'b', max: 3 } }),
      one({ words: ['a', 'b'], rest: { of: 'b', min: 1, max: 2 } }),
    ],
  ])('%j holds %j', (parent, child) => {
    expect(exceeds(parent, child)).toBeUndefined()
  })

  it.each<[JsonObject, JsonObject, string]>([
    [{}, { root: '/srv/work/a' }, 'the root is'],
    [{}, { programs: [{ path: '/bin/sh' }] }, 'the programs "/bin/sh"'],
    [{}, { programs: [{ path: '/usr/bin/git' }] }, 'the programs'],
    [{ env: ['A'] }, { env: ['A', 'B'] }, 'the env "B"'],
    [{ reads: ['/opt/a'] }, { reads: ['/opt'] }, 'the reads "/opt"'],
    [{}, { write: true }, 'does not give "write"'],
    [{ write: true }, OPEN, 'does not give "network"'],
    [OPEN, { ...OPEN, sandbox: 'unsandboxed' }, 'no program without a box'],
    [one({ words: [{ text: 9 }] }), one({ words: [{ text: 10 }] }), 'the programs'],
    [one({ words: [{ path: 9 }] }), one({ words: [{ text: 9 }] }), 'the programs'],
    [one({ words: [{ text: 9 }] }), one({ words: ['-a'] }), 'the programs'],
    [one({ words: ['a'] }), one({ words: [{ oneOf: ['a', 'b'] }] }), 'the programs'],
    [one({ rest: { of: 'a', max: 2 } }), one({ rest: { of: 'a', max: 3 } }), 'the programs'],
    [one({ rest: { of: 'a', min: 1, max: 2 } }), one({ rest: { of: 'a', max: 2 } }), 'programs'],
  ])('%j does not hold %j: %s', (parent, child, why) => {
    expect(exceeds(parent, child)).toContain(why)
  })

  const word: fc.Arbitrary<ArgumentWord> = fc.oneof(
    fc.constantFrom('', 'a', '-a', 'b/c', '../b'),
    fc.record({ oneOf: fc.uniqueArray(fc.constantFrom('a', '-a', 'b/c'), { minLength: 1 }) }),
    fc.record({ text: fc.integer({ min: 1, max: 4 }) }),
    fc.record({ path: fc.integer({ min: 1, max: 4 }) }),
  )
  const rule: fc.Arbitrary<ArgumentRule> = fc.record(
    {
      words: fc.array(word, { minLength: 1, maxLength: 2 }),
      rest: fc.record({ of: word, min: fc.constantFrom(0, 1), max: fc.constantFrom(1, 2) }),
    },
    { requiredKeys: [] },
  )
  const WORDS = ['', 'a', '-a', 'b/c', '../b', 'é', 'abcd', 'abcde', '/', 'a//b']
  const pick = fc.constantFrom(...WORDS)
  const entries = (args: ArgumentRule): JsonObject => one(args as unknown as JsonObject)

  it('decides by rules what it decides by vectors', () => {
    const vectors: string[][] = [[], ...WORDS.map((each) => [each])]
    for (const first of WORDS) for (const second of WORDS) vectors.push([first, second])
    let held = 0
    fc.assert(
      fc.property(rule, rule, fc.array(pick, { maxLength: 5 }), (parent, child, more) => {
        if (exceeds(entries(parent), entries(child)) !== undefined) return
        held += 1
        for (const args of [...vectors, more]) {
          const asked = { program: '/bin/x', args }
          if (asks(proc(entries(child)), asked) !== undefined) continue
          expect(asks(proc(entries(parent)), asked)).toBeUndefined()
        }
      }),
      { numRuns: 1_000 },
    )
    expect(held).toBeGreaterThan(10)
  })

  it('takes every vector of its own', () => {
    fc.assert(
      fc.property(rule, (each) => {
        expect(exceeds(entries(each), entries(each))).toBeUndefined()
      }),
    )
  })
})

/** Verifies: CAP-R30 */
describe('proc / whatever comes', () => {
  const kind = composeKinds([procKind]).get('proc')

  it('answers every resource and claim with a reason or none, and never throws', () => {
    const json = fc.jsonValue({ maxDepth: 4 }) as fc.Arbitrary<JsonObject>
    const hostile = fc.record(
      Object.fromEntries(
        [
          ...Object.keys(proc({ env: [], reads: [], ...OPEN, sandbox: 0 })),
          ...Object.keys(claim()),
        ].map((name) => [name, json]),
      ),
      { requiredKeys: [] },
    ) as fc.Arbitrary<JsonObject>
    fc.assert(
      fc.property(hostile, hostile, (resource, asked) => {
        const why = procKind.checkResource({ ...resource, kind: 'proc' })
        expect(['string', 'undefined']).toContain(typeof why)
        expect(kind?.refuses(proc(), 'proc.run', asked)).toEqual(expect.any(String))
        if (why !== undefined) return
        expect(procKind.exceeds({ ...resource, kind: 'proc' }, proc())).toEqual(expect.any(String))
      }),
      { numRuns: 300 },
    )
  })

  it('takes inherited names for what they are', () => {
    for (const name of ['constructor', '__proto__', 'toString']) {
      expect(asks(proc(), { env: [name] })).toContain('may not be set')
      expect(asks(proc(), { program: `/${name}` })).toContain('is none of')
    }
  })
})
