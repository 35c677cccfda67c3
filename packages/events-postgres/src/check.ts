/**
 * What only the adapter can see of a damaged log.
 *
 * 1. Each event's bytes hash to what was recorded.
 * 2. The columns say what the bytes say: stream, version, type, time; positions have no gap but
 *    where events were moved to the archive, and there is nothing where they were.
 * 3. The index leads to every event and to nothing else, without a gap in any stream.
 * 4. The row of the log says where it ends.
 * 5. Each blob has its digest, and each blob an event names is there.
 *
 * Pages of a fixed size, and nothing is remembered of what was seen: memory does not grow with the
 * log. Events appended meanwhile are left out, and so are those that are moved meanwhile. Pages of
 * the disk are the server's own business (`initdb --data-checksums`, `pg_amcheck`).
 */
import { type CheckOptions, EVENTS_CODES, type IntegrityFinding } from '@ice/events'
import {
  BLOB_PORTION_BYTES,
  CHECK_PROGRESS_EVENTS,
  corruptFinding,
  LogCheck,
  MOVED_RANGES_MAX,
  namedBlobs,
  READ_PAGE_EVENTS,
} from '@ice/events/adapter'
import { createSha256 } from '@ice/primitives'
import type { Gate } from './contents.ts'
import { quoted } from './format.ts'
import { Moved } from './moved.ts'
import type { Statement } from './session.ts'

/** position, stream's name, version, type, time, bytes, hash, stream's number */
type Row = readonly unknown[]

function checkSql(s: string) {
  const events =
    'SELECT e.position, s.name, e.version, e.type, e.time, e.bytes, e.hash, e.stream FROM ' +
    `${s}.events e LEFT JOIN ${s}.streams s ON s.id = e.stream WHERE `
  return {
    head: { text: `SELECT position, moved FROM ${s}.log` },
    events: { text: `${events} e.position > $1 AND e.position <= $2 ORDER BY e.position LIMIT $3` },
    // In the order of the index: rows are visited by way of it.
    index: {
      text:
        'SELECT e.stream, e.version, e.position, (SELECT coalesce(max(m.version), 0) ' +
        `FROM ${s}.moved_streams m WHERE m.stream = e.stream) FROM ${s}.events e ` +
        'WHERE (e.stream, e.version) > ($1, $2) ORDER BY e.stream, e.version LIMIT $3',
    },
    named: { text: `SELECT digest FROM ${s}.blobs WHERE digest = ANY ($1::text[])` },
    moved: { text: `SELECT digest FROM ${s}.moved_blobs WHERE digest = ANY ($1::text[])` },
    ranges: {
      text:
        `SELECT r.first, r.last, (SELECT min(e.position) FROM ${s}.events e ` +
        `WHERE e.position >= r.first AND e.position <= r.last) FROM ${s}.moved_ranges r ` +
        'WHERE r.first > $1 ORDER BY r.first LIMIT $2',
    },
    blob: {
      text:
        `SELECT digest, content, size FROM ${s}.blobs WHERE digest > $1 ` +
        'ORDER BY digest LIMIT 1',
    },
    portion: { text: `SELECT bytes FROM ${s}.blob_portions WHERE content = $1 AND n = $2` },
  }
}

/** Checks a log. */
export async function* checkLog(
  schema: string,
  gate: Gate,
  options: CheckOptions = {},
): AsyncGenerator<IntegrityFinding> {
  const check = new Check(schema, gate, options)
  yield* check.events()
  yield* check.index()
  yield* check.moved()
  yield* check.blobs()
}

class Check {
  readonly #sql: ReturnType<typeof checkSql>
  readonly #gate: Gate
  readonly #options: CheckOptions
  readonly #log = new LogCheck()
  readonly #moved: Moved
  #head = 0
  /** How often something had been moved when the check began. */
  #evictions: unknown

  constructor(schema: string, gate: Gate, options: CheckOptions) {
    this.#sql = checkSql(quoted(schema))
    this.#moved = new Moved(schema)
    this.#gate = gate
    this.#options = options
  }

  #rows(statement: Statement, values: readonly unknown[] = []): Promise<readonly Row[]> {
    return this.#gate((session) => session.run(statement, values), this.#options.signal)
  }

  async *events(): AsyncGenerator<IntegrityFinding> {
    const log = this.#log
    const [row] = await this.#rows(this.#sql.head)
    this.#head = Number(row?.[0] ?? 0)
    this.#evictions = row?.[1]
    let reported = 0
    for (;;) {
      const page = await this.#rows(this.#sql.events, [log.position, this.#head, READ_PAGE_EVENTS])
      const missing = await this.#missingBlobs(page)
      for (const [position, stream, version, type, time, bytes, hash] of page) {
        await this.#passMoved(Number(position) - 1)
        const columns = { stream, version, type, time }
        const row = { position: Number(position), bytes, hash, columns }
        yield* log.event(row, (digest) => missing.has(digest))
      }
      if (page.length < READ_PAGE_EVENTS) {
        this.#options.onProgress?.(this.#head)
        break
      }
      if (log.count - reported < CHECK_PROGRESS_EVENTS) continue
      reported = log.count
      this.#options.onProgress?.(log.position)
    }
    await this.#passMoved(this.#head)
    yield* log.end(this.#head)
  }

  /** Positions that were moved are not missing. What is moved meanwhile was read before. */
  async #passMoved(upTo: number): Promise<void> {
    const log = this.#log
    while (log.position < upTo) {
      const after = log.position
      const ranges = await this.#gate(
        (session) => this.#moved.ranges(session, after, upTo),
        this.#options.signal,
      )
      for (const { first, last } of ranges) {
        if (first === log.position + 1) log.position = last
      }
      if (ranges.length < MOVED_RANGES_MAX || log.position === after) return
    }
  }

  /** Blobs that the events of a page name and that are not there. */
  async #missingBlobs(page: readonly Row[]): Promise<ReadonlySet<string>> {
    const named = new Set<string>(
      page.flatMap(([, , , , , bytes]) => (typeof bytes === 'string' ? namedBlobs(bytes) : [])),
    )
    if (named.size === 0) return named
    // In this order: what is moved meanwhile is found there.
    for (const statement of [this.#sql.named, this.#sql.moved]) {
      const found = await this.#rows(statement, [[...named]])
      for (const [digest] of found) named.delete(String(digest))
    }
    return named
  }

  async *index(): AsyncGenerator<IntegrityFinding> {
    let stream = -1
    let version = 0
    for (;;) {
      const page = await this.#rows(this.#sql.index, [stream, version, READ_PAGE_EVENTS])
      for (const row of page) {
        const [nextStream = 0, nextVersion = 0, position = 0, moved = 0] = row.map(Number)
        stream = nextStream
        version = nextVersion
        yield* this.#log.place({ stream, version, position, moved }, this.#head)
      }
      if (page.length < READ_PAGE_EVENTS) break
    }
    // What was moved since the events were counted is not counted here.
    const [row] = await this.#rows(this.#sql.head)
    if (row?.[1] === this.#evictions) yield* this.#log.endOfPlaces()
  }

  /** What was moved is not here any more. */
  async *moved(): AsyncGenerator<IntegrityFinding> {
    for (let after = 0; ; ) {
      const page = await this.#rows(this.#sql.ranges, [after, READ_PAGE_EVENTS])
      for (const [first, last, here] of page) {
        after = Number(first)
        if (here === null) continue
        const position = Number(here)
        const range = `${Number(first)} to ${Number(last)}`
        yield corruptFinding(position, `position ${position} is here, and was moved (${range})`)
      }
      if (page.length < READ_PAGE_EVENTS) return
    }
  }

  async *blobs(): AsyncGenerator<IntegrityFinding> {
    let after = ''
    for (;;) {
      const [row] = await this.#rows(this.#sql.blob, [after])
      if (row === undefined) return
      after = String(row[0])
      if ((await this.#digestOf(row[1], Number(row[2]))) === after) continue
      // One that was collected meanwhile is not damaged.
      if ((await this.#rows(this.#sql.named, [[after]])).length === 0) continue
      yield {
        code: EVENTS_CODES.blobCorrupt,
        position: 0,
        message: `the bytes of blob ${after} have another digest`,
      }
    }
  }

  async #digestOf(content: unknown, size: number): Promise<string> {
    const hash = createSha256()
    for (let n = 0; n * BLOB_PORTION_BYTES < size; n += 1) {
      const [row] = await this.#rows(this.#sql.portion, [content, n])
      if (row === undefined) return ''
      hash.update(row[0] as Buffer)
    }
    return hash.hex()
  }
}
