/**
 * Blobs: what comes out has the digest it was asked for by, or does not come out; what is brought
 * in comes in portions, each a statement of its own, and has no name until all of it is there.
 */
import { randomUUID } from 'node:crypto'
import type { BlobSource, BlobStageOptions, BlobStore, StagedBlob } from '@ice/events'
import {
  BLOB_PORTION_BYTES,
  blobCorrupt,
  blobNotFound,
  gatherPortions,
  portionsOf,
  unavailable,
  verifiedPortions,
} from '@ice/events/adapter'
import { type BlobDigest, createSha256, isBlobDigest } from '@ice/primitives'
import { bufferOf } from './bytes.ts'
import { Collector } from './collect.ts'
import { type BlobGround, dropContent } from './contents.ts'
import type { Session } from './session.ts'

/** The blobs of one log. */
export class Blobs implements BlobStore {
  readonly #options: BlobGround

  constructor(options: BlobGround) {
    this.#options = options
  }

  read(digest: BlobDigest, options: Parameters<BlobStore['read']>[1] = {}): Promise<Uint8Array> {
    return gatherPortions(this.stream(digest, options), options)
  }

  async *stream(
    digest: BlobDigest,
    { signal }: { readonly signal?: AbortSignal } = {},
  ): AsyncGenerator<Uint8Array> {
    for await (const portion of verifiedPortions(digest, this.#portions(digest, signal))) {
      yield portion
      this.#options.mustBeOpen()
    }
  }

  async has(
    digest: BlobDigest,
    { signal }: { readonly signal?: AbortSignal } = {},
  ): Promise<boolean> {
    return (await this.#find(digest, signal)) !== undefined
  }

  async stage(source: BlobSource, options: BlobStageOptions = {}): Promise<StagedBlob> {
    const content = randomUUID()
    const { begin } = this.#options.sql
    await this.#run('keep a blob in', options, (session) =>
      session.run(begin, [content, this.#now()]),
    )
    try {
      return await this.#bring(content, source, options)
    } catch (error) {
      // Should this fail too, the next collection finds what lies there.
      await this.#discard(content).catch(() => undefined)
      throw error
    }
  }

  collect(options: Parameters<BlobStore['collect']>[0] = {}): ReturnType<BlobStore['collect']> {
    return new Collector(this.#options, options).run()
  }

  async #find(
    digest: BlobDigest,
    signal: AbortSignal | undefined,
  ): Promise<readonly [content: string, size: number] | undefined> {
    // What is no digest is asked for as well, so that a closed store says that it is closed.
    const asked = isBlobDigest(digest) ? digest : ''
    const { gate, sql } = this.#options
    const [row] = await gate((session) => session.run(sql.find, [asked]), signal)
    return row === undefined ? undefined : [String(row[0]), Number(row[1])]
  }

  async *#portions(
    digest: BlobDigest,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<Uint8Array> {
    const found = await this.#find(digest, signal)
    if (found === undefined) throw blobNotFound(digest)
    let [content] = found
    for (let n = 0; n * BLOB_PORTION_BYTES < found[1]; n += 1) {
      let bytes = await this.#portion(content, n, signal)
      if (bytes === undefined) {
        // Collected while it was read; and perhaps brought in again, then as the same portions.
        const again = await this.#find(digest, signal)
        if (again === undefined) throw blobNotFound(digest)
        content = again[0]
        bytes = await this.#portion(content, n, signal)
      }
      if (bytes === undefined) throw blobCorrupt(digest)
      yield bytes
    }
  }

  /** A plain array: a Buffer would let a reader see the memory around it by way of `.buffer`. */
  async #portion(
    content: string,
    n: number,
    signal: AbortSignal | undefined,
  ): Promise<Uint8Array | undefined> {
    const { gate, sql } = this.#options
    const [row] = await gate((session) => session.run(sql.portion, [content, n]), signal)
    return row === undefined ? undefined : new Uint8Array(row[0] as Buffer)
  }

  async #bring(
    content: string,
    source: BlobSource,
    options: BlobStageOptions,
  ): Promise<StagedBlob> {
    const { sql } = this.#options
    const hash = createSha256()
    let size = 0
    let n = 0
    for await (const portion of portionsOf(source, options)) {
      hash.update(portion)
      const values = [content, n, bufferOf(portion), this.#now()]
      const kept = await this.#run('keep a blob in', options, (s) => s.run(sql.bring, values))
      if (kept.length === 0) throw this.#condemned()
      size += portion.byteLength
      n += 1
    }
    const digest = hash.hex() as string as BlobDigest
    if (options.digest !== undefined && options.digest !== digest) {
      throw blobCorrupt(options.digest)
    }
    const values = [digest, content, size, this.#now()]
    const [row] = await this.#run('keep a blob in', options, (s) => s.run(sql.name, values))
    if (row === undefined) throw this.#condemned()
    // The same bytes were there already: these are not wanted.
    if (row[0] !== content) await this.#discard(content)
    return { digest, size }
  }

  async #discard(content: string): Promise<void> {
    const { gate, sql } = this.#options
    await gate((session) => session.run(sql.condemn, [content]), undefined)
    await dropContent(this.#options, content)
  }

  #now(): number | null {
    return this.#options.clock?.now() ?? null
  }

  #run<T>(
    doing: string,
    { signal }: BlobStageOptions,
    work: (session: Session) => Promise<T>,
  ): Promise<T> {
    return this.#options.gate(work, signal, doing)
  }

  #condemned(): Error {
    const { log } = this.#options
    return unavailable(
      undefined,
      { doing: 'keep a blob in', log, fate: 'none', data: { log } },
      {
        reason: 'stale',
        why: 'its bytes came so slowly that what was there of them has been collected',
        next: 'Bring it in again.',
      },
    )
  }
}
