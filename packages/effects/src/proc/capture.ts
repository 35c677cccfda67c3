/// <reference lib="es2024.string" />
/**
 * A stream of a program: counted and digested as it comes, kept to a cap, folded if asked.
 *
 * Where there are secrets, all of that is done to what is left once they are taken out: a count of
 * what a program echoes would tell the length of a secret, a cap would leave its beginning, and
 * base64 would hide it.
 */

import { Buffer } from 'node:buffer'
import { createHash } from 'node:crypto'
import type { Readable } from 'node:stream'
import type { JsonValue } from '@ice/primitives'
import type { ByteFold } from '@ice/runs/ports'
import type { ScrubStream } from '../secrets/stream.ts'
import { STREAM_BYTES_MAX } from './limits.ts'

/** What a program wrote, as its run is given it. */
export type Kept = {
  /** `null` where it was folded. */
  readonly content: string | null
  readonly encoding: 'utf8' | 'base64'
  /** Whether the program wrote more than `content` holds. */
  readonly truncated: boolean
}

/** What auditors see of a stream. */
export type Counted = { readonly bytes: number; readonly sha256: string }

/** One stream that is read. */
export class Capture {
  readonly #stream: Readable
  readonly #limit: number
  readonly #hash = createHash('sha256')
  readonly #chunks: Buffer[] = []
  readonly #fold: ByteFold | undefined
  #scrub: ScrubStream | undefined
  readonly #closed: Promise<void>
  #state: unknown
  #failure: { readonly thrown: unknown } | undefined
  /** As the program wrote them. */
  #written = 0
  #bytes = 0
  #kept = 0

  /**
   * @param init.limit - bytes that are kept
   * @param init.fold - is handed what the program wrote: it takes secrets out itself
   * @param init.onEnough - called once there are more bytes than a program may write
   */
  constructor(
    stream: Readable,
    init: {
      readonly limit: number
      readonly scrub?: ScrubStream | undefined
      readonly fold: ByteFold | undefined
      readonly onEnough: () => void
    },
  ) {
    const { limit, scrub, fold, onEnough } = init
    this.#scrub = scrub
    this.#stream = stream
    this.#limit = fold === undefined ? limit : 0
    this.#fold = fold
    this.#state = fold?.start()
    this.#closed = new Promise((resolve) => stream.once('close', resolve))
    // What a stream of a program fails with is its end.
    stream.on('error', () => undefined)
    stream.on('data', (chunk: Buffer) => {
      this.#take(chunk)
      if (this.#written <= STREAM_BYTES_MAX) return
      // What is not read fills the pipe, and the program waits to be ended.
      stream.pause()
      onEnough()
    })
  }

  #take(chunk: Buffer): void {
    const part = chunk.subarray(0, STREAM_BYTES_MAX + 1 - this.#written)
    this.#written += part.length
    this.#note(this.#scrub === undefined ? part : this.#scrub.push(part))
    if (this.#fold === undefined || this.#failure !== undefined) return
    try {
      this.#state = this.#fold.step(this.#state, part)
    } catch (thrown) {
      this.#failure = { thrown }
    }
  }

  /** Takes note of what may be told. */
  #note(clean: Buffer): void {
    this.#bytes += clean.length
    this.#hash.update(clean)
    const room = this.#limit - this.#kept
    if (room <= 0) return
    const kept = clean.subarray(0, room)
    this.#chunks.push(kept)
    this.#kept += kept.length
  }

  /** Lets go of what may have been the beginning of a secret: nothing more comes. */
  #close(): void {
    const scrub = this.#scrub
    this.#scrub = undefined
    if (scrub !== undefined) this.#note(scrub.end())
  }

  /** Fires once nobody can write to it any more. */
  get closed(): Promise<void> {
    return this.#closed
  }

  /** Stops reading. What was taken in can be told from here on. */
  end(): void {
    this.#stream.destroy()
    this.#stream.removeAllListeners('data')
    this.#close()
  }

  get counted(): Counted {
    return { bytes: this.#bytes, sha256: this.#hash.copy().digest('hex') }
  }

  /** What was kept, as text where it is text. */
  kept(wanted: 'auto' | 'base64'): Kept {
    const bytes = Buffer.concat(this.#chunks)
    const truncated = this.#bytes > this.#kept
    if (this.#fold !== undefined) return { content: null, encoding: 'utf8', truncated: false }
    const text = wanted === 'auto' ? textOf(truncated ? withoutHalf(bytes) : bytes) : undefined
    if (text !== undefined) return { content: text, encoding: 'utf8', truncated }
    return { content: bytes.toString('base64'), encoding: 'base64', truncated }
  }

  /** What the fold made of it. What a fold throws is thrown here. */
  folded(): JsonValue | undefined {
    if (this.#failure !== undefined) throw this.#failure.thrown
    return this.#fold?.finish(this.#state)
  }
}

/** Text, if it is UTF-8, and is no longer in JSON than twice its bytes. */
function textOf(bytes: Buffer): string | undefined {
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined // no text: it is given in base64, where nothing is lost
  }
  return Buffer.byteLength(JSON.stringify(text)) <= 2 * bytes.length + 2 ? text : undefined
}

/** Without the beginning of a character whose end was cut off. */
function withoutHalf(bytes: Buffer): Buffer {
  for (let back = 1; back <= Math.min(3, bytes.length); back += 1) {
    const byte = bytes[bytes.length - back] ?? 0
    if (byte < 0x80) return bytes
    if (byte < 0xc0) continue
    const wanted = byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4
    return back < wanted ? bytes.subarray(0, bytes.length - back) : bytes
  }
  return bytes
}
