/**
 * What only the adapter can see of a damaged log.
 *
 * 1. Each event's bytes hash to what was recorded.
 * 2. The columns say what the bytes say: stream, version, type, time; positions have no gap.
 * 3. The index leads to every event and to nothing else, without a gap in any stream.
 * 4. The row of the log says where it ends.
 * 5. Each blob has its digest, and each blob an event names is there.
 *
 * Pages of a fixed size, and nothing is remembered of what was seen: memory does not grow with the
 * log. Events appended meanwhile are left out. Pages of the disk are the server's own business
 * (`initdb --data-checksums`, `pg_amcheck`).
 */
import { type CheckOptions, EVENTS_CODES, type IntegrityFinding, leafFinding } from '@ice/events'
import { type Hash, isHash, sha256Hex } from '@ice/primitives'
import type { ReadGate } from './blobs.ts'
import { quoted } from './format.ts'
import { CHECK_PROGRESS_EVENTS, READ_PAGE_EVENTS } from './limits.ts'
import type { Statement } from './session.ts'

/** position, stream's name, version, type, time, bytes, hash, stream's number */
type Row = readonly unknown[]

function checkSql(s: string) {
  const events =
    'SELECT e.position, s.name, e.version, e.type, e.time, e.bytes, e.hash, e.stream FROM ' +
    `${s}.events e LEFT JOIN ${s}.streams s ON s.id = e.stream WHERE `
  return {
    head: { text: `SELECT position, streams FROM ${s}.log` },
    events: { text: `${events} e.position > $1 AND e.position <= $2 ORDER BY e.position LIMIT $3` },
    // In the order of the index: rows are visited by way of it.
    index: {
      text:
        `SELECT e.stream, e.version, e.position FROM ${s}.events e WHERE (e.stream, e.version) > ` +
        '($1, $2) ORDER BY e.stream, e.version LIMIT $3',
    },
    named: { text: `SELECT digest FROM ${s}.blobs WHERE digest = ANY ($1::text[])` },
    blobs: {
      text: `SELECT digest, bytes FROM ${s}.blobs WHERE digest > $1 ORDER BY digest LIMIT 1`,
    },
  }
}

/** Checks a log. */
export async function* checkLog(
  schema: string,
  gate: ReadGate,
  options: CheckOptions = {},
): AsyncGenerator<IntegrityFinding> {
  const check = new Check(schema, gate, options)
  yield* check.events()
  yield* check.index()
  yield* check.blobs()
}

function finding(position: number, message: string): IntegrityFinding {
  return { code: EVENTS_CODES.corrupt, position, message }
}

class Check {
  readonly #sql: ReturnType<typeof checkSql>
  readonly #gate: ReadGate
  readonly #options: CheckOptions
  /** The last event looked at. */
  #position = 0
  #head = 0
  #count = 0

  constructor(schema: string, gate: ReadGate, options: CheckOptions) {
    this.#sql = checkSql(quoted(schema))
    this.#gate = gate
    this.#options = options
  }

  #rows(statement: Statement, values: readonly unknown[] = []): Promise<readonly Row[]> {
    return this.#gate((session) => session.run(statement, values), this.#options.signal)
  }

  async *events(): AsyncGenerator<IntegrityFinding> {
    this.#head = Number((await this.#rows(this.#sql.head))[0]?.[0] ?? 0)
    let reported = 0
    for (;;) {
      const bounds = [this.#position, this.#head, READ_PAGE_EVENTS]
      const page = await this.#rows(this.#sql.events, bounds)
      const missing = await this.#missingBlobs(page)
      for (const row of page) yield* this.#event(row, missing)
      if (page.length < READ_PAGE_EVENTS) break
      if (this.#count - reported < CHECK_PROGRESS_EVENTS) continue
      reported = this.#count
      this.#options.onProgress?.(this.#position)
    }
    if (this.#position < this.#head) {
      yield finding(
        this.#position + 1,
        `the log ends at ${this.#position}, and should end at ${this.#head}`,
      )
    }
  }

  /** Blobs that the events of a page name and that are not there. */
  async #missingBlobs(page: readonly Row[]): Promise<ReadonlySet<string>> {
    const named = new Set(page.flatMap((row) => blobsIn(row[5])))
    if (named.size === 0) return named
    const found = await this.#rows(this.#sql.named, [[...named]])
    for (const [digest] of found) named.delete(String(digest))
    return named
  }

  *#event(row: Row, missing: ReadonlySet<string>): Generator<IntegrityFinding> {
    const position = Number(row[0])
    const [, stream, version, type, time, bytes, hash] = row
    this.#count += 1
    if (position !== this.#position + 1) {
      yield finding(position, `position ${this.#position + 1} is missing before ${position}`)
    }
    this.#position = position
    if (typeof bytes !== 'string' || !isHash(hash)) {
      yield finding(position, `what stands at position ${position} is no bytes or no hash`)
      return
    }
    const leaf = leafFinding(position, bytes, hash as Hash)
    if (leaf !== undefined) {
      yield leaf
      return
    }
    const said = parse(bytes)
    const isSame = said?.stream === stream && said?.version === version
    if (!isSame || said?.type !== type || said?.time !== time) {
      yield finding(
        position,
        `the index has position ${position} as ${String(stream)}@${String(version)} ` +
          `(${String(type)}, ${String(time)}), its bytes say otherwise`,
      )
    }
    for (const digest of blobsIn(bytes)) {
      if (!missing.has(digest)) continue
      yield {
        code: EVENTS_CODES.blobNotFound,
        position,
        message: `the event at position ${position} names blob ${digest}, which is not there`,
      }
    }
  }

  async *index(): AsyncGenerator<IntegrityFinding> {
    let stream = -1
    let version = 0
    let entries = 0
    for (;;) {
      const page = await this.#rows(this.#sql.index, [stream, version, READ_PAGE_EVENTS])
      for (const row of page) {
        const [nextStream, nextVersion, position] = row.map(Number) as [number, number, number]
        const expected = nextStream === stream ? version + 1 : 1
        stream = nextStream
        version = nextVersion
        if (position > this.#head) continue
        entries += 1
        if (version === expected) continue
        yield finding(position, `stream ${stream} has version ${version} after ${expected - 1}`)
      }
      if (page.length < READ_PAGE_EVENTS) break
    }
    if (entries !== this.#count) {
      yield finding(0, `the index has ${entries} entries for ${this.#count} events`)
    }
  }

  async *blobs(): AsyncGenerator<IntegrityFinding> {
    let after = ''
    for (;;) {
      const [row] = await this.#rows(this.#sql.blobs, [after])
      if (row === undefined) return
      after = String(row[0])
      if (sha256Hex(row[1] as Buffer) === after) continue
      yield {
        code: EVENTS_CODES.blobCorrupt,
        position: 0,
        message: `the bytes of blob ${after} have another digest`,
      }
    }
  }
}

interface Place {
  readonly stream?: unknown
  readonly version?: unknown
  readonly type?: unknown
  readonly time?: unknown
}

function parse(text: string): Place | undefined {
  try {
    return JSON.parse(text) as Place
  } catch {
    return undefined // bytes that hash right but are no event: nothing in them fits the index
  }
}

/** In canonical JSON a quote inside a string is escaped, so this finds references and no texts. */
const BLOB = /[{,]"\$blob":"([0-9a-f]{64})"/g

function blobsIn(bytes: unknown): readonly string[] {
  if (typeof bytes !== 'string' || !bytes.includes('"$blob":"')) return []
  return [...bytes.matchAll(BLOB)].map((match) => match[1] ?? '')
}
