/** Lists in resources: checked entry by entry, compared by what one holds and another does not. */
import { RESOURCE_ENTRIES_MAX } from './limits.ts'
import { own } from './plain.ts'
import type { Resource } from './ports.ts'
import { shown, shownList } from './text.ts'

/** Why an entry of a list is malformed, or `undefined`. */
export type EntryFault = (entry: unknown) => string | undefined

/** Why a list is malformed: none, empty, too long, or with an entry that is. */
export function listFault(name: string, list: unknown, entryFault: EntryFault): string | undefined {
  if (!Array.isArray(list) || list.length === 0) return `"${name}" is a list, not empty`
  if (list.length > RESOURCE_ENTRIES_MAX) {
    return `"${name}" has more than ${RESOURCE_ENTRIES_MAX} entries`
  }
  for (const entry of list) {
    const fault = entryFault(entry)
    if (fault !== undefined) return fault
  }
  return undefined
}

/** As `listFault`, of the members that are there. */
export function listsFault(
  resource: Resource,
  members: readonly (readonly [name: string, entryFault: EntryFault])[],
): string | undefined {
  for (const [name, entryFault] of members) {
    if (!Object.hasOwn(resource, name)) continue
    const fault = listFault(name, own(resource, name), entryFault)
    if (fault !== undefined) return fault
  }
  return undefined
}

/** A list of a checked resource; one that is left out holds nothing. */
export function entriesOf(resource: Resource, name: string): readonly string[] {
  return (own(resource, name) as readonly string[] | undefined) ?? []
}

/** What of a child's list its parent does not hold. */
export function over<T>(held: readonly T[], asked: readonly T[]): readonly string[] {
  return asked.filter((entry) => !held.includes(entry)).map(String)
}

/** The first of several excesses, in words; `undefined` when there is none. */
export function excess(
  found: readonly (readonly [what: string, entries: readonly string[]])[],
): string | undefined {
  const first = found.find(([, entries]) => entries.length > 0)
  if (first === undefined) return undefined
  return `the ${first[0]} ${shownList(first[1])} are more than the grant above holds`
}

/** Why a number is not a whole one from `min` to `max`; `undefined` for one that is left out. */
export function boundFault(
  resource: Resource,
  name: string,
  [min, max]: readonly [min: number, max: number],
): string | undefined {
  if (!Object.hasOwn(resource, name)) return undefined
  const value = own(resource, name)
  const fits = Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max
  return fits ? undefined : `"${name}" is a number from ${min} to ${max}, not ${shown(value)}`
}
