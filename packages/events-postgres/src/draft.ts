/**
 * What one transaction is going to insert, gathered unit by unit.
 *
 * Positions and the numbers of new streams are known only under the log's lock, where the server
 * gives them: here events count from 1 and new streams from -1. Bytes and hashes do not depend on
 * either, so all of this is ready before the lock is asked for.
 */
import { randomUUID } from 'node:crypto'
import type { Appended, AppendedWrite, BlobDraft, PreparedUnit, PreparedWrite } from '@ice/events'
import { bringsBytes, type SealedWrite } from '@ice/events/adapter'
import { invariant, type Position, type StreamVersion, type Timestamp } from '@ice/primitives'
import { bufferOf } from './bytes.ts'
import type { Absent, Ledger } from './ledger.ts'
import { numbers, textLines } from './lists.ts'
import type { Call } from './session.ts'
import type { Sql } from './sql.ts'

/** A unit that will stand somewhere: its positions count from the first event of the draft. */
export type Kept = Appended

/** A unit where it stands. @param base - position before the first event of the draft */
export function placed({ writes, retried }: Kept, base: number): Appended {
  const at = (write: AppendedWrite): AppendedWrite => ({
    ...write,
    positions: write.positions.map((position) => (position + base) as Position),
  })
  return { writes: writes.map(at), retried }
}

/** What an insertion is held to, under the lock. */
export interface Conditions {
  /** The log has at least so many events. */
  readonly seen: number
  readonly incarnation: string
  /** So often something had been moved when the heads were read; if it has been again, nothing is
   * inserted. */
  readonly moved: number
  /** What must not be there, or nothing is inserted. */
  readonly absent: Absent
  /** Whether `notAfter` is the server's to judge. */
  readonly asksClock: boolean
  /** When blobs are brought in; the server says it where it is left out. */
  readonly now: number | undefined
}

/** The insertions of one transaction. */
export class Draft {
  readonly #newNames: string[] = []
  readonly #ids: number[] = []
  readonly #times: number[] = []
  readonly #types: string[] = []
  readonly #bytes: string[] = []
  readonly #blobs: BlobDraft[] = []
  /** The name, version and hash of each event, in the order of positions. */
  readonly streams: string[] = []
  readonly versions: number[] = []
  readonly hashes: string[] = []
  /** The server's clock must not have passed it. */
  notAfter: number | undefined
  /** What the server has to take. @units UTF-16 units of events, bytes of blobs */
  size = 0

  get isEmpty(): boolean {
    return this.hashes.length === 0
  }

  get hasBlobs(): boolean {
    return this.#blobs.length > 0
  }

  /** Takes a unit that fits, and moves the ledger on. */
  keep(unit: PreparedUnit, writes: readonly SealedWrite[], ledger: Ledger): Kept {
    checkDistinct(writes)
    for (const blob of unit.blobs ?? []) {
      if (!bringsBytes(blob)) continue
      this.#blobs.push(blob)
      ledger.addBlob(blob.digest)
      this.size += blob.bytes.byteLength
    }
    if (unit.notAfter !== undefined) {
      this.notAfter = Math.min(unit.notAfter, this.notAfter ?? unit.notAfter)
    }
    const kept = writes.map((write, i) =>
      this.#keep(unit.writes[i] as PreparedWrite, write, ledger),
    )
    return { writes: kept, retried: false }
  }

  #keep(
    { events: given }: PreparedWrite,
    { stream, events }: SealedWrite,
    ledger: Ledger,
  ): AppendedWrite {
    const positions: Position[] = []
    const times: Timestamp[] = []
    const head = ledger.entry(stream)
    let { id, version, time: last } = head
    if (id === 0 && events.length > 0) {
      this.#newNames.push(stream)
      id = -this.#newNames.length
    }
    for (let i = 0; i < events.length; i += 1) {
      const { bytes, hash, time } = events[i] as SealedWrite['events'][number]
      version += 1
      last = time
      this.#ids.push(id)
      this.streams.push(stream)
      this.versions.push(version)
      this.#times.push(time)
      this.#types.push((given[i] as PreparedWrite['events'][number]).type)
      this.#bytes.push(bytes)
      this.hashes.push(hash)
      this.size += bytes.length
      positions.push(this.hashes.length as Position)
      times.push(time)
    }
    ledger.move(stream, { id, version, time: last })
    return { stream, version: version as StreamVersion, positions, times }
  }

  /** The statements that insert it all, or, under a guess that was wrong, nothing. */
  calls(sql: Sql, conditions: Conditions): Call[] {
    const { seen, incarnation, moved, absent, asksClock, now = null } = conditions
    const values = [
      this.hashes.length,
      this.#newNames.length,
      seen,
      incarnation,
      asksClock ? (this.notAfter ?? null) : null,
      textLines(absent.names),
      numbers(absent.ids),
      numbers(absent.versions),
      textLines(this.#newNames),
      numbers(this.#ids),
      numbers(this.versions),
      numbers(this.#times),
      textLines(this.#types),
      textLines(this.#bytes),
      textLines(this.hashes),
      moved,
    ]
    return [
      ...this.#blobs.map(({ digest, bytes }) => ({
        statement: sql.blob,
        values: [digest, randomUUID(), bufferOf(bytes), now],
      })),
      { statement: sql.insert, values },
    ]
  }

  /** The number of a stream, once the server has given numbers to the new ones. */
  numberOf(id: number, streams: number): number {
    return id < 0 ? streams - this.#newNames.length - id : id
  }
}

/** The gateway makes no such unit; here its second part would be kept where it was not sealed. */
function checkDistinct(writes: readonly SealedWrite[]): void {
  if (writes.length === 1) return
  const isDistinct = new Set(writes.map(({ stream }) => stream)).size === writes.length
  invariant(isDistinct, 'a unit writes each stream once')
}
