/**
 * References of a run, as a guest has them: handles like any other.
 *
 *     guest      an empty object                 held, its parts asked for, handed back, revealed
 *     host       the reference itself            known to the run by identity
 *     run        the content, where it is due    in arguments, proposals, details
 *
 * 1. A reference is known by identity, and no object of the host enters a guest. So it stands in
 *    the table of handles, and what a guest hands back is the very object that its run issued.
 * 2. What says of itself that it is a reference is asked about at the run: data of the same shape,
 *    in an input or written by a guest, stays data, which the run refuses where it would be filled.
 * 3. Nothing of it depends on the machine: a guest that is run again holds the same references, by
 *    the same numbers.
 */
import { hasCode, type JsonValue } from '@ice/primitives'
import type { Reference, RunContext } from '@ice/runs/ports'
import { conceal, isHandle, reveal } from './handles.ts'
import type { GuestValue, Handle } from './ports.ts'

/** A reference in a guest's hands. */
export function heldReference(reference: Reference<unknown>): Handle {
  return conceal(reference as unknown as JsonValue)
}

/** What a guest hands back where a reference is due: it is for the run to know it, or not. */
export function referenceIn(value: GuestValue): Reference<JsonValue> {
  return (isHandle(value) ? reveal(value) : value) as unknown as Reference<JsonValue>
}

/** Finds the references of a run in what it gives; one handle for each. */
export function referenceFinder(context: RunContext): (value: object) => Handle | undefined {
  const known = new WeakMap<object, Handle>()
  return (value) => {
    if (!Object.hasOwn(value, '$ref') || !isOf(context, value)) return undefined
    const handle = known.get(value) ?? heldReference(value as Reference)
    known.set(value, handle)
    return handle
  }
}

function isOf(context: RunContext, value: object): boolean {
  try {
    context.part(value as Reference, '')
    return true
  } catch (error) {
    if (hasCode(error, 'ICE_RUNS_REFERENCE_DENIED')) return false
    throw error
  }
}
