/**
 * The random port, with a seeded generator for what must repeat itself.
 *
 * `seededRandom` is xoshiro128** (Blackman and Vigna, 2018), its four 32-bit words the first
 * sixteen bytes, little-endian, of the SHA-256 of the seed in UTF-8. The stream of words for a
 * seed is a promise: recorded runs replay from it, so it never changes.
 *
 * The trap: it is not for secrets. Who has seen four words can compute all that follow.
 */
import { sha256Hex } from './hash.ts'
import { invariant } from './ice-error.ts'
import { RANDOM_BYTES_MAX } from './limits.ts'

/** A source of randomness. */
export interface Random {
  /** Fresh bytes, owned by the caller. @units bytes; 0 to 65,536, anything else is a bug */
  bytes(length: number): Uint8Array
  /** An integer from 0 to 2^32 - 1. */
  uint32(): number
  /** A number from 0 up to but without 1, with 53 random bits. */
  float(): number
}

/** Makes a number in [0, 1) of two words: 27 bits of the first, 26 of the second. */
export function floatFromWords(high: number, low: number): number {
  return ((high >>> 5) * 67_108_864 + (low >>> 6)) / 9_007_199_254_740_992
}

/** States that a number of random bytes is one that `bytes` gives. */
export function checkRandomLength(length: number): void {
  const fine = Number.isInteger(length) && length >= 0 && length <= RANDOM_BYTES_MAX
  invariant(fine, `random bytes come 0 to ${RANDOM_BYTES_MAX} at a time, not ${length}`)
}

/**
 * A generator that gives the same values for the same seed, on every machine and for ever.
 *
 * Not for secrets. `bytes` takes whole words, little-endian, and drops what is left of the last.
 *
 * @throws {TextUnsupportedError} `ICE_PRIMITIVES_TEXT_UNSUPPORTED` — a lone surrogate in the seed
 * @source https://prng.di.unimi.it/xoshiro128starstar.c
 */
export function seededRandom(seed: string): Random {
  const uint32 = xoshiro128(seedWords(seed))
  return {
    uint32,
    float: () => floatFromWords(uint32(), uint32()),
    bytes(length: number): Uint8Array {
      checkRandomLength(length)
      const bytes = new Uint8Array(length)
      for (let at = 0; at < length; at += 4) {
        const word = uint32()
        for (let byte = at; byte < at + 4 && byte < length; byte += 1) {
          bytes[byte] = word >>> ((byte - at) * 8)
        }
      }
      return bytes
    },
  }
}

type Words = readonly [number, number, number, number]

function seedWords(seed: string): Words {
  const digest = sha256Hex(seed)
  const word = (at: number): number => {
    const bytes = digest.slice(at * 8, at * 8 + 8).match(/../g) ?? []
    return Number.parseInt(bytes.reverse().join(''), 16)
  }
  return [word(0), word(1), word(2), word(3)]
}

function xoshiro128([s0, s1, s2, s3]: Words): () => number {
  let [a, b, c, d] = [s0, s1, s2, s3]
  return () => {
    const result = Math.imul(rotateLeft(Math.imul(b, 5), 7), 9) >>> 0
    const shifted = b << 9
    c ^= a
    d ^= b
    b ^= c
    a ^= d
    c ^= shifted
    d = rotateLeft(d, 11)
    return result
  }
}

function rotateLeft(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits))
}
