/** Secrets out of what is recorded: every text of a value goes through one function. */

import type { IceError, JsonValue } from '@ice/primitives'
import { NetworkError } from './errors.ts'

type Scrub = ((text: string) => string) | undefined

/** A copy of a value, every text in it scrubbed, names of members too. */
export function scrubbed(value: JsonValue, scrub: Scrub): JsonValue {
  if (scrub === undefined) return value
  if (typeof value === 'string') return scrub(value)
  if (Array.isArray(value)) return value.map((item: JsonValue) => scrubbed(item, scrub))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [scrub(name), scrubbed(member, scrub)]),
  )
}

/** A failure of ours whose message and data are scrubbed; what else is thrown stays what it is. */
export function scrubbedError(error: unknown, scrub: Scrub): unknown {
  if (scrub === undefined || !(error instanceof NetworkError)) return error
  const data = scrubbed(error.data, scrub) as IceError['data']
  return new NetworkError(error.code, scrub(error.message), data)
}
