/// <reference lib="es2024.string" />
/**
 * Whether a text needs no escape in JSON: asked of every string of every payload.
 *
 * A regular expression looks at one character after the other, which for a text of 2 KB costs more
 * than its hash. Here the host copies the text into bytes, and four of them are looked at in one
 * step; quotes and backslashes are left to `indexOf`, which the engine does in wide steps too.
 */

import { INLINE_STRING_BYTES_MAX } from './limits.ts'

/** Below this many characters the regular expression is as fast. */
const SHORT = 48
const LONG: number = INLINE_STRING_BYTES_MAX

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what JSON must escape
const NEEDS_CARE = /[\u0000-\u001f"\\\ud800-\udfff]/

const encoder = new TextEncoder()
/** Reused: nothing waits between filling and reading it. A character has at most three bytes. */
const bytes = new Uint8Array(LONG * 3 + 4)
const words = new Uint32Array(bytes.buffer)

const SPACES = 0x20202020
const HIGH_BITS = 0x80808080

/**
 * Whether the text stands between quotes as it is: no quote, backslash, control character or lone
 * surrogate. Of a short text with a surrogate pair it says no, which is only slower.
 */
export function isPlainText(text: string): boolean {
  const { length } = text
  if (length < SHORT || length > LONG) return !NEEDS_CARE.test(text)
  if (text.indexOf('"') !== -1 || text.indexOf('\\') !== -1) return false
  const { written } = encoder.encodeInto(text, bytes)
  bytes[written] = 0x20
  bytes[written + 1] = 0x20
  bytes[written + 2] = 0x20
  const end = (written + 3) >> 2
  for (let at = 0; at < end; at += 1) {
    const word = words[at] as number
    // Set in a byte below 0x20, whose subtraction borrows; bytes with a high bit are masked out.
    if (((word - SPACES) & ~word & HIGH_BITS) !== 0) return false
  }
  return text.isWellFormed()
}
