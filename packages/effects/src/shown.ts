/// <reference lib="es2024.string" />
/** Paths as messages show them: quoted, clipped, and unable to steer a terminal. */

import { SHOWN_PATH_CHARS_MAX } from './limits.ts'

/** What JSON leaves as it is and a terminal, or an eye, does not: controls, marks of direction. */
const STEERING = /[\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g

/** A path, or any other text of a caller, in quotes. */
export function shownPath(text: string): string {
  const isLong = text.length > SHOWN_PATH_CHARS_MAX
  const kept = isLong ? `${text.slice(0, SHOWN_PATH_CHARS_MAX - 1)}…` : text
  return JSON.stringify(kept.toWellFormed()).replace(STEERING, escaped)
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}
