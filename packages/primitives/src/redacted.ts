/**
 * A redacted value: a secret that can be handed around without being shown by accident.
 *
 * The value lies in a map that only this file reaches, so that no printing, serialising, cloning
 * or enumerating finds it. `reveal` is the one way to it, and easy to search for.
 *
 * The trap: a secret in an object that someone later logs, or that becomes the data of an error.
 * It guards against accidents, not against code in this process that means to call `reveal`.
 */
import { invariant } from './ice-error.ts'

declare const held: unique symbol

/** Something that holds a `T` and shows only a label. */
export interface Redacted<T> {
  /** `[redacted]` or `[redacted <label>]`. */
  toString(): string
  /** The same as `toString`. */
  toJSON(): string
  /** In types only: a `Redacted<A>` is no `Redacted<B>`. */
  readonly [held]?: T
}

interface Secret {
  readonly value: unknown
  readonly shown: string
}

const secrets: WeakMap<object, Secret> = new WeakMap()

function shown(holder: object): string {
  return secrets.get(holder)?.shown ?? '[redacted]'
}

class Holder {
  toString(): string {
    return shown(this)
  }

  toJSON(): string {
    return shown(this)
  }

  [Symbol.toPrimitive](): string {
    return shown(this)
  }

  /** What `util.inspect`, and so printing to the terminal, shows. */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return shown(this)
  }
}

/**
 * Hides a value behind a label.
 *
 * @param label - shown in its place, so never a part of the secret
 */
export function redact<T>(value: T, label?: string): Redacted<T> {
  const holder: Redacted<T> = Object.freeze(new Holder())
  const text = label === undefined ? '[redacted]' : `[redacted ${label}]`
  secrets.set(holder, { value, shown: text })
  return holder
}

/** Whether this was made by `redact`; a clone of one is none, for it holds nothing. */
export function isRedacted(value: unknown): value is Redacted<unknown> {
  return typeof value === 'object' && value !== null && secrets.has(value)
}

/**
 * Gives the value back.
 *
 * @throws {TypeError} when this was not made by `redact`: a bug
 */
export function reveal<T>(redacted: Redacted<T>): T {
  const secret = secrets.get(redacted)
  invariant(secret !== undefined, 'only what redact() made can be revealed')
  return secret.value as T
}
