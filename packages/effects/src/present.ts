/** What was found, held against what was wanted. */

import { EFFECTS_CODES, EffectsError } from './errors.ts'
import { shownPath } from './shown.ts'
import type { Found } from './walk.ts'

/** Something that is there. */
export type Present = Found & { readonly entry: NonNullable<Found['entry']> }

/** What is there. @throws {EffectsError} `ICE_EFFECTS_FILE_NOT_FOUND` */
export function presentIn(found: Found, path: string): Present {
  const { entry } = found
  if (entry !== undefined) return { ...found, entry }
  throw new EffectsError(EFFECTS_CODES.notFound, `${shownPath(path)} is not there`)
}

/** A file. @throws {EffectsError} `ICE_EFFECTS_FILE_NOT_FOUND`, `ICE_EFFECTS_NOT_A_FILE_…` */
export function fileIn(found: Found, path: string): Present {
  const present = presentIn(found, path)
  if (present.entry.kind === 'file') return present
  throw notAFile(path, present.entry.kind)
}

/** Says that something is there, and that it is no file. */
export function notAFile(path: string, kind: string): EffectsError {
  const what = kind === 'other' ? 'pipe, socket or device' : kind
  return new EffectsError(
    EFFECTS_CODES.notAFile,
    `${shownPath(path)} is no file; it is a ${what}, and was not opened`,
    { kind },
  )
}
