/**
 * Counts marks left for later in a stream of bytes: the words TODO and FIXME, in capitals.
 *
 * A mark is a whole word: letters, digits and `_` beside it make it part of another one. Chunks
 * end anywhere, so the last bytes of one are looked at again together with the next.
 */

import { Buffer } from 'node:buffer'

/** The words, and how many there were of each. */
export interface Marks {
  readonly todo: number
  readonly fixme: number
}

const WORDS = [Buffer.from('TODO'), Buffer.from('FIXME')] as const

/** One byte before the longest word, and the word. */
const CARRY_BYTES = 6

/** A count in progress. */
export class MarkCounter {
  readonly #counts: [number, number] = [0, 0]
  #carry: Buffer = Buffer.alloc(0)

  /** Takes the next bytes; keeps a copy of the last few. */
  add(chunk: Uint8Array): void {
    const seen = this.#carry.length
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    // Words across the border, then words within: the chunk itself is not copied.
    const border = Buffer.concat([this.#carry, bytes.subarray(0, CARRY_BYTES)])
    const within = Math.min(bytes.length, CARRY_BYTES)
    this.#count(border, { from: seen, to: border.length })
    if (bytes.length > within) this.#count(bytes, { from: within, to: bytes.length })
    this.#carry = Buffer.from(
      bytes.length >= CARRY_BYTES
        ? bytes.subarray(-CARRY_BYTES)
        : Buffer.concat([this.#carry, bytes]).subarray(-CARRY_BYTES),
    )
  }

  /** Ends the stream: a word at its very end counts. */
  finish(): Marks {
    const { length } = this.#carry
    this.#count(Buffer.concat([this.#carry, Buffer.from(' ')]), { from: length, to: length + 1 })
    this.#carry = Buffer.alloc(0)
    const [todo, fixme] = this.#counts
    return { todo, fixme }
  }

  /** Counts words whose following byte lies in `[from, to)`: each byte follows one word once. */
  #count(bytes: Buffer, { from, to }: { readonly from: number; readonly to: number }): void {
    for (const [which, word] of WORDS.entries()) {
      let at = bytes.indexOf(word, Math.max(0, from - word.length))
      while (at >= 0 && at + word.length < to) {
        const follows = at + word.length
        const isWhole = !isWordByte(bytes[at - 1]) && !isWordByte(bytes[follows])
        if (follows >= from && isWhole) this.#counts[which === 0 ? 0 : 1] += 1
        at = bytes.indexOf(word, at + 1)
      }
    }
  }
}

function isWordByte(byte: number | undefined): boolean {
  if (byte === undefined) return false
  const isDigit = byte >= 0x30 && byte <= 0x39
  const letter = byte | 0x20
  return isDigit || byte === 0x5f || (letter >= 0x61 && letter <= 0x7a)
}
