/**
 * The arguments of a call, as they are judged: only where a caveat or a policy asks for them.
 *
 * What is judged is what was hashed. The canonical text is made once, must have the digest that
 * the intent records, and is read back: no getter shows one thing to a rule and another to the
 * handler, and members stand in one order whoever wrote them.
 */
import { canonicalize, type JsonValue, parseStrict, sha256Hex } from '@ice/primitives'
import { ARGUMENTS_CHARS_MAX, ARGUMENTS_NODES_MAX } from './limits.ts'
import type { ReadRequest } from './request.ts'

/** Arguments as plain JSON of their own, or why they cannot be judged. */
export type ArgumentsReading = { readonly ok: JsonValue } | { readonly fault: string }

/** Reads the arguments of a request: once, whoever asks again. Total. */
export function argumentsOf(asked: ReadRequest): ArgumentsReading {
  asked.reading ??= readArguments(asked)
  return asked.reading
}

function readArguments({ given, argumentsDigest }: ReadRequest): ArgumentsReading {
  let text: string
  try {
    text = canonicalize(given)
  } catch {
    // Whatever a stranger's getter or proxy threw is not ours to show.
    return { fault: 'its arguments are not JSON' }
  }
  if (text.length > ARGUMENTS_CHARS_MAX) {
    return { fault: `its arguments have more than ${ARGUMENTS_CHARS_MAX} characters` }
  }
  if (sha256Hex(text) !== argumentsDigest) {
    return { fault: 'its argumentsDigest is not that of its arguments' }
  }
  try {
    const bytesMax = 3 * ARGUMENTS_CHARS_MAX
    return { ok: parseStrict(text, { bytesMax, nodesMax: ARGUMENTS_NODES_MAX }) as JsonValue }
  } catch {
    // Canonical text is JSON: the one thing left to refuse is how much of it there is.
    return { fault: `its arguments have more than ${ARGUMENTS_NODES_MAX} values` }
  }
}
