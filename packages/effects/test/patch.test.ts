import { createHash } from 'node:crypto'
import { linkSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fileSystemEffects, fs, previewPatch } from '../src/index.ts'
import { codeOf, folder, openDescriptors, perform, plant, resultOf } from './kit.ts'

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')

const OLD = 'one\ntwo\nthree\nfour\nfive\n'
const NEW = 'one\n2\nthree\nfour\nfive\nsix\n'
const PATCH = `--- a/file
+++ b/file
@@ -1,3 +1,3 @@ in a function
 one
-two
+2
 three
@@ -5 +5,2 @@
 five
+six
`
const [UNSUPPORTED, CONFLICT] = ['ICE_EFFECTS_PATCH_UNSUPPORTED', 'ICE_EFFECTS_PATCH_CONFLICT']

const patchOf = (content: string, patch: string, path = 'file') =>
  fs.patch('g', { path, patch, expected: sha256(content) })

/** A unified diff of the fewest hunks: all old lines for all new ones. */
const wholePatch = (from: string, to: string): string => {
  const lines = (text: string): readonly string[] =>
    text.split(/(?<=\n)/).filter((one) => one !== '')
  const range = (count: number): string => (count === 0 ? '0,0' : `1,${count}`)
  const marked = (mark: string) => (line: string) =>
    line.endsWith('\n') ? `${mark}${line}` : `${mark}${line}\n\\ No newline at end of file\n`
  const [before, after] = [lines(from), lines(to)]
  const head = `@@ -${range(before.length)} +${range(after.length)} @@\n`
  return head + [...before.map(marked('-')), ...after.map(marked('+'))].join('')
}

/** Verifies: EFF-R50 */
describe('fs.patch', () => {
  it('makes of a file what the patch says, and tells what was there', async () => {
    const root = folder()
    plant(root, [`file = ${OLD}`])
    const { value, observed, spent } = await perform(root, patchOf(OLD, PATCH))
    expect(readFileSync(join(root, 'file'), 'utf8')).toBe(NEW)
    expect(value).toEqual({ bytes: NEW.length, sha256: sha256(NEW) })
    expect(observed).toEqual({
      path: 'file',
      bytes: NEW.length,
      sha256: sha256(NEW),
      before: { kind: 'file', bytes: OLD.length, sha256: sha256(OLD) },
    })
    expect(spent).toEqual({ bytes: NEW.length })
  })

  it('keeps permissions, follows a link within the root, and leaves no descriptor', async () => {
    const root = folder()
    plant(root, [`real = ${OLD}`])
    symlinkSync('real', join(root, 'file'))
    const { mode } = statSync(join(root, 'real'))
    const before = openDescriptors()
    await perform(root, patchOf(OLD, PATCH))
    expect(await codeOf(root, patchOf(OLD, PATCH))).toBe(CONFLICT)
    expect(openDescriptors()).toBe(before)
    expect(readFileSync(join(root, 'real'), 'utf8')).toBe(NEW)
    expect(statSync(join(root, 'real')).mode).toBe(mode)
  })

  it.each([
    ['another line', OLD.replace('two', 'tow'), { hunk: 1, line: 2 }],
    ['one line more before', `zero\n${OLD}`, { hunk: 1, line: 1 }],
    ['one line less behind', 'one\ntwo\nthree\nfour\n', { hunk: 2, line: 5 }],
    ['no end of its last line', OLD.trimEnd(), { hunk: 2, line: 5 }],
    ['other ends of lines', OLD.replaceAll('\n', '\r\n'), { hunk: 1, line: 1 }],
  ])('is refused by a file with %s, by the hunk that does not fit', async (_why, content, data) => {
    const root = folder()
    writeFileSync(join(root, 'file'), content)
    const failed = await perform(root, patchOf(content, PATCH)).catch((error: unknown) => error)
    expect(failed).toMatchObject({ code: CONFLICT, data })
    expect(readFileSync(join(root, 'file'), 'utf8')).toBe(content)
  })

  it('is refused by another content, also where each hunk would fit', async () => {
    const root = folder()
    const other = `${OLD}more\n`
    plant(root, [`file = ${other}`])
    expect(await codeOf(root, patchOf(OLD, PATCH))).toBe(CONFLICT)
    expect(readFileSync(join(root, 'file'), 'utf8')).toBe(other)
  })

  it('comes to the same when an attempt is repeated, and only then', async () => {
    const root = folder()
    plant(root, [`file = ${NEW}`])
    expect(await resultOf(root, patchOf(OLD, PATCH), { attempt: 2 })).toEqual({
      bytes: NEW.length,
      sha256: sha256(NEW),
    })
    expect(await codeOf(root, patchOf(OLD, PATCH), { attempt: 1 })).toBe(CONFLICT)
    plant(root, [`file = ${NEW}x`])
    expect(await codeOf(root, patchOf(OLD, PATCH), { attempt: 2 })).toBe(CONFLICT)
  })

  it.each([
    ['', 'no hunk'],
    ['nonsense\n', 'line 1'],
    ['--- a\n+++ b\n', 'no hunk'],
    ['@@ -1,2 +1 @@\n one\n', 'lacks lines'],
    ['@@ -1 +1 @@\n-one\n+1\n+2\n', 'line 4'],
    ['@@ -1,1 +1,2 @@\n-one\n-two\n+1\n+2\n', 'counts other'],
    ['@@ -0,1 +1 @@\n-one\n+1\n', 'begins at line 0'],
    ['@@ -3 +3 @@\n-three\n+3\n@@ -1 +1 @@\n-one\n+1\n', 'before the end'],
    ['@@ -1 +2 @@\n-one\n+1\n', 'another place'],
    ['@@ -1 +1 @@\n-one\n+1\ndiff --git a/x b/x\n', 'no hunk at its line 4'],
    ['@@ -99999999999 +1 @@\n-one\n+1\n', 'no hunk at its line 1'],
    ['@@ -1 +1 @@\r\n-one\r\n+1\r\nx', 'line 4'],
  ])('refuses what is no patch: %j', async (patch, why) => {
    const root = folder()
    plant(root, [`file = ${OLD}`])
    const failed = await perform(root, patchOf(OLD, patch)).catch((error: unknown) => error)
    expect(failed).toMatchObject({ code: UNSUPPORTED })
    expect((failed as Error).message).toContain(why)
    expect(readFileSync(join(root, 'file'), 'utf8')).toBe(OLD)
  })

  it('is held to its grant, to one name, to a file and to UTF-8', async () => {
    const root = folder()
    plant(root, [`file = ${OLD}`, 'dir/'])
    expect(await codeOf(root, patchOf(OLD, PATCH), { within: ['dir'] })).toContain('_DENIED')
    expect(await codeOf(root, patchOf(OLD, PATCH, '../x'))).toContain('_DENIED')
    expect(await codeOf(root, patchOf(OLD, PATCH, 'dir'))).toContain('NOT_A_FILE')
    expect(await codeOf(root, patchOf(OLD, PATCH, 'none'))).toContain('NOT_FOUND')
    linkSync(join(root, 'file'), join(root, 'other'))
    expect(await codeOf(root, patchOf(OLD, PATCH))).toBe('ICE_EFFECTS_HARD_LINK_DENIED')
    writeFileSync(join(root, 'bytes'), Buffer.from([255, 10]))
    expect(await codeOf(root, patchOf(OLD, PATCH, 'bytes'))).toBe(
      'ICE_EFFECTS_ENCODING_UNSUPPORTED',
    )
  })

  it('makes no file larger than the call says, which is what it states as its bound', async () => {
    const root = folder()
    plant(root, [`file = ${OLD}`])
    const request = { path: 'file', patch: PATCH, expected: sha256(OLD), maxBytes: OLD.length }
    expect(await codeOf(root, fs.patch('g', request))).toBe('ICE_EFFECTS_INPUT_LIMIT')
    const handler = fileSystemEffects().find(({ action }) => action === 'fs.patch')
    expect(handler?.bounds?.(request)).toEqual({ bytes: OLD.length })
    expect(handler?.source?.(request)).toBeNull()
  })

  it('makes any text of any other, and a preview says the same without acting', () => {
    const text = fc
      .array(fc.oneof(fc.constantFrom('a\n', 'b\n', '\n', '\r\n', '@@ -1 +1 @@\n', '\\ x\n')))
      .chain((lines) => fc.string().map((end) => lines.join('') + end.replaceAll('\n', '')))
    const holds = fc.property(text, text, (from, to) => {
      fc.pre(from !== '' || to !== '')
      const preview = previewPatch({ content: from, patch: wholePatch(from, to) })
      expect(preview.after.sha256).toBe(sha256(to))
      expect(preview.before.sha256).toBe(sha256(from))
    })
    fc.assert(holds, { numRuns: 500 })
  })

  it('never throws but by its codes, whatever a patch is', () => {
    const piece = fc.oneof(
      fc.string(),
      fc.constantFrom(...PATCH.split(/(?<=\n)/), '@@ -0,0 +1 @@\n'),
    )
    const total = fc.property(
      fc.array(piece).map((parts) => parts.join('')),
      (patch) => {
        try {
          previewPatch({ content: OLD, patch })
        } catch (error) {
          expect([UNSUPPORTED, CONFLICT]).toContain((error as { readonly code: string }).code)
        }
      },
    )
    fc.assert(total, { numRuns: 1_000 })
  })

  it('is shown without what steers a terminal', () => {
    const patch = '@@ -0,0 +1 @@\n+\u001b[2Jhidden\u202e\n'
    const { diff, added, removed, hunks } = previewPatch({ content: '', patch })
    expect(diff).toBe('@@ line 1 @@\n+\\u001b[2Jhidden\\u202e\n')
    expect({ added, removed, hunks }).toEqual({ added: 1, removed: 0, hunks: 1 })
  })
})

/** Verifies: EFF-R51 */
describe('what was there before', () => {
  it('is told of every change, and of nothing where nothing was', async () => {
    const root = folder()
    plant(root, [`old = ${OLD}`])
    symlinkSync('old', join(root, 'link'))
    const before = { kind: 'file', bytes: OLD.length, sha256: sha256(OLD) }
    const observedOf = async (request: Parameters<typeof perform>[1]) =>
      (await perform(root, request)).observed['before']
    expect(await observedOf(fs.write('g', { path: 'new', content: 'x' }))).toBeNull()
    expect(await observedOf(fs.replace('g', { path: 'new2', content: 'x' }))).toBeNull()
    expect(await observedOf(fs.delete('g', { path: 'link' }))).toEqual({
      kind: 'link',
      bytes: 0,
      sha256: null,
    })
    expect(await observedOf(fs.replace('g', { path: 'old', content: 'y' }))).toEqual(before)
    expect(await observedOf(fs.delete('g', { path: 'old' }))).toEqual({
      kind: 'file',
      bytes: 1,
      sha256: sha256('y'),
    })
    expect(await observedOf(fs.delete('g', { path: 'old' }))).toBeNull()
  })
})
