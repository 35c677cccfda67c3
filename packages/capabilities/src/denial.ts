/**
 * Denials: all causes as a tree, one of them the reason.
 *
 * The first level holds one cause for each code that applies, in the order of precedence. A cause
 * that holds at several links of the chain is told of the link nearest to the named grant, and the
 * same cause at links above it stands below it.
 *
 *     denial        the reason: code, message and data of the first cause
 *     ├─ GRANT_EXPIRED at the named grant
 *     │  └─ GRANT_EXPIRED at its parent
 *     └─ ACTION_NOT_GRANTED at its parent
 */
import { invariant, type JsonObject } from '@ice/primitives'
import { CAPABILITIES_CODES, type DenialCode } from './errors.ts'
import { CAUSE_LINKS_MAX, MESSAGE_CHARS_MAX } from './limits.ts'
import { deepFreeze, isRecord, own } from './plain.ts'
import type { Denial, DenialCause } from './ports.ts'
import { clip, oneLine } from './text.ts'

/**
 * Which cause is *the* reason when several apply: the first of this list; over the links of a
 * chain the nearest to the named grant.
 *
 * What concerns the request comes first, then who asks, then whether the grant exists at all as
 * authority, then when, then what, then how often. An approval is last, so that a person is asked
 * only about a call that nothing else refuses.
 */
export const DENIAL_PRECEDENCE: readonly DenialCode[] = Object.freeze([
  CAPABILITIES_CODES.requestInvalid,
  CAPABILITIES_CODES.grantNotFound,
  CAPABILITIES_CODES.holderMismatch,
  CAPABILITIES_CODES.chainBroken,
  CAPABILITIES_CODES.stopped,
  CAPABILITIES_CODES.revoked,
  CAPABILITIES_CODES.notYetValid,
  CAPABILITIES_CODES.expired,
  CAPABILITIES_CODES.actionNotGranted,
  CAPABILITIES_CODES.kindUnsupported,
  CAPABILITIES_CODES.resourceNotGranted,
  CAPABILITIES_CODES.caveatUnsupported,
  CAPABILITIES_CODES.runMismatch,
  CAPABILITIES_CODES.outsideWindow,
  CAPABILITIES_CODES.argumentsNotGranted,
  CAPABILITIES_CODES.argumentUntrusted,
  CAPABILITIES_CODES.readersExceeded,
  CAPABILITIES_CODES.countSpent,
  CAPABILITIES_CODES.rateExceeded,
  CAPABILITIES_CODES.budgetExceeded,
  CAPABILITIES_CODES.ceilingRefused,
  CAPABILITIES_CODES.approvalRequired,
])

/** One cause as it is found, in any order of codes but with the links of a chain in theirs. */
export interface FoundCause {
  readonly code: DenialCode
  readonly message: string
  readonly data: JsonObject
}

/** The denial that these causes come to. No cause at all is a bug of the caller. */
export function denialOf(found: readonly FoundCause[]): Denial {
  const byCode = new Map<DenialCode, FoundCause[]>()
  for (const cause of found) {
    const same = byCode.get(cause.code)
    if (same === undefined) byCode.set(cause.code, [cause])
    else same.push(cause)
  }
  const causes = DENIAL_PRECEDENCE.flatMap((code) => merged(byCode.get(code) ?? []))
  const reason = causes[0]
  invariant(reason !== undefined, 'a denial has a cause')
  return Object.freeze({ ...reason, causes: Object.freeze(causes) })
}

function merged([nearest, ...above]: readonly FoundCause[]): readonly DenialCause[] {
  if (nearest === undefined) return []
  const told = above.slice(0, CAUSE_LINKS_MAX - 1).map((cause) => causeOf(cause, []))
  const more = above.length - told.length
  const data = more > 0 ? { ...nearest.data, more } : nearest.data
  return [causeOf({ ...nearest, data }, told)]
}

function causeOf(found: FoundCause, causes: readonly DenialCause[]): DenialCause {
  const { code, message, data } = found
  return deepFreeze({ code, message: clip(message, MESSAGE_CHARS_MAX), data, causes })
}

const DEPTH_MAX = 8

/**
 * A denial for people: the cause on one line, or all causes as bullets with the reason first; and
 * below each what stands behind it.
 *
 * Total also over denials read back from a log that someone else wrote.
 */
export function describe(denial: DenialCause): string {
  const causes = causesOf(denial)
  if (causes.length > 1) {
    return [`denied, for ${causes.length} reasons:`, ...bullets(causes, 0)].join('\n')
  }
  const cause = causes[0] ?? denial
  return [`denied: ${lineOf(cause)}`, ...bullets(causesOf(cause), 0)].join('\n')
}

function bullets(causes: readonly object[], depth: number): readonly string[] {
  if (depth >= DEPTH_MAX) return []
  return causes.flatMap((cause) => [
    `${'  '.repeat(depth)}- ${lineOf(cause)}`,
    ...bullets(causesOf(cause), depth + 1),
  ])
}

function causesOf(cause: object): readonly object[] {
  const causes = own(cause, 'causes')
  return Array.isArray(causes) ? causes.filter(isRecord) : []
}

function lineOf(cause: object): string {
  return `${textOf(cause, 'message')} [${textOf(cause, 'code')}]`
}

function textOf(cause: object, name: string): string {
  const value = own(cause, name)
  return typeof value === 'string' ? clip(oneLine(value), MESSAGE_CHARS_MAX) : '?'
}
