import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { hash, leafHash, nodeHash, sha256Hex } from '../src/index.ts'
import { failure } from './failures.ts'

const EMPTY = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'
const ABC = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'

function digest(...parts: readonly (string | Uint8Array)[]): string {
  const state = createHash('sha256')
  for (const part of parts) state.update(part)
  return state.digest('hex')
}

/** Verifies: PRI-R15 */
describe('sha256Hex', () => {
  it('gives the published digests', () => {
    expect([sha256Hex(''), sha256Hex('abc')]).toEqual([EMPTY, ABC])
  })

  it('takes text as UTF-8, and bytes as they are', () => {
    expect(sha256Hex('é😀')).toBe(sha256Hex(Buffer.from('é😀')))
    expect(sha256Hex(Buffer.from('xabcx').subarray(1, 4))).toBe(ABC)
  })
})

/** Verifies: PRI-R15 */
describe('the hashes of a Merkle tree', () => {
  it('mark leaves with 0x00', () => {
    const bytes = Buffer.from('{"a":"é"}')
    const wanted = digest(Uint8Array.of(0), bytes)
    expect([leafHash(bytes), leafHash('{"a":"é"}')]).toEqual([wanted, wanted])
    expect(leafHash('')).toBe('6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d')
  })

  it('mark nodes with 0x01', () => {
    const [left, right] = [hash(EMPTY), hash(ABC)]
    const joined = [Buffer.from(left, 'hex'), Buffer.from(right, 'hex')]
    expect(nodeHash(left, right)).toBe(digest(Uint8Array.of(1), ...joined))
    expect(nodeHash(right, left)).toBe(digest(Uint8Array.of(1), ...joined.toReversed()))
    expect(nodeHash(left, right)).not.toBe(nodeHash(right, left))
  })
})

/** Verifies: PRI-R15 */
describe('hashing', () => {
  it.each([sha256Hex, leafHash])('%o refuses text that shares its bytes with another', (of) => {
    expect(failure(() => of('a\ud800'))).toEqual({
      code: 'ICE_PRIMITIVES_TEXT_UNSUPPORTED',
      data: { operation: 'hashing', reason: 'lone_surrogate' },
    })
  })
})
