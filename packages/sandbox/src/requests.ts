/**
 * What a guest asks of its context, held to the shapes of the port before the port sees it.
 */
import type { JsonObject, JsonValue } from '@ice/primitives'
import type { EffectRequest, Proposal, Question } from '@ice/runs/ports'
import { SANDBOX_CODES, SandboxError } from './errors.ts'

/** One call of a guest that is answered later. */
export interface Ask {
  readonly kind: string
  /** By which the guest knows what is answered. */
  readonly number: number
  readonly scope: number
  readonly id: JsonValue
  readonly request: JsonValue
}

/** @throws `ICE_SANDBOX_VALUE_UNSUPPORTED` */
export function stepId(id: JsonValue): string {
  if (typeof id === 'string') return id
  throw unsupported('A step id is a string')
}

/** @throws `ICE_SANDBOX_VALUE_UNSUPPORTED` */
export function effectRequest(request: JsonValue): EffectRequest {
  const { action, grant, arguments: args = {} } = members(request, ['action', 'grant', 'arguments'])
  if (typeof action === 'string' && typeof grant === 'string' && isObject(args)) {
    return { action, grant, arguments: args }
  }
  throw unsupported('An effect is { action, grant, arguments }')
}

/** @throws `ICE_SANDBOX_VALUE_UNSUPPORTED` */
export function proposal(request: JsonValue): Proposal {
  const { agent, content = null, reason } = members(request, ['agent', 'content', 'reason'])
  if (typeof agent === 'string' && typeof reason === 'string') return { agent, content, reason }
  throw unsupported('A proposal is { agent, content, reason }')
}

/** @throws `ICE_SANDBOX_VALUE_UNSUPPORTED` */
export function question(request: JsonValue): Question {
  const { prompt, details } = members(request, ['prompt', 'details'])
  if (typeof prompt !== 'string') throw unsupported('A question is { prompt, details }')
  return details === undefined ? { prompt } : { prompt, details }
}

function members(request: JsonValue, names: readonly string[]): Partial<Record<string, JsonValue>> {
  if (!isObject(request)) throw unsupported('What is asked for is an object')
  const unknown = Object.keys(request).find((name) => !names.includes(name))
  if (unknown !== undefined) {
    throw unsupported(`What is asked for has ${names.join(', ')} and nothing else`)
  }
  return Object.assign(Object.create(null), request) as Partial<Record<string, JsonValue>>
}

function isObject(value: JsonValue): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function unsupported(message: string): SandboxError {
  return new SandboxError(SANDBOX_CODES.valueUnsupported, message)
}
