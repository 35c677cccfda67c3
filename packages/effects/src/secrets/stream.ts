/**
 * Scrubs bytes that come in chunks: a secret that is split over chunks is found like any other.
 *
 * What may be the beginning of a secret is held back until enough has come to know. How much that
 * is depends on the longest form, with room for escapes; so a stream takes constant memory.
 */

import { Buffer } from 'node:buffer'
import type { JsonValue } from '@ice/primitives'
import type { ByteFold } from '@ice/runs/ports'
import { HOLD_CHARS_MAX } from './limits.ts'
import { SCRUBBED, type Scrubber } from './scrubber.ts'

/** As many characters as one escape of the widest kind takes. */
const ESCAPE_CHARS = 6

/** Scrubs one stream of bytes. */
export class ScrubStream {
  readonly #scrubber: Scrubber
  #held: Buffer = Buffer.alloc(0)

  constructor(scrubber: Scrubber) {
    this.#scrubber = scrubber
  }

  /** Takes a chunk; gives what is sure to be clean. The chunk is copied. */
  push(chunk: Uint8Array): Buffer {
    this.#held = Buffer.concat([this.#held, chunk])
    const hold = Math.min(this.#scrubber.longest * ESCAPE_CHARS, HOLD_CHARS_MAX)
    // Twice as much, so that no byte is looked at more than twice however small the chunks are.
    return this.#held.length < 2 * hold ? Buffer.alloc(0) : this.#release(this.#held.length - hold)
  }

  /** Gives what was held back: nothing more will come. */
  end(): Buffer {
    return this.#release(this.#held.length)
  }

  /** Gives what lies before `limit`; a secret across it is given as a whole, as what it became. */
  #release(limit: number): Buffer {
    const held = this.#held
    const parts: Buffer[] = []
    let at = 0
    for (const [start, end] of this.#scrubber.spans(held.toString('latin1'))) {
      if (start >= limit) break
      parts.push(held.subarray(at, start), Buffer.from(SCRUBBED))
      at = end
    }
    if (at < limit) {
      parts.push(held.subarray(at, limit))
      at = limit
    }
    this.#held = Buffer.from(held.subarray(at))
    return Buffer.concat(parts)
  }
}

/** A fold that is given clean bytes: what a program makes of bytes is recorded, whatever it is. */
export function scrubbedFold(fold: ByteFold, scrubber: Scrubber): ByteFold {
  interface State {
    readonly stream: ScrubStream
    inner: unknown
  }
  const step = (state: State, bytes: Buffer): State => {
    if (bytes.length > 0) state.inner = fold.step(state.inner, bytes)
    return state
  }
  const whole: ByteFold<State> = {
    start: () => ({ stream: new ScrubStream(scrubber), inner: fold.start() }),
    step: (state, chunk) => step(state, state.stream.push(chunk)),
    finish: (state): JsonValue => fold.finish(step(state, state.stream.end()).inner),
  }
  return whole as ByteFold
}
