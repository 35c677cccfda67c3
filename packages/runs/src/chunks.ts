/**
 * What handlers emit while they are at work: the words of a model as they come.
 *
 *     handler ──emit──► [ at most so many ] ──one after another──► watcher
 *                 └─ no room, or none: dropped, and counted
 *
 * 1. A chunk is no event: it is not recorded, not replayed, and the program never sees it. What an
 *    attempt came to is its outcome, whatever was emitted; an attempt that fails emitted in vain.
 * 2. Nobody waits for a watcher. One that does not keep up misses chunks, and is told how many;
 *    one that throws is not called again. A handler whose chunks nobody watches pays nothing.
 * 3. It is shown to whoever watches, at no label: it is for people who may see all of the run.
 */

import type { JsonValue, RunId } from '@ice/primitives'
import { CHUNK_BYTES_MAX, CHUNKS_WAITING_MAX } from './limits.ts'
import type { Chunk } from './ports.ts'
import { asRecorded, sealValue } from './value.ts'

/** Is given chunks; the next comes once what it returns has settled. */
export type OnChunk = (chunk: Chunk) => void | Promise<void>

/** Hands chunks of one run to one watcher. */
class Watcher {
  readonly #onChunk: OnChunk
  #waiting: Omit<Chunk, 'dropped'>[] = []
  #dropped = 0
  #isBusy = false
  #isGone = false

  constructor(onChunk: OnChunk) {
    this.#onChunk = onChunk
  }

  /** Takes a chunk, or `null`: one that cannot be handed on. */
  push(chunk: Omit<Chunk, 'dropped'> | null): void {
    if (this.#isGone) return
    if (chunk === null || this.#waiting.length >= CHUNKS_WAITING_MAX) this.#dropped += 1
    else this.#waiting.push(chunk)
    if (!this.#isBusy) void this.#hand()
  }

  /** It is told nothing any more. */
  leave(): void {
    this.#isGone = true
    this.#waiting = []
  }

  async #hand(): Promise<void> {
    this.#isBusy = true
    try {
      for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
        const dropped = this.#dropped
        this.#dropped = 0
        await this.#onChunk({ ...next, dropped })
      }
    } catch {
      // What a watcher makes of a chunk is no matter of the run's.
      this.leave()
    } finally {
      this.#isBusy = false
    }
  }
}

/** Who watches which run of this process. */
export class Chunks {
  readonly #watchers = new Map<RunId, Set<Watcher>>()

  /** Hands what is emitted from now on to a watcher. @returns an end to that */
  add(run: RunId, onChunk: OnChunk): () => void {
    const watcher = new Watcher(onChunk)
    const watchers = this.#watchers.get(run) ?? new Set()
    this.#watchers.set(run, watchers.add(watcher))
    return () => {
      watcher.leave()
      watchers.delete(watcher)
      if (watchers.size === 0 && this.#watchers.get(run) === watchers) this.#watchers.delete(run)
    }
  }

  /** What the handler of one attempt emits by. */
  emitterOf({ run, effect, attempt }: Pick<Chunk, 'attempt' | 'effect' | 'run'>) {
    let sequence = 0
    return (value: JsonValue): void => {
      sequence += 1
      const watchers = this.#watchers.get(run)
      if (watchers === undefined) return
      const copy = copyOf(value)
      const chunk = copy === null ? null : { run, effect, attempt, sequence, value: copy.value }
      for (const watcher of watchers) watcher.push(chunk)
    }
  }
}

/** A copy that its handler cannot change; `null` of what is too large, or what JSON cannot hold. */
function copyOf(value: unknown): { readonly value: JsonValue } | null {
  try {
    const { blob } = sealValue(value)
    if (blob !== null && blob.bytes.byteLength > CHUNK_BYTES_MAX) return null
    return { value: asRecorded(value) as JsonValue }
  } catch {
    // It is told as dropped.
    return null
  }
}
