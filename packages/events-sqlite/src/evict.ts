/**
 * Letting go of the events of a sealed segment.
 *
 *     the log says that it was sealed → everything up to there is checked →
 *     a few hundred events a transaction, in order of position → its blobs → done
 *
 * 1. A row goes only if it is the event of the segment that stands at its place: same stream,
 *    version and leaf hash; and only from the beginning of its stream on.
 * 2. A row and what is noted of its going are one transaction, so at any moment a position is
 *    either here or known to be moved. How far it has come stands in `segments`: a call that was
 *    cut off is resumed where it stopped, by any process.
 * 3. The event that says so stands behind everything it speaks of and is never moved, so the
 *    newest row of the log stays, and with it the log's head.
 * 4. The mark of the opening check is moved on first: what openings have still to look at is here.
 */
import {
  checkSignal,
  EVICT_EVENTS,
  evictionRefusal,
  type MovableRow,
  mustBeSealed,
  namedBlobs,
  planMove,
} from '@ice/events/adapter'
import type { EventMark, Evicted, EvictRequest } from '@ice/events/ports'
import { settled } from '@ice/primitives'
import { BlobRows } from './blob-rows.ts'
import type { Connection } from './connection.ts'
import { isBusy } from './failure.ts'
import type { Handle } from './handle.ts'
import { timeOf } from './heads.ts'
import { COLLECT_WINDOW_EVENTS } from './limits.ts'
import { OpeningCheck, storedMark } from './opening-check.ts'

type Row = [stream: number, name: string, version: number, hash: string, bytes: string]

function prepare(db: Connection) {
  return {
    head: db.prepare<[], number | null>('SELECT max(position) FROM events').pluck(),
    sealed: db
      .prepare<[number], [type: string, bytes: string]>(
        'SELECT t.name, e.bytes FROM events e JOIN types t ON t.id = e.type WHERE e.position = ?',
      )
      .raw(),
    segment: db
      .prepare<[string], [id: number, sealed: number, last: number, done: number]>(
        'SELECT id, sealed, last, is_done FROM segments WHERE name = ?',
      )
      .raw(),
    addSegment: db.prepare<[string, number]>(
      'INSERT INTO segments (name, sealed, events, last, is_done) VALUES (?, ?, 0, 0, 0)',
    ),
    progress: db.prepare<[number, number, number]>(
      'UPDATE segments SET events = events + ?, last = ? WHERE id = ?',
    ),
    done: db.prepare<[number]>('UPDATE segments SET is_done = 1 WHERE id = ?'),
    row: db
      .prepare<[number], Row>(
        'SELECT e.stream, s.name, e.version, e.hash, e.bytes FROM events e ' +
          'JOIN streams s ON s.id = e.stream WHERE e.position = ?',
      )
      .raw(),
    remove: db.prepare<[number]>('DELETE FROM events WHERE position = ?'),
    rangeOf: db
      .prepare<[number], number>(
        'SELECT first FROM moved_ranges WHERE first <= ? ORDER BY first DESC LIMIT 1',
      )
      .pluck(),
    range: db.prepare<[number, number, number]>(
      'INSERT OR REPLACE INTO moved_ranges (first, last, segment) VALUES (?, ?, ?)',
    ),
    version: db
      .prepare<[number], number | null>('SELECT max(version) FROM moved_streams WHERE stream = ?')
      .pluck(),
    stream: db.prepare<[number, number, number, number]>(
      'INSERT OR REPLACE INTO moved_streams (stream, segment, version, time) VALUES (?, ?, ?, ?)',
    ),
    naming: db
      .prepare<[number, number], string>(
        'SELECT bytes FROM events WHERE position > ? AND position <= ? ' +
          `AND instr(bytes, '"$blob":"') > 0`,
      )
      .pluck(),
    blob: db
      .prepare<[string], [id: number, size: number]>('SELECT id, size FROM blobs WHERE digest = ?')
      .raw(),
    addName: db.prepare<[string, number]>(
      'INSERT OR IGNORE INTO blob_names (digest, position) VALUES (?, ?)',
    ),
    forgetName: db.prepare<[string]>('DELETE FROM blob_names WHERE digest = ?'),
    movedBlob: db.prepare<[string, number]>(
      'INSERT OR REPLACE INTO moved_blobs (digest, segment) VALUES (?, ?)',
    ),
  }
}

/** A segment, as the file knows it. */
interface Known {
  readonly id: number
  /** Position of the last event that was moved to it. */
  readonly last: number
  readonly isDone: boolean
}

/** One call of `Eviction.evict`. */
export class Evicting {
  readonly #handle: Handle
  readonly #request: EvictRequest
  readonly #sql: ReturnType<typeof prepare>
  readonly #blobs: BlobRows
  readonly #inSegment: ReadonlySet<string>
  #events = 0

  constructor(handle: Handle, request: EvictRequest) {
    this.#handle = handle
    this.#request = request
    this.#inSegment = new Set(request.blobs)
    this.#sql = prepare(handle.file.db)
    this.#blobs = new BlobRows(handle.file.db)
  }

  async run(): Promise<Evicted> {
    const { signal } = this.#request
    checkSignal(signal)
    await this.#handle.reading(() => this.#mustBeSealed(), signal)
    await this.#check()
    let part: EventMark[] = []
    for (const mark of this.#request.events) {
      part.push(mark)
      if (part.length < EVICT_EVENTS) continue
      await this.#move(part)
      part = []
    }
    if (part.length > 0) await this.#move(part)
    const { blobs, blobBytes } = await this.#moveBlobs()
    this.#shorten()
    return { events: this.#events, blobs, blobBytes }
  }

  #mustBeSealed(): void {
    const [type, bytes] = this.#sql.sealed.get(this.#request.sealed) ?? []
    const isThere = type !== undefined && bytes !== undefined
    mustBeSealed(this.#request, isThere ? { type, bytes } : undefined)
  }

  /** Looks at everything up to the end of the segment that no opening has looked at. */
  async #check(): Promise<void> {
    const { sealed, signal } = this.#request
    const { db, path } = this.#handle.file
    const mark = await this.#handle.reading(() => storedMark(db), signal)
    if (mark.size >= sealed) return
    const check = await this.#handle.reading(() => new OpeningCheck(db, path), signal)
    while (check.position < sealed) {
      await this.#handle.reading(() => check.slice(), signal)
      await settled()
    }
    await this.#handle.writing(() => check.note(), signal)
  }

  async #move(part: readonly EventMark[]): Promise<void> {
    this.#events += await this.#handle.writing(() => this.#moveSome(part), this.#request.signal)
    await settled()
  }

  /** @returns how many were still here */
  #moveSome(part: readonly EventMark[]): number {
    const { id, last } = this.#known()
    const plan = planMove(part, {
      request: this.#request,
      blobs: this.#inSegment,
      last,
      first: last === 0 ? undefined : this.#sql.rangeOf.get(last),
      row: (position) => this.#row(position),
      seam: (stream) => this.#sql.version.get(stream) ?? 0,
    })
    for (const [digest, position] of plan.names) this.#sql.addName.run(digest, position)
    for (const position of plan.positions) this.#sql.remove.run(position)
    for (const range of plan.ranges) this.#sql.range.run(...range, id)
    for (const [stream, { version, time }] of plan.seams) {
      this.#sql.stream.run(stream, id, version, time)
    }
    const end = plan.positions.at(-1)
    if (end !== undefined) this.#sql.progress.run(plan.positions.length, end, id)
    return plan.positions.length
  }

  #row(position: number): MovableRow | undefined {
    const row = this.#sql.row.get(position)
    if (row === undefined) return undefined
    const [id, stream, version, hash, bytes] = row
    return { id, stream, version, hash, bytes, time: timeOf(bytes) }
  }

  #known(): Known {
    const { segment, sealed } = this.#request
    const row = this.#sql.segment.get(segment)
    if (row === undefined) {
      const { lastInsertRowid } = this.#sql.addSegment.run(segment, sealed)
      return { id: Number(lastInsertRowid), last: 0, isDone: false }
    }
    if (row[1] !== sealed) throw evictionRefusal(`${segment} was sealed at position ${row[1]}`)
    return { id: row[0], last: row[2], isDone: row[3] === 1 }
  }

  /** Blobs that some event here still names stay; they go with that event. */
  async #moveBlobs(): Promise<Omit<Evicted, 'events'>> {
    const { handle, signal } = { handle: this.#handle, signal: this.#request.signal }
    const unnamed = new Set(this.#inSegment)
    let upTo = 0
    while (unnamed.size > 0) {
      const isAtHead = await handle.reading(() => {
        const head = this.#sql.head.get() ?? 0
        const from = upTo
        upTo = Math.min(from + COLLECT_WINDOW_EVENTS, head)
        this.#strike(unnamed, from, upTo)
        return upTo >= head
      }, signal)
      await settled()
      if (isAtHead) break
    }
    return handle.writing(() => this.#moveUnnamed(unnamed, upTo), signal)
  }

  #strike(unnamed: Set<string>, after: number, upTo: number): void {
    for (const bytes of this.#sql.naming.all(after, upTo)) {
      for (const digest of namedBlobs(bytes)) unnamed.delete(digest)
    }
  }

  /** Nobody can append within this transaction: what is unnamed now, is. */
  #moveUnnamed(unnamed: Set<string>, lookedUpTo: number): Omit<Evicted, 'events'> {
    const { id, isDone } = this.#known()
    this.#strike(unnamed, lookedUpTo, this.#sql.head.get() ?? 0)
    let [blobs, blobBytes] = [0, 0]
    for (const digest of unnamed) {
      const row = this.#sql.blob.get(digest)
      if (row === undefined) continue
      this.#blobs.freeWhole(digest)
      this.#blobs.remove(row[0])
      this.#sql.forgetName.run(digest)
      this.#sql.movedBlob.run(digest, id)
      blobs += 1
      blobBytes += row[1]
    }
    if (!isDone) this.#sql.done.run(id)
    return { blobs, blobBytes }
  }

  /** The WAL holds what was removed for as long as nobody cuts it. */
  #shorten(): void {
    try {
      this.#handle.file.db.pragma('wal_checkpoint(TRUNCATE)')
    } catch (error) {
      if (!isBusy(error)) throw error
    }
  }
}
