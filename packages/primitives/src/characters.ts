/**
 * The UTF-16 units that JSON gives a meaning, by name.
 */

export const QUOTE: number = 0x22
export const BACKSLASH: number = 0x5c
export const COMMA: number = 0x2c
export const COLON: number = 0x3a
export const PLUS: number = 0x2b
export const MINUS: number = 0x2d
export const POINT: number = 0x2e
export const LOWER_E: number = 0x65
export const ZERO: number = 0x30
export const OPEN_BRACKET: number = 0x5b
export const CLOSE_BRACKET: number = 0x5d
export const OPEN_BRACE: number = 0x7b
export const CLOSE_BRACE: number = 0x7d

/** Whether this is an ASCII digit; NaN, the end of a text, is none. */
export function isDigit(char: number): boolean {
  return char >= ZERO && char <= 0x39
}

/** The value of a hex digit in either case, or -1. */
export function hexDigit(char: number): number {
  if (isDigit(char)) return char - ZERO
  const letter = char | 0x20
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1
}

/** The place of the first surrogate without its other half. */
export function firstLone(text: string): number {
  for (let at = 0; at < text.length; at += 1) {
    const point = text.codePointAt(at) ?? 0
    if (point >= 0xd800 && point <= 0xdfff) return at
    if (point > 0xffff) at += 1
  }
  return text.length
}
