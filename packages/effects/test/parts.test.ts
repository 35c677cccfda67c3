/** Verifies: EFF-R04, EFF-R08, EFF-R09, EFF-R10 */

import { Buffer } from 'node:buffer'
import { readFileSync } from 'node:fs'
import { constants } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { checkedAnchor } from '../src/anchor-checked.ts'
import { translated } from '../src/errno.ts'
import {
  describeFileSystem,
  EFFECTS_CODES,
  EffectsError,
  fileSystemEffects,
  fs,
  nameBytes,
  nameText,
} from '../src/index.ts'
import { parsePath } from '../src/path.ts'
import { shownPath } from '../src/shown.ts'
import { windowsNameFault } from '../src/windows.ts'
import { reserved } from '../src/write.ts'
import { folder, plant } from './kit.ts'

/** Bytes that meet at the borders: parts of characters, of escapes, of surrogates. */
const hostileBytes = fc
  .array(
    fc.oneof(
      fc.constantFrom('%', 'x', '%x', '%x2', '%x25', '%x5c', '\\', 'é', '💥', '\ufeff', '.'),
      fc.constantFrom('\x80', '\xc3', '\xe2\x82', '\xf0\x9f', '\xed\xa0\x80', '\xff', '\xc0\xaf'),
      fc.string({ unit: 'binary-ascii', minLength: 1, maxLength: 3 }),
    ),
    { maxLength: 12 },
  )
  .map((pieces) =>
    Buffer.concat(
      pieces.map((piece) => Buffer.from(piece, /[^\0-\xff]/.test(piece) ? 'utf8' : 'latin1')),
    ),
  )

describe('the spelling of names', () => {
  it('gives every sequence of bytes back, in well-formed text without a backslash', () => {
    fc.assert(
      fc.property(fc.oneof(hostileBytes, fc.uint8Array({ maxLength: 24 })), (bytes) => {
        const text = nameText(bytes)
        expect(text.isWellFormed()).toBe(true)
        expect(text).not.toContain('\\')
        expect(nameBytes(text)).toEqual(Buffer.from(bytes))
      }),
      { numRuns: 2_000 },
    )
  })

  it('has one spelling for each name: any other text is refused or another name', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('%', 'x', '2', '5', 'c', 'f', 'a', '\\', 'é') }),
        (text) => {
          const bytes = nameBytes(text)
          if (bytes !== undefined) expect(nameText(bytes)).toBe(text)
        },
      ),
      { numRuns: 2_000 },
    )
    for (const text of ['%x41', '%x2f', '%x2e', '%x00', '%xc3%xa9', 'a\\b', '%x25']) {
      expect([text, nameBytes(text)]).toEqual([text, undefined])
    }
  })

  it('leaves ordinary names as they are', () => {
    for (const text of ['a', '100%', '%20', 'a%2fb', '%xyz', '%x2', 'é', '💥', '.', '-rf', ' ']) {
      expect(nameBytes(text)).toEqual(Buffer.from(text))
      expect(nameText(Buffer.from(text))).toBe(text)
    }
  })
})

describe('a path as text', () => {
  it('is read into steps, or refused with a code, whatever it is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 64 }), (text) => {
        try {
          const { steps } = parsePath(text)
          expect(steps).not.toContain('.')
          expect(steps).not.toContain('')
        } catch (error) {
          expect(error).toBeInstanceOf(EffectsError)
        }
      }),
      { numRuns: 2_000 },
    )
  })

  it('is shown clipped, quoted, and unable to steer a terminal', () => {
    expect(shownPath('a\u001b[2J\u202e\u0085"')).toBe('"a\\u001b[2J\\u202e\\u0085\\""')
    expect(shownPath('\ud800')).toBe('"\ufffd"')
    expect(shownPath('x'.repeat(5_000))).toHaveLength(258)
  })
})

describe('errors of the system', () => {
  it('all get a code, and lose the path they carry', () => {
    const codes = new Set<string>(Object.values(EFFECTS_CODES))
    const unknown: string[] = []
    for (const errno of [...Object.keys(constants.errno), 'EWHATEVER']) {
      const fields = { code: errno, syscall: 'open', path: '/root/secret' }
      const thrown = Object.assign(new Error(`${errno}: /root/secret`), fields)
      const error = translated(thrown, 'a/b') as EffectsError
      expect(codes.has(error.code)).toBe(true)
      expect(error.code).not.toMatch(/_DENIED$/)
      expect(JSON.stringify(error.toRecord())).not.toContain('root')
      expect(error.data).toEqual({ errno, syscall: 'open' })
      if (error.message === '"a/b" could not be reached') unknown.push(errno)
    }
    expect(unknown).toContain('EWHATEVER')
  })

  it('are told from failures of the program, which stay what they are', () => {
    const bug = new TypeError('a bug')
    expect(translated(bug, 'a')).toBe(bug)
    const coded = new EffectsError(EFFECTS_CODES.aborted, 'aborted')
    expect(translated(coded, 'a')).toBe(coded)
    const fake = { code: 'ENOENT' }
    expect(translated(fake, 'a')).toBe(fake)
  })

  it('are worth a retry only where the machine may recover', () => {
    const retryable = Object.values(EFFECTS_CODES).filter(
      (code) => new EffectsError(code, '').retryable,
    )
    expect(retryable).toEqual(['ICE_EFFECTS_UNAVAILABLE'])
  })
})

describe('machines without anchors', () => {
  it('say that they promise less', () => {
    const weaker = describeFileSystem({ containment: 'checked' })
    expect(weaker).toMatchObject({ containment: 'checked', guaranteed: false })
    const own = describeFileSystem()
    expect(own.guaranteed).toBe(own.containment === 'anchored')
    expect(own.guaranteed).toBe(process.platform === 'linux')
  })

  it('notice that what was opened is not what was looked at', () => {
    const root = folder()
    plant(root, ['root/f = inside', 'secret = outside'])
    const top = checkedAnchor.openRoot(join(root, 'root'))
    const seen = checkedAnchor.look(top, 'f')
    expect(seen).toBeDefined()
    const moved = { ...top, ...seen, place: join(root, 'secret'), close: () => undefined }
    expect(() => checkedAnchor.openFile(moved)).toThrow(
      expect.objectContaining({ code: 'ICE_EFFECTS_PATH_ESCAPE_DENIED' }),
    )
  })

  it('do not take a folder beside the root for one below it', () => {
    const base = folder()
    plant(base, ['root/', 'root-beside/f = outside'])
    const top = checkedAnchor.openRoot(join(base, 'root'))
    const beside = { ...top, place: join(base, 'root-beside/f'), close: () => undefined }
    expect(() => checkedAnchor.openFile(beside)).toThrow(
      expect.objectContaining({ code: 'ICE_EFFECTS_PATH_ESCAPE_DENIED' }),
    )
  })

  it('refuse the names that Windows reads as something else', () => {
    const refused = [
      'con',
      'AUX.c',
      'nul ',
      'com1:',
      'a:b',
      'a|b',
      'dot.',
      'space ',
      'a\u0001',
      '%xff',
    ]
    for (const name of refused)
      expect([name, windowsNameFault(name)]).not.toEqual([name, undefined])
    for (const name of ['console', 'a.con', 'com', 'com10', '.git', 'é']) {
      expect([name, windowsNameFault(name)]).toEqual([name, undefined])
    }
  })

  it('without hard links still create only what is not there', async () => {
    const root = folder()
    plant(root, ['draft = new', 'second = other'])
    await reserved(join(root, 'draft'), join(root, 'f'))
    expect(readFileSync(join(root, 'f'), 'utf8')).toBe('new')
    const again = reserved(join(root, 'second'), join(root, 'f'))
    await expect(again).rejects.toMatchObject({ code: 'EEXIST' })
    expect(readFileSync(join(root, 'f'), 'utf8')).toBe('new')
  })
})

describe('requests', () => {
  it('fit the handlers that carry them out', () => {
    const requests = [
      fs.read('g', { path: 'a', encoding: 'base64', maxBytes: 1 }),
      fs.list('g', { path: '.', after: 'b', limit: 1 }),
      fs.stat('g', { path: 'a' }),
      fs.write('g', { path: 'a', content: '' }),
      fs.replace('g', { path: 'a', content: 'AA==', encoding: 'base64' }),
      fs.patch('g', { path: 'a', patch: '', expected: '0'.repeat(64), maxBytes: 1 }),
      fs.delete('g', { path: 'a' }),
    ]
    const handlers = fileSystemEffects()
    expect(requests.map(({ action }) => action)).toEqual(handlers.map(({ action }) => action))
    for (const [at, request] of requests.entries()) {
      expect(handlers[at]?.arguments.parse(request.arguments)).toMatchObject(request.arguments)
      expect(request.grant).toBe('g')
    }
  })
})
