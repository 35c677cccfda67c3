/**
 * What only the adapter can see of a damaged log.
 *
 * 1. The pages of the file hang together (`PRAGMA quick_check`, table by table).
 * 2. Each event's exact bytes, invalid UTF-8 included, hash to what was recorded.
 * 3. The columns say what the bytes say: stream, version, type; positions have no gap but where
 *    events were moved to the archive.
 * 4. The index leads to every event and to nothing else, without a gap in any stream.
 * 5. The part that openings have checked has the root it had then.
 * 6. Each blob has its digest and its size, and each blob an event names is there.
 *
 * Pages of a fixed size, and nothing is remembered of what was seen: memory does not grow with the
 * log. Events appended meanwhile are left out.
 *
 * `quick_check` of a table is one statement that holds the event loop, about a second for each
 * gigabyte, and cannot be withdrawn. So it is left out of large files unless it is asked for. What
 * the other steps read they read through the same pages; what they do not see are pages that
 * nothing stands in.
 */
import { compactRange, EVENTS_CODES, type IntegrityFinding } from '@ice/events'
import {
  CHECK_PROGRESS_EVENTS,
  corruptFinding,
  LogCheck,
  READ_PAGE_EVENTS,
} from '@ice/events/adapter'
import { createSha256, type Hash, hasCode, isHash, settled } from '@ice/primitives'
import type { ReadGate } from './blobs.ts'
import { type Connection, readPragma } from './connection.ts'
import { isCorrupt } from './failure.ts'
import { FORMAT } from './format.ts'
import { CHECK_PAGES_BYTES } from './limits.ts'
import { Moved } from './moved.ts'
import { storedMark } from './opening-check.ts'
import type { SqliteCheckOptions } from './ports.ts'

type EventRow = [
  position: number,
  stream: string | null,
  version: unknown,
  type: string | null,
  bytes: Uint8Array | null,
  hash: unknown,
]

type IndexRow = [stream: number, version: number, position: number, isThere: number]

type BlobRow = [id: number, digest: string, size: number]

function prepare(db: Connection) {
  return {
    head: db.prepare<[], number | null>('SELECT max(position) FROM events').pluck(),
    events: db
      .prepare<[number, number, number], EventRow>(
        'SELECT e.position, s.name, e.version, t.name, CAST(e.bytes AS BLOB), e.hash ' +
          'FROM events e LEFT JOIN streams s ON s.id = e.stream ' +
          'LEFT JOIN types t ON t.id = e.type ' +
          'WHERE e.position > ? AND e.position <= ? ORDER BY e.position LIMIT ?',
      )
      .raw(),
    // The index alone is walked; the row it leads to is then asked for what the index says.
    index: db
      .prepare<[number, number, number], IndexRow>(
        'SELECT i.stream, i.version, i.position, EXISTS (SELECT 1 FROM events e NOT INDEXED ' +
          'WHERE e.position = i.position AND e.stream = i.stream AND e.version = i.version) ' +
          'FROM events i INDEXED BY events_place WHERE (i.stream, i.version) > (?, ?) ' +
          'ORDER BY i.stream, i.version LIMIT ?',
      )
      .raw(),
    moved: db
      .prepare<[number, number], [first: number, last: number, here: number | null]>(
        'SELECT first, last, (SELECT min(position) FROM events WHERE position >= r.first ' +
          'AND position <= r.last) FROM moved_ranges r WHERE first > ? ORDER BY first LIMIT ?',
      )
      .raw(),
    hasBlob: db.prepare<[string], number>('SELECT 1 FROM blobs WHERE digest = ?').pluck(),
    blob: db
      .prepare<[number], BlobRow>(
        'SELECT id, digest, size FROM blobs WHERE id > ? AND digest IS NOT NULL ' +
          'ORDER BY id LIMIT 1',
      )
      .raw(),
    part: db
      .prepare<[number, number], Uint8Array | null>(
        'SELECT bytes FROM blob_parts WHERE blob = ? AND part = ?',
      )
      .pluck(),
    whole: db
      .prepare<[string], Uint8Array | null>('SELECT bytes FROM whole_blobs WHERE digest = ?')
      .pluck(),
    isThere: db
      .prepare<[number, string], number>('SELECT 1 FROM blobs WHERE id = ? AND digest = ?')
      .pluck(),
    owner: db
      .prepare<[number], number>('SELECT blob FROM blob_parts WHERE blob > ? ORDER BY blob LIMIT 1')
      .pluck(),
    hasOwner: db.prepare<[number], number>('SELECT 1 FROM blobs WHERE id = ?').pluck(),
  }
}

/** Checks a log. */
export async function* checkLog(
  db: Connection,
  gate: ReadGate,
  options: SqliteCheckOptions = {},
): AsyncGenerator<IntegrityFinding> {
  const check = await gate(() => new Check(db, gate, options), options.signal)
  const parts = [check.pages, check.events, check.index, check.moved, check.blobs, check.parts]
  for (const part of parts) {
    try {
      yield* part.call(check)
    } catch (error) {
      if (!isCorrupt(error) && !hasCode(error, EVENTS_CODES.corrupt)) throw error
      const said = error instanceof Error ? error.message : String(error)
      yield corruptFinding(check.log.position, `the file cannot be read further: ${said}`)
    }
  }
}

class Check {
  readonly #db: Connection
  readonly #sql: ReturnType<typeof prepare>
  readonly #range = compactRange()
  readonly #gate: ReadGate
  readonly #options: SqliteCheckOptions
  readonly #moved: Moved
  readonly log = new LogCheck()
  #head = 0
  /** Whether nothing was moved of what has been looked at. */
  #isWhole = true

  constructor(db: Connection, gate: ReadGate, options: SqliteCheckOptions) {
    this.#db = db
    this.#sql = prepare(db)
    this.#moved = new Moved(db)
    this.#gate = gate
    this.#options = options
  }

  #read<T>(read: () => T): Promise<T> {
    return this.#gate(read, this.#options.signal)
  }

  async *pages(): AsyncGenerator<IntegrityFinding> {
    this.#head = (await this.#read(() => this.#sql.head.get())) ?? 0
    if (!(await this.#read(() => this.#looksAtPages()))) return
    for (const table of TABLES) {
      const said = await this.#read(() => this.#db.pragma(`quick_check(${table})`))
      for (const { quick_check: line } of said as readonly { readonly quick_check: string }[]) {
        if (line !== 'ok') yield corruptFinding(0, `SQLite reports of ${table}: ${line}`)
      }
      await settled()
    }
  }

  #looksAtPages(): boolean {
    const { pages = 'small' } = this.#options
    if (pages !== 'small') return pages === 'all'
    const bytes =
      Number(readPragma(this.#db, 'page_count')) * Number(readPragma(this.#db, 'page_size'))
    return bytes <= CHECK_PAGES_BYTES
  }

  async *events(): AsyncGenerator<IntegrityFinding> {
    const { log } = this
    const mark = await this.#read(() => storedMark(this.#db))
    for (;;) {
      const page = await this.#read(() =>
        this.#sql.events.all(log.position, this.#head, READ_PAGE_EVENTS),
      )
      const isMoved = await this.#read(() => this.#moved.last() > 0)
      for (const [position, stream, version, type, bytes, hash] of page) {
        if (isMoved) this.#passMoved(position)
        const row = { position, bytes, hash, columns: { stream, version, type } }
        yield* log.event(row, (digest) => this.#lacks(digest))
        if (position <= mark.size) yield* this.#leaf(position, hash, mark)
      }
      if (page.length < READ_PAGE_EVENTS) {
        this.#options.onProgress?.(this.#head)
        return
      }
      await settled()
      if (log.count % CHECK_PROGRESS_EVENTS < READ_PAGE_EVENTS) {
        this.#options.onProgress?.(log.position)
      }
    }
  }

  #lacks(digest: string): boolean {
    const isHere = this.#sql.hasBlob.get(digest) !== undefined
    return !isHere && this.#moved.blob(digest) === undefined
  }

  /** Positions that were moved are not missing, and their leaves are not here. */
  #passMoved(position: number): void {
    if (position === this.log.position + 1) return
    const through = this.#moved.through(this.log.position)
    if (through > this.log.position) this.#isWhole = false
    // What is moved while the page is looked at was read before.
    this.log.position = Math.min(through, position - 1)
  }

  /** Where the mark stands, the tree must be the one that the openings saw. */
  *#leaf(position: number, hash: unknown, mark: Mark): Generator<IntegrityFinding> {
    if (!isHash(hash) || !this.#isWhole) return
    this.#range.append(hash as Hash)
    if (position < mark.size) return
    const [root, before] = [this.#range.root(), compactRange(mark).root()]
    if (root === before) return
    yield corruptFinding(position, `the root up to here is ${root}, and was ${before}`)
  }

  async *index(): AsyncGenerator<IntegrityFinding> {
    let stream = Number.MIN_SAFE_INTEGER
    let version = 0
    for (;;) {
      const from = { stream, version }
      const page = await this.#read(() =>
        this.#sql.index.all(from.stream, from.version, READ_PAGE_EVENTS),
      )
      for (const [nextStream, nextVersion, position, isThere] of page) {
        const moved = nextStream === stream ? 0 : this.#moved.version(nextStream)
        stream = nextStream
        version = nextVersion
        yield* this.log.place({ stream, version, position, moved }, this.#head)
        if (isThere === 1 || position > this.#head) continue
        yield corruptFinding(
          position,
          `the index names position ${position}, which stands elsewhere`,
        )
      }
      if (page.length < READ_PAGE_EVENTS) break
    }
    yield* this.log.endOfPlaces()
  }

  /** What was moved is not here any more. */
  async *moved(): AsyncGenerator<IntegrityFinding> {
    for (let after = 0; ; ) {
      const from = after
      const page = await this.#read(() => this.#sql.moved.all(from, READ_PAGE_EVENTS))
      for (const [first, last, here] of page) {
        after = first
        if (here === null) continue
        yield corruptFinding(here, `position ${here} is here, and was moved (${first} to ${last})`)
      }
      if (page.length < READ_PAGE_EVENTS) return
      await settled()
    }
  }

  async *blobs(): AsyncGenerator<IntegrityFinding> {
    let after = 0
    for (;;) {
      const last = after
      const row = await this.#read(() => this.#sql.blob.get(last))
      if (row === undefined) return
      const [id, digest, size] = row
      after = id
      const actual = await this.#hashed(id, digest)
      if (actual.digest === digest && actual.size === size) continue
      // It may have been collected meanwhile.
      if ((await this.#read(() => this.#sql.isThere.get(id, digest))) === undefined) continue
      yield {
        code: EVENTS_CODES.blobCorrupt,
        position: 0,
        message: `the bytes of blob ${digest} have another digest`,
      }
    }
  }

  async #hashed(id: number, digest: string): Promise<{ digest: string; size: number }> {
    const hash = createSha256()
    let size = 0
    for (let part = 0; ; part += 1) {
      const bytes = await this.#read(
        () =>
          this.#sql.part.get(id, part) ?? (part === 0 ? this.#sql.whole.get(digest) : undefined),
      )
      if (!(bytes instanceof Uint8Array)) return { digest: hash.hex(), size }
      hash.update(bytes)
      size += bytes.byteLength
      await settled()
    }
  }

  async *parts(): AsyncGenerator<IntegrityFinding> {
    let after = Number.MIN_SAFE_INTEGER
    for (;;) {
      const last = after
      const owner = await this.#read(() => this.#sql.owner.get(last))
      if (owner === undefined) return
      after = owner
      if ((await this.#read(() => this.#sql.hasOwner.get(owner))) !== undefined) continue
      if ((await this.#read(() => this.#sql.owner.get(last))) !== owner) continue
      yield corruptFinding(0, `parts of a blob ${owner} are there, and no such blob is`)
    }
  }
}

type Mark = ReturnType<typeof storedMark>

const TABLES: readonly string[] = FORMAT.objects
  .filter((name) => name.startsWith('table '))
  .map((name) => name.slice('table '.length))
