/**
 * A patch and a content: what it makes of it, and what it was made of.
 *
 * Every line of a hunk has to stand exactly where the hunk says: no fuzz, no search for another
 * place. What fits only roughly was made against another content, and is refused.
 */

import { Buffer } from 'node:buffer'
import { type Digest, digestOf } from '../bytes.ts'
import { EFFECTS_CODES, EffectsError } from '../errors.ts'
import { PATCHED_BYTES_MAX, PREVIEW_CHARS_MAX } from './limits.ts'
import { type Hunk, parsePatch } from './parse.ts'

/** What a patch would do. */
export interface PatchPreview {
  /** Of the content it was held against. */
  readonly before: Digest
  /** Of the content it makes. */
  readonly after: Digest
  readonly hunks: number
  readonly added: number
  readonly removed: number
  /** The hunks with their places, controls written out; clipped with "…". */
  readonly diff: string
}

/** What a patch makes of a content. @throws {EffectsError} `…_PATCH_UNSUPPORTED`, `…_CONFLICT` */
export function patched(content: string, hunks: readonly Hunk[]): string {
  return replaced(content, hunks, ({ at, old, new: lines }) => ({ at, from: old, to: lines }))
}

/** What a patch was made of, if it made this content. @throws as `patched` */
export function unpatched(content: string, hunks: readonly Hunk[]): string {
  return replaced(content, hunks, ({ to: at, old, new: lines }) => ({ at, from: lines, to: old }))
}

interface Change {
  readonly at: number
  readonly from: readonly string[]
  readonly to: readonly string[]
}

function replaced(
  content: string,
  hunks: readonly Hunk[],
  changeOf: (hunk: Hunk) => Change,
): string {
  const lines = linesOf(content)
  const out: string[] = []
  let next = 0
  hunks.forEach((hunk, n) => {
    const { at, from, to } = changeOf(hunk)
    const odd = from.findIndex((line, offset) => lines[at + offset] !== line)
    if (at > lines.length || odd >= 0) throw misfit(n + 1, at + Math.max(odd, 0) + 1)
    for (let line = next; line < at; line += 1) out.push(lines[line] ?? '')
    out.push(...to)
    next = at + from.length
  })
  for (let line = next; line < lines.length; line += 1) out.push(lines[line] ?? '')
  // Only the last line of a file can be without its end.
  if (out.slice(0, -1).some((line) => !line.endsWith('\n'))) throw misfit(hunks.length, out.length)
  return out.join('')
}

/** Lines with their ends; the last may have none. */
function linesOf(content: string): readonly string[] {
  return content === '' ? [] : content.split(/(?<=\n)/)
}

function misfit(hunk: number, line: number): EffectsError {
  const message = `Hunk ${hunk} of the patch does not fit: line ${line} of the file is another`
  return new EffectsError(EFFECTS_CODES.patchConflict, message, { hunk, line })
}

/**
 * What a patch would do to a content: for a person who is asked to approve it. Pure.
 *
 * @throws {EffectsError} `ICE_EFFECTS_PATCH_UNSUPPORTED`, `ICE_EFFECTS_PATCH_CONFLICT`,
 * `ICE_EFFECTS_INPUT_LIMIT`
 */
export function previewPatch({
  content,
  patch,
}: {
  readonly content: string
  readonly patch: string
}): PatchPreview {
  const hunks = parsePatch(patch)
  const [before, after] = [boundedBytes(content), boundedBytes(patched(content, hunks))]
  const lines = hunks.flatMap((hunk) => hunk.lines)
  const count = (mark: string): number => lines.filter((line) => line.startsWith(mark)).length
  return {
    before: digestOf(before),
    after: digestOf(after),
    hunks: hunks.length,
    added: count('+'),
    removed: count('-'),
    diff: shownDiff(hunks),
  }
}

/** The bytes of a content that can be patched. @throws {EffectsError} `ICE_EFFECTS_INPUT_LIMIT` */
export function boundedBytes(content: string, limit: number = PATCHED_BYTES_MAX): Buffer {
  const bytes = Buffer.from(content)
  if (bytes.length <= limit) return bytes
  const message = `The file would have ${bytes.length} bytes, and the call allows ${limit}`
  throw new EffectsError(EFFECTS_CODES.inputLimit, message, { size: bytes.length, limit })
}

/** What steers a terminal, or hides from an eye; a tab and the end of a line do neither. */
const STEERING = /(?![\t\n])\p{Cc}|[\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/gu

function shownDiff(hunks: readonly Hunk[]): string {
  const text = hunks.map(({ at, lines }) => `@@ line ${at + 1} @@\n${lines.join('')}`).join('')
  const shown = text.replace(
    STEERING,
    (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
  if (shown.length <= PREVIEW_CHARS_MAX) return shown
  return `${shown.slice(0, PREVIEW_CHARS_MAX - 1).toWellFormed()}…`
}
