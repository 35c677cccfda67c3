/**
 * Letting go of the events of a sealed segment.
 *
 *     the log says that it was sealed → a few hundred events a transaction, in order of position
 *     → its blobs → done → the contents of its blobs
 *
 * 1. Each transaction locks the log, judges what stands there (`planMove`), and removes rows
 *    together with noting where they went: at any moment a position is either here or known to be
 *    moved. How far it has come stands in `segments`: a call that was cut off is resumed where it
 *    stopped, by any process.
 * 2. It also moves on the log's count of such transactions. Writers that guess where streams end
 *    compare that count: what was appended and moved behind their backs is in no index any more.
 * 3. A blob goes under the lock, once no event up to the head names it.
 */
import {
  checkSignal,
  EVICT_EVENTS,
  evictionRefusal,
  type MovableRow,
  type MovePlan,
  mustBeSealed,
  namedBlobs,
  planMove,
} from '@ice/events/adapter'
import type { EventMark, Evicted, EvictRequest } from '@ice/events/ports'
import { type BlobGround, dropContent, underLock } from './contents.ts'
import { type EvictSql, evictSql } from './evict-sql.ts'
import {
  COLLECT_BLOBS,
  COLLECT_LOCKED_EVENTS,
  COLLECT_NAMING_EVENTS,
  COLLECT_WINDOW_EVENTS,
} from './limits.ts'
import { numbers, textLines } from './lists.ts'
import type { Answer, Call, Session } from './session.ts'

type Rows = Answer['rows']

/** The rows of a part of a segment, as they stand here. */
interface Standing {
  readonly rows: ReadonlyMap<number, MovableRow>
  /** Versions up to which streams were moved, by their numbers. */
  readonly seams: ReadonlyMap<number, number>
  /** @units bytes that each takes */
  readonly room: ReadonlyMap<number, number>
}

/** One call of `Eviction.evict`. */
export class Evicting {
  readonly #ground: BlobGround
  readonly #sql: EvictSql
  readonly #request: EvictRequest
  readonly #blobs: ReadonlySet<string>
  /** Blobs that no event is known to name, of those that have not been moved. */
  readonly #unnamed: Set<string>
  /** Events up to here have been looked at for names. */
  #looked = 0
  #moved = { blobs: 0, blobBytes: 0 }

  constructor(ground: BlobGround, schema: string, request: EvictRequest) {
    this.#ground = ground
    this.#sql = evictSql(schema)
    this.#request = request
    this.#blobs = new Set(request.blobs)
    this.#unnamed = new Set(this.#blobs)
  }

  async run(): Promise<Evicted> {
    checkSignal(this.#request.signal)
    await this.#mustBeSealed()
    let events = 0
    let part: EventMark[] = []
    for (const mark of this.#request.events) {
      part.push(mark)
      if (part.length < EVICT_EVENTS) continue
      events += await this.#move(part)
      part = []
    }
    if (part.length > 0) events += await this.#move(part)
    do await this.#look()
    while (!(await this.#do((session) => this.#moveBlobs(session))))
    await this.#drop()
    return { events, ...this.#moved }
  }

  #do<T>(work: (session: Session) => Promise<T>): Promise<T> {
    return this.#ground.gate(work, this.#request.signal, 'let go of events of')
  }

  async #mustBeSealed(): Promise<void> {
    const [row] = await this.#do((s) => s.run(this.#sql.sealed, [this.#request.sealed]))
    const found = row && { type: String(row[0]), bytes: String(row[1]) }
    mustBeSealed(this.#request, found)
  }

  /** @returns how many were still here */
  async #move(part: readonly EventMark[]): Promise<number> {
    // Should a COMMIT lose its answer, the next try finds them gone.
    let tried = 0
    return this.#do(async (session) => {
      const { segment, rows, measured } = this.#sql
      const count = await underLock(session, this.#ground, {
        look: [
          { statement: segment, values: [this.#request.segment] },
          { statement: rows, values: [numbers(part.map(({ position }) => position))] },
          { statement: measured },
        ],
        act: (found) => {
          const { calls, moved } = this.#plan(part, found)
          tried = Math.max(tried, moved)
          return { calls, result: () => moved }
        },
      })
      return count === 0 ? tried : count
    })
  }

  #plan(part: readonly EventMark[], found: readonly Rows[]): { calls: Call[]; moved: number } {
    const [[known] = [], here = [], [measured] = []] = found
    const { sealed, segment } = this.#request
    if (known !== undefined && known[0] !== sealed) {
      throw evictionRefusal(`${segment} was sealed at position ${String(known[0])}`)
    }
    const { rows, seams, room } = standing(here)
    const last = Number(known?.[1] ?? 0)
    const plan = planMove(part, {
      request: this.#request,
      blobs: this.#blobs,
      last,
      first: last === 0 ? undefined : Number(known?.[2]),
      row: (position) => rows.get(position),
      seam: (stream) => seams.get(stream) ?? 0,
    })
    const moved = plan.positions.length
    if (moved === 0) return { calls: [], moved }
    const upTo = Number(measured?.[0] ?? 0)
    const freed = plan.positions.filter((position) => position <= upTo)
    const bytes = freed.reduce((sum, position) => sum + (room.get(position) ?? 0), 0)
    return { calls: this.#calls(plan, bytes), moved }
  }

  #calls({ positions, ranges, seams, names }: MovePlan, bytes: number): Call[] {
    const sql = this.#sql
    const { sealed, segment } = this.#request
    const ends = [...seams.values()]
    const seamValues = [
      numbers([...seams.keys()]),
      sealed,
      numbers(ends.map(({ version }) => version)),
      numbers(ends.map(({ time }) => time)),
    ]
    const firsts = numbers(ranges.map(([first]) => first))
    const lasts = numbers(ranges.map(([, last]) => last))
    const digests = textLines(names.map(([digest]) => digest))
    const naming = numbers(names.map(([, position]) => position))
    return [
      { statement: sql.progress, values: [sealed, segment, positions.length, positions.at(-1)] },
      { statement: sql.remove, values: [numbers(positions)] },
      { statement: sql.shrink, values: [bytes] },
      { statement: sql.ranges, values: [firsts, lasts, sealed] },
      { statement: sql.seams, values: seamValues },
      ...(names.length > 0 ? [{ statement: sql.names, values: [digests, naming] }] : []),
      { statement: sql.tell },
    ]
  }

  /** Looks for names of the segment's blobs up to the head, without holding anybody up. */
  async #look(): Promise<void> {
    let isAtHead = false
    while (!isAtHead && this.#unnamed.size > 0) {
      isAtHead = await this.#do((session) => this.#lookSome(session))
    }
  }

  async #lookSome(session: Session): Promise<boolean> {
    const { sql, head } = this.#ground
    const end = await head(session)
    const after = this.#looked
    const upTo = Math.min(after + COLLECT_WINDOW_EVENTS, end)
    const rows = await session.run(sql.naming, [after, upTo, COLLECT_NAMING_EVENTS])
    this.#strike(rows)
    const isFull = rows.length === COLLECT_NAMING_EVENTS
    this.#looked = isFull ? Number(rows.at(-1)?.[0]) : upTo
    return this.#looked >= end
  }

  #strike(rows: Rows): void {
    for (const [, bytes] of rows) {
      for (const digest of namedBlobs(String(bytes))) this.#unnamed.delete(digest)
    }
  }

  /** Nobody can append within this transaction: what is unnamed now, is. @returns if it is all */
  async #moveBlobs(session: Session): Promise<boolean> {
    const { sql } = this.#ground
    const { sealed, segment } = this.#request
    const after = this.#unnamed.size > 0 ? this.#looked : Number.MAX_SAFE_INTEGER
    const values = [after, Number.MAX_SAFE_INTEGER, COLLECT_LOCKED_EVENTS]
    return underLock(session, this.#ground, {
      look: [{ statement: sql.naming, values }],
      act: ([naming = []], head) => {
        const isFar = head - after > COLLECT_LOCKED_EVENTS
        if (isFar) return { calls: [], result: () => false }
        this.#strike(naming)
        const some = [...this.#unnamed].slice(0, COLLECT_BLOBS)
        const isLast = some.length === this.#unnamed.size
        const calls = [
          { statement: sql.moveAway, values: [textLines(some), sealed] },
          ...(isLast ? [{ statement: this.#sql.done, values: [sealed, segment] }] : []),
        ]
        return { calls, result: ([gone]) => this.#count(some, gone?.[0]) && isLast }
      },
    })
  }

  #count(some: readonly string[], row: readonly unknown[] | undefined): boolean {
    for (const digest of some) this.#unnamed.delete(digest)
    this.#moved.blobs += Number(row?.[0] ?? 0)
    this.#moved.blobBytes += Number(row?.[1] ?? 0)
    return true
  }

  /** Condemned contents, of this call or of one that was cut off. */
  async #drop(): Promise<void> {
    const { sql } = this.#ground
    for (;;) {
      const found = await this.#do((session) => session.run(sql.loose, [-1, COLLECT_BLOBS]))
      for (const [content] of found) {
        await dropContent(this.#ground, String(content), this.#request.signal)
      }
      if (found.length < COLLECT_BLOBS) return
    }
  }
}

function standing(found: Rows): Standing {
  const rows = new Map<number, MovableRow>()
  const seams = new Map<number, number>()
  const room = new Map<number, number>()
  for (const [position, id, stream, version, hash, time, bytes, seam, size] of found) {
    rows.set(Number(position), {
      id: Number(id),
      stream: String(stream),
      version: Number(version),
      hash: String(hash),
      time: Number(time),
      bytes: String(bytes),
    })
    seams.set(Number(id), Number(seam))
    room.set(Number(position), Number(size))
  }
  return { rows, seams, room }
}
