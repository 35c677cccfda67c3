/**
 * References: what a program has of a value that it is not to see.
 *
 *     program             { "$ref": "fetch" }                 or a part: { …, "at": "/body" }
 *     recorded            { "$ref": "fetch", "value": "<SHA-256 of all of it>" }
 *     handler, authority  the content
 *
 * 1. A reference is this very object, made by this execution. One that was written by hand, read
 *    from JSON, copied or brought from another run is none, and a call with it is refused: a
 *    stranger's text cannot name what it would like to have put in its place.
 * 2. What is recorded, digested and approved binds both the reference and its content, whose
 *    digest it names.
 * 3. `$ref` is a word of the runtime in all that a program hands to its context. Data that holds
 *    such a member is refused too, so that nobody has to guess which of the two was meant.
 */

import { type Hash, type JsonValue, readPointer, writePointer } from '@ice/primitives'
import { RUNS_CODES, RunsError } from './errors.ts'
import type { Reference } from './ports.ts'
import { asRecorded, sealValue } from './value.ts'

/** A reference where it stands in what a program handed over. */
export interface BoundReference {
  /** Steps of the JSON pointer. */
  readonly path: readonly string[]
  /** The step whose outcome it stands for, or `$input` and a JSON pointer. */
  readonly id: string
  /** Of all of the value, also where only a part of it is meant. */
  readonly digest: Hash
  /** JSON pointer of the part; `''` is the whole. */
  readonly at: string
}

/** What a program handed over, as it is recorded: a copy, its references bound to contents. */
export interface Bound {
  readonly value: JsonValue
  readonly references: readonly BoundReference[]
  /** Pointer of the first `$ref` that is no reference; `null` without one. */
  readonly stray: string | null
}

type Known = Omit<BoundReference, 'path'>

/** The references of one execution. */
export class References {
  readonly #known = new WeakMap<object, Known>()
  #issued = 0

  /** A new reference. */
  issue(id: string, digest: Hash, at = ''): Reference {
    const reference: Reference = Object.freeze(at === '' ? { $ref: id } : { $ref: id, at })
    this.#known.set(reference, { id, digest, at })
    this.#issued += 1
    return reference
  }

  /**
   * A reference to a part of what another stands for; whether it is there is seen when it is used.
   * @throws `ICE_RUNS_REFERENCE_DENIED`
   */
  part(reference: unknown, pointer: unknown): Reference {
    const known = this.read(reference)
    if (known === undefined) throw strayReference('')
    const steps = readPointer(pointer)
    if (steps === undefined || readPointer(known.at + pointer) === undefined) {
      const message = 'A part is named by a JSON pointer (RFC 6901) of at most 512 characters'
      throw new RunsError(RUNS_CODES.referenceUnknown, message)
    }
    return this.issue(known.id, known.digest, known.at + writePointer(steps))
  }

  /** What a value is a reference to, if it is one of this execution. */
  read(value: unknown): Known | undefined {
    return typeof value === 'object' && value !== null ? this.#known.get(value) : undefined
  }

  /**
   * Binds what a program hands over.
   * @throws `ICE_RUNS_VALUE_UNSUPPORTED`, `ICE_RUNS_VALUE_LIMIT`
   */
  bind(given: unknown): Bound {
    // Refuses first what JSON cannot hold, so that the walk ends.
    sealValue(given)
    const references: BoundReference[] = []
    const marked = this.#issued === 0 ? given : this.#mark(given, [], references)
    const value = asRecorded(marked as JsonValue)
    return { value, references, stray: strayIn(value, references) }
  }

  /** Whether a reference of this execution stands somewhere in a value; total. */
  stand(value: unknown): boolean {
    if (this.#issued === 0) return false
    try {
      return this.bind(value).references.length > 0
    } catch {
      // What JSON cannot hold is refused, with its reason, where it is recorded.
      return false
    }
  }

  #mark(value: unknown, path: readonly string[], found: BoundReference[]): unknown {
    const known = this.read(value)
    if (known !== undefined) {
      found.push({ path, ...known })
      const { id, at, digest } = known
      return at === '' ? { $ref: id, value: digest } : { $ref: id, at, value: digest }
    }
    if (Array.isArray(value)) {
      return value.map((item: unknown, i) => this.#mark(item, [...path, `${i}`], found))
    }
    if (typeof value !== 'object' || value === null) return value
    const members = Object.entries(value as Readonly<Record<string, unknown>>)
    return Object.fromEntries(
      members.map(([name, member]) => [name, this.#mark(member, [...path, name], found)]),
    )
  }
}

/** The references that recorded arguments are bound to: whatever else had `$ref` was refused. */
export function recordedReferences(value: JsonValue): readonly BoundReference[] {
  const found: BoundReference[] = []
  const look = (at: JsonValue, path: readonly string[]): void => {
    if (typeof at !== 'object' || at === null) return
    if (!Array.isArray(at) && Object.hasOwn(at, '$ref')) {
      const { $ref, value: digest, at: part = '' } = at as Readonly<Record<string, string>>
      found.push({ path, id: `${$ref}`, digest: `${digest}` as Hash, at: part })
      return
    }
    for (const [name, member] of Object.entries(at)) look(member as JsonValue, [...path, name])
  }
  look(value, [])
  return found
}

/** Where `$ref` stands and is none of these. */
function strayIn(value: JsonValue, references: readonly BoundReference[]): string | null {
  const bound = new Set(references.map(({ path }) => writePointer(path)))
  const look = (at: JsonValue, path: readonly string[]): string | null => {
    if (typeof at !== 'object' || at === null) return null
    if (!Array.isArray(at) && Object.hasOwn(at, '$ref')) {
      const pointer = writePointer(path)
      return bound.has(pointer) ? null : pointer
    }
    for (const [name, member] of Object.entries(at)) {
      const stray = look(member as JsonValue, [...path, name])
      if (stray !== null) return stray
    }
    return null
  }
  return look(value, [])
}

/** What tells a program that something is no reference of its run. */
export function strayReference(at: string): RunsError {
  const message =
    `At "${at}" stands "$ref", and no reference of this run. Hand over the reference itself, ` +
    'not a copy of it; data cannot have a member of that name'
  return new RunsError(RUNS_CODES.referenceUnknown, message, { at })
}

const SHAPE: Readonly<Record<string, true>> = Object.assign(Object.create(null), {
  $ref: true,
  at: true,
})

/** Whether this is a reference, as far as its shape tells: for the schema of a program's input. */
export function isReference(value: unknown): value is Reference {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, '$ref')) return false
  const { $ref } = value as { readonly $ref: unknown }
  return typeof $ref === 'string' && Object.keys(value).every((name) => name in SHAPE)
}
