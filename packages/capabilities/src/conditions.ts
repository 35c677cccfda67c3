/**
 * Conditions: the caveats that a request alone fulfils or not, whatever was used before.
 *
 *     same-run     { run }                 the request is of this run
 *     time-window  { [days], from, to }    its time lies in the window
 *     arguments    { schema }              its arguments fit the schema
 *
 * Those of all links hold together: a child's schema comes in addition to its parent's, so the
 * arguments fit both. An authorization ends when the first window closes, as it does when a grant
 * expires: else an intent that was decided in time could be recorded out of it.
 */
import { isRunId, type JsonValue, type Timestamp } from '@ice/primitives'
import { argumentsOf } from './arguments.ts'
import { malformed } from './causes.ts'
import type { Link } from './chain.ts'
import type { FoundCause } from './denial.ts'
import { CAPABILITIES_CODES } from './errors.ts'
import { hasOnly, own } from './plain.ts'
import type { Caveat } from './ports.ts'
import type { ReadRequest } from './request.ts'
import { schemaFault } from './schema.ts'
import { type Mismatch, mismatchesOf } from './schema-match.ts'
import { shownTime } from './text.ts'
import { closingOf, openingOf, shownWindow, windowFault } from './time-window.ts'

/** A caveat that a request alone fulfils or not. */
export type Condition = Extract<Caveat, { readonly kind: 'arguments' | 'time-window' | 'same-run' }>

const FAULTS = {
  arguments: argumentsFault,
  'time-window': windowFault,
  'same-run': sameRunFault,
} as const satisfies Readonly<Record<Condition['kind'], (caveat: object) => string | undefined>>

/** Whether a caveat of this kind is a condition. */
export function isConditionKind(kind: unknown): kind is Condition['kind'] {
  return typeof kind === 'string' && Object.hasOwn(FAULTS, kind)
}

/** Why this is no condition of its kind, or `undefined`. */
export function conditionFault(caveat: object, kind: Condition['kind']): string | undefined {
  return FAULTS[kind](caveat)
}

function argumentsFault(caveat: object): string | undefined {
  if (!hasOnly(caveat, ['kind', 'schema'])) return 'an "arguments" caveat has a schema'
  const fault = schemaFault(own(caveat, 'schema'))
  return fault === undefined ? undefined : `an "arguments" caveat has a schema: ${fault}`
}

function sameRunFault(caveat: object): string | undefined {
  const isShaped = hasOnly(caveat, ['kind', 'run']) && isRunId(own(caveat, 'run'))
  return isShaped ? undefined : 'a "same-run" caveat names a run'
}

/** Finds what stands against the request in the conditions of all links, in their order. */
export function findConditions(
  links: readonly Link[],
  asked: ReadRequest,
  causes: FoundCause[],
): void {
  const wantArguments = links.some(({ caveats }) => caveats.conditions.some(isOnArguments))
  const reading = wantArguments ? argumentsOf(asked) : undefined
  if (reading !== undefined && 'fault' in reading) causes.push(malformed([reading.fault]))
  const given = reading !== undefined && 'ok' in reading ? { value: reading.ok } : undefined
  for (const link of links) {
    for (const condition of link.caveats.conditions) {
      const cause = causeOf(link, condition, { asked, given })
      if (cause !== undefined) causes.push(cause)
    }
  }
}

function isOnArguments({ kind }: Condition): boolean {
  return kind === 'arguments'
}

interface Asked {
  readonly asked: ReadRequest
  /** `undefined` where nothing wants them, or they could not be read, which is told elsewhere. */
  readonly given: { readonly value: JsonValue } | undefined
}

function causeOf(
  link: Link,
  condition: Condition,
  { asked, given }: Asked,
): FoundCause | undefined {
  if (condition.kind === 'same-run') {
    const isSame = condition.run === asked.run || condition.run === asked.line
    return isSame ? undefined : otherRun(link, condition.run, asked)
  }
  if (condition.kind === 'time-window') {
    const isOpen = closingOf(condition, asked.at) !== undefined
    return isOpen ? undefined : outsideWindow(link, condition, asked.at)
  }
  if (given === undefined) return undefined
  const mismatches = mismatchesOf(condition.schema, given.value)
  return mismatches.length === 0 ? undefined : otherArguments(link, mismatches)
}

function otherRun({ entry: { id } }: Link, run: string, asked: ReadRequest): FoundCause {
  return {
    code: CAPABILITIES_CODES.runMismatch,
    message: `The grant ${id} is bound to the run ${run}`,
    data: { grant: id, bound: run, run: asked.run },
  }
}

function outsideWindow(
  { entry: { id } }: Link,
  window: Extract<Condition, { readonly kind: 'time-window' }>,
  at: Timestamp,
): FoundCause {
  const opensAt = openingOf(window, at)
  const times = `it is ${shownTime(at)}, and opens at ${shownTime(opensAt)}`
  return {
    code: CAPABILITIES_CODES.outsideWindow,
    message: `The grant ${id} holds ${shownWindow(window)}; ${times}`,
    data: { grant: id, window, at, opensAt },
  }
}

function otherArguments({ entry: { id } }: Link, mismatches: readonly Mismatch[]): FoundCause {
  const places = mismatches.map(({ pointer, wanted }) => `at ${JSON.stringify(pointer)} ${wanted}`)
  return {
    code: CAPABILITIES_CODES.argumentsNotGranted,
    message: `The grant ${id} allows other arguments: ${places.join('; ')}`,
    data: { grant: id, mismatches: mismatches.map(({ pointer, wanted }) => ({ pointer, wanted })) },
  }
}

/** The first instant at which a window of some link closes, or the end of the chain before that. */
export function endOf(
  links: readonly Link[],
  at: Timestamp,
  expiresAt: Timestamp | null,
): Timestamp | null {
  let end: Timestamp | null = expiresAt
  for (const { caveats } of links) {
    for (const condition of caveats.conditions) {
      if (condition.kind !== 'time-window') continue
      const closing = closingOf(condition, at)
      if (closing !== undefined && (end === null || closing < end)) end = closing
    }
  }
  return end
}
