/**
 * The digest of the standard vocabulary, known without converting every schema: that costs 20 ms
 * and more, which each start of a process would pay. A test computes it and compares.
 */

import type { Hash } from '@ice/primitives'

/** Digest of the taxonomy that is composed of exactly the standard types. */
export const STANDARD_DIGEST: Hash =
  '5dbe81b59dd24c34aeb7d622f4948ca8147fb78f3f2c21abdf8c635f24a4e314' as Hash
