/// <reference lib="es2024.string" />
/**
 * Values as they are shown in reasons: quoted, clipped, and unable to steer a terminal.
 *
 * The trap: a denial is recorded, and an event refuses text with a lone surrogate. A hostile path
 * quoted as it is would make its own denial unrecordable.
 */
import { SHOWN_CHARS_MAX, SHOWN_ENTRIES_MAX } from './limits.ts'

/** What JSON leaves as it is and a terminal, or an eye, does not: controls, marks of direction. */
const STEERING = /[\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g

/** Clips text; what is clipped ends in `…`. Lone surrogates become U+FFFD. */
export function clip(text: string, charsMax: number = SHOWN_CHARS_MAX): string {
  const kept = text.length > charsMax ? `${text.slice(0, charsMax - 1)}…` : text
  return kept.toWellFormed()
}

/** A value in quotes, when it is text; otherwise only what it is. */
export function shown(value: unknown): string {
  if (typeof value !== 'string') return value === null ? 'null' : typeof value
  return JSON.stringify(clip(value)).replace(STEERING, escaped)
}

/** Text on one line that steers no terminal: what others wrote, as it is printed. */
export function oneLine(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what a terminal obeys
  return text.replace(/[\u0000-\u001f]/g, ' ').replace(STEERING, escaped)
}

/** A list of texts, the first of them: `"a", "b" and 3 more`. */
export function shownList(values: readonly string[]): string {
  const head = values.slice(0, SHOWN_ENTRIES_MAX).map(shown).join(', ')
  const more = values.length - SHOWN_ENTRIES_MAX
  return more > 0 ? `${head} and ${more} more` : head
}

/** The first entries of a list, clipped: what the data of a denial holds of it. */
export function clippedList(values: readonly string[]): readonly string[] {
  return values.slice(0, SHOWN_ENTRIES_MAX).map((value) => clip(value))
}

/** A time as people read it, whatever number it is. */
export function shownTime(ms: number): string {
  const date = new Date(ms)
  return Number.isNaN(date.getTime()) ? `${ms} ms` : date.toISOString()
}

/** What was thrown, in words: it may be anything, and throw in turn when it is looked at. */
export function thrownMessage(error: unknown): string {
  try {
    const message: unknown = error instanceof Error ? error.message : undefined
    return typeof message === 'string' ? message : typeof error
  } catch {
    return typeof error
  }
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}
