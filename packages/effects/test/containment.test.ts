/** Verifies: EFF-R01, EFF-R02, EFF-R03 */

import { linkSync, mkdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { vectorTest } from '@ice/tooling/vectors'
import { describe, expect, it } from 'vitest'
import { fs } from '../src/index.ts'
import { codeOf, folder, perform, plant, resultOf } from './kit.ts'

interface RootCase {
  readonly name: string
  readonly fs: readonly string[]
  readonly open: string
  readonly target?: string
  readonly wantError: boolean
}

const ESCAPE = 'ICE_EFFECTS_PATH_ESCAPE_DENIED'

/** Plants one case as Go's tests do: `$ABS` is the root, `ROOT` its name. */
function plantCase(root: string, each: RootCase): void {
  for (const line of each.fs) {
    const [name = '', target] = line.split(' => ')
    const place = join(root, name)
    if (target === undefined) {
      mkdirSync(place, { recursive: true })
      continue
    }
    mkdirSync(join(place, '..'), { recursive: true })
    symlinkSync(target.replace('$ABS', root).replace('ROOT', basename(root)), place)
  }
  if (each.target === undefined || each.fs.includes(`${each.target}/`)) return
  const target = join(root, each.target)
  mkdirSync(join(target, '..'), { recursive: true })
  writeFileSync(target, each.name)
}

describe.each(['anchored', 'checked'] as const)('the %s root', (containment) => {
  vectorTest(
    'path-containment',
    `answers the 25 rooted opens of Go (${containment})`,
    async (at) => {
      const cases = JSON.parse(readFileSync(join(at, 'root_cases.json'), 'utf8')) as RootCase[]
      expect(cases).toHaveLength(25)
      for (const each of cases) {
        const root = folder()
        plantCase(root, each)
        const path = each.open.replace('ROOT', basename(root))
        const outcome = await outcomeOf(root, path)
        expect([each.name, outcome]).toEqual([
          each.name,
          each.wantError ? expect.stringMatching(/^ICE_EFFECTS_/) : each.name,
        ])
      }

      async function outcomeOf(root: string, path: string): Promise<unknown> {
        try {
          return await resultOf(root, fs.read('g', { path }), { containment })
        } catch (error) {
          return (error as { readonly code: string }).code
        }
      }
    },
  )

  vectorTest('path-containment', `no traversal string leads out (${containment})`, async (at) => {
    const lines = readFileSync(join(at, 'traversal.txt'), 'utf8').split('\n').filter(Boolean)
    const outside = folder()
    const root = join(outside, 'a/b/c/root')
    plant(outside, ['a/b/c/root/', 'etc/passwd = secret', 'a/b/etc/passwd = secret'])
    const strings = [...lines, ...lines.map((line) => decodeURIComponentOr(line)), '../root']
    const outcomes = new Map<string, number>()
    for (const path of strings) {
      const code = await codeOf(root, fs.read('g', { path }), { containment })
      outcomes.set(code, (outcomes.get(code) ?? 0) + 1)
    }
    expect(outcomes.get('done')).toBeUndefined()
    expect(outcomes.get(ESCAPE)).toBeGreaterThan(0)
  })

  it('denies an absolute path, a climb, and links that lead out, whatever is there', async () => {
    const outside = folder()
    plant(outside, [
      'secret = secret',
      'root/abs -> /etc/passwd',
      'root/up -> ../secret',
      'root/upDir -> ..',
      'root/ghost -> ../nothing-there',
      'root/dir/deep -> ../../secret',
    ])
    const root = join(outside, 'root')
    const paths = ['/etc/passwd', '../secret', 'abs', 'up', 'upDir/secret', 'ghost', 'dir/deep']
    for (const path of paths) {
      for (const request of [fs.read('g', { path }), fs.list('g', { path })]) {
        expect([path, await codeOf(root, request, { containment })]).toEqual([path, ESCAPE])
      }
    }
    const write = { path: 'upDir/new', content: 'x' }
    expect(await codeOf(root, fs.write('g', write), { containment })).toBe(ESCAPE)
    expect(await codeOf(root, fs.replace('g', { ...write, path: 'up' }), { containment })).toBe(
      ESCAPE,
    )
    expect(await codeOf(root, fs.delete('g', { path: 'upDir/secret' }), { containment })).toBe(
      ESCAPE,
    )
    expect(readFileSync(join(outside, 'secret'), 'utf8')).toBe('secret')
  })

  it('follows links that stay within, and reports the way that was gone', async () => {
    const root = folder()
    plant(root, ['real/deep/f = text', 'one -> real', 'real/two -> deep/../deep', 'f -> one/two/f'])
    const report = await perform(root, fs.read('g', { path: 'f' }), { containment })
    expect(report).toEqual({
      value: 'text',
      observed: {
        path: 'real/deep/f',
        bytes: 4,
        sha256: '982d9e3eb996f559e633f4d194def3761d909f5a3b647d1a851fead67c32c9d1',
      },
      spent: { bytes: 4 },
    })
  })

  it('ends a loop of links with a code', async () => {
    const root = folder()
    plant(root, ['a -> b', 'b -> a', 'self -> self/x', 'grow -> grow/x'])
    for (const path of ['a', 'self', 'grow/y', 'a/../b']) {
      const code = await codeOf(root, fs.read('g', { path }), { containment })
      expect([path, code]).toEqual([path, 'ICE_EFFECTS_LINK_LIMIT'])
    }
  })

  it('holds what is really reached against `within`', async () => {
    const root = folder()
    plant(root, [
      'out/f = mine',
      'out/leak -> ../private/f',
      'out/dir -> ../private',
      'out/gone -> ../private/no/such',
      'out/round -> ../private/../out/f',
      'private/f = private',
    ])
    const options = { containment, within: ['out'] }
    expect(await resultOf(root, fs.read('g', { path: 'out/f' }), options)).toBe('mine')
    for (const path of ['out/leak', 'out/dir/f', 'out/gone', 'out/round', 'private/f', '.']) {
      const code = await codeOf(root, fs.read('g', { path }), options)
      expect([path, code]).toEqual([path, 'ICE_EFFECTS_OUTSIDE_WITHIN_DENIED'])
    }
    const write = fs.write('g', { path: 'out/dir/new', content: 'x' })
    expect(await codeOf(root, write, options)).toBe('ICE_EFFECTS_OUTSIDE_WITHIN_DENIED')
  })
})

describe('a chain of grants', () => {
  it('starts at the topmost root and is held to every one below it', async () => {
    const top = folder()
    plant(top, [
      'a/b/f = deep',
      'a/b/up -> ../g',
      'a/g = above',
      'swapped -> /etc',
      'moved -> a/b',
      'other/f = other',
    ])
    const chain = (root: string): readonly { kind: string; root: string }[] => [
      { kind: 'fs', root },
      { kind: 'fs', root: top },
    ]
    const read = fs.read('g', { path: 'f' })
    expect(await resultOf(join(top, 'a/b'), read, { above: chain(join(top, 'a')) })).toBe('deep')
    expect(await resultOf(join(top, 'moved'), read, { above: chain(top) })).toBe('deep')
    const up = fs.read('g', { path: 'up' })
    expect(await codeOf(join(top, 'a/b'), up, { above: chain(join(top, 'a')) })).toBe(ESCAPE)
    expect(await codeOf(join(top, 'swapped'), read, { above: chain(top) })).toBe(ESCAPE)
    expect(await codeOf(join(top, 'other'), read, { above: chain(join(top, 'a')) })).toBe(
      'ICE_EFFECTS_ROOT_ESCAPE_DENIED',
    )
    expect(await codeOf(join(top, 'none'), read, { above: chain(top) })).toBe(
      'ICE_EFFECTS_ROOT_NOT_FOUND',
    )
  })

  it('keeps the `within` of every link, each relative to its own root', async () => {
    const top = folder()
    plant(top, ['a/b/f = one', 'a/c/f = two', 'a/b/side -> ../c/f'])
    const above = [{ kind: 'fs', root: top, within: ['a/b'] }]
    const root = join(top, 'a')
    expect(await resultOf(root, fs.read('g', { path: 'b/f' }), { above })).toBe('one')
    for (const path of ['c/f', 'b/side']) {
      const code = await codeOf(root, fs.read('g', { path }), { above })
      expect([path, code]).toEqual([path, 'ICE_EFFECTS_OUTSIDE_WITHIN_DENIED'])
    }
  })

  it('refuses what is no resource of files', async () => {
    const root = folder()
    const read = fs.read('g', { path: 'f' })
    const malformed = [
      { kind: 'net', root },
      { kind: 'fs' },
      { kind: 'fs', root: 'relative' },
      { kind: 'fs', root, within: 'x' },
      { kind: 'fs', root, within: ['../x'] },
      { kind: 'fs', root, within: ['/x'] },
    ]
    for (const each of malformed) {
      expect(await codeOf(root, read, { above: [each] })).toBe('ICE_EFFECTS_RESOURCE_DENIED')
    }
  })
})

describe('a path', () => {
  it('is refused with a code where it is none', async () => {
    const root = folder()
    const cases = {
      '': 'ICE_EFFECTS_PATH_UNSUPPORTED',
      'a\0b': 'ICE_EFFECTS_PATH_UNSUPPORTED',
      'a\\b': 'ICE_EFFECTS_PATH_UNSUPPORTED',
      '\ud800': 'ICE_EFFECTS_PATH_UNSUPPORTED',
      '%x2e%x2e/x': 'ICE_EFFECTS_PATH_UNSUPPORTED',
      '%x2fetc': 'ICE_EFFECTS_PATH_UNSUPPORTED',
      'a%x00': 'ICE_EFFECTS_PATH_UNSUPPORTED',
      [`${'d/'.repeat(2048)}x`]: 'ICE_EFFECTS_PATH_LIMIT',
      ['n'.repeat(256)]: 'ICE_EFFECTS_PATH_LIMIT',
      ['é'.repeat(128)]: 'ICE_EFFECTS_PATH_LIMIT',
      ['n'.repeat(255)]: 'ICE_EFFECTS_FILE_NOT_FOUND',
    }
    for (const [path, code] of Object.entries(cases)) {
      expect([path, await codeOf(root, fs.stat('g', { path }))]).toEqual([path, code])
    }
  })

  it('deeper than a walk holds is refused, and the depth before it is not', async () => {
    const root = folder()
    mkdirSync(join(root, 'd/'.repeat(257)), { recursive: true })
    expect(await codeOf(root, fs.list('g', { path: 'd/'.repeat(256) }))).toBe('done')
    expect(await codeOf(root, fs.list('g', { path: 'd/'.repeat(258) }))).toBe(
      'ICE_EFFECTS_PATH_LIMIT',
    )
  })

  it('that takes more steps than a walk has time for is refused', async () => {
    const root = folder()
    plant(root, ['d/', `l1 -> ${'d/../'.repeat(700)}d`, `l2 -> ${'l1/../'.repeat(600)}d`])
    expect(await codeOf(root, fs.list('g', { path: 'l1' }))).toBe('done')
    expect(await codeOf(root, fs.list('g', { path: 'l2' }))).toBe('ICE_EFFECTS_PATH_LIMIT')
  })

  it('of a root that was replaced leads into the new one', async () => {
    const top = folder()
    plant(top, ['root/f = old'])
    const root = join(top, 'root')
    expect(await resultOf(root, fs.read('g', { path: 'f' }))).toBe('old')
    renameSync(root, join(top, 'gone'))
    plant(top, ['root/f = new'])
    expect(await resultOf(root, fs.read('g', { path: 'f' }))).toBe('new')
  })

  it('through a hard link reads, and replaces nothing', async () => {
    const root = folder()
    plant(root, ['f = text'])
    linkSync(join(root, 'f'), join(root, 'second'))
    expect(await resultOf(root, fs.read('g', { path: 'second' }))).toBe('text')
    const replace = fs.replace('g', { path: 'second', content: 'x' })
    expect(await codeOf(root, replace)).toBe('ICE_EFFECTS_HARD_LINK_DENIED')
    expect(readFileSync(join(root, 'f'), 'utf8')).toBe('text')
  })
})

function decodeURIComponentOr(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text // it is no percent-encoding: it is tried as it stands
  }
}
