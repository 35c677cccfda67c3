/**
 * Names in segments: `team/billing/api-token`.
 *
 *     name    = segment *( "/" segment )              ; at most 256 characters
 *     segment = ( ALPHA / DIGIT / "_" ) *( ALPHA / DIGIT / "_" / "-" / "." )
 *
 * A name has one spelling, climbs nowhere, and is compared exactly; a prefix segment by segment.
 */
import { NAME_CHARS_MAX } from './limits.ts'
import { shown } from './text.ts'

const NAME = /^[A-Za-z0-9_][A-Za-z0-9._-]*(?:\/[A-Za-z0-9_][A-Za-z0-9._-]*)*$/

/** Why this is no name in segments, or `undefined`. Pure and total. */
export function segmentsFault(name: unknown): string | undefined {
  if (typeof name === 'string' && name.length <= NAME_CHARS_MAX && NAME.test(name)) {
    return undefined
  }
  return `${shown(name)} is no name in segments, such as "team/notes"`
}

/** Whether `name` is `prefix` or below it, segment by segment. */
export function isUnder(name: string, prefix: string): boolean {
  if (!name.startsWith(prefix)) return false
  return name.length === prefix.length || name.charCodeAt(prefix.length) === 47
}
