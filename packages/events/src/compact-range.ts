/**
 * A compact range: the RFC 9162 Merkle tree of a log that is only ever appended to, kept as the
 * roots of its full subtrees. Which of them exist is the binary form of the size.
 */

import { type Hash, invariant, nodeHash, sha256Hex } from '@ice/primitives'

/** All that a tree needs to be gone on with. */
export interface Frontier {
  /** @units leaves */
  readonly size: number
  /** Roots of the full subtrees, the largest first: one for each bit that is set in `size`. */
  readonly peaks: readonly Hash[]
}

/** A Merkle tree that is only ever appended to, in log2(n) hashes of memory. */
export interface CompactRange {
  append(leaf: Hash): void
  /** The tree hash of the leaves so far; of no leaves, the hash of nothing (RFC 9162 §2.1.1). */
  root(): Hash
  /** Where the tree has come to; `compactRange` goes on from there. */
  frontier(): Frontier
}

/** Creates a compact range: an empty one, or one that goes on from a frontier. */
export function compactRange(from: Frontier = { size: 0, peaks: [] }): CompactRange {
  // peaks[i] is the root of a full subtree of 2^i leaves, or absent: the bits of the size.
  const peaks = peaksOf(from)
  let { size } = from
  return {
    append(leaf) {
      size += 1
      let carry = leaf
      for (let level = 0; ; level += 1) {
        const peak = peaks[level]
        if (peak === undefined) {
          peaks[level] = carry
          return
        }
        carry = nodeHash(peak, carry)
        peaks[level] = undefined
      }
    },
    root() {
      let root: Hash | undefined
      for (const peak of peaks) {
        if (peak !== undefined) root = root === undefined ? peak : nodeHash(peak, root)
      }
      return root ?? sha256Hex('')
    },
    frontier() {
      return { size, peaks: peaks.filter((peak) => peak !== undefined).reverse() }
    },
  }
}

function peaksOf({ size, peaks }: Frontier): (Hash | undefined)[] {
  const placed: (Hash | undefined)[] = []
  let next = peaks.length
  for (let left = size; left > 0; left = Math.floor(left / 2)) {
    if (left % 2 === 1) next -= 1
    placed.push(left % 2 === 1 ? peaks[next] : undefined)
  }
  invariant(next === 0, 'a frontier has a root for each bit of its size')
  return placed
}
