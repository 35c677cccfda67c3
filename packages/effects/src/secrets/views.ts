/**
 * A text as it reads once escapes are undone, with the place each character came from.
 *
 *     percent   %41               json   \" \\ \/ \n \u0041 \x41
 *     html      &amp; &#65; &#x41;       lines  line breaks taken out, as base64 in mail has them
 *
 * A secret that was escaped in whatever way, once or twice, of one kind or of two, stands plainly
 * in one of the views. Each is made only where the text has what it undoes.
 */

import { folded, foldedText } from './forms.ts'

/** Characters, folded, and where in the original each begins and ends. */
export interface View {
  readonly codes: Uint16Array
  /** Left out: where it stands. */
  readonly starts?: Int32Array
  readonly ends?: Int32Array
}

/** The character that an escape stands for, and how long it is; `undefined` when it is none. */
type Undo = (codes: Uint16Array, at: number) => readonly [code: number, length: number] | undefined

const [PERCENT, BACKSLASH, AMPERSAND, LINE_FEED, RETURN] = [37, 92, 38, 10, 13]

/** The value of digits in hex, all of them digits; -1 otherwise. Folded: lower case alone. */
function hex(codes: Uint16Array, start: number, length: number): number {
  if (start + length > codes.length) return -1
  let value = 0
  for (let at = start; at < start + length; at += 1) {
    const code = codes[at] ?? 0
    const digit = code >= 48 && code <= 57 ? code - 48 : code >= 97 && code <= 102 ? code - 87 : -1
    if (digit < 0) return -1
    value = value * 16 + digit
  }
  return value
}

const percent: Undo = (codes, at) => {
  const value = hex(codes, at + 1, 2)
  return value < 0 ? undefined : [value, 3]
}

/** By the letter behind the backslash: n r t b f. */
const CONTROLS: ReadonlyMap<number, number> = new Map([
  [110, 10],
  [114, 13],
  [116, 9],
  [98, 8],
  [102, 12],
])

const json: Undo = (codes, at) => {
  const next = codes[at + 1]
  if (next === undefined) return undefined
  if (next === 117 || next === 120) {
    const length = next === 117 ? 4 : 2
    const value = hex(codes, at + 2, length)
    return value < 0 ? undefined : [value, length + 2]
  }
  return [CONTROLS.get(next) ?? next, 2]
}

const NAMED: readonly (readonly [name: string, code: number])[] = [
  ['amp;', 38],
  ['lt;', 60],
  ['gt;', 62],
  ['quot;', 34],
  ['apos;', 39],
]

const html: Undo = (codes, at) => {
  for (const [name, code] of NAMED) {
    if ([...name].every((letter, n) => codes[at + 1 + n] === letter.charCodeAt(0))) {
      return [code, name.length + 1]
    }
  }
  if (codes[at + 1] !== 35) return undefined
  let text = ''
  for (let n = at + 2; n < Math.min(codes.length, at + 10); n += 1) {
    if (codes[n] === 59) break
    text += String.fromCharCode(codes[n] ?? 0)
  }
  const isHex = /^x[0-9a-f]{1,4}$/.test(text)
  if (!isHex && !/^[0-9]{1,5}$/.test(text)) return undefined
  return [(isHex ? Number.parseInt(text.slice(1), 16) : Number(text)) & 0xffff, text.length + 3]
}

/** Takes a line break out: what it stands for is nothing. */
const lines: Undo = () => [-1, 1]

const ESCAPES: readonly (readonly [mark: number, undo: Undo])[] = [
  [PERCENT, percent],
  [BACKSLASH, json],
  [AMPERSAND, html],
]

/** The view one step further; `undefined` when nothing is to be undone. */
function undone(view: View, marks: readonly number[], undo: Undo): View | undefined {
  const { codes } = view
  if (!marks.some((mark) => codes.includes(mark))) return undefined
  const out = new Uint16Array(codes.length)
  const [starts, ends] = [new Int32Array(codes.length), new Int32Array(codes.length)]
  let length = 0
  for (let at = 0; at < codes.length; ) {
    const code = codes[at] ?? 0
    const undoing = marks.includes(code) ? undo(codes, at) : undefined
    const [value, taken] = undoing ?? [code, 1]
    if (value >= 0) {
      out[length] = folded(value)
      starts[length] = view.starts?.[at] ?? at
      ends[length] = view.ends?.[at + taken - 1] ?? at + taken
      length += 1
    }
    at += taken
  }
  if (length === codes.length) return undefined
  const kept = [0, length] as const
  return {
    codes: out.subarray(...kept),
    starts: starts.subarray(...kept),
    ends: ends.subarray(...kept),
  }
}

function* deeper(view: View, depth: number): Iterable<View> {
  const joined = undone(view, [LINE_FEED, RETURN], lines)
  if (joined !== undefined) yield joined
  if (depth === 0) return
  for (const [mark, undo] of ESCAPES) {
    const next = undone(view, [mark], undo)
    if (next === undefined) continue
    yield next
    yield* deeper(next, depth - 1)
  }
}

/** The text itself, and every view of it in which at most two layers of escapes are undone. */
export function* viewsOf(text: string): Iterable<View> {
  const plain = { codes: foldedText(text) }
  yield plain
  yield* deeper(plain, 2)
}
