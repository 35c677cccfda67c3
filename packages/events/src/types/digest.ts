/**
 * The digest of the standard vocabulary, known without converting every schema: that costs 20 ms
 * and more, which each start of a process would pay. A test computes it and compares.
 */

import type { Hash } from '@ice/primitives'

/** Digest of the taxonomy that is composed of exactly the standard types. */
export const STANDARD_DIGEST: Hash =
  '32af92e9caa4864bbfae7596642e5b76f28804ddd61dbdb0e5d2e2e1a2aaf2e0' as Hash
