/**
 * The ports of the sandbox: types only.
 *
 * A *guest* is code that nobody vouches for. It computes in an engine of its own, with a heap of
 * its own, and reaches the host only by what it is given: its input, a context, and handles.
 */
import type { Brand, JsonPrimitive, Random, Timestamp } from '@ice/primitives'
import type { Check, EffectRequest, Schema } from '@ice/runs/ports'

/** What a guest may use up. What is left out has the default of `limits.ts`. */
export interface GuestLimits {
  /** @units bytes of UTF-8 */
  readonly sourceBytes?: number
  /** Calls and loop turns of the engine, from the first to the last: never a time. */
  readonly fuel?: number
  /** @units bytes of the heap */
  readonly memoryBytes?: number
  /** Of each value that goes in or out. @units bytes of JSON */
  readonly valueBytes?: number
  /** Steps it waits for at once. */
  readonly pending?: number
}

/**
 * A value of the host that a guest can hold and hand back, and never read.
 *
 * To the guest it is an object without properties. It cannot be made, copied from a number or
 * passed to another guest: what a guest hands back is looked up among what it was given.
 */
export type Handle = Brand<object, 'Handle'>

/** JSON in which a place may be taken by a handle. */
export type GuestValue =
  | JsonPrimitive
  | Handle
  | readonly GuestValue[]
  | { readonly [name: string]: GuestValue }

/** How a source is evaluated. */
export interface EvaluateOptions {
  /** Values by name, copied in as constants of the global scope. */
  readonly globals?: Readonly<Record<string, GuestValue>>
  readonly limits?: GuestLimits
  /** What the guest's clock says. @defaultValue 0 */
  readonly now?: Timestamp
  /** Feeds `Math.random`, which throws without it. */
  readonly random?: Random
}

/** A step whose outcome is about to be given to a guest. */
export interface GuestStep {
  /** As the guest named it, the scopes it lies in before it. */
  readonly id: string
  readonly request: EffectRequest
}

/** Untrusted code as a program of runs. */
export interface SandboxedProgramInit<I, O> {
  readonly name: string
  /** @defaultValue `source-` and the first sixteen digits of the source's SHA-256 */
  readonly version?: string
  /** An ES module whose default export is `(ice, input) => output`, asynchronous or not. */
  readonly source: string
  readonly input: Schema<I>
  readonly output: Schema<O>
  readonly needs?: readonly string[]
  readonly checks?: readonly Check<O>[]
  readonly limits?: GuestLimits
  /**
   * Which outcomes a guest is given as handles. A handle in what it asks for later, or in its
   * result, becomes the value again. Pure: the same on every replay.
   * @defaultValue none
   */
  readonly conceal?: (step: GuestStep) => boolean
}
