/**
 * A compact range: the RFC 9162 Merkle tree of a log that is only ever appended to, kept as the
 * roots of its full subtrees. Which of them exist is the binary form of the size.
 */

import { type Hash, nodeHash, sha256Hex } from '@ice/primitives'

/** A Merkle tree that is only ever appended to, in log2(n) hashes of memory. */
export interface CompactRange {
  append(leaf: Hash): void
  /** The tree hash of the leaves so far; of no leaves, the hash of nothing (RFC 9162 §2.1.1). */
  root(): Hash
}

/** Creates an empty compact range. */
export function compactRange(): CompactRange {
  // peaks[i] is the root of a full subtree of 2^i leaves, or absent: the bits of the size.
  const peaks: (Hash | undefined)[] = []
  return {
    append(leaf) {
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
  }
}
