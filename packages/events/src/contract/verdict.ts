/** How a case that fails tells of it: what was expected in its own words, then what was found. */

import { AssertionError } from 'node:assert/strict'
import { errorRecord, UNCODED } from '@ice/primitives'

/** What is told of a case. */
interface About {
  readonly id: string
  readonly name: string
  readonly requirement: string
}

/**
 * The failure of a case: `EVT-R52 "a log opened again has every event", but: …`. Values that were
 * compared stay at hand as `actual` and `expected`, as runners show them.
 */
export class CaseFailedError extends AssertionError {
  /** The case that failed. */
  readonly id: string

  constructor({ id, name, requirement }: About, error: unknown) {
    const { actual, expected } = error instanceof AssertionError ? error : NO_VALUES
    // Of any other operator, Node would put the difference behind a message that has it already.
    const operator = 'fail'
    super({ message: `${requirement} "${name}", but: ${found(error)}`, actual, expected, operator })
    this.name = 'CaseFailedError'
    this.id = id
    this.cause = error
  }
}

const NO_VALUES = { actual: undefined, expected: undefined }

/** Puts the words of a case in front of what it threw; once. */
export function toldBy(about: About, error: unknown): CaseFailedError {
  return error instanceof CaseFailedError ? error : new CaseFailedError(about, error)
}

function found(error: unknown): string {
  if (error instanceof AssertionError) return error.message
  const { code, message } = errorRecord(error)
  if (code !== UNCODED) return `it was refused with ${code}: ${message}`
  return `${error instanceof Error ? error.name : 'something'} was thrown: ${message}`
}
