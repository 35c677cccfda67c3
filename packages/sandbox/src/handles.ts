/**
 * Handles: values of the host that a guest holds and cannot read.
 *
 * A handle is an empty object; its value stands in a table of the host that nothing of the guest
 * reaches. What crosses to a guest is a number, counted from zero for each guest, and what comes
 * back is looked up among the numbers this guest was given. So a number that a guest made up leads
 * to nothing, or to what it holds anyway.
 */
import { invariant, type JsonValue } from '@ice/primitives'
import { SANDBOX_CODES, SandboxError } from './errors.ts'
import { HANDLES_MAX } from './limits.ts'
import type { Handle } from './ports.ts'

const values = new WeakMap<object, JsonValue>()

/** Makes a handle of a value. The value is kept as it is, not copied. */
export function conceal(value: JsonValue): Handle {
  const handle = Object.freeze(Object.create(null) as object)
  values.set(handle, value)
  return handle as Handle
}

/** Whether something is a handle. */
export function isHandle(value: unknown): value is Handle {
  return typeof value === 'object' && value !== null && values.has(value)
}

/** The value of a handle. For the host alone: never give it to a guest. */
export function reveal(handle: Handle): JsonValue {
  const value = values.get(handle)
  invariant(value !== undefined, 'only a handle can be revealed')
  return value
}

/** The handles one guest was given. */
export class HandleTable {
  readonly #byNumber: Handle[] = []
  readonly #numbers = new Map<Handle, number>()

  /** The number by which a guest knows a handle; it is given the handle by that. */
  give(handle: Handle): number {
    const known = this.#numbers.get(handle)
    if (known !== undefined) return known
    const number = this.#byNumber.length
    if (number >= HANDLES_MAX) {
      const message = `A guest is given at most ${HANDLES_MAX} handles`
      throw new SandboxError(SANDBOX_CODES.valueLimit, message, { limit: 'handles' })
    }
    this.#byNumber.push(handle)
    this.#numbers.set(handle, number)
    return number
  }

  /** @throws `ICE_SANDBOX_HANDLE_NOT_FOUND` — this guest was not given a handle of that number */
  take(number: unknown): Handle {
    const handle = Number.isSafeInteger(number) ? this.#byNumber[number as number] : undefined
    if (handle !== undefined) return handle
    throw new SandboxError(SANDBOX_CODES.handleNotFound, 'The guest was given no such handle')
  }
}
