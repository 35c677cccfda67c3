/**
 * The digest of the standard vocabulary, known without converting every schema: that costs 20 ms
 * and more, which each start of a process would pay. A test computes it and compares.
 */

import type { Hash } from '@ice/primitives'

/** Digest of the taxonomy that is composed of exactly the standard types. */
export const STANDARD_DIGEST: Hash =
  'f01fd6742101ed9404b66b9aa079821652f9581d9fd9f4e5f7699c9bf15ed6ba' as Hash
