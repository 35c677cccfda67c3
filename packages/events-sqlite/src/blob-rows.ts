/**
 * Blobs in the tables of the file: what one statement, or one transaction, does with them.
 *
 *     addPart ─→ staged ──finish──→ there ──collect──→ removed ──free──→ (no row)
 *                  │                  ↑   └──────────→ named                ↑
 *                  └─ discard ────────│────────────→ removed ───────────────┘
 *                       keep, with a unit
 *
 * 1. A blob is found by its digest, and a row has one exactly while its bytes are all there.
 * 2. Removing is hiding: a row loses its digest in one short transaction, and its parts are freed
 *    afterwards, a few at a time. To free a part SQLite reads all of its pages.
 */
import { EVENTS_CODES, EventsError } from '@ice/events'
import { BLOB_PORTION_BYTES } from '@ice/events/adapter'
import type { BlobDigest } from '@ice/primitives'
import type { Connection } from './connection.ts'
import { FREED_PARTS_MAX, STAGE_IDLE_MS } from './limits.ts'

/** The values of the column `state`. */
export const BLOB_STATE = { staged: 0, there: 1, named: 2, removed: 3 } as const

const LOOSE = 'INDEXED BY blobs_loose WHERE state <> 2'

function prepare(db: Connection) {
  return {
    exists: db.prepare<[string], number>('SELECT 1 FROM blobs WHERE digest = ?').pluck(),
    part: db
      .prepare<[string, number], Uint8Array>(
        'SELECT p.bytes FROM blobs b JOIN blob_parts p ON p.blob = b.id ' +
          'WHERE b.digest = ? AND p.part = ?',
      )
      .pluck(),
    whole: db
      .prepare<[string], Uint8Array>('SELECT bytes FROM whole_blobs WHERE digest = ?')
      .pluck(),
    touch: db.prepare<[number, string]>('UPDATE blobs SET brought_at = ? WHERE digest = ?'),
    add: db.prepare<[string | null, number, number, number]>(
      'INSERT INTO blobs (digest, size, state, brought_at) VALUES (?, ?, ?, ?)',
    ),
    addPart: db.prepare<[number, number, Uint8Array]>(
      'INSERT INTO blob_parts (blob, part, bytes) VALUES (?, ?, ?)',
    ),
    grow: db.prepare<[number, number, number]>(
      'UPDATE blobs SET size = size + ?, brought_at = ? WHERE id = ? AND state = 0',
    ),
    finish: db.prepare<[string, number, number]>(
      'UPDATE blobs SET digest = ?, brought_at = ?, state = 1 WHERE id = ? AND state = 0',
    ),
    remove: db.prepare<[number]>('UPDATE blobs SET digest = NULL, state = 3 WHERE id = ?'),
    removeStale: db.prepare<[number, string]>(
      `UPDATE blobs SET state = 3 WHERE id IN (SELECT id FROM blobs ${LOOSE} AND state = 0 ` +
        'AND brought_at <= ?) AND id NOT IN (SELECT value FROM json_each(?))',
    ),
    toFree: db.prepare<[], number>(`SELECT id FROM blobs ${LOOSE} AND state = 3 LIMIT 1`).pluck(),
    isStale: db
      .prepare<[number], number>(
        `SELECT 1 FROM blobs ${LOOSE} AND state = 0 AND brought_at <= ? LIMIT 1`,
      )
      .pluck(),
    freeParts: db.prepare<[number, number, number]>(
      'DELETE FROM blob_parts WHERE blob = ? AND part IN ' +
        '(SELECT part FROM blob_parts WHERE blob = ? ORDER BY part LIMIT ?)',
    ),
    freeWhole: db.prepare<[string]>('DELETE FROM whole_blobs WHERE digest = ?'),
    forget: db.prepare<[number]>('DELETE FROM blobs WHERE id = ?'),
  }
}

/** A portion on its way in. */
export interface StagedPart {
  /** Number of the blob; 0 for the first part of one. */
  readonly blob: number
  readonly part: number
  readonly bytes: Uint8Array
}

/** The end of a staging. */
export interface StageEnd {
  /** Number of the blob; 0 when no part has been added. */
  readonly blob: number
  readonly digest: BlobDigest
  /** The part that is still to be added; none of an empty blob. */
  readonly last: Omit<StagedPart, 'blob'> | undefined
}

/** The blobs of one connection. What writes must run inside a write transaction. */
export class BlobRows {
  readonly #sql: ReturnType<typeof prepare>

  constructor(db: Connection) {
    this.#sql = prepare(db)
  }

  has(digest: string): boolean {
    return this.#sql.exists.get(digest) !== undefined
  }

  /** The caller's own bytes of a part; `undefined` beyond the last. */
  part(digest: string, part: number): Uint8Array | undefined {
    return own(this.#sql.part.get(digest, part))
  }

  /** The bytes of a blob that format 1 has kept. */
  whole(digest: string): Uint8Array | undefined {
    return own(this.#sql.whole.get(digest))
  }

  /** Keeps a blob that comes with a unit, or notes that it was brought again. */
  keep(digest: string, bytes: Uint8Array, now: number): void {
    if (this.#sql.touch.run(now, digest).changes > 0) return
    const { lastInsertRowid } = this.#sql.add.run(digest, bytes.byteLength, BLOB_STATE.there, now)
    const blob = Number(lastInsertRowid)
    for (let part = 0, at = 0; at < bytes.byteLength; part += 1, at += BLOB_PORTION_BYTES) {
      this.#sql.addPart.run(blob, part, bytes.subarray(at, at + BLOB_PORTION_BYTES))
    }
  }

  /** Adds a portion that nobody can find yet. @returns the number of its blob */
  addPart({ blob, part, bytes }: StagedPart, now: number): number {
    const id =
      blob > 0 ? blob : Number(this.#sql.add.run(null, 0, BLOB_STATE.staged, now).lastInsertRowid)
    mustHave(this.#sql.grow.run(bytes.byteLength, now, id).changes)
    this.#sql.addPart.run(id, part, bytes)
    return id
  }

  /** Lets what was staged be found. @returns false when the digest was there already */
  finish({ blob, digest, last }: StageEnd, now: number): boolean {
    if (this.#sql.touch.run(now, digest).changes > 0) return false
    let id = blob
    if (last !== undefined) id = this.addPart({ ...last, blob }, now)
    else if (id === 0)
      id = Number(this.#sql.add.run(null, 0, BLOB_STATE.staged, now).lastInsertRowid)
    mustHave(this.#sql.finish.run(digest, now, id).changes)
    return true
  }

  /** Hides a blob, or what was staged of one. */
  remove(blob: number): void {
    this.#sql.remove.run(blob)
  }

  /** Removes the one piece that format 1 has kept of a blob. */
  freeWhole(digest: string): void {
    this.#sql.freeWhole.run(digest)
  }

  /** Whether there is something to free, or to give up. */
  hasLeftovers(now: number): boolean {
    return (
      this.#sql.toFree.get() !== undefined ||
      this.#sql.isStale.get(now - STAGE_IDLE_MS) !== undefined
    )
  }

  /**
   * Gives up what processes have left half-staged, and frees a few parts.
   *
   * @param live - stagings of this process, which are nobody's leftovers
   * @returns whether there was anything to do
   */
  freeSome(now: number, live: readonly number[]): boolean {
    const stale = this.#sql.removeStale.run(now - STAGE_IDLE_MS, JSON.stringify(live)).changes
    const blob = this.#sql.toFree.get()
    if (blob === undefined) return stale > 0
    const freed = this.#sql.freeParts.run(blob, blob, FREED_PARTS_MAX).changes
    if (freed < FREED_PARTS_MAX) this.#sql.forget.run(blob)
    return true
  }
}

/** A plain array: a Buffer would let a reader see the memory around it by way of `.buffer`. */
function own(bytes: Uint8Array | undefined): Uint8Array | undefined {
  return bytes === undefined ? undefined : new Uint8Array(bytes)
}

function mustHave(changes: number): void {
  if (changes > 0) return
  throw new EventsError(
    EVENTS_CODES.unavailable,
    'What was staged of the blob is gone: its source brought nothing for an hour, and another ' +
      'process has cleared it away. Nothing is to be found of it. Stage it again.',
    { reason: 'stage_idle', fate: 'none' },
  )
}
