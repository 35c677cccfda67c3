/// <reference lib="es2024.string" />
/**
 * Text as UTF-16 that has UTF-8 bytes: telling it apart, and clipping it to a number of them.
 *
 * The trap: `slice` counts UTF-16 units, so it misses the bound by up to three times and can
 * cut a surrogate pair in two, which canonical JSON then refuses.
 */

const encoder = new TextEncoder()
const ELLIPSIS = '…'
const ELLIPSIS_BYTES = 3

/**
 * Clips text to at most `bytesMax` bytes; clipped text ends in `…`, and lone surrogates become
 * U+FFFD.
 *
 * @units `bytesMax` counts UTF-8 bytes and is at least 3
 */
export function clip(text: string, bytesMax: number): string {
  const head = (text.length > bytesMax ? text.slice(0, bytesMax + 1) : text).toWellFormed()
  const room = new Uint8Array(bytesMax)
  if (encoder.encodeInto(head, room).read === head.length) return head
  const kept = encoder.encodeInto(head, room.subarray(0, bytesMax - ELLIPSIS_BYTES)).read
  return head.slice(0, kept) + ELLIPSIS
}

/** Whether every surrogate in a text has its other half, so that the text has UTF-8 bytes. */
export function isWellFormed(text: string): boolean {
  return text.isWellFormed()
}

/** Anything but printable text outside the surrogates, the quote and the backslash. */
const SPECIAL = /[^ !#-[\]-\ud7ff\ue000-\uffff]/

/** Whether quoting a text takes more than two quotes, or may be impossible. */
export function isSpecial(text: string): boolean {
  return SPECIAL.test(text)
}

/** Well-formed text as a JSON string; `JSON.stringify` escapes as RFC 8785 §3.2.2.2 asks. */
export function quoted(text: string): string {
  return SPECIAL.test(text) ? JSON.stringify(text) : `"${text}"`
}
