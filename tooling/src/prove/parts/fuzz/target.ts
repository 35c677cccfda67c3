/** What is fuzzed, and the words in which it says that something is wrong. */
import { errorRecord, UNCODED } from '@ice/primitives'
import type { Chance } from './chance.ts'
import { Sprung } from './values.ts'

/** One parser, and what must hold of it whatever it is given. */
export interface FuzzTarget {
  /** What inputs are made of. */
  readonly corpus: readonly Uint8Array[]
  /**
   * Gives it an input. What it refuses with a code, and what it takes, is sound; anything else is
   * thrown. `chance` is for targets whose inputs are no bytes: it follows from the same number.
   *
   * @returns whether it took the input
   */
  run(input: Uint8Array, chance: Chance): boolean | Promise<boolean>
  close?(): Promise<void>
}

/** Makes a target in a process of its own. @param folder - for what it has to write */
export type OpenTarget = (folder: string) => FuzzTarget | Promise<FuzzTarget>

/** States what must hold. */
export const must = (condition: boolean, what: string): void => {
  if (!condition) throw new TypeError(`it does not hold: ${what}`)
}

/** What the parser gave, or nothing when it refused with a code of ours. @throws anything else */
export const tried = <T>(work: () => T): { readonly value: T } | undefined => {
  try {
    return { value: work() }
  } catch (error) {
    checkRefusal(error)
    return undefined
  }
}

/** The same for what may hand on what a getter or a proxy of its caller throws. */
export const sprung = async <T>(
  work: () => T,
): Promise<{ readonly value: Awaited<T> } | undefined> => {
  try {
    return { value: await work() }
  } catch (error) {
    if (!(error instanceof Sprung)) checkRefusal(error)
    return undefined
  }
}

/** The same for what takes its time. */
export const awaited = async <T>(
  work: () => Promise<T>,
): Promise<{ readonly value: T } | undefined> => {
  try {
    return { value: await work() }
  } catch (error) {
    checkRefusal(error)
    return undefined
  }
}

/** A refusal has a code, and can be told. */
const checkRefusal = (error: unknown): void => {
  if (error instanceof Sprung)
    throw new TypeError('a trap of the input was let through', { cause: error })
  const { code, message } = errorRecord(error)
  if (code === UNCODED) throw error
  if (!code.startsWith('ICE_') || message === '') throw error
}

/** Texts as bytes. */
export const bytesOf = (...texts: readonly string[]): readonly Uint8Array[] =>
  texts.map((text) => Buffer.from(text))

/** Bytes as the text that they are, or that a careless reader makes of them. */
export const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString()
