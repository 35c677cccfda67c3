/**
 * The digest of the standard vocabulary, known without converting every schema: that costs 20 ms
 * and more, which each start of a process would pay. A test computes it and compares.
 */

import type { Hash } from '@ice/primitives'

/** Digest of the taxonomy that is composed of exactly the standard types. */
export const STANDARD_DIGEST: Hash =
  'c37cbca8b00a9f8a4f8d1a2b3e4fc49598b3e7200f1a40fa47784e7c52b2eaa7' as Hash
