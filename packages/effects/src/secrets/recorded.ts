/** Secrets out of what is recorded of an effect: every text of a value, and of an error. */

import {
  type ErrorRecord,
  errorRecord,
  type JsonObject,
  type JsonValue,
  UNCODED,
} from '@ice/primitives'
import type { Scrubber } from './scrubber.ts'

/** Takes secrets out of a text. */
export type ScrubText = (text: string) => string

/** A copy of a value, every text in it scrubbed, names of members and long numbers too. */
export function scrubbedValue(value: JsonValue, scrub: ScrubText): JsonValue {
  if (typeof value === 'string') return scrub(value)
  if (typeof value === 'number') {
    const text = String(value)
    const clean = scrub(text)
    return clean === text ? value : clean
  }
  if (Array.isArray(value)) return value.map((item: JsonValue) => scrubbedValue(item, scrub))
  if (typeof value !== 'object' || value === null) return value
  const members = new Map<string, JsonValue>()
  for (const [name, member] of Object.entries(value)) {
    let clean = scrub(name)
    while (members.has(clean)) clean += '+'
    members.set(clean, scrubbedValue(member, scrub))
  }
  return Object.fromEntries(members)
}

/** Whether a value of arguments holds a secret anywhere. */
export function exposes(value: unknown, scrubber: Scrubber): boolean {
  if (typeof value === 'string') return scrubber.finds(value)
  if (typeof value === 'number') return scrubber.finds(String(value))
  if (typeof value !== 'object' || value === null) return false
  return Object.entries(value).some(
    ([name, member]) => scrubber.finds(name) || exposes(member, scrubber),
  )
}

/** A failure that was scrubbed: its record, and nothing else of it. */
class ScrubbedError extends Error {
  readonly code: string
  readonly data: JsonObject | undefined
  readonly retryable: boolean
  /** What a failure says was spent, which is no text. */
  declare readonly spent?: unknown

  constructor({ code, message, data, retryable, cause }: ErrorRecord, spent?: unknown) {
    super(message, cause === undefined ? undefined : { cause: new ScrubbedError(cause) })
    this.name = 'ScrubbedError'
    this.code = code
    this.data = data
    this.retryable = retryable
    if (spent !== undefined) this.spent = spent
  }
}

/** What to throw in the place of what was thrown: itself, where nothing had to be taken out. */
export function scrubbedError(thrown: unknown, scrub: ScrubText): unknown {
  const record = errorRecord(thrown)
  const clean = cleanRecord(record, scrub, messageOf(thrown))
  const isClean = JSON.stringify(record) === JSON.stringify(clean)
  return isClean && messageOf(thrown) === clean.message
    ? thrown
    : new ScrubbedError(clean, spentOf(thrown))
}

/** Amounts by their units; nothing else of it is passed on. */
function spentOf(thrown: unknown): Readonly<Record<string, number>> | undefined {
  if (typeof thrown !== 'object' || thrown === null) return undefined
  const spent: unknown = Object.getOwnPropertyDescriptor(thrown, 'spent')?.value
  if (typeof spent !== 'object' || spent === null) return undefined
  return Object.fromEntries(Object.entries(spent).filter(([, one]) => typeof one === 'number'))
}

/** The whole message: a record clips it, and what is clipped is harder to tell. */
function messageOf(thrown: unknown): string | undefined {
  if (!(thrown instanceof Error)) return undefined
  const message: unknown = Object.getOwnPropertyDescriptor(thrown, 'message')?.value
  return typeof message === 'string' ? message : undefined
}

function cleanRecord(record: ErrorRecord, scrub: ScrubText, whole?: string): ErrorRecord {
  const { code, message, data, retryable, cause } = record
  return {
    code: scrub(code) === code ? code : UNCODED,
    message: scrub(whole ?? message),
    ...(data === undefined ? {} : { data: scrubbedValue(data, scrub) as JsonObject }),
    retryable,
    ...(cause === undefined ? {} : { cause: cleanRecord(cause, scrub) }),
  }
}
