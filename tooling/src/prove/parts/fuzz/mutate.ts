/** Bytes that are almost what they should be. */
import type { Chance } from './chance.ts'

/** Longer than this no input grows. */
const BYTES_MAX = 65_536

/** Bytes at which parsers turn. */
const EDGES = [0, 9, 10, 13, 32, 34, 37, 39, 44, 47, 58, 59, 61, 64, 92, 127, 128, 192, 255]

/** What parsers of this house, and of others, look for. */
const WORDS = [
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  '"__proto__":{"polluted":1}',
  '"constructor":{"prototype":{"polluted":1}}',
  '\\u005f\\u005fproto__',
  '\\ud800',
  '\\udc00\\ud800',
  '\ufeff',
  '\u0000',
  '\u2028',
  '9007199254740993',
  '-9007199254740993',
  '1e400',
  '-0',
  '0.1e-400',
  '1E+2',
  '00',
  '[[[[[[[[',
  '{"a":{"a":{"a":',
  'null',
  'true',
  '..',
  '/../',
  '%00',
  '%2e%2e%2f',
  '@0',
  '@1',
  '@9007199254740992',
]

/** An input made of a corpus. */
export const mutated = (corpus: readonly Uint8Array[], chance: Chance): Uint8Array => {
  const base = chance.pick(corpus)
  if (chance.once(40)) return base
  let bytes = [...base.subarray(0, BYTES_MAX)]
  for (let left = 1 + chance.below(chance.once(4) ? 12 : 3); left > 0; left -= 1) {
    bytes = chance.pick(MUTATIONS)(bytes, chance, corpus)
    if (bytes.length > BYTES_MAX) bytes.length = BYTES_MAX
  }
  return Uint8Array.from(bytes)
}

type Mutation = (bytes: number[], chance: Chance, corpus: readonly Uint8Array[]) => number[]

/** A place in the bytes, and how many from there on. */
const range = (bytes: readonly number[], chance: Chance): readonly [at: number, count: number] => {
  const at = chance.below(bytes.length + 1)
  const most = Math.min(bytes.length - at, chance.once(4) ? bytes.length : 8)
  return [at, most === 0 ? 0 : 1 + chance.below(most)]
}

const insert = (bytes: readonly number[], at: number, more: readonly number[]): number[] => [
  ...bytes.slice(0, at),
  ...more,
  ...bytes.slice(at),
]

const MUTATIONS: readonly Mutation[] = [
  // A bit, or a byte, is another one.
  (bytes, chance) => {
    if (bytes.length === 0) return bytes
    const at = chance.below(bytes.length)
    return bytes.with(at, (bytes[at] ?? 0) ^ (1 << chance.below(8)))
  },
  (bytes, chance) => {
    const byte = chance.once(2) ? chance.pick(EDGES) : chance.below(256)
    return bytes.length === 0 ? [byte] : bytes.with(chance.below(bytes.length), byte)
  },
  // Something is missing, stands twice, or stands elsewhere.
  (bytes, chance) => {
    const [at, count] = range(bytes, chance)
    return bytes.toSpliced(at, count)
  },
  (bytes, chance) => {
    const [at, count] = range(bytes, chance)
    return insert(bytes, chance.below(bytes.length + 1), bytes.slice(at, at + count))
  },
  (bytes, chance) => {
    const [at, count] = range(bytes, chance)
    const taken = bytes.slice(at, at + count)
    const rest = bytes.toSpliced(at, count)
    return insert(rest, chance.below(rest.length + 1), taken)
  },
  // One byte or word again and again: depth, width, length.
  (bytes, chance) => {
    const [at, count] = range(bytes, chance)
    const part = bytes.slice(at, at + Math.min(count, 8))
    const times = chance.once(3) ? chance.below(4_000) : chance.below(70)
    return insert(bytes, at, Array.from({ length: times }, () => part).flat())
  },
  // Words that mean something.
  (bytes, chance) => {
    const word = [...Buffer.from(chance.pick(WORDS))]
    return insert(bytes, chance.below(bytes.length + 1), word)
  },
  (bytes, chance) => {
    const [at, count] = range(bytes, chance)
    return bytes.toSpliced(at, count, ...Buffer.from(chance.pick(WORDS)))
  },
  // A number is another one.
  (bytes, chance) => {
    const text = Buffer.from(bytes).toString('latin1')
    const numbers = [...text.matchAll(/\d+/g)]
    const found = numbers[chance.below(Math.max(1, numbers.length))]
    if (found === undefined) return bytes
    const other = chance.pick([
      '0',
      '1',
      '-1',
      '2',
      '4294967296',
      '9007199254740992',
      '1e999',
      '07',
    ])
    return bytes.toSpliced(found.index, found[0].length, ...Buffer.from(other))
  },
  // The head of one and the tail of another; now and then something else altogether.
  (bytes, chance, corpus) => {
    const other = chance.pick(corpus)
    const at = chance.below(bytes.length + 1)
    return [...bytes.slice(0, at), ...other.subarray(chance.below(other.length + 1))]
  },
  (bytes, chance) => {
    const noise = Array.from({ length: 1 + chance.below(16) }, () => chance.below(256))
    return insert(bytes, chance.below(bytes.length + 1), noise)
  },
]
