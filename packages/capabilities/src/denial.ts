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
 *
 * A denial is recorded, so it fits into an event: where its causes together do not, less is told
 * of each, and all of them stay.
 *
 * The trap: bounds of each part that nobody added up. Two dozen codes, each with its links, and in
 * each what another stranger wrote, come to more than an event holds.
 */
import { invariant, type JsonObject } from '@ice/primitives'
import { CAPABILITIES_CODES, type DenialCode } from './errors.ts'
import {
  CAUSE_LINKS_MAX,
  DENIAL_BYTES_MAX,
  MESSAGE_CHARS_MAX,
  MESSAGE_SHORT_CHARS_MAX,
} from './limits.ts'
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

/** How much is told of causes: of how many links, in how many characters, and with which data. */
interface Telling {
  readonly links: number
  readonly chars: number
  readonly hasData: boolean
}

/** From all there is to what fits whatever is told: 22 codes of the last come to some 20 KB. */
const TELLINGS: readonly [Telling, ...Telling[]] = [
  { links: CAUSE_LINKS_MAX, chars: MESSAGE_CHARS_MAX, hasData: true },
  { links: 1, chars: MESSAGE_CHARS_MAX, hasData: true },
  { links: 1, chars: MESSAGE_SHORT_CHARS_MAX, hasData: true },
  { links: 1, chars: MESSAGE_SHORT_CHARS_MAX, hasData: false },
]

/** The denial that these causes come to. No cause at all is a bug of the caller. */
export function denialOf(found: readonly FoundCause[]): Denial {
  const byCode = new Map<DenialCode, FoundCause[]>()
  for (const cause of found) {
    const same = byCode.get(cause.code)
    if (same === undefined) byCode.set(cause.code, [cause])
    else same.push(cause)
  }
  const inOrder = DENIAL_PRECEDENCE.map((code) => byCode.get(code) ?? [])
  const [whole, ...shorter] = TELLINGS
  let denial = told(inOrder, whole)
  for (const telling of shorter) {
    // One cause fits; all of them, each written by another stranger, may not.
    if (found.length === 1 || bytesOf(denial) <= DENIAL_BYTES_MAX) break
    denial = told(inOrder, telling)
  }
  return denial
}

function bytesOf(denial: Denial): number {
  return Buffer.byteLength(JSON.stringify(denial))
}

function told(byCode: readonly (readonly FoundCause[])[], telling: Telling): Denial {
  const causes = byCode.flatMap((same) => merged(same, telling))
  const reason = causes[0]
  invariant(reason !== undefined, 'a denial has a cause')
  return Object.freeze({ ...reason, causes: Object.freeze(causes) })
}

function merged(
  [nearest, ...above]: readonly FoundCause[],
  telling: Telling,
): readonly DenialCause[] {
  if (nearest === undefined) return []
  const links = above.slice(0, telling.links - 1).map((cause) => causeOf(cause, [], telling))
  const more = above.length - links.length
  const data = more > 0 ? { ...nearest.data, more } : nearest.data
  return [causeOf({ ...nearest, data }, links, telling)]
}

function causeOf(
  { code, message, data }: FoundCause,
  causes: readonly DenialCause[],
  { chars, hasData }: Telling,
): DenialCause {
  const shownData = hasData ? data : {}
  return deepFreeze({ code, message: clip(message, chars), data: shownData, causes })
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
