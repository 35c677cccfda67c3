/**
 * What a guest threw, as the prelude describes it, made into an error of the host.
 *
 *   { type: 'object', name?, message?, code?, stack? }     an object, by its own texts
 *   { type: 'string' | …, message }                        a primitive
 *   { type: 'refused', refused, message? }                 a value that cannot leave
 *   { type: 'host', host }                                 an error it was given, unchanged
 *   { type: 'no_default' }                                 nothing to call
 *
 * The texts are the guest's: clipped by both sides, kept as data, and never acted upon.
 */
import { type JsonObject, parseStrict } from '@ice/primitives'
import { SANDBOX_CODES, type SandboxCode, SandboxError } from './errors.ts'
import { ERROR_MESSAGE_CHARS_MAX, ERROR_NAME_CHARS_MAX, ERROR_STACK_CHARS_MAX } from './limits.ts'

/** @units bytes of one description: every text at its limit, every character escaped. */
const DESCRIPTION_BYTES_MAX = 32_768

const TEXTS = [
  ['name', ERROR_NAME_CHARS_MAX],
  ['message', ERROR_MESSAGE_CHARS_MAX],
  ['code', ERROR_NAME_CHARS_MAX],
  ['stack', ERROR_STACK_CHARS_MAX],
] as const

/** What the engine says of itself. A guest may say the same, and gains nothing. */
const OUT_OF_MEMORY = 'out of memory'

/** The guest wanted more memory than it may have. */
export function memoryError(): SandboxError {
  const message = 'The guest wanted more memory than it may have'
  return new SandboxError(SANDBOX_CODES.memoryLimit, message)
}

/**
 * The error of a description.
 * @param code - of what has none of its own
 * @param given - the errors the guest was given, by their numbers
 */
export function failureOf(
  description: string,
  code: SandboxCode,
  given: readonly unknown[] = [],
): unknown {
  const said = parseDescription(description)
  const place = said['host']
  if (said['type'] === 'host' && typeof place === 'number' && place in given) return given[place]
  if (said['type'] === 'no_default') {
    const message = 'The source has no default export that is a function'
    return new SandboxError(SANDBOX_CODES.sourceUnsupported, message)
  }
  const data = textsOf(said)
  if (said['type'] === 'refused') return refusedError(said['refused'], data)
  const isEngines = data['name'] === 'InternalError' && data['message'] === OUT_OF_MEMORY
  if (isEngines) return memoryError()
  const name = data['name'] ?? said['type']
  return new SandboxError(code, `The guest failed: ${name}: ${data['message'] ?? ''}`, data)
}

function refusedError(why: unknown, data: JsonObject): SandboxError {
  const isLimit = why === 'nodes' || why === 'depth'
  const code = isLimit ? SANDBOX_CODES.valueLimit : SANDBOX_CODES.valueUnsupported
  return new SandboxError(code, `A value cannot leave the guest: ${data['message'] ?? ''}`, data)
}

function parseDescription(description: string): Readonly<Record<string, unknown>> {
  const limits = { bytesMax: DESCRIPTION_BYTES_MAX, depthMax: 2, nodesMax: 16 }
  const said = parseStrict(description, limits)
  return typeof said === 'object' && said !== null ? (said as Record<string, unknown>) : {}
}

function textsOf(said: Readonly<Record<string, unknown>>): JsonObject {
  const texts = TEXTS.flatMap(([name, max]) => {
    const text = Object.hasOwn(said, name) ? said[name] : undefined
    return typeof text === 'string' ? [[name, text.slice(0, max).toWellFormed()]] : []
  })
  return Object.fromEntries(texts) as JsonObject
}
