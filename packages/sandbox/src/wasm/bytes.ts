/**
 * Bytes of a WebAssembly module, read and written: integers in LEB128, as the format has them.
 *
 * A reader never leaves its bytes and never skips what it does not know: the module it reads is one
 * file, known by its digest, so anything unexpected is a defect of this code.
 */
import { invariant } from '@ice/primitives'

/** Reads bytes from front to back. */
export class ByteReader {
  readonly bytes: Uint8Array
  at: number
  readonly end: number

  constructor(bytes: Uint8Array, at = 0, end: number = bytes.length) {
    this.bytes = bytes
    this.at = at
    this.end = end
  }

  get done(): boolean {
    return this.at >= this.end
  }

  byte(): number {
    const byte = this.bytes[this.at]
    invariant(byte !== undefined && this.at < this.end, 'a module ends where its sections end')
    this.at += 1
    return byte
  }

  /** An unsigned integer of at most 32 bits. */
  u32(): number {
    let value = 0
    for (let factor = 1; ; factor *= 128) {
      const byte = this.byte()
      value += (byte & 0x7f) * factor
      if (byte < 0x80) return value
      invariant(factor < 128 ** 4, 'an index has at most 32 bits')
    }
  }

  /** Passes over an integer of any width, signed or not. */
  skipInteger(): void {
    while (this.byte() >= 0x80);
  }

  /** Passes over so many bytes. */
  skip(length: number): void {
    this.at += length
    invariant(this.at <= this.end, 'a module ends where its sections end')
  }

  /** The next so many bytes: a view, not a copy. */
  take(length: number): Uint8Array {
    const from = this.at
    this.skip(length)
    return this.bytes.subarray(from, this.at)
  }
}

/** Collects bytes, growing as they come. */
export class ByteWriter {
  #bytes: Uint8Array
  #length = 0

  constructor(capacity = 256) {
    this.#bytes = new Uint8Array(capacity)
  }

  byte(value: number): this {
    this.#room(1)
    this.#bytes[this.#length] = value
    this.#length += 1
    return this
  }

  write(bytes: Uint8Array | readonly number[]): this {
    this.#room(bytes.length)
    this.#bytes.set(bytes, this.#length)
    this.#length += bytes.length
    return this
  }

  u32(value: number): this {
    let rest = value
    while (rest >= 0x80) {
      this.byte((rest % 128) | 0x80)
      rest = Math.floor(rest / 128)
    }
    return this.byte(rest)
  }

  /** A signed integer within 31 bits, as constants are written. */
  signed(value: number): this {
    let rest = value
    for (;;) {
      const byte = rest & 0x7f
      rest >>= 7
      if ((rest === 0 && byte < 0x40) || (rest === -1 && byte >= 0x40)) return this.byte(byte)
      this.byte(byte | 0x80)
    }
  }

  /** Bytes with their length before them. */
  vector(bytes: Uint8Array): this {
    return this.u32(bytes.length).write(bytes)
  }

  text(text: string): this {
    return this.vector(new TextEncoder().encode(text))
  }

  /** What was written so far: a view that the next write may replace. */
  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length)
  }

  #room(more: number): void {
    const needed = this.#length + more
    if (needed <= this.#bytes.length) return
    const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2))
    grown.set(this.bytes)
    this.#bytes = grown
  }
}
