/**
 * Secrets out of what is recorded: every text of a value goes through one function.
 *
 * Around a handler that has secrets (see `../secrets/with-secrets.ts`) everything is scrubbed
 * anyway; here also what an owner's own `scrub` takes out, and bytes before base64 hides them.
 */

import type { IceError, JsonValue } from '@ice/primitives'
import type { EffectCall } from '@ice/runs/ports'
import { scrubbedValue } from '../secrets/recorded.ts'
import { scrubOf } from '../secrets/with-secrets.ts'
import { NetworkError } from './errors.ts'

type Scrub = ((text: string) => string) | undefined

/** What a call is scrubbed with: the secrets around it, then what its owner takes out. */
export function scrubFor(call: EffectCall, own: Scrub): Scrub {
  const around = scrubOf(call)
  if (around === undefined || own === undefined) return around ?? own
  return (text) => own(around(text))
}

/** A copy of a value, every text in it scrubbed, names of members too. */
export function scrubbed(value: JsonValue, scrub: Scrub): JsonValue {
  return scrub === undefined ? value : scrubbedValue(value, scrub)
}

/** A failure of ours whose message and data are scrubbed; what else is thrown stays what it is. */
export function scrubbedError(error: unknown, scrub: Scrub): unknown {
  if (scrub === undefined || !(error instanceof NetworkError)) return error
  const data = scrubbed(error.data, scrub) as IceError['data']
  return new NetworkError(error.code, scrub(error.message), data)
}
