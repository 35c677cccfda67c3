/**
 * Removing blobs that no event names.
 *
 * Names are gathered once for each event and kept in the file, so a collection looks at the events
 * since the last one. It ends with short transactions that first look at what was appended up to
 * that instant, and only then hide what is still unnamed: between a look and a removal nobody,
 * in whatever process, can have appended.
 *
 * A clock that was set back leaves blobs that seem to come from the future: they count as brought
 * in now.
 */
import type { BlobCollection, BlobCollectOptions } from '@ice/events'
import { BLOB_GRACE_MS, CHECK_PROGRESS_EVENTS, namedBlobs } from '@ice/events/adapter'
import { type BlobDigest, settled } from '@ice/primitives'
import { BLOB_STATE } from './blob-rows.ts'
import type { BlobsComponents } from './blobs.ts'
import type { Connection } from './connection.ts'
import { readMeta, writeMeta } from './format.ts'
import {
  COLLECT_BLOBS_MAX,
  COLLECT_NAMES_MAX,
  COLLECT_WINDOW_EVENTS,
  COUNT_BLOBS_STEP,
} from './limits.ts'

const SCANNED = 'blobs_scanned'
const LOOSE = 'INDEXED BY blobs_loose WHERE state <> 2'

type Candidate = [id: number, digest: string, size: number]

function prepare(db: Connection) {
  return {
    head: db.prepare<[], number | null>('SELECT max(position) FROM events').pluck(),
    // Looked through in C: of most events nothing comes out.
    naming: db
      .prepare<[number, number], [position: number, bytes: string]>(
        'SELECT position, bytes FROM events WHERE position > ? AND position <= ? ' +
          `AND instr(bytes, '"$blob":"') > 0 ORDER BY position`,
      )
      .raw(),
    addName: db.prepare<[string, number]>(
      'INSERT OR IGNORE INTO blob_names (digest, position) VALUES (?, ?)',
    ),
    isNamed: db.prepare<[string], number>('SELECT 1 FROM blob_names WHERE digest = ?').pluck(),
    noteNamed: db.prepare<[number]>('UPDATE blobs SET state = 2 WHERE id = ?'),
    candidates: db
      .prepare<[number, number], Candidate>(
        `SELECT id, digest, size FROM blobs ${LOOSE} AND state = 1 AND brought_at <= ? ` +
          'ORDER BY brought_at LIMIT ?',
      )
      .raw(),
    comeBack: db.prepare<[number, number, number]>(
      `UPDATE blobs SET brought_at = ? WHERE id IN (SELECT id FROM blobs ${LOOSE} ` +
        'AND state = ? AND brought_at > ?)',
    ),
    lastId: db.prepare<[], number | null>('SELECT max(id) FROM blobs').pluck(),
    count: db
      .prepare<[number, number], number>(
        'SELECT count(*) FROM blobs WHERE id > ? AND id <= ? AND state IN (1, 2)',
      )
      .pluck(),
  }
}

/** Names of blobs that events have, and the position up to which there are no others. */
interface Names {
  readonly from: number
  upTo: number
  readonly found: Map<BlobDigest, number>
}

/** What a transaction has removed, and what is left to look at. */
interface Step {
  readonly left: 'nothing' | 'blobs' | 'events'
  readonly removed: number
  readonly bytes: number
}

/** One collection. */
export class Collection {
  readonly #with: BlobsComponents
  readonly #options: BlobCollectOptions
  readonly #sql: ReturnType<typeof prepare>

  constructor(components: BlobsComponents, options: BlobCollectOptions) {
    components.handle.mustBeOpen()
    this.#with = components
    this.#options = options
    this.#sql = prepare(components.handle.file.db)
  }

  /** @throws as `BlobStore.collect` */
  async run(): Promise<BlobCollection> {
    const { clock, handle } = this.#with
    const { writing } = handle
    const { signal, onProgress } = this.#options
    onProgress?.(await this.#scan())
    const now = clock.now()
    await writing(() => this.#comeBack(now), signal)
    const before = now - (this.#options.graceMs ?? BLOB_GRACE_MS)
    let [removed, removedBytes] = [0, 0]
    for (;;) {
      const step = await writing(() => this.#removeSome(before), signal)
      removed += step.removed
      removedBytes += step.bytes
      if (step.left === 'nothing') break
      await settled()
      if (step.left === 'events') await this.#scan()
    }
    return { removed, removedBytes, kept: await this.#count() }
  }

  /** Gathers the names of all events that nobody has looked at. @returns how far, the head */
  async #scan(): Promise<number> {
    const { reading, writing } = this.#with.handle
    const { signal, onProgress } = this.#options
    for (;;) {
      const names = await reading(() => this.#startNames(), signal)
      let isAtHead = false
      while (!isAtHead && names.found.size < COLLECT_NAMES_MAX) {
        const before = names.upTo
        isAtHead = await reading(() => this.#look(names), signal)
        if (names.upTo % CHECK_PROGRESS_EVENTS < names.upTo - before) onProgress?.(names.upTo)
        await settled()
      }
      if (names.upTo > names.from) await writing(() => this.#keepNames(names), signal)
      if (isAtHead) return names.upTo
    }
  }

  #startNames(): Names {
    const from = this.#scanned()
    return { from, upTo: from, found: new Map() }
  }

  #scanned(): number {
    const noted = Number(readMeta(this.#with.handle.file.db, SCANNED) ?? 0)
    return Number.isSafeInteger(noted) && noted > 0 ? noted : 0
  }

  /** @returns whether the head has been reached */
  #look(names: Names): boolean {
    const head = this.#sql.head.get() ?? 0
    const to = Math.min(names.upTo + COLLECT_WINDOW_EVENTS, head)
    for (const [position, bytes] of this.#sql.naming.all(names.upTo, to)) {
      for (const digest of namedBlobs(bytes)) {
        if (!names.found.has(digest)) names.found.set(digest, position)
      }
    }
    names.upTo = Math.max(names.upTo, to)
    return to >= head
  }

  /** Names are only ever added, so what another process has scanned meanwhile does no harm. */
  #keepNames({ from, upTo, found }: Names): void {
    for (const [digest, position] of found) this.#sql.addName.run(digest, position)
    const scanned = this.#scanned()
    // Never past a part that was not looked at: somebody may have begun anew.
    if (scanned < from || scanned >= upTo) return
    writeMeta(this.#with.handle.file.db, SCANNED, String(upTo))
  }

  #comeBack(now: number): void {
    for (const state of [BLOB_STATE.staged, BLOB_STATE.there]) {
      this.#sql.comeBack.run(now, state, now)
    }
  }

  #removeSome(before: number): Step {
    const names = this.#startNames()
    if (!this.#look(names)) return { left: 'events', removed: 0, bytes: 0 }
    this.#keepNames(names)
    const candidates = this.#sql.candidates.all(before, COLLECT_BLOBS_MAX)
    let [removed, bytes] = [0, 0]
    for (const [id, digest, size] of candidates) {
      if (this.#sql.isNamed.get(digest) !== undefined) {
        this.#sql.noteNamed.run(id)
        continue
      }
      this.#with.rows.freeWhole(digest)
      this.#with.rows.remove(id)
      removed += 1
      bytes += size
    }
    return { left: candidates.length < COLLECT_BLOBS_MAX ? 'nothing' : 'blobs', removed, bytes }
  }

  async #count(): Promise<number> {
    const { reading } = this.#with.handle
    const { signal } = this.#options
    const last = await reading(() => this.#sql.lastId.get() ?? 0, signal)
    let kept = 0
    for (let id = 0; id < last; id += COUNT_BLOBS_STEP) {
      kept += await reading(() => this.#sql.count.get(id, id + COUNT_BLOBS_STEP) ?? 0, signal)
      await settled()
    }
    return kept
  }
}
