import type { JsonObject } from '@ice/primitives'
import { describe, expect, it } from 'vitest'
import { composeKinds, fsKind, relativePathFault, toolKind } from '../src/index.ts'
import type { Resource, ResourceKind } from '../src/ports.ts'
import { fsRoot } from './world.ts'

const reads = (resource: Resource, path: unknown): string | undefined =>
  fsKind.refuses(resource, 'fs.read', { path } as JsonObject)

/** Verifies: CAP-R12 */
describe('fs / paths', () => {
  it.each([
    'a',
    'src/a.ts',
    '.',
    '.git/config',
    '..a/b..',
    'a b/ü/日本',
    'constructor/__proto__',
    'console.log',
    'nul1/auxiliary',
    'com10',
    'a/'.repeat(1_000).concat('b'),
    'x'.repeat(255),
    ['a', ...Array.from({ length: 15 }, () => 'x'.repeat(255)), 'x'.repeat(254)].join('/'),
    'ab:c',
    'new\nline',
  ])('accepts %j', (path) => {
    expect(relativePathFault(path)).toBeUndefined()
  })

  it.each([
    ['', 'empty segment'],
    ['a//b', 'empty segment'],
    ['a/', 'empty segment'],
    ['./a', '"."'],
    ['a/.', '"."'],
    ['..', '".."'],
    ['a/../b', '".."'],
    ['a/..', '".."'],
    ['../a', '".."'],
    ['/etc/passwd', 'absolute'],
    ['//server/share', 'absolute'],
    ['a\\b', 'backslash'],
    ['..\\..\\b', 'backslash'],
    ['a\0b', 'NUL'],
    ['\ud800', 'well-formed'],
    ['x'.repeat(256), 'longer than 255 bytes'],
    ['ü'.repeat(128), 'longer than 255 bytes'],
    ['a/'.repeat(2_049), 'at most 4096 bytes'],
    ['a/b'.repeat(2_048), 'at most 4096 bytes'],
    ['ü/'.repeat(1_500), 'at most 4096 bytes'],
  ])('refuses %j: %s', (path, why) => {
    expect(relativePathFault(path)).toContain(why)
  })

  it.each([
    ['C:/windows', 'absolute'],
    ['c:', 'absolute'],
    ['c:a', 'absolute'],
    ['con', 'device'],
    ['a/NUL', 'device'],
    ['a/nul.txt', 'device'],
    ['aux/b', 'device'],
    ['COM1', 'device'],
    ['lpt²', 'device'],
    ['a/CONIN$', 'device'],
    ['prn .log', 'device'],
    ['com1:', 'device'],
  ])('refuses %j below a root with a drive, and there alone: %s', (path, why) => {
    expect(relativePathFault(path, 'C:/work')).toContain(why)
    expect(reads(fsRoot('C:/work'), path)).toContain(why)
    expect(reads(fsRoot('/work'), path)).toBeUndefined()
    expect(relativePathFault(path, '/work')).toBeUndefined()
    expect(relativePathFault(path)).toBeUndefined()
  })

  it.each([undefined, null, 7, {}, ['a']])('refuses %j, which is no text', (path) => {
    expect(relativePathFault(path)).toContain('a path is text')
    expect(reads(fsRoot(), path)).toContain('a path is text')
  })
})

/** Verifies: CAP-R12 */
describe('fs / resources', () => {
  it.each([
    { kind: 'fs', root: '/' },
    { kind: 'fs', root: '/home/alice' },
    { kind: 'fs', root: 'C:/' },
    { kind: 'fs', root: 'd:/data' },
    { kind: 'fs', root: '/dev/nul' },
    { kind: 'fs', root: '/a', within: ['b', 'c/d'] },
    { kind: 'fs', root: '/a', within: Array.from({ length: 256 }, (_, i) => `p${i}`) },
  ])('accepts %j', (resource) => {
    expect(fsKind.checkResource(resource)).toBeUndefined()
  })

  it.each<[JsonObject, string]>([
    [{}, '"root" is a path'],
    [{ root: 7 }, '"root" is a path'],
    [{ root: '' }, 'not absolute'],
    [{ root: 'a/b' }, 'not absolute'],
    [{ root: 'C:' }, 'not absolute'],
    [{ root: '/a/' }, 'empty segment'],
    [{ root: '/a/../b' }, '".."'],
    [{ root: '//a' }, 'empty segment'],
    [{ root: '/a\\b' }, 'backslash'],
    [{ root: '/a\0' }, 'NUL'],
    [{ root: `/${'x'.repeat(300)}` }, 'longer than 255'],
    [{ root: '/a', writable: true }, 'members kind, root and within'],
    [{ root: '/a', within: [] }, 'list of paths, not empty'],
    [{ root: '/a', within: 'b' }, 'list of paths, not empty'],
    [{ root: '/a', within: ['.'] }, 'leave it out'],
    [{ root: '/a', within: ['../b'] }, '".."'],
    [{ root: '/a', within: ['b', 7] }, 'a path is text'],
    [{ root: '/a', within: Array.from({ length: 257 }, (_, i) => `p${i}`) }, 'more than 256'],
  ])('refuses %j: %s', (members, why) => {
    expect(fsKind.checkResource({ kind: 'fs', ...members })).toContain(why)
  })

  it.each([
    ['src', true],
    ['src/a/b.ts', true],
    ['docs/guide/x', true],
    ['docs/guide', true],
    ['docs', false],
    ['srcret', false],
    ['Src/a', false],
    ['.', false],
    ['docs/guides', false],
  ])('holds %j within "src" and "docs/guide": %s', (path, isWithin) => {
    const refusal = reads(fsRoot('/repo', 'src', 'docs/guide'), path)
    expect(refusal === undefined).toBe(isWithin)
    if (!isWithin) expect(refusal).toContain('is not within "src", "docs/guide"')
  })

  it('allows the root itself when nothing narrows it', () => {
    expect(reads(fsRoot(), '.')).toBeUndefined()
  })

  it('refuses a claim with members it does not know', () => {
    expect(fsKind.refuses(fsRoot(), 'fs.read', { path: 'a', to: '../b' })).toBe(
      'a claim on "fs" is { path }',
    )
    expect(fsKind.refuses(fsRoot(), 'fs.read', {})).toContain('a path is text')
  })

  it('finds a child within its parent only below the same root', () => {
    const parent = fsRoot('/repo', 'src')
    expect(fsKind.exceeds(fsRoot(), fsRoot())).toBeUndefined()
    expect(fsKind.exceeds(fsRoot(), parent)).toBeUndefined()
    expect(fsKind.exceeds(parent, fsRoot('/repo', 'src/a', 'src'))).toBeUndefined()
    expect(fsKind.exceeds(parent, fsRoot('/repo', 'src/a', 'srcret'))).toBe(
      '"srcret" is not within "src"',
    )
    expect(fsKind.exceeds(parent, fsRoot())).toBe('the whole root is more than "src"')
    expect(fsKind.exceeds(fsRoot('/repo'), fsRoot('/repo/src'))).toBe(
      'the root is "/repo", not "/repo/src"; narrow it by "within"',
    )
  })
})

/** Verifies: CAP-R13 */
describe('tool', () => {
  const one: Resource = { kind: 'tool', name: 'mail.send' }
  const two: Resource = { kind: 'tool', names: ['mail.send', 'mail.read'] }

  it('accepts a name or names', () => {
    expect(toolKind.checkResource(one)).toBeUndefined()
    expect(toolKind.checkResource(two)).toBeUndefined()
    expect(toolKind.checkResource({ kind: 'tool', name: 'constructor' })).toBeUndefined()
    expect(toolKind.checkResource({ kind: 'tool', name: 'x'.repeat(256) })).toBeUndefined()
    const most = Array.from({ length: 256 }, (_, i) => `t${i}`)
    expect(toolKind.checkResource({ kind: 'tool', names: most })).toBeUndefined()
  })

  it.each<[JsonObject, string]>([
    [{}, "a tool's name is"],
    [{ name: '' }, "a tool's name is"],
    [{ name: ' a' }, "a tool's name is"],
    [{ name: 'a\n' }, "a tool's name is"],
    [{ name: 'ü' }, "a tool's name is"],
    [{ name: 'x'.repeat(257) }, "a tool's name is"],
    [{ name: 7 }, "a tool's name is"],
    [{ name: 'a', names: ['a'] }, 'either name or names'],
    [{ name: 'a', more: 1 }, 'either name or names'],
    [{ names: [] }, 'not empty'],
    [{ names: 'a' }, 'not empty'],
    [{ names: ['a', ''] }, "a tool's name is"],
    [{ names: Array.from({ length: 257 }, (_, i) => `t${i}`) }, 'more than 256'],
  ])('refuses the resource %j: %s', (members, why) => {
    expect(toolKind.checkResource({ kind: 'tool', ...members })).toContain(why)
  })

  it('compares names exactly', () => {
    expect(toolKind.refuses(one, 'tool.call', { name: 'mail.send' })).toBeUndefined()
    expect(toolKind.refuses(two, 'tool.call', { name: 'mail.read' })).toBeUndefined()
    for (const name of ['mail', 'mail.sendx', 'MAIL.SEND', 'constructor', '__proto__', 7]) {
      expect(toolKind.refuses(two, 'tool.call', { name })).toContain('is none of "mail.send"')
    }
    expect(toolKind.refuses(one, 'tool.call', { name: 'mail.send', extra: 1 })).toBe(
      'a claim on "tool" is { name }',
    )
  })

  it('finds a child within its parent by its names', () => {
    expect(toolKind.exceeds(two, one)).toBeUndefined()
    expect(toolKind.exceeds(one, two)).toBe('"mail.read" is not among "mail.send"')
  })
})

/** Verifies: CAP-R14 */
describe('the registry', () => {
  it('knows no kind by inheritance', () => {
    const kinds = composeKinds([fsKind, toolKind])
    expect(kinds.get('fs')?.kind).toBe('fs')
    for (const name of ['constructor', '__proto__', 'toString', 'FS', '']) {
      expect(kinds.get(name)).toBeUndefined()
    }
  })

  it('refuses two kinds of one name', () => {
    expect(() => composeKinds([fsKind, { ...toolKind, kind: 'fs' }])).toThrow(
      expect.objectContaining({ code: 'ICE_CAPABILITIES_KIND_CONFLICT', data: { kind: 'fs' } }),
    )
  })

  it('keeps the functions a kind was registered with', () => {
    const kind: { -readonly [K in keyof ResourceKind]: ResourceKind[K] } = {
      ...toolKind,
      refuses: () => 'no',
    }
    const kinds = composeKinds([kind])
    kind.refuses = () => undefined
    expect(kinds.get('tool')?.refuses({ kind: 'tool' }, 'a', {})).toBe('no')
  })

  it.each([
    [() => Promise.resolve(undefined), 'odd gave no answer'],
    [() => null, 'odd gave no answer'],
    [
      () => {
        throw new RangeError('out of range')
      },
      'odd failed: out of range',
    ],
    [
      () => {
        throw 'text'
      },
      'odd failed: string',
    ],
  ])('takes what is no answer for a refusal: %s', (answer, reason) => {
    const odd = { ...toolKind, kind: 'odd', exceeds: answer as unknown as ResourceKind['exceeds'] }
    expect(composeKinds([odd]).get('odd')?.exceeds({ kind: 'odd' }, { kind: 'odd' })).toBe(reason)
  })
})
