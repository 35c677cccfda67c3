/**
 * The digest of the standard vocabulary, known without converting every schema: that costs 20 ms
 * and more, which each start of a process would pay. A test computes it and compares.
 */

import type { Hash } from '@ice/primitives'

/** Digest of the taxonomy that is composed of exactly the standard types. */
export const STANDARD_DIGEST: Hash =
  '316b6d4002a02f98ca52ff841b83f25850bbec23121cc0a115d7e0e96efd9b97' as Hash
