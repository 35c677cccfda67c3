/**
 * Blobs: what comes out has the digest it was asked for by, or does not come out.
 *
 * Large ones come and go in portions of 1 MiB. Each portion is one short transaction, and the
 * event loop is given up after it, so units commit between two portions as if there were none.
 * Until the last is committed, under its digest, nobody can find the others.
 */
import type { BlobSource, BlobStageOptions, BlobStore, StagedBlob } from '@ice/events'
import {
  BLOB_PORTION_BYTES,
  blobCorrupt,
  blobNotFound,
  checkSignal,
  gatherPortions,
  portionsOf,
  verifiedPortions,
} from '@ice/events/adapter'
import { type BlobDigest, type Clock, createSha256, isBlobDigest, settled } from '@ice/primitives'
import type { BlobRows } from './blob-rows.ts'
import { Collection } from './collect.ts'
import type { Handle } from './handle.ts'

/** How a store lets something be read: it checks that it is open, and waits while it is busy. */
export type ReadGate = <T>(read: () => T, signal: AbortSignal | undefined) => Promise<T>

/** As `ReadGate`, in a write transaction of its own. */
export type WriteGate = ReadGate

/** What blobs are made of. */
export interface BlobsComponents {
  readonly handle: Handle
  readonly rows: BlobRows
  readonly clock: Pick<Clock, 'now'>
}

/** The blobs of one connection, and what only its store does with them. */
export interface StoreBlobs extends BlobStore {
  /** Frees a few parts of what was removed or left behind. @returns whether there is more */
  tidy(): Promise<boolean>
  /** Hides what is being staged: the store closes. Inside a write transaction. */
  giveUp(): void
  /** Whether something is being staged. */
  readonly isStaging: boolean
}

/** Opens the blobs of a connection. */
export function openBlobs(components: BlobsComponents): StoreBlobs {
  return new Blobs(components)
}

class Blobs implements StoreBlobs {
  readonly #with: BlobsComponents
  /** Numbers of the blobs that this store stages now. */
  readonly #live = new Set<number>()

  constructor(components: BlobsComponents) {
    this.#with = components
  }

  async has(
    digest: BlobDigest,
    { signal }: { readonly signal?: AbortSignal } = {},
  ): Promise<boolean> {
    const { rows, handle } = this.#with
    return handle.reading(() => isBlobDigest(digest) && rows.has(digest), signal)
  }

  read(...[digest, options]: Parameters<BlobStore['read']>): Promise<Uint8Array> {
    return gatherPortions(this.stream(digest, options), options)
  }

  async *stream(
    digest: BlobDigest,
    { signal }: { readonly signal?: AbortSignal } = {},
  ): AsyncGenerator<Uint8Array> {
    this.#with.handle.mustBeOpen()
    checkSignal(signal)
    if (!isBlobDigest(digest)) throw blobNotFound(digest)
    for await (const portion of verifiedPortions(digest, this.#parts(digest, signal))) {
      checkSignal(signal)
      yield portion
      this.#with.handle.mustBeOpen()
    }
  }

  /** Each by the digest: what is collected and brought back meanwhile is the same. */
  async *#parts(digest: BlobDigest, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
    const { rows, handle } = this.#with
    const { reading } = handle
    for (let part = 0; ; part += 1) {
      const bytes = await reading(() => rows.part(digest, part), signal)
      if (bytes !== undefined) {
        yield bytes
        continue
      }
      const whole = part === 0 ? await reading(() => rows.whole(digest), signal) : undefined
      if (whole !== undefined) yield* cut(whole)
      else if (!(await this.has(digest, signal === undefined ? {} : { signal }))) {
        throw blobNotFound(digest)
      }
      return
    }
  }

  async stage(source: BlobSource, options: BlobStageOptions = {}): Promise<StagedBlob> {
    const { rows, clock, handle } = this.#with
    const { writing } = handle
    const { signal } = options
    const hash = createSha256()
    let [blob, part, size] = [0, 0, 0]
    // The last portion waits for the digest: a small blob takes one transaction, and one sync.
    let held: Uint8Array | undefined
    handle.mustBeOpen()
    try {
      for await (const bytes of portionsOf(source, options)) {
        handle.mustBeOpen()
        if (held !== undefined) {
          const staged = { blob, part, bytes: held }
          blob = await writing(() => rows.addPart(staged, clock.now()), signal)
          this.#live.add(blob)
          part += 1
          await settled()
        }
        hash.update(bytes)
        size += bytes.byteLength
        held = bytes
      }
      const digest = hash.hex() as string as BlobDigest
      if (options.digest !== undefined && options.digest !== digest) {
        throw blobCorrupt(options.digest)
      }
      const last = held === undefined ? undefined : { part, bytes: held }
      const isNew = await writing(() => rows.finish({ blob, digest, last }, clock.now()), signal)
      if (isNew) this.#live.delete(blob)
      return { digest, size }
    } finally {
      if (this.#live.has(blob)) await this.#discard(blob)
    }
  }

  /** What cannot be discarded now (a full disk, a closed store) is nobody's: it is freed later. */
  async #discard(blob: number): Promise<void> {
    const { rows, handle } = this.#with
    try {
      await handle.writing(() => rows.remove(blob), undefined)
      while (await this.tidy());
    } catch {
      return
    } finally {
      this.#live.delete(blob)
    }
  }

  async collect(
    options: Parameters<BlobStore['collect']>[0] = {},
  ): ReturnType<BlobStore['collect']> {
    const collected = await new Collection(this.#with, options).run()
    while (await this.tidy()) checkSignal(options.signal)
    return collected
  }

  async tidy(): Promise<boolean> {
    const { rows, clock, handle } = this.#with
    const isNeeded = await handle.reading(() => rows.hasLeftovers(clock.now()), undefined)
    if (!isNeeded) return false
    const isMore = await handle.writing(
      () => rows.freeSome(clock.now(), [...this.#live]),
      undefined,
    )
    await settled()
    return isMore
  }

  get isStaging(): boolean {
    return this.#live.size > 0
  }

  giveUp(): void {
    for (const blob of this.#live) this.#with.rows.remove(blob)
    this.#live.clear()
  }
}

function* cut(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += BLOB_PORTION_BYTES) {
    yield bytes.slice(at, at + BLOB_PORTION_BYTES)
  }
}
