import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { type Random, seededRandom, systemRandom } from '../src/index.ts'
import { failure } from './failures.ts'

const sources: Readonly<Record<string, () => Random>> = {
  systemRandom: () => systemRandom,
  seededRandom: () => seededRandom('seed'),
}

/** Verifies: PRI-R10 */
describe.each(Object.entries(sources))('%s', (_, open) => {
  it('gives words of 32 bits, all bits in use', () => {
    const random = open()
    let all = 0
    let common = 0xffff_ffff
    for (let at = 0; at < 1_000; at += 1) {
      const word = random.uint32()
      expect(Number.isInteger(word) && word >= 0 && word < 2 ** 32).toBe(true)
      all |= word
      common &= word
    }
    expect([all >>> 0, common]).toEqual([0xffff_ffff, 0])
  })

  it('gives floats from 0 up to 1, evenly', () => {
    const random = open()
    const floats = Array.from({ length: 20_000 }, () => random.float())
    expect(floats.every((value) => value >= 0 && value < 1)).toBe(true)
    const mean = floats.reduce((sum, value) => sum + value, 0) / floats.length
    expect(Math.abs(mean - 0.5)).toBeLessThan(0.02)
    expect(floats.some((value) => (value * 2 ** 53) % 2 === 1)).toBe(true)
  })

  it('gives as many bytes as asked for, each time others', () => {
    const random = open()
    for (const length of [0, 1, 5, 16, 65_536]) expect(random.bytes(length).length).toBe(length)
    expect(random.bytes(16)).not.toEqual(random.bytes(16))
  })

  it.each([-1, 0.5, 65_537, Number.NaN])('gives no %d bytes', (length) => {
    expect(() => open().bytes(length)).toThrow(TypeError)
  })
})

/** Verifies: PRI-R10 */
describe('seededRandom', () => {
  it('repeats the same words for a seed, for ever', () => {
    const { uint32 } = seededRandom('ice')
    const words = Array.from({ length: 4 }, () => uint32())
    expect(words).toEqual(seededWords('ice', 4))
    expect(words).toEqual([668_068_277, 2_449_993_991, 1_032_572_814, 1_155_839_369])
  })

  it('draws bytes and floats from those words', () => {
    const [a = 0, b = 0] = seededWords('x', 2)
    const bytes = new Uint8Array(8)
    new DataView(bytes.buffer).setUint32(0, a, true)
    new DataView(bytes.buffer).setUint32(4, b, true)
    expect(seededRandom('x').bytes(6)).toEqual(bytes.slice(0, 6))
    expect(seededRandom('x').float()).toBe(((a >>> 5) * 2 ** 26 + (b >>> 6)) / 2 ** 53)
  })

  it('differs between seeds', () => {
    expect(seededWords('a', 2)).not.toEqual(seededWords('b', 2))
  })

  it('refuses a seed that has no bytes', () => {
    expect(failure(() => seededRandom('\ud800')).code).toBe('ICE_PRIMITIVES_TEXT_UNSUPPORTED')
  })
})

const MASK = 0xffff_ffffn

function rotate(word: bigint, bits: bigint): bigint {
  return ((word << bits) | (word >> (32n - bits))) & MASK
}

/** The published algorithm once more, in integers without a width. */
function seededWords(seed: string, count: number): number[] {
  const view = new DataView(Uint8Array.from(createHash('sha256').update(seed).digest()).buffer)
  let [a = 0n, b = 0n, c = 0n, d = 0n] = [0, 4, 8, 12].map((at) => BigInt(view.getUint32(at, true)))
  return Array.from({ length: count }, () => {
    const word = (rotate((b * 5n) & MASK, 7n) * 9n) & MASK
    const shifted = (b << 9n) & MASK
    c ^= a
    d ^= b
    b ^= c
    a ^= d
    c ^= shifted
    d = rotate(d, 11n)
    return Number(word)
  })
}
