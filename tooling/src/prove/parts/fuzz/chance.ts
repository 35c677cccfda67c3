/**
 * Chance for fuzzing: small, quick, and made anew for each input from the seed and its number, so
 * that any input can be had again without those before it.
 */
import { sha256Hex } from '@ice/primitives'

/** A source of choices. */
export interface Chance {
  /** A whole number from 0 up to but without `bound`. */
  below(bound: number): number
  /** One of these. */
  pick<T>(from: readonly T[]): T
  /** True once in so many times. */
  once(times: number): boolean
}

/** The number that a seed stands for. */
export const seedNumber = (seed: string): number => Number.parseInt(sha256Hex(seed).slice(0, 8), 16)

/** The choices of input `number`. @source splitmix32 */
export const chanceOf = (seed: number, number: number): Chance => {
  let state = (seed ^ Math.imul(number + 1, 0x9e3779b1)) | 0
  const next = (): number => {
    state = (state + 0x9e3779b9) | 0
    let mixed = state ^ (state >>> 16)
    mixed = Math.imul(mixed, 0x21f0aaad)
    mixed ^= mixed >>> 15
    mixed = Math.imul(mixed, 0x735a2d97)
    return (mixed ^ (mixed >>> 15)) >>> 0
  }
  const below = (bound: number): number => next() % bound
  return {
    below,
    pick: <T>(from: readonly T[]): T => from[below(from.length)] as T,
    once: (times) => below(times) === 0,
  }
}
