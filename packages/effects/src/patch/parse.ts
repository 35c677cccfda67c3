/**
 * A unified diff of one file, read strictly.
 *
 *     patch  = [ "--- " text NL "+++ " text NL ] 1*hunk
 *     hunk   = "@@ -" range " +" range " @@" [ text ] NL 1*line
 *     range  = start [ "," count ]                  ; count left out: 1
 *     line   = ( " " / "-" / "+" ) text NL [ "\ No newline at end of file" NL ]
 *
 * 1. Which file is for the arguments to say: names in the header are not read.
 * 2. Hunks stand in order and do not overlap, and their counts are those of their lines.
 * 3. A line ends at LF; a CR before it belongs to the line, and is compared like any character.
 *
 * The trap: a patch that is understood in part. Whatever is not of this grammar refuses it all.
 */

import { EFFECTS_CODES, EffectsError } from '../errors.ts'
import { PATCH_HUNKS_MAX } from './limits.ts'

/** One change: these lines, at this place, for those. Lines hold their LF, where they have one. */
export interface Hunk {
  /** Of the first old line, from 0; of an insertion, the line it stands before. */
  readonly at: number
  /** The same in the new file. */
  readonly to: number
  readonly old: readonly string[]
  readonly new: readonly string[]
  /** As it stands in the patch: each with its mark. */
  readonly lines: readonly string[]
}

const HEAD = /^@@ -(\d{1,9})(?:,(\d{1,9}))? \+(\d{1,9})(?:,(\d{1,9}))? @@/
const NO_NEWLINE = /^\\ No newline at end of file$/

/** Reads a patch. @throws {EffectsError} `ICE_EFFECTS_PATCH_UNSUPPORTED` */
export function parsePatch(patch: string): readonly Hunk[] {
  const lines = patch.split('\n')
  if (lines.at(-1) === '') lines.pop()
  let next = lines[0]?.startsWith('--- ') === true && lines[1]?.startsWith('+++ ') === true ? 2 : 0
  const hunks: Hunk[] = []
  while (next < lines.length) {
    if (hunks.length >= PATCH_HUNKS_MAX) throw refused(`has more than ${PATCH_HUNKS_MAX} hunks`)
    const { hunk, behind } = parseHunk(lines, next)
    hunks.push(hunk)
    next = behind
  }
  if (hunks.length === 0) throw refused('has no hunk')
  checkOrder(hunks)
  return hunks
}

function parseHunk(
  lines: readonly string[],
  head: number,
): { readonly hunk: Hunk; readonly behind: number } {
  const match = HEAD.exec(lines[head] ?? '')
  if (match === null) throw refused(`has no hunk at its line ${head + 1}`)
  const [oldStart = 0, oldCount = 1, newStart = 0, newCount = 1] = match
    .slice(1)
    .map((digits) => (digits === undefined ? undefined : Number(digits)))
  const [before, after, marked]: [string[], string[], string[]] = [[], [], []]
  let at = head + 1
  while (before.length < oldCount || after.length < newCount) {
    const line = lines[at]
    const mark = line?.[0]
    const isOne = mark === ' ' || mark === '-' || mark === '+'
    if (line === undefined || !isOne) throw refused(`lacks lines of the hunk at line ${head + 1}`)
    const hasNewline = !NO_NEWLINE.test(lines[at + 1] ?? '')
    const text = `${line.slice(1)}${hasNewline ? '\n' : ''}`
    if (mark !== '+') before.push(text)
    if (mark !== '-') after.push(text)
    marked.push(`${mark}${text}`)
    at += hasNewline ? 1 : 2
  }
  if (before.length !== oldCount || after.length !== newCount) {
    throw refused(`counts other lines than the hunk at line ${head + 1} has`)
  }
  const hunk = {
    at: placeOf(oldStart, oldCount),
    to: placeOf(newStart, newCount),
    old: before,
    new: after,
    lines: marked,
  }
  return { hunk, behind: at }
}

/** Without lines, a range names the line it stands behind. */
function placeOf(start: number, count: number): number {
  if (count === 0) return start
  if (start === 0) throw refused('has a hunk with lines that begins at line 0')
  return start - 1
}

function checkOrder(hunks: readonly Hunk[]): void {
  let [end, grown] = [0, 0]
  hunks.forEach((hunk, n) => {
    if (hunk.at < end) throw refused(`has hunk ${n + 1} before the end of the one before it`)
    if (hunk.to !== hunk.at + grown) {
      throw refused(`has hunk ${n + 1} at another place of the new file than the old one leads to`)
    }
    end = hunk.at + hunk.old.length
    grown += hunk.new.length - hunk.old.length
  })
}

function refused(why: string): EffectsError {
  return new EffectsError(EFFECTS_CODES.patchUnsupported, `The patch ${why}`)
}
