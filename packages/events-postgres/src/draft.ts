/** What one transaction is going to insert, gathered unit by unit in the order of positions. */
import type {
  Appended,
  AppendedWrite,
  BlobDraft,
  PreparedUnit,
  PreparedWrite,
  SealedWrite,
} from '@ice/events'
import { invariant, type Position, type StreamVersion, type Timestamp } from '@ice/primitives'
import type { Ledger } from './ledger.ts'
import type { Call } from './session.ts'
import { numbers, type Sql, textLines } from './sql.ts'

/** Where the log ends. */
export interface LogEnd {
  readonly position: number
  /** Streams that have a number. */
  readonly streams: number
}

/** The insertions of one transaction. */
export class Draft {
  readonly #ledger: Ledger
  readonly #from: LogEnd
  readonly #newIds: number[] = []
  readonly #newNames: string[] = []
  readonly #streams: number[] = []
  readonly #versions: number[] = []
  readonly #times: number[] = []
  readonly #types: string[] = []
  readonly #bytes: string[] = []
  readonly #blobs: BlobDraft[] = []
  readonly hashes: string[] = []
  /** What the server has to take. @units UTF-16 units of events, bytes of blobs */
  size = 0

  constructor(ledger: Ledger, from: LogEnd) {
    this.#ledger = ledger
    this.#from = from
  }

  get isEmpty(): boolean {
    return this.hashes.length === 0
  }

  /** Position of the last event once this has been committed. */
  get position(): number {
    return this.#from.position + this.hashes.length
  }

  /** Takes a unit that fits, and moves the ledger on. */
  keep(unit: PreparedUnit, writes: readonly SealedWrite[]): Appended {
    checkDistinct(writes)
    for (const blob of unit.blobs ?? []) {
      this.#blobs.push(blob)
      this.size += blob.bytes.byteLength
    }
    return {
      writes: writes.map((write, i) => this.#keep(unit.writes[i] as PreparedWrite, write)),
      retried: false,
    }
  }

  #keep({ events: given }: PreparedWrite, { stream, events }: SealedWrite): AppendedWrite {
    const positions: Position[] = []
    const times: Timestamp[] = []
    const head = this.#ledger.entry(stream)
    if (head.id === 0 && events.length > 0) {
      head.id = this.#from.streams + this.#newIds.length + 1
      this.#newIds.push(head.id)
      this.#newNames.push(stream)
    }
    for (let i = 0; i < events.length; i += 1) {
      const { bytes, hash, time } = events[i] as SealedWrite['events'][number]
      head.version += 1
      head.time = time
      this.#streams.push(head.id)
      this.#versions.push(head.version)
      this.#times.push(time)
      this.#types.push((given[i] as PreparedWrite['events'][number]).type)
      this.#bytes.push(bytes)
      this.hashes.push(hash)
      this.size += bytes.length
      positions.push(this.position as Position)
      times.push(time)
    }
    return { stream, version: head.version as StreamVersion, positions, times }
  }

  /** The statements that insert it all. */
  calls(sql: Sql): Call[] {
    const { position, streams } = this.#from
    const values = [
      this.position,
      streams + this.#newIds.length,
      numbers(this.#newIds),
      textLines(this.#newNames),
      numbers(this.#streams),
      numbers(this.#versions),
      numbers(this.#times),
      textLines(this.#types),
      textLines(this.#bytes),
      textLines(this.hashes),
      position,
    ]
    return [
      ...this.#blobs.map(({ digest, bytes }) => ({
        statement: sql.blob,
        values: [digest, Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)],
      })),
      { statement: sql.insert, values },
    ]
  }
}

/** The gateway makes no such unit; here its second part would be kept where it was not sealed. */
function checkDistinct(writes: readonly SealedWrite[]): void {
  if (writes.length === 1) return
  const isDistinct = new Set(writes.map(({ stream }) => stream)).size === writes.length
  invariant(isDistinct, 'a unit writes each stream once')
}
