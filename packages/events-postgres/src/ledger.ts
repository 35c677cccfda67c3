/**
 * What a transaction knows of the streams it looks at: their heads, moved on by the units that the
 * transaction has accepted.
 *
 * The heads were read under the log's lock, or are guessed from what this process last saw. A guess
 * costs nobody the lock, and may be wrong: so the insertion itself compares, under the lock, every
 * version the units were judged by, and does nothing when one has moved.
 */
import type { PreparedUnit, StreamHead } from '@ice/events'
import { type BoundedMap, bringsBytes, type HeadLedger, type QueuedUnit } from '@ice/events/adapter'
import { type BlobDigest, isBlobDigest, isStreamId, type StreamId } from '@ice/primitives'

/** The end of one stream. `id` is 0 while the stream has no number. */
export interface Head {
  readonly id: number
  readonly version: number
  readonly time: number
}

/** What is not there. */
export interface Absent {
  readonly names: readonly string[]
  /** By pairs. */
  readonly ids: readonly number[]
  readonly versions: readonly number[]
}

/** A unit in the queue, and the streams it is judged by. */
export type Candidate = QueuedUnit<readonly string[]>

const NO_HEAD: Head = Object.freeze({ id: 0, version: 0, time: 0 })

/**
 * The streams a unit is judged by: those it writes, guards, or names in causes. What is no name of
 * a stream is left out: there is no event in it.
 */
export function streamsOf({ writes, guards }: PreparedUnit): readonly string[] {
  const names = new Set<string>()
  for (const { stream, events } of writes) {
    names.add(stream)
    for (const { causes } of events) for (const cause of causes) names.add(streamOf(cause))
  }
  for (const { stream } of guards ?? []) names.add(stream)
  return [...names].filter(isStreamId)
}

/** The blobs that a unit says are there. What is no digest is left out: it is not there. */
export function declaredBlobs({ blobs = [] }: PreparedUnit): readonly BlobDigest[] {
  return blobs.flatMap((blob) =>
    bringsBytes(blob) || !isBlobDigest(blob.digest) ? [] : [blob.digest],
  )
}

function streamOf(cause: string): string {
  return cause.slice(0, cause.indexOf('@'))
}

/** Whether the unit itself expects the stream to be empty. */
function isEmptyTo({ writes, guards }: PreparedUnit, name: string): boolean {
  const write = writes.find(({ stream }) => stream === name)
  if (write !== undefined)
    return write.expectedVersion === 'no_stream' || write.expectedVersion === 0
  return guards?.some(({ stream, version }) => stream === name && version === 0) === true
}

/** The heads of one transaction. */
export class Ledger implements HeadLedger {
  readonly #heads: Map<string, Head>
  /** Those there are, of all that were asked for. */
  readonly #blobs = new Set<string>()
  /** The names that were looked at. */
  readonly names: readonly string[]
  /** Where streams ended that the transaction has moved since. */
  readonly #began = new Map<string, Head>()

  private constructor(heads: Map<string, Head>) {
    this.#heads = heads
    this.names = [...heads.keys()]
  }

  /**
   * @param rows - index from 1, id, version, time; of the streams that are there
   * @param blobs - digests; of the declared blobs that are there
   */
  static read(
    names: readonly string[],
    rows: readonly (readonly unknown[])[],
    blobs: readonly (readonly unknown[])[],
  ): Ledger {
    const heads = new Map<string, Head>(names.map((name) => [name, NO_HEAD]))
    for (const [index, id, version, time] of rows) {
      const name = names[Number(index) - 1]
      if (name === undefined) continue
      heads.set(name, { id: Number(id), version: Number(version), time: Number(time) })
    }
    const ledger = new Ledger(heads)
    for (const [digest] of blobs) ledger.addBlob(String(digest) as BlobDigest)
    return ledger
  }

  /** From what was seen last; `undefined` when nothing is known of a stream, or of a blob. */
  static guess(group: readonly Candidate[], seen: BoundedMap<string, Head>): Ledger | undefined {
    const heads = new Map<string, Head>()
    for (const { unit, note } of group) {
      if (unit.blobs?.some((blob) => !bringsBytes(blob)) === true) return undefined
      for (const name of note) {
        if (heads.has(name)) continue
        const head = seen.get(name) ?? (isEmptyTo(unit, name) ? NO_HEAD : undefined)
        if (head === undefined) return undefined
        heads.set(name, head)
      }
    }
    return new Ledger(heads)
  }

  hasBlob(digest: BlobDigest): boolean {
    return this.#blobs.has(digest)
  }

  /** A unit of this transaction has brought it. */
  addBlob(digest: BlobDigest): void {
    this.#blobs.add(digest)
  }

  head(stream: StreamId): StreamHead {
    return this.entry(stream)
  }

  entry(stream: string): Head {
    return this.#heads.get(stream) ?? NO_HEAD
  }

  move(stream: string, head: Head): void {
    if (!this.#began.has(stream)) this.#began.set(stream, this.entry(stream))
    this.#heads.set(stream, head)
  }

  /**
   * What must not be there if the ledger was right of these streams: those that are new to it, by
   * name, and of the others, by number, the version behind the last one it knew. Versions have no
   * gap and nothing takes one back: if that is not there, and nothing has been moved to the
   * archive since the ledger was read, nothing has moved. The insertion compares both.
   */
  absent(names: Iterable<string>): Absent {
    const absent = { names: [] as string[], ids: [] as number[], versions: [] as number[] }
    for (const name of names) {
      const { id, version } = this.#began.get(name) ?? this.entry(name)
      if (id === 0) {
        absent.names.push(name)
      } else {
        absent.ids.push(id)
        absent.versions.push(version + 1)
      }
    }
    return absent
  }

  /** Every stream and where it ends now. */
  entries(): Iterable<[string, Head]> {
    return this.#heads
  }
}
