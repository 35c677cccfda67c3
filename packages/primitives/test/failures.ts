/**
 * What an operation ends with, as data to compare whole.
 */
import { errorRecord, type JsonObject } from '../src/index.ts'

/** The code and data of what a call throws; fails when it throws nothing. */
export function failure(run: () => unknown): { code: string; data?: JsonObject } {
  let value: unknown
  try {
    value = run()
  } catch (error) {
    const { code, data } = errorRecord(error)
    return data === undefined ? { code } : { code, data }
  }
  throw new TypeError(`nothing was thrown, but given: ${typeof value}`)
}
