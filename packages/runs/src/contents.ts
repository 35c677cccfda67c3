/**
 * The contents of references, put in their places: what a handler, and authority, see of a call.
 *
 * A copy of the arguments is filled, never the arguments: what the program handed over stays as it
 * is recorded. The contents come from the log, by the digest that the arguments are bound to.
 */

import type { BlobStore, ValueRef } from '@ice/events/ports'
import { canonicalize, type JsonObject, type JsonValue } from '@ice/primitives'
import { heldBy } from './call-labels.ts'
import { RUNS_CODES, RunsError } from './errors.ts'
import type { RunLabels } from './labels.ts'
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
  for (const [i, { path }] of references.entries()) {
    const value = (held[i] as (typeof held)[number]).value
    whole = put(whole, path, await openValue(value, init.blobs))
  }
  return whole as T
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
    const { id, path } = references[i] as BoundReference
    const text = canonicalize(await openValue(value, init.blobs))
    const clipped = text.length > PREVIEW_CHARACTERS_MAX
    const content = (clipped ? `${text.slice(0, PREVIEW_CHARACTERS_MAX)}…` : text).toWellFormed()
    const shown: JsonObject = {
      at: `/${path.join('/')}`,
      reference: id,
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
