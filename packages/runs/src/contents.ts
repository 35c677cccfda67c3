/**
 * The contents of references, put in their places: what a handler, and authority, see of a call.
 *
 * A copy of the arguments is filled, never the arguments: what the program handed over stays as it
 * is recorded. The contents come from the log, by the digest that the arguments are bound to.
 */

import type { BlobStore, ValueRef } from '@ice/events/ports'
import {
  canonicalize,
  findAt,
  type JsonObject,
  type JsonValue,
  readPointer,
  writePointer,
} from '@ice/primitives'
import { heldBy } from './call-labels.ts'
import { RUNS_CODES, RunsError } from './errors.ts'
import type { Held, RunLabels } from './labels.ts'
import { PREVIEW_CHARACTERS_MAX, VALUE_BYTES_MAX } from './limits.ts'
import type { BoundReference } from './references.ts'
import { openValue } from './value.ts'

/** Arguments with contents in the places of references. @throws `ICE_RUNS_VALUE_LIMIT` */
export async function filled<T extends JsonValue>(
  bound: T,
  references: readonly BoundReference[],
  init: { readonly labels: RunLabels; readonly blobs: BlobStore },
): Promise<T> {
  const held = heldBy(init.labels, references)
  if (held === null) throw new RunsError(RUNS_CODES.referenceUnknown, 'A value is not held')
  if (references.length === 0) return bound
  const bytes = held.reduce((sum, { value }) => sum + sizeOf(value), 0)
  if (bytes > VALUE_BYTES_MAX) {
    const data = { bytes, bytesMax: VALUE_BYTES_MAX }
    const message = 'The contents of all references of a call are larger than a value may be'
    throw new RunsError(RUNS_CODES.valueLimit, message, data)
  }
  let whole: JsonValue = bound
  for (const [i, { path, id, at }] of references.entries()) {
    const { value } = held[i] as Held
    const part = partAt(await openValue(value, init.blobs), at)
    if (part === undefined) {
      const message = `What "${id}" stands for has nothing at "${at}"`
      throw new RunsError(RUNS_CODES.referenceUnknown, message, { reference: id, at })
    }
    whole = put(whole, path, part)
  }
  return whole as T
}

/** What stands at a pointer of a held value. */
export function partAt(value: JsonValue, at: string): JsonValue | undefined {
  const found = findAt(value, readPointer(at) ?? [])
  return found.kind === 'value' ? (found.value as JsonValue) : undefined
}

function sizeOf(value: ValueRef): number {
  return 'inline' in value ? 0 : value.blob.size
}

/** A copy of a value in which another stands at a place that is there. */
export function put(whole: JsonValue, path: readonly string[], part: JsonValue): JsonValue {
  const [step, ...rest] = path
  if (step === undefined) return part
  if (Array.isArray(whole)) {
    return whole.map((item: JsonValue, i) => (`${i}` === step ? put(item, rest, part) : item))
  }
  const members = Object.entries(whole as JsonObject)
  return Object.fromEntries(
    members.map(([name, value]) => [name, name === step ? put(value, rest, part) : value]),
  )
}

/** What a person who is asked about a call is shown of its references. */
export async function shownReferences(
  references: readonly BoundReference[],
  init: { readonly labels: RunLabels; readonly blobs: BlobStore },
): Promise<readonly JsonObject[]> {
  const held = heldBy(init.labels, references) ?? []
  const told = held.slice(0, SHOWN_REFERENCES_MAX).map(async ({ value, label }, i) => {
    const { id, path, at: part } = references[i] as BoundReference
    const text = canonicalize(partAt(await openValue(value, init.blobs), part) ?? null)
    const clipped = text.length > PREVIEW_CHARACTERS_MAX
    const content = (clipped ? `${text.slice(0, PREVIEW_CHARACTERS_MAX)}…` : text).toWellFormed()
    const shown: JsonObject = {
      at: writePointer(path),
      reference: id,
      ...(part === '' ? {} : { part }),
      content,
      sources: label.sources,
      readers: label.readers,
    }
    return shown
  })
  return Promise.all(told)
}

/** References of one call that a person is shown; the digest binds the others too. */
const SHOWN_REFERENCES_MAX = 8
