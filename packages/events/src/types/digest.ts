/**
 * The digest of the standard vocabulary, known without converting every schema: that costs 20 ms
 * and more, which each start of a process would pay. A test computes it and compares.
 */

import type { Hash } from '@ice/primitives'

/** Digest of the taxonomy that is composed of exactly the standard types. */
export const STANDARD_DIGEST: Hash =
  '7570c3c2f455de1c45ebc046069f8374a71ac7e5536999591b2a1ade31d9bec0' as Hash
