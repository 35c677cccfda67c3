/**
 * The identity of a call: what a person approves, exactly.
 *
 *     digest = SHA-256( RFC 8785 { action, argumentsDigest, grant, resource, run } )
 *
 * Canonical JSON is injective: texts of members cannot run into each other, as they do where
 * parts are joined with a separator that a part may hold.
 */
import { canonicalize, type Hash, sha256Hex } from '@ice/primitives'
import type { CallIdentity } from './ports.ts'

/**
 * The digest an approval of this call has to carry.
 *
 * @throws {CanonicalUnsupportedError} `ICE_PRIMITIVES_CANONICAL_UNSUPPORTED` — a member is not
 *   JSON
 * @throws {CanonicalLimitError} `ICE_PRIMITIVES_CANONICAL_LIMIT`
 */
export function callDigest(call: CallIdentity): Hash {
  const { action, argumentsDigest, grant, resource, run } = call
  return sha256Hex(canonicalize({ action, argumentsDigest, grant, resource, run }))
}
