/**
 * What only the adapter can see of a damaged log.
 *
 * 1. The pages of the file hang together (`PRAGMA quick_check`).
 * 2. Each event's exact bytes, invalid UTF-8 included, hash to what was recorded.
 * 3. The columns say what the bytes say: stream, version, type; positions have no gap.
 * 4. The index leads to every event and to nothing else, without a gap in any stream.
 * 5. Each blob has its digest, and each blob an event names is there.
 *
 * Pages of a fixed size, and nothing is remembered of what was seen: memory does not grow with the
 * log. Events appended meanwhile are left out. `quick_check` is one statement: on a large file it
 * holds the event loop, about a second for each gigabyte, and cannot be withdrawn.
 */
import { type CheckOptions, EVENTS_CODES, type IntegrityFinding } from '@ice/events'
import {
  CHECK_PROGRESS_EVENTS,
  corruptFinding,
  LogCheck,
  READ_PAGE_EVENTS,
} from '@ice/events/adapter'
import { sha256Hex } from '@ice/primitives'
import type { ReadGate } from './blobs.ts'
import type { Connection } from './connection.ts'
import { isCorrupt } from './failure.ts'

type EventRow = [
  position: number,
  stream: string | null,
  version: unknown,
  type: string | null,
  bytes: Uint8Array | null,
  hash: unknown,
]

type IndexRow = [stream: number, version: number, position: number, isThere: number]

const QUICK_CHECK_FINDINGS_MAX = 100

function prepare(db: Connection) {
  return {
    quick: db.prepare<[], string>(`PRAGMA quick_check(${QUICK_CHECK_FINDINGS_MAX})`).pluck(),
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
    hasBlob: db.prepare<[string], number>('SELECT 1 FROM blobs WHERE digest = ?').pluck(),
    blobs: db
      .prepare<[string], [digest: string, bytes: Uint8Array | null]>(
        'SELECT digest, bytes FROM blobs WHERE digest > ? ORDER BY digest LIMIT 1',
      )
      .raw(),
  }
}

/** Checks a log. */
export async function* checkLog(
  db: Connection,
  gate: ReadGate,
  options: CheckOptions = {},
): AsyncGenerator<IntegrityFinding> {
  const check = await gate(() => new Check(db, gate, options), options.signal)
  const parts = [check.pages, check.events, check.index, check.blobs]
  for (const part of parts) {
    try {
      yield* part.call(check)
    } catch (error) {
      if (!isCorrupt(error)) throw error
      const said = error instanceof Error ? error.message : String(error)
      yield corruptFinding(check.log.position, `the file cannot be read further: ${said}`)
    }
  }
}

class Check {
  readonly #sql: ReturnType<typeof prepare>
  readonly #gate: ReadGate
  readonly #options: CheckOptions
  readonly log = new LogCheck()
  #head = 0

  constructor(db: Connection, gate: ReadGate, options: CheckOptions) {
    this.#sql = prepare(db)
    this.#gate = gate
    this.#options = options
  }

  #read<T>(read: () => T): Promise<T> {
    return this.#gate(read, this.#options.signal)
  }

  async *pages(): AsyncGenerator<IntegrityFinding> {
    for (const said of await this.#read(() => this.#sql.quick.all())) {
      if (said !== 'ok') yield corruptFinding(0, `SQLite reports of the file: ${said}`)
    }
    this.#head = (await this.#read(() => this.#sql.head.get())) ?? 0
  }

  async *events(): AsyncGenerator<IntegrityFinding> {
    const { log } = this
    for (;;) {
      const page = await this.#read(() =>
        this.#sql.events.all(log.position, this.#head, READ_PAGE_EVENTS),
      )
      for (const [position, stream, version, type, bytes, hash] of page) {
        const row = { position, bytes, hash, columns: { stream, version, type } }
        yield* log.event(row, (digest) => this.#sql.hasBlob.get(digest) === undefined)
      }
      if (page.length < READ_PAGE_EVENTS) return
      if (log.count % CHECK_PROGRESS_EVENTS < READ_PAGE_EVENTS) {
        this.#options.onProgress?.(log.position)
      }
    }
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
        stream = nextStream
        version = nextVersion
        yield* this.log.place({ stream, version, position }, this.#head)
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

  async *blobs(): AsyncGenerator<IntegrityFinding> {
    let after = ''
    for (;;) {
      const last = after
      const row = await this.#read(() => this.#sql.blobs.get(last))
      if (row === undefined) return
      const [digest, bytes] = row
      after = digest
      if (bytes !== null && sha256Hex(bytes) === (digest as string)) continue
      yield {
        code: EVENTS_CODES.blobCorrupt,
        position: 0,
        message: `the bytes of blob ${digest} have another digest`,
      }
    }
  }
}
