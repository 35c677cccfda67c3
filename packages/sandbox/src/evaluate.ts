/**
 * Expressions and code nodes: JSON in, JSON out, in one go.
 *
 * There is no context here and nothing to wait for. The same source with the same globals, time and
 * randomness gives the same value and uses the same fuel, on every machine.
 */
import { boundsOf, checkSource } from './bounds.ts'
import { SANDBOX_CODES, SandboxError } from './errors.ts'
import { HandleTable } from './handles.ts'
import { Machine } from './machine.ts'
import type { EvaluateOptions, GuestValue } from './ports.ts'
import { fromGuest, toGuest } from './wire.ts'

/** What an evaluation came to. */
export interface Evaluation {
  /** The completion value of the script; `undefined` is `null`. */
  readonly value: GuestValue
  /** Units of fuel it took. */
  readonly fuelUsed: number
}

const IDENTIFIER = /^[A-Za-z_][A-Za-z0-9_]{0,63}$/

/**
 * Evaluates a script in strict mode, in an engine of its own, and gives its completion value.
 *
 * Holds the caller's turn until it is done or its fuel is used up.
 *
 * @throws `ICE_SANDBOX_GUEST_FAILED` — it threw
 * @throws `ICE_SANDBOX_SOURCE_LIMIT`, `ICE_SANDBOX_FUEL_LIMIT`, `ICE_SANDBOX_MEMORY_LIMIT`,
 *   `ICE_SANDBOX_STACK_LIMIT`, `ICE_SANDBOX_VALUE_LIMIT`, `ICE_SANDBOX_VALUE_UNSUPPORTED`
 * @throws `ICE_SANDBOX_LIMITS_UNSUPPORTED`, `ICE_SANDBOX_GLOBALS_UNSUPPORTED` — nothing was run
 */
export function evaluate(source: string, options: EvaluateOptions = {}): Evaluation {
  const bounds = boundsOf(options.limits)
  checkSource(source, bounds)
  const handles = new HandleTable()
  const machine = new Machine(
    { now: () => options.now ?? 0, operate: (operation) => answer(operation, options) },
    bounds,
  )
  for (const [name, value] of Object.entries(options.globals ?? {})) {
    const text = toGuest(value, { handles }, bounds)
    if (IDENTIFIER.test(name) && machine.define(name, text)) continue
    const message = 'The name of a global is an identifier that no built-in has'
    throw new SandboxError(SANDBOX_CODES.globalsUnsupported, message, { name: name.slice(0, 64) })
  }
  const text = machine.evaluate(source)
  machine.close()
  return { value: fromGuest(text, handles, bounds), fuelUsed: machine.fuelUsed }
}

function answer(operation: string, { random }: EvaluateOptions): string {
  if (operation !== 'random') {
    throw new SandboxError(SANDBOX_CODES.engineFailed, 'An evaluation has no context to ask')
  }
  if (random !== undefined) return String(random.float())
  const message = 'The guest asked for randomness, and was given none'
  throw new SandboxError(SANDBOX_CODES.randomUnsupported, message)
}
