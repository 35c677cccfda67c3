/**
 * A scrubber: takes what it has learned out of texts.
 *
 * Every window of 8 characters is hashed as it rolls by, and looked at only where some form of a
 * secret begins with that hash; so the time is that of one pass over each view, whatever the number
 * of secrets. What is found is replaced by `[secret]`: a form of a secret from its first character,
 * whole, or in a part of at least 32 characters, or cut off by the end of the text or by "…".
 *
 * A scrubber only ever learns more, so one that is shared is as good as its last lesson.
 */

import { Buffer } from 'node:buffer'
import { SECRET_CODES, SecretError } from './errors.ts'
import { formsOf } from './forms.ts'
import { PART_CHARS_MIN, SECRET_VALUES_MAX, WINDOW_CHARS } from './limits.ts'
import { type View, viewsOf } from './views.ts'

/** What stands in the place of a secret. */
export const SCRUBBED = '[secret]'

const BASE = 0x01000193
/** What the character that leaves a window is multiplied with. */
const LEAVING = Array.from({ length: WINDOW_CHARS - 1 }).reduce<number>(
  (power) => Math.imul(power, BASE),
  1,
)
const ELLIPSIS = 0x2026
const FILTER = 0xffff

/** From a place of the text to the one behind it. */
type Span = readonly [start: number, end: number]

/** Looks for secrets in texts. */
export class Scrubber {
  readonly #learned = new Set<string>()
  readonly #forms = new Map<number, Uint16Array[]>()
  /** Hashes, folded to 16 bits, that some form begins with: most windows end here. */
  readonly #filter = new Uint8Array(FILTER + 1)
  #longest = 0

  /** @units characters of the longest form: what a stream has to hold back */
  get longest(): number {
    return this.#longest
  }

  /**
   * Learns a secret.
   *
   * @throws {SecretError} `ICE_EFFECTS_SECRET_COUNT_LIMIT`
   */
  learn(secret: Uint8Array): void {
    const key = Buffer.from(secret).toString('latin1')
    if (this.#learned.has(key)) return
    if (this.#learned.size >= SECRET_VALUES_MAX) {
      throw new SecretError(SECRET_CODES.count, 'More values of secrets than are looked for')
    }
    this.#learned.add(key)
    for (const form of formsOf(secret)) this.#add(form)
  }

  #add(form: Uint16Array): void {
    let hash = 0
    for (let at = 0; at < WINDOW_CHARS; at += 1)
      hash = (Math.imul(hash, BASE) + (form[at] ?? 0)) | 0
    const known = this.#forms.get(hash)
    if (known === undefined) this.#forms.set(hash, [form])
    else known.push(form)
    this.#filter[(hash >>> 12) & FILTER] = 1
    this.#longest = Math.max(this.#longest, form.length)
  }

  /** Whether a text holds something that was learned. */
  finds(text: string): boolean {
    return this.spans(text).length > 0
  }

  /** The text without what was learned. */
  text(text: string): string {
    const spans = this.spans(text)
    if (spans.length === 0) return text
    let clean = ''
    let at = 0
    for (const [start, end] of spans) {
      clean += text.slice(at, start) + SCRUBBED
      at = end
    }
    return clean + text.slice(at)
  }

  /** Bytes without what was learned, whatever they are. */
  bytes(bytes: Uint8Array): Buffer {
    const text = Buffer.from(bytes).toString('latin1')
    const clean = this.text(text)
    return clean === text ? Buffer.from(bytes) : Buffer.from(clean, 'latin1')
  }

  /** Where in a text secrets stand, in order, none touching the next. */
  spans(text: string): readonly Span[] {
    if (this.#forms.size === 0 || text.length < WINDOW_CHARS) return []
    const found: Span[] = []
    for (const view of viewsOf(text)) this.#look(view, found)
    return merged(found)
  }

  #look({ codes, starts, ends }: View, found: Span[]): void {
    let hash = 0
    for (let at = 0; at < codes.length; at += 1) {
      if (at >= WINDOW_CHARS) {
        hash = (hash - Math.imul(codes[at - WINDOW_CHARS] ?? 0, LEAVING)) | 0
      }
      hash = (Math.imul(hash, BASE) + (codes[at] ?? 0)) | 0
      if (at < WINDOW_CHARS - 1 || this.#filter[(hash >>> 12) & FILTER] === 0) continue
      const start = at - WINDOW_CHARS + 1
      const length = this.#longestAt(codes, start, hash)
      if (length === 0) continue
      const last = start + length - 1
      found.push([starts?.[start] ?? start, ends?.[last] ?? last + 1])
    }
  }

  /** How much from here on is the beginning of a form, where that is enough of it. */
  #longestAt(codes: Uint16Array, start: number, hash: number): number {
    let longest = 0
    for (const form of this.#forms.get(hash) ?? []) {
      let same = 0
      while (same < form.length && codes[start + same] === form[same]) same += 1
      const next = codes[start + same]
      const isCut = same >= WINDOW_CHARS && (next === undefined || next === ELLIPSIS)
      const isEnough = same === form.length || same >= PART_CHARS_MIN || isCut
      if (isEnough && same > longest) longest = same
    }
    return longest
  }
}

/** Spans in order, those that touch made one. */
function merged(spans: readonly Span[]): readonly Span[] {
  const sorted = spans.toSorted(([a], [b]) => a - b)
  const out: [start: number, end: number][] = []
  for (const [start, end] of sorted) {
    const last = out.at(-1)
    if (last !== undefined && start <= last[1]) last[1] = Math.max(last[1], end)
    else out.push([start, end])
  }
  return out
}
