/**
 * Lists and records that are allocated where they die: in the young generation.
 *
 * V8 watches the places of the source where literals are made (`[]`, `{ … }`). When nearly all it
 * has counted of one place outlive a minor collection, it makes the later ones in the old
 * generation. It counts only while the code is not optimised yet, which of an append is the first
 * few hundred: and if a collection falls into those, all of them are alive. From then on every
 * append leaves dead lists in the old generation, and whatever they point to (events with their
 * bytes) outlives minor collections too, until a major one. Appending was seen to spend a fifth of
 * its time on that.
 *
 * A list of rest parameters and an instance of a class are not counted. So what is made for each
 * event on its way into the log, and points on to its bytes, is one of these: `listOf(…)`, or a
 * small class. That such a list has room for exactly its items, where a literal that is pushed to
 * has room for 17, is worth as much again.
 */

/** These items; more can be pushed. */
export function listOf<T>(...items: T[]): T[] {
  return items
}

/** What `make` makes of each item, of a list that has at least one; holes are items too. */
export function madeOf<T, U>(items: readonly T[], make: (item: T) => U): U[] {
  const { length } = items
  const made = listOf(make(items[0] as T))
  for (let i = 1; i < length; i += 1) made.push(make(items[i] as T))
  return made
}
