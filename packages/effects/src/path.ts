/// <reference lib="es2024.string" />
/**
 * Paths as a call writes them: names between `/`, relative to the root of its grant.
 *
 * Nothing is resolved here. `a/../b` is not `b` where `a` is a link, so `..` stays a step that the
 * walk takes on the directories it holds.
 */

import { Buffer } from 'node:buffer'
import { EFFECTS_CODES, type EffectsCode, EffectsError } from './errors.ts'
import { NAME_BYTES_MAX, PATH_BYTES_MAX } from './limits.ts'
import { nameBytes, nameText } from './names.ts'
import { shownPath } from './shown.ts'

/** A path in steps. */
export interface EntryPath {
  /** As it was written, for messages. */
  readonly text: string
  /** Names and `..`, in order; none is empty or `.`. */
  readonly steps: readonly string[]
  /** It began with `/`: nothing of that kind lies in a root. */
  readonly isAbsolute: boolean
  /** It ended in `/`, `.` or `..`, so what it leads to must be a directory. */
  readonly isDirectory: boolean
}

/**
 * Reads a path.
 *
 * @throws {EffectsError} `ICE_EFFECTS_PATH_UNSUPPORTED`, `ICE_EFFECTS_PATH_LIMIT`
 */
export function parsePath(text: string): EntryPath {
  if (text === '') throw refused(text, 'is empty; "." is the root itself')
  if (text.length > PATH_BYTES_MAX || Buffer.byteLength(text) > PATH_BYTES_MAX) {
    throw refused(text, `has more than ${PATH_BYTES_MAX} bytes`, EFFECTS_CODES.pathLimit)
  }
  if (!text.isWellFormed()) throw refused(text, 'is not well-formed Unicode')
  if (text.includes('\0')) throw refused(text, 'holds a NUL')
  const path = split(text)
  for (const step of path.steps) {
    const bytes = nameBytes(step)
    if (bytes === undefined) {
      throw refused(text, 'holds a backslash, or an escape where the name needs none')
    }
    if (bytes.length > NAME_BYTES_MAX) {
      const reason = `holds a name of more than ${NAME_BYTES_MAX} bytes`
      throw refused(text, reason, EFFECTS_CODES.pathLimit)
    }
  }
  return path
}

/** The target of a link: raw bytes, each as one character (`latin1`). */
export function parseTarget(target: string): EntryPath {
  const path = split(target)
  const steps = path.steps.map((step) => nameText(Buffer.from(step, 'latin1')))
  return { ...path, steps }
}

/** A path that was resolved, as text. */
export function pathText(names: readonly string[]): string {
  return names.length === 0 ? '.' : names.join('/')
}

function split(text: string): EntryPath {
  const pieces = text.split('/')
  const last = pieces.at(-1) ?? ''
  return {
    text,
    steps: pieces.filter((piece) => piece !== '' && piece !== '.'),
    isAbsolute: text.startsWith('/'),
    isDirectory: last === '' || last === '.' || last === '..',
  }
}

function refused(
  text: string,
  reason: string,
  code: EffectsCode = EFFECTS_CODES.pathUnsupported,
): EffectsError {
  return new EffectsError(code, `The path ${shownPath(text)} ${reason}`)
}
