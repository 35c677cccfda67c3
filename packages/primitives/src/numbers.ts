/**
 * Branded numbers: positions, versions and times, all safe integers of zero or more.
 *
 * They are numbers and not `bigint` because they cross JSON; a safe integer (below 2^53) is the
 * largest kind every JSON reader agrees about (RFC 7493 §2.2).
 *
 * The trap: a version passed where a position belongs, which `number` lets through.
 */
import type { Brand } from './brand.ts'
import { InvalidNumberError } from './errors.ts'
import { INTEGER_TEXT_MIN } from './limits.ts'

/** Place in the whole log; events have positions from 1, so 0 is before the first. */
export type Position = Brand<number, 'Position'>
/** Events in a stream up to here; events have versions from 1, so 0 is an empty stream. */
export type StreamVersion = Brand<number, 'StreamVersion'>
/** Epoch milliseconds, UTC. */
export type Timestamp = Brand<number, 'Timestamp'>

/** -0 is refused: it is not the same value as 0 once it was compared with `Object.is`. */
function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0 && !Object.is(value, -0)
}

/** Whether this is a position: a safe integer of zero or more. */
export function isPosition(value: unknown): value is Position {
  return isCount(value)
}

/** Checks a position. @throws {InvalidNumberError} `ICE_PRIMITIVES_NUMBER_INVALID` */
export function position(value: number): Position {
  if (isPosition(value)) return value
  throw new InvalidNumberError({ kind: 'position', value: shown(value) })
}

/** Whether this is a stream version: a safe integer of zero or more. */
export function isStreamVersion(value: unknown): value is StreamVersion {
  return isCount(value)
}

/** Checks a stream version. @throws {InvalidNumberError} `ICE_PRIMITIVES_NUMBER_INVALID` */
export function streamVersion(value: number): StreamVersion {
  if (isStreamVersion(value)) return value
  throw new InvalidNumberError({ kind: 'stream version', value: shown(value) })
}

/** Whether this is a timestamp: a safe integer of zero or more. @units epoch milliseconds */
export function isTimestamp(value: unknown): value is Timestamp {
  return isCount(value)
}

/**
 * Checks a timestamp.
 *
 * @units epoch milliseconds, UTC
 * @throws {InvalidNumberError} `ICE_PRIMITIVES_NUMBER_INVALID`
 */
export function timestamp(value: number): Timestamp {
  if (isTimestamp(value)) return value
  throw new InvalidNumberError({ kind: 'timestamp', value: shown(value) })
}

/** Whether a number would be written as an integer that readers may round. */
export function isUnsafeInteger(value: number): boolean {
  const size = Math.abs(value)
  return size > Number.MAX_SAFE_INTEGER && size < INTEGER_TEXT_MIN
}

function shown(value: unknown): string {
  if (typeof value !== 'number') return typeof value
  return Object.is(value, -0) ? '-0' : String(value)
}
