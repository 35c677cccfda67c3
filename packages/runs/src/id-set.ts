/**
 * The step ids a run has used.
 *
 * Exact while they are few. Beyond that as 128-bit fingerprints in a flat table, so that a run of
 * a million steps costs 32 MB and not a gigabyte of strings; two of 10^9 ids collide with a
 * probability of about 10^-21, and a collision refuses a step, it never merges two.
 */

import { EXACT_IDS_MAX } from './limits.ts'

const WORDS = 4
const SEEDS = [0x9e3779b9, 0x85ebca6b, 0xc2b2ae35, 0x27d4eb2f] as const

/** A set of strings that only grows. */
export class IdSet {
  readonly #exact = new Set<string>()
  #table = new Uint32Array(0)
  #used = 0

  /** @returns false when the id was there already */
  add(id: string): boolean {
    if (this.#table.length === 0) {
      if (this.#exact.has(id)) return false
      this.#exact.add(id)
      if (this.#exact.size > EXACT_IDS_MAX) this.#moveToTable()
      return true
    }
    if ((this.#used + 1) * WORDS * 2 > this.#table.length) this.#grow()
    return this.#insert(fingerprint(id))
  }

  #moveToTable(): void {
    this.#table = new Uint32Array(EXACT_IDS_MAX * WORDS * 8)
    for (const id of this.#exact) this.#insert(fingerprint(id))
    this.#exact.clear()
  }

  #grow(): void {
    const old = this.#table
    this.#table = new Uint32Array(old.length * 2)
    this.#used = 0
    for (let i = 0; i < old.length; i += WORDS) {
      const print = old.subarray(i, i + WORDS)
      if (print.some((word) => word !== 0)) this.#insert(print)
    }
  }

  #insert(print: Uint32Array): boolean {
    const slots = this.#table.length / WORDS
    for (let slot = (print[0] ?? 0) % slots; ; slot = (slot + 1) % slots) {
      const held = this.#table.subarray(slot * WORDS, slot * WORDS + WORDS)
      if (held.every((word) => word === 0)) {
        held.set(print)
        this.#used += 1
        return true
      }
      if (held.every((word, i) => word === print[i])) return false
    }
  }
}

/** Four MurmurHash3 (32-bit) values of the UTF-16 units; never all zero. */
function fingerprint(id: string): Uint32Array {
  const words = Uint32Array.from(SEEDS, (seed) => murmur(id, seed))
  if (words.every((word) => word === 0)) words[0] = 1
  return words
}

function murmur(text: string, seed: number): number {
  let hash = seed
  for (let i = 0; i < text.length; i += 1) {
    let k = Math.imul(text.charCodeAt(i), 0xcc9e2d51)
    k = Math.imul((k << 15) | (k >>> 17), 0x1b873593)
    hash ^= k
    hash = (Math.imul((hash << 13) | (hash >>> 19), 5) + 0xe6546b64) | 0
  }
  hash ^= text.length
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
