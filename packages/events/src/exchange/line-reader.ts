/**
 * Cuts bytes that come in portions of any size into lines, and keeps the digest of what was read.
 *
 * A line is bounded before it is gathered: what has no end is refused after so many bytes, however
 * much more of it there is. At most one line and one portion are held.
 */

import { createSha256, type Hash, type Sha256 } from '@ice/primitives'
import { EVENTS_CODES, EventsError } from '../errors.ts'
import { EXPORT_LINE_BYTES_MAX } from './limits.ts'

/** Where an import comes from: portions of UTF-8, as a file or a socket gives them. */
export type ImportSource = AsyncIterable<Uint8Array | string> | Iterable<Uint8Array | string>

/** One line, without its line feed. */
export interface Line {
  /** From 1. */
  readonly number: number
  readonly bytes: Uint8Array
}

const LF = 0x0a

/** The refusal of a line. */
export function badLine(line: number, why: string, cause?: unknown): EventsError {
  const message = `Line ${line} of the export: ${why}. Nothing of it, or after it, was imported`
  return new EventsError(EVENTS_CODES.importCorrupt, message, { line, why }, cause)
}

/** The same failure, with the line it is about. */
export function atLine(error: unknown, line: number): unknown {
  if (!(error instanceof EventsError) || Object.hasOwn(error.data, 'line')) return error
  const { code, message, data } = error
  return new EventsError(code, `Line ${line} of the export: ${message}`, { ...data, line }, error)
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** The text of a line. @throws `ICE_EVENTS_IMPORT_CORRUPT` */
export function decodeLine({ bytes, number }: Line): string {
  try {
    return decoder.decode(bytes)
  } catch (cause) {
    throw badLine(number, 'it is not UTF-8', cause)
  }
}

/** Reads lines in order, one at a time. */
export class LineReader {
  readonly #source: AsyncIterator<Uint8Array | string> | Iterator<Uint8Array | string>
  #digest: Sha256 | null = createSha256()
  readonly #encoder = new TextEncoder()
  #chunk: Uint8Array = new Uint8Array(0)
  #at = 0
  /** The beginning of a line whose end has not come yet. */
  #carried: Uint8Array[] = []
  #carriedBytes = 0
  /** The line that was handed out last, with its line feed: not in the digest yet. */
  #last: Uint8Array | null = null
  /** Lines handed out. */
  number = 0

  constructor(source: ImportSource) {
    this.#source =
      Symbol.asyncIterator in source
        ? source[Symbol.asyncIterator]()
        : (source as Iterable<Uint8Array | string>)[Symbol.iterator]()
  }

  /** The next line if it is here already. */
  nextHere(): Line | null {
    const end = this.#chunk.indexOf(LF, this.#at)
    if (end === -1) return null
    const part = this.#chunk.subarray(this.#at, end + 1)
    this.#at = end + 1
    return this.#handOut(part)
  }

  /** The next line, or `null` at the end. @throws `ICE_EVENTS_IMPORT_CORRUPT` */
  async next(): Promise<Line | null> {
    for (;;) {
      const here = this.nextHere()
      if (here !== null) return here
      this.#carry(this.#chunk.subarray(this.#at))
      const { done, value } = await this.#source.next()
      if (done === true) {
        if (this.#carriedBytes === 0) return null
        throw badLine(this.number + 1, 'it is cut off')
      }
      this.#chunk = this.#bytesOf(value)
      this.#at = 0
    }
  }

  #bytesOf(value: unknown): Uint8Array {
    if (typeof value === 'string') return this.#encoder.encode(value)
    if (value instanceof Uint8Array) return value
    throw new EventsError(EVENTS_CODES.structural, 'Malformed: an import is read from bytes')
  }

  #carry(part: Uint8Array): void {
    this.#chunk = new Uint8Array(0)
    this.#at = 0
    if (part.byteLength === 0) return
    this.#carried.push(part)
    this.#carriedBytes += part.byteLength
    this.#checkLength(this.#carriedBytes)
  }

  #checkLength(bytes: number): void {
    if (bytes <= EXPORT_LINE_BYTES_MAX + 1) return
    throw badLine(this.number + 1, `it is longer than ${EXPORT_LINE_BYTES_MAX} bytes`)
  }

  #handOut(part: Uint8Array): Line {
    this.#checkLength(this.#carriedBytes + part.byteLength)
    const whole = this.#carriedBytes === 0 ? part : Buffer.concat([...this.#carried, part])
    this.#carried = []
    this.#carriedBytes = 0
    if (this.#last !== null) this.#digest?.update(this.#last)
    this.#last = whole
    this.number += 1
    return { number: this.number, bytes: whole.subarray(0, whole.byteLength - 1) }
  }

  /** The digest of everything before the line handed out last. To be asked once. */
  digestBefore(): Hash | undefined {
    const digest = this.#digest
    this.#digest = null
    return digest?.hex()
  }

  /** Lets the source go. */
  async close(): Promise<void> {
    await this.#source.return?.()
  }
}
