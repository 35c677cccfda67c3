/** Verifies: EFF-R04, EFF-R05, EFF-R06, EFF-R07, EFF-R08 */

import { Buffer } from 'node:buffer'
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  lstatSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import type { ByteFold } from '@ice/runs/ports'
import { describe, expect, it } from 'vitest'
import { EffectsError, fileSystemEffects, fs } from '../src/index.ts'
import { codeOf, folder, openDescriptors, perform, plant, resultOf } from './kit.ts'

const lines: ByteFold<{ count: number }, { readonly lines: number }> = {
  start: () => ({ count: 0 }),
  step: (state, chunk) => {
    for (const byte of chunk) if (byte === 10) state.count += 1
    return state
  },
  finish: ({ count }) => ({ lines: count }),
}

describe('fs.read', () => {
  it('gives text, base64 or a fold, and observes the digest', async () => {
    const root = folder()
    plant(root, ['f = one\ntwo\n'])
    expect(await resultOf(root, fs.read('g', { path: 'f' }))).toBe('one\ntwo\n')
    expect(await resultOf(root, fs.read('g', { path: './f', encoding: 'base64' }))).toBe(
      Buffer.from('one\ntwo\n').toString('base64'),
    )
    const report = await perform(root, fs.read('g', { path: 'f' }, lines))
    expect(report).toEqual({
      value: { lines: 2 },
      observed: {
        path: 'f',
        bytes: 8,
        sha256: 'c3f9c8c283a2b1f2f1896f27a01cbe3cddc0c9d93f752e4639035a0f5b36f6e8',
      },
      spent: { bytes: 8 },
    })
  })

  it('keeps a byte order mark, and an empty file', async () => {
    const root = folder()
    plant(root, ['bom = \ufefftext', 'empty = '])
    expect(await resultOf(root, fs.read('g', { path: 'bom' }))).toBe('\ufefftext')
    expect(await resultOf(root, fs.read('g', { path: 'empty' }))).toBe('')
  })

  it('refuses text that is not UTF-8 rather than changing it', async () => {
    const root = folder()
    writeFileSync(join(root, 'latin1'), Buffer.from('caf\xe9', 'latin1'))
    const read = fs.read('g', { path: 'latin1' })
    expect(await codeOf(root, read)).toBe('ICE_EFFECTS_ENCODING_UNSUPPORTED')
    const raw = fs.read('g', { path: 'latin1', encoding: 'base64' })
    expect(await resultOf(root, raw)).toBe('Y2Fm6Q==')
  })

  it('refuses what is larger than allowed, and says how large it is', async () => {
    const root = folder()
    plant(root, ['f = 0123456789'])
    expect(await resultOf(root, fs.read('g', { path: 'f', maxBytes: 10 }))).toBe('0123456789')
    const error = await perform(root, fs.read('g', { path: 'f', maxBytes: 9 })).catch((e) => e)
    expect(error).toBeInstanceOf(EffectsError)
    expect(error.toRecord()).toEqual({
      code: 'ICE_EFFECTS_OUTPUT_LIMIT',
      message: 'The file has 10 bytes, and the call allows 9',
      data: { size: 10, limit: 9 },
      retryable: false,
    })
    const folded = fs.read('g', { path: 'f', maxBytes: 9 }, lines)
    expect(await codeOf(root, folded)).toBe('ICE_EFFECTS_OUTPUT_LIMIT')
  })

  it('holds a file that claims no size, and gives more, to its limit', async () => {
    const limited = fs.read('g', { path: 'cpuinfo', maxBytes: 8 })
    expect(await codeOf('/proc', limited)).toBe('ICE_EFFECTS_OUTPUT_LIMIT')
    expect(await resultOf('/proc', fs.read('g', { path: 'cpuinfo' }))).toContain('processor')
  })

  it('does not follow the links of /proc, which lead without a name', async () => {
    for (const path of ['self/root/etc/passwd', 'self/cwd', 'self/exe']) {
      const code = await codeOf('/proc', fs.read('g', { path }))
      expect([path, code]).toEqual([path, 'ICE_EFFECTS_PATH_ESCAPE_DENIED'])
    }
  })

  it('never opens a pipe, a socket, a device or a directory, and never waits for one', async () => {
    const root = folder()
    execFileSync('mkfifo', [join(root, 'pipe')])
    const server = createServer().listen(join(root, 'socket'))
    await new Promise((resolve) => server.once('listening', resolve))
    plant(root, ['dir/'])
    try {
      for (const [path, kind] of [
        ['pipe', 'other'],
        ['socket', 'other'],
        ['dir', 'directory'],
        ['.', 'directory'],
      ] as const) {
        for (const request of [fs.read('g', { path }), fs.replace('g', { path, content: 'x' })]) {
          const error = await perform(root, request).catch((thrown: unknown) => thrown)
          expect(error).toMatchObject({
            code: 'ICE_EFFECTS_NOT_A_FILE_UNSUPPORTED',
            data: { kind },
          })
        }
      }
      expect(await codeOf('/dev', fs.read('g', { path: 'zero' }))).toBe(
        'ICE_EFFECTS_NOT_A_FILE_UNSUPPORTED',
      )
    } finally {
      server.close()
    }
  })

  it('ends when its signal fires, between two chunks', async () => {
    const root = folder()
    writeFileSync(join(root, 'f'), Buffer.alloc(4 * 262_144))
    const controller = new AbortController()
    let chunks = 0
    const stopping: ByteFold<null, null> = {
      start: () => null,
      step: () => {
        chunks += 1
        if (chunks === 2) controller.abort()
        return null
      },
      finish: () => null,
    }
    const read = fs.read('g', { path: 'f', maxBytes: 1e9 }, stopping)
    expect(await codeOf(root, read, { signal: controller.signal })).toBe('ICE_EFFECTS_ABORTED')
    expect(chunks).toBe(2)
  })
})

describe('fs.list', () => {
  it('gives names in the order of bytes, with kind and size, following no link', async () => {
    const root = folder()
    plant(root, ['b = 12', 'B = 1', 'a/', 'é = 123', 'link -> b', 'out -> /etc', '.hidden = '])
    execFileSync('mkfifo', [join(root, 'pipe')])
    expect(await perform(root, fs.list('g', { path: '.' }))).toEqual({
      value: {
        entries: [
          { name: '.hidden', kind: 'file', size: 0 },
          { name: 'B', kind: 'file', size: 1 },
          { name: 'a', kind: 'directory' },
          { name: 'b', kind: 'file', size: 2 },
          { name: 'link', kind: 'link' },
          { name: 'out', kind: 'link' },
          { name: 'pipe', kind: 'other' },
          { name: 'é', kind: 'file', size: 3 },
        ],
        more: false,
      },
      observed: { path: '.', entries: 8, more: false },
      // Of the names alone: what is listed is not read.
      spent: { bytes: 7 + 1 + 1 + 1 + 4 + 3 + 4 + 2 },
    })
  })

  it('pages through a directory, each name once, whatever the size of a page', async () => {
    const root = folder()
    const names = Array.from({ length: 137 }, (_, at) => `n${(at * 7919) % 1000}`)
    plant(
      root,
      [...new Set(names)].map((name) => `${name} = `),
    )
    const expected = [...new Set(names)].sort()
    for (const limit of [1, 7, 136, 137, 138]) {
      const seen: string[] = []
      let after: string | undefined
      for (;;) {
        const request = fs.list('g', {
          path: '.',
          limit,
          ...(after === undefined ? {} : { after }),
        })
        const page = (await resultOf(root, request)) as {
          entries: { name: string }[]
          more: boolean
        }
        seen.push(...page.entries.map(({ name }) => name))
        after = page.entries.at(-1)?.name
        if (!page.more) break
      }
      expect(seen).toEqual(expected)
    }
  })

  it('spells names that are no text so that they can be opened and paged by', async () => {
    const root = folder()
    const raw = [Buffer.from('caf\xe9', 'latin1'), Buffer.from([0xff]), Buffer.from('a\\b')]
    for (const name of raw) writeFileSync(Buffer.concat([Buffer.from(`${root}/`), name]), name)
    plant(root, ['%xff = literal', '100%.txt = percent', 'a%20b = encoded'])
    const page = (await resultOf(root, fs.list('g', { path: '.' }))) as {
      entries: { name: string }[]
    }
    const names = page.entries.map(({ name }) => name)
    expect(names).toEqual(['%x25xff', '100%.txt', 'a%20b', 'a%x5cb', 'caf%xe9', '%xff'])
    expect(await resultOf(root, fs.read('g', { path: '%x25xff' }))).toBe('literal')
    expect(await resultOf(root, fs.read('g', { path: 'a%x5cb' }))).toBe('a\\b')
    const bytes = fs.read('g', { path: 'caf%xe9', encoding: 'base64' })
    expect(await resultOf(root, bytes)).toBe('Y2Fm6Q==')
    const last = (await resultOf(root, fs.list('g', { path: '.', after: 'caf%xe9' }))) as object
    expect(last).toEqual({ entries: [{ name: '%xff', kind: 'file', size: 1 }], more: false })
    await perform(root, fs.delete('g', { path: '%xff' }))
    expect(readdirSync(root)).toHaveLength(5)
  })

  it('says what is no directory, and what is not there', async () => {
    const root = folder()
    plant(root, ['f = '])
    const codes = []
    for (const path of ['f', 'f/', 'f/x', 'none', 'none/x']) {
      codes.push(await codeOf(root, fs.list('g', { path })))
    }
    const no = 'ICE_EFFECTS_NOT_A_DIRECTORY_UNSUPPORTED'
    const none = 'ICE_EFFECTS_FILE_NOT_FOUND'
    expect(codes).toEqual([no, no, no, none, none])
  })
})

describe('fs.stat', () => {
  it('tells what has a name, without following it', async () => {
    const root = folder()
    plant(root, ['f = 12345', 'dir/', 'link -> dir', 'out -> /etc/passwd'])
    for (const name of ['f', 'dir']) utimesSync(join(root, name), 1_700_000_000, 1_700_000_000)
    const modifiedMs = 1_700_000_000_000
    const stat = (path: string): Promise<unknown> => resultOf(root, fs.stat('g', { path }))
    expect(await stat('f')).toEqual({ kind: 'file', size: 5, modifiedMs })
    expect(await stat('dir')).toEqual({ kind: 'directory', size: 0, modifiedMs })
    expect(await stat('link/')).toEqual({ kind: 'directory', size: 0, modifiedMs })
    expect(await stat('link')).toMatchObject({ kind: 'link', size: 0 })
    expect(await stat('out')).toMatchObject({ kind: 'link', size: 0 })
  })
})

describe('fs.write', () => {
  it('makes a new file and nothing else', async () => {
    const root = folder()
    plant(root, ['dir/'])
    const report = await perform(root, fs.write('g', { path: 'dir/f', content: 'text' }))
    const sha256 = '982d9e3eb996f559e633f4d194def3761d909f5a3b647d1a851fead67c32c9d1'
    expect(report).toEqual({
      value: { bytes: 4, sha256, created: true },
      observed: { path: 'dir/f', bytes: 4, sha256, created: true, before: null },
      kept: {
        path: 'dir/f',
        before: null,
        now: { kind: 'file', mode: lstatSync(join(root, 'dir/f')).mode & 0o777, bytes: 4, sha256 },
      },
    })
    expect(readFileSync(join(root, 'dir/f'), 'utf8')).toBe('text')
    expect(readdirSync(join(root, 'dir'))).toEqual(['f'])
    expect(statSync(join(root, 'dir/f')).nlink).toBe(1)
  })

  it('leaves what is there as it is, whatever it is', async () => {
    const root = folder()
    plant(root, ['f = old', 'dir/', 'link -> f', 'dangling -> nothing'])
    for (const path of ['f', 'dir', 'link', 'dangling']) {
      const code = await codeOf(root, fs.write('g', { path, content: 'new' }))
      expect([path, code]).toEqual([path, 'ICE_EFFECTS_FILE_EXISTS_CONFLICT'])
    }
    // Nor does it say whether the bytes are the same.
    const same = fs.write('g', { path: 'f', content: 'old' })
    expect(await codeOf(root, same)).toBe('ICE_EFFECTS_FILE_EXISTS_CONFLICT')
    expect(readFileSync(join(root, 'f'), 'utf8')).toBe('old')
    expect(existsSync(join(root, 'nothing'))).toBe(false)
    expect(readdirSync(root)).toEqual(['dangling', 'dir', 'f', 'link'])
  })

  it('repeated finds its own work done, and never that of others', async () => {
    const root = folder()
    const write = fs.write('g', { path: 'f', content: 'mine' })
    const first = await perform(root, write)
    expect(await perform(root, write, { attempt: 2 })).toEqual(first)
    writeFileSync(join(root, 'f'), 'them')
    expect(await codeOf(root, write, { attempt: 2 })).toBe('ICE_EFFECTS_FILE_EXISTS_CONFLICT')
    writeFileSync(join(root, 'f'), 'longer')
    expect(await codeOf(root, write, { attempt: 3 })).toBe('ICE_EFFECTS_FILE_EXISTS_CONFLICT')
  })

  it('takes away what a killed attempt of the same effect left, and nothing else', async () => {
    const root = folder()
    const foreign = ownDraft('run/other')
    plant(root, [`${foreign} = other`, 'f = mine'])
    const own = ownDraft('run/step')
    writeFileSync(join(root, own), 'half')
    const result = await codeOf(root, fs.replace('g', { path: 'g', content: 'x' }), { attempt: 2 })
    expect(result).toBe('done')
    expect(readdirSync(root)).toEqual([foreign, 'f', 'g'])
  })

  it('takes base64 only as it is written, and text only with bytes', async () => {
    const root = folder()
    const write = (content: string): ReturnType<typeof fs.write> =>
      fs.write('g', { path: 'f', content, encoding: 'base64' })
    for (const content of ['AA', 'AA=', 'AA==\n', 'A-_A', 'AB==', '!!!!']) {
      const code = await codeOf(root, write(content))
      expect([content, code]).toEqual([content, 'ICE_EFFECTS_ENCODING_UNSUPPORTED'])
    }
    const lone = fs.write('g', { path: 'f', content: '\ud800' })
    expect(await codeOf(root, lone)).toBe('ICE_EFFECTS_ENCODING_UNSUPPORTED')
    await perform(root, write('AP+A'))
    expect(readFileSync(join(root, 'f'))).toEqual(Buffer.from([0, 255, 128]))
  })

  it('of more than one write carries is refused', async () => {
    const content = 'x'.repeat(8 * 1_048_576)
    const root = folder()
    expect(await codeOf(root, fs.write('g', { path: 'f', content }))).toBe('done')
    const more = fs.write('g', { path: 'g', content: `${content}x` })
    expect(await codeOf(root, more)).toBe('ICE_EFFECTS_INPUT_LIMIT')
  })

  it('needs its directory to be there', async () => {
    const root = folder()
    const write = { path: 'no/f', content: '' }
    expect(await codeOf(root, fs.write('g', write))).toBe('ICE_EFFECTS_FILE_NOT_FOUND')
    for (const path of ['.', 'f/', 'a/..']) {
      plant(root, ['a/'])
      const code = await codeOf(root, fs.write('g', { path, content: '' }))
      expect([path, code]).toEqual([path, 'ICE_EFFECTS_NOT_A_FILE_UNSUPPORTED'])
    }
  })
})

describe('fs.replace', () => {
  it('replaces the content, keeps the permissions, and creates what is not there', async () => {
    const root = folder()
    plant(root, ['f = old'])
    chmodSync(join(root, 'f'), 0o4751)
    expect(await resultOf(root, fs.replace('g', { path: 'f', content: 'new' }))).toMatchObject({
      created: false,
    })
    expect(readFileSync(join(root, 'f'), 'utf8')).toBe('new')
    expect(lstatSync(join(root, 'f')).mode & 0o7777).toBe(0o751)
    expect(await resultOf(root, fs.replace('g', { path: 'n', content: '' }))).toMatchObject({
      created: true,
    })
  })

  it('follows a link within the grant and leaves the link', async () => {
    const root = folder()
    plant(root, ['dir/f = old', 'link -> dir/f', 'dangling -> dir/new'])
    const report = await perform(root, fs.replace('g', { path: 'link', content: 'new' }))
    expect(report.observed).toMatchObject({ path: 'dir/f', created: false })
    await perform(root, fs.replace('g', { path: 'dangling', content: 'made' }))
    expect(readFileSync(join(root, 'dir/f'), 'utf8')).toBe('new')
    expect(readFileSync(join(root, 'dir/new'), 'utf8')).toBe('made')
    expect(readlinkSync(join(root, 'link'))).toBe('dir/f')
  })

  it('changes nothing once its signal has fired', async () => {
    const root = folder()
    plant(root, ['f = old'])
    const signal = AbortSignal.abort()
    const content = 'new'
    for (const request of [
      fs.replace('g', { path: 'f', content }),
      fs.write('g', { path: 'g', content }),
      fs.delete('g', { path: 'f' }),
      fs.read('g', { path: 'f' }),
      fs.list('g', { path: '.' }),
    ]) {
      expect(await codeOf(root, request, { signal })).toBe('ICE_EFFECTS_ABORTED')
    }
    expect(readdirSync(root)).toEqual(['f'])
    expect(readFileSync(join(root, 'f'), 'utf8')).toBe('old')
  })
})

describe('fs.delete', () => {
  it('takes away one name, once; what a link leads to stays', async () => {
    const root = folder()
    plant(root, ['f = text', 'link -> f', 'out -> /etc/passwd'])
    for (const path of ['link', 'out', 'f']) {
      expect(await resultOf(root, fs.delete('g', { path }))).toEqual({ deleted: true })
      expect(await resultOf(root, fs.delete('g', { path }))).toEqual({ deleted: false })
    }
    expect(await resultOf(root, fs.delete('g', { path: 'no/such' }))).toEqual({ deleted: false })
    expect(existsSync('/etc/passwd')).toBe(true)
  })

  it('deletes no directory', async () => {
    const root = folder()
    plant(root, ['dir/', 'link -> dir'])
    for (const path of ['dir', 'dir/', '.', 'link/']) {
      const code = await codeOf(root, fs.delete('g', { path }))
      expect([path, code]).toEqual([path, 'ICE_EFFECTS_NOT_A_FILE_UNSUPPORTED'])
    }
    expect(readdirSync(root)).toEqual(['dir', 'link'])
  })
})

describe('every action', () => {
  it('names its fate, its outcome and its claim', () => {
    const told = fileSystemEffects().map(({ action, fate, outcome, resource }) => [
      action,
      fate,
      outcome,
      resource({ path: 'a/b', content: 'x' }),
    ])
    const claim = { path: 'a/b' }
    expect(told).toEqual([
      ['fs.read', 'observe', 'FileRead', claim],
      ['fs.list', 'observe', 'DirectoryListed', claim],
      ['fs.stat', 'observe', 'EffectSucceeded', claim],
      ['fs.write', 'idempotent', 'FileWritten', claim],
      ['fs.replace', 'idempotent', 'FileWritten', claim],
      ['fs.patch', 'idempotent', 'FileWritten', claim],
      ['fs.delete', 'idempotent', 'FileDeleted', claim],
    ])
  })

  it('refuses arguments that are not its own, with their place', () => {
    const [read, list] = fileSystemEffects()
    expect(read?.arguments.parse({ path: 'f' })).toEqual({
      path: 'f',
      encoding: 'utf8',
      maxBytes: 1_048_576,
    })
    expect(list?.arguments.parse({ path: 'f' })).toEqual({ path: 'f', limit: 1_000 })
    const cases: readonly (readonly [unknown, string])[] = [
      [null, ''],
      [{}, '/path'],
      [{ path: 1 }, '/path'],
      [{ path: 'f', maxBytes: -1 }, '/maxBytes'],
      [{ path: 'f', encoding: 'latin1' }, '/encoding'],
      [{ path: 'f', mode: 0o777 }, ''],
    ]
    for (const [args, pointer] of cases) {
      expect(() => read?.arguments.parse(args)).toThrow(
        expect.objectContaining({
          code: 'ICE_EFFECTS_ARGUMENTS_UNSUPPORTED',
          data: { pointer },
        }),
      )
    }
    expect(() => list?.arguments.parse({ path: 'f', limit: 20_001 })).toThrow(/limit/)
  })

  it('closes every descriptor, however it ends', async () => {
    const root = folder()
    plant(root, ['d/f = text', 'd/loop -> loop', 'd/out -> /etc', 'd/link -> f'])
    execFileSync('mkfifo', [join(root, 'd/pipe')])
    symlinkSync('x'.repeat(200), join(root, 'long'))
    const aborted = AbortSignal.abort()
    const paths = [
      'd/f',
      'd',
      'd/loop',
      'd/out',
      'd/link',
      'd/pipe',
      'd/none',
      'no/f',
      '../x',
      'long',
    ]
    const within = ['d/f', 'd/link']
    const round = async (): Promise<number> => {
      let ended = 0
      for (const path of paths) {
        for (const request of [
          fs.read('g', { path }),
          fs.read('g', { path, maxBytes: 1 }),
          fs.read('g', { path }, failing),
          fs.list('g', { path }),
          fs.stat('g', { path }),
          fs.write('g', { path, content: 'x' }),
          fs.replace('g', { path: `${path}.new`, content: 'x' }),
          fs.delete('g', { path: `${path}.new` }),
        ]) {
          for (const options of [{}, { signal: aborted }, { within }, { attempt: 2 }]) {
            for (const containment of ['anchored', 'checked'] as const) {
              await codeOf(root, request, { ...options, containment })
              ended += 1
            }
          }
        }
      }
      return ended
    }
    await round()
    const before = openDescriptors()
    expect(await round()).toBe(640)
    expect(openDescriptors()).toBe(before)
  })

  it('names neither the root nor anything outside it in what it throws', async () => {
    const root = folder()
    plant(root, ['f = ', 'abs -> /etc/shadow', 'up -> ../../secret', 'loop -> loop'])
    for (const path of ['f/x', 'abs', 'up', 'loop', 'none', '.', '../x']) {
      for (const containment of ['anchored', 'checked'] as const) {
        for (const at of [root, join(root, 'gone'), join(root, 'f')]) {
          const error: unknown = await perform(at, fs.read('g', { path }), { containment }).catch(
            (thrown: unknown) => thrown,
          )
          expect(error).toBeInstanceOf(EffectsError)
          const record = JSON.stringify((error as EffectsError).toRecord())
          expect(record).not.toMatch(/ice-effects-|\/proc|\/etc|secret|shadow/)
        }
      }
    }
  })
})

const failing: ByteFold<null, null> = {
  start: () => null,
  step: () => {
    throw new TypeError('the fold fails')
  },
  finish: () => null,
}

/** The name that a killed attempt of the effect with this key leaves behind. */
function ownDraft(key: string): string {
  const sum = execFileSync('sha256sum', { input: key, encoding: 'utf8' })
  return `.ice-${sum.slice(0, 16)}-0123456789abcdef.tmp`
}
