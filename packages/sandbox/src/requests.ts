/**
 * What a guest asks of its context, held to the shapes of the port before the port sees it.
 *
 * Handles become values again in what a step carries (arguments, content, details), and nowhere
 * else. The trap this closes: a handle as an id, an action or a prompt. Whether it is refused, or
 * meets another of the same name, would tell a guest about a value that it must not see.
 */
import type { JsonObject } from '@ice/primitives'
import type { EffectRequest, Proposal, Question } from '@ice/runs/ports'
import { SANDBOX_CODES, SandboxError } from './errors.ts'
import { isHandle } from './handles.ts'
import type { GuestValue } from './ports.ts'
import { revealed } from './wire.ts'

/** One call of a guest that is answered later, as the prelude writes it. */
export interface Ask {
  readonly kind: string
  /** By which the guest knows what is answered. */
  readonly number: number
  readonly scope: number
  readonly id: GuestValue
  readonly request: GuestValue
}

/** @throws `ICE_SANDBOX_VALUE_UNSUPPORTED` */
export function stepId(id: GuestValue): string {
  if (typeof id === 'string') return id
  throw unsupported('A step id is a string')
}

/** @throws `ICE_SANDBOX_VALUE_UNSUPPORTED` */
export function effectRequest(request: GuestValue): EffectRequest {
  const { action, grant, arguments: args = {} } = members(request, ['action', 'grant', 'arguments'])
  if (typeof action === 'string' && typeof grant === 'string' && isRecord(args)) {
    return { action, grant, arguments: revealed(args) as JsonObject }
  }
  throw unsupported('An effect is { action, grant, arguments }')
}

/** @throws `ICE_SANDBOX_VALUE_UNSUPPORTED` */
export function proposal(request: GuestValue): Proposal {
  const { agent, content = null, reason } = members(request, ['agent', 'content', 'reason'])
  if (typeof agent === 'string' && typeof reason === 'string') {
    return { agent, content: revealed(content), reason }
  }
  throw unsupported('A proposal is { agent, content, reason }')
}

/** @throws `ICE_SANDBOX_VALUE_UNSUPPORTED` */
export function question(request: GuestValue): Question {
  const { prompt, details } = members(request, ['prompt', 'details'])
  if (typeof prompt !== 'string') throw unsupported('A question is { prompt, details }')
  return details === undefined ? { prompt } : { prompt, details: revealed(details) }
}

type GuestRecord = { readonly [name: string]: GuestValue }

function members(request: GuestValue, names: readonly string[]): Partial<GuestRecord> {
  if (!isRecord(request)) throw unsupported('What is asked for is an object')
  const unknown = Object.keys(request).find((name) => !names.includes(name))
  if (unknown !== undefined) {
    throw unsupported(`What is asked for has ${names.join(', ')} and nothing else`)
  }
  return Object.assign(Object.create(null), request) as Partial<GuestRecord>
}

function isRecord(value: GuestValue): value is GuestRecord {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !isHandle(value)
}

function unsupported(message: string): SandboxError {
  return new SandboxError(SANDBOX_CODES.valueUnsupported, message)
}
