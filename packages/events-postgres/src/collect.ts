/**
 * Collecting blobs: what no event names is removed.
 *
 *     scan    names in events since the last collection   → blob_names      no lock
 *     remove  lock the log · names in the events since · remove · COMMIT    short transactions
 *     drop    the contents that have lost their name                        no lock
 *
 * 1. While the log is locked nobody appends, and every name up to its head is known: a blob that is
 *    removed then is named by no event, and no unit that declares it has been accepted.
 * 2. A blob that is brought in again meanwhile, without the lock, moves its `brought_at`, and the
 *    removal looks at that in the same statement: it waits for the row and looks again.
 * 3. Names once found are kept for ever: an event is never unsaid.
 */
import {
  type BlobCollection,
  type BlobCollectOptions,
  EVENTS_CODES,
  EventsError,
} from '@ice/events'
import { BLOB_GRACE_MS, namedBlobs } from '@ice/events/adapter'
import { type BlobGround, dropContent, underLock } from './contents.ts'
import {
  COLLECT_BLOBS,
  COLLECT_LOCKED_EVENTS,
  COLLECT_NAMING_EVENTS,
  COLLECT_WINDOW_EVENTS,
  STAGE_IDLE_MS,
} from './limits.ts'
import { numbers, textLines } from './lists.ts'
import type { Answer, Session } from './session.ts'

/** One collection. */
export class Collector {
  readonly #options: BlobGround
  readonly #asked: BlobCollectOptions
  /** Names up to here are noted. */
  #looked = 0
  #told = -1
  #removed = 0
  #removedBytes = 0

  constructor(options: BlobGround, asked: BlobCollectOptions) {
    this.#options = options
    this.#asked = asked
  }

  async run(): Promise<BlobCollection> {
    const { graceMs = BLOB_GRACE_MS } = this.#asked
    if (!Number.isFinite(graceMs) || graceMs < 0) {
      throw new EventsError(EVENTS_CODES.structural, '"graceMs" is no time to wait', {})
    }
    const { sql } = this.#options
    const now = await this.#do((session) => this.#now(session))
    await this.#scan()
    for (let after = ''; ; ) {
      const values = [after, Math.floor(now - graceMs), COLLECT_BLOBS]
      const found = await this.#do((session) => session.run(sql.candidates, values))
      const digests = found.map(([digest]) => String(digest))
      if (digests.length > 0) await this.#remove(digests, Math.floor(now - graceMs))
      if (digests.length < COLLECT_BLOBS) break
      after = digests.at(-1) ?? ''
    }
    await this.#sweep(now - STAGE_IDLE_MS)
    const [counted] = await this.#do((session) => session.run(sql.count))
    return {
      removed: this.#removed,
      removedBytes: this.#removedBytes,
      kept: Number(counted?.[0] ?? 0),
    }
  }

  #do<T>(work: (session: Session) => Promise<T>): Promise<T> {
    return this.#options.gate(work, this.#asked.signal, 'collect the blobs of')
  }

  async #now(session: Session): Promise<number> {
    const { clock, sql } = this.#options
    return clock?.now() ?? Number((await session.run(sql.clock))[0]?.[0])
  }

  /** Looks for names up to the head, without holding anybody up. */
  async #scan(): Promise<void> {
    for (;;) {
      const position = await this.#do((session) => this.#scanWindow(session))
      this.#tell(position ?? this.#looked)
      if (position === undefined) return
    }
  }

  #tell(position: number): void {
    if (position === this.#told) return
    this.#told = position
    this.#asked.onProgress?.(position)
  }

  /** @returns how far was looked; `undefined` at the head */
  async #scanWindow(session: Session): Promise<number | undefined> {
    const { sql, head } = this.#options
    const [scanned] = await session.run(sql.scanned)
    const after = Number(scanned?.[0] ?? 0)
    const end = await head(session)
    this.#looked = after
    if (after >= end) return undefined
    const upTo = Math.min(after + COLLECT_WINDOW_EVENTS, end)
    const rows = await session.run(sql.naming, [after, upTo, COLLECT_NAMING_EVENTS])
    const isFull = rows.length === COLLECT_NAMING_EVENTS
    const position = isFull ? Number(rows.at(-1)?.[0]) : upTo
    await session.run(sql.note, namesIn(rows, position))
    return position
  }

  async #remove(digests: readonly string[], before: number): Promise<void> {
    while (!(await this.#do((session) => this.#removeLocked(session, digests, before)))) {
      await this.#scan()
    }
  }

  /** @returns whether it could be done without holding the log for long */
  async #removeLocked(
    session: Session,
    digests: readonly string[],
    before: number,
  ): Promise<boolean> {
    const { sql } = this.#options
    const after = this.#looked
    const values = [after, Number.MAX_SAFE_INTEGER, COLLECT_LOCKED_EVENTS]
    return underLock(session, this.#options, {
      look: [{ statement: sql.naming, values }],
      act: ([found = []], head) => {
        if (head - after > COLLECT_LOCKED_EVENTS) return { calls: [], result: () => false }
        const calls = [
          { statement: sql.note, values: namesIn(found, head) },
          { statement: sql.remove, values: [textLines(digests), before] },
        ]
        return { calls, result: ([, removed]) => this.#count(removed?.[0]) }
      },
    })
  }

  #count(row: readonly unknown[] | undefined): boolean {
    this.#removed += Number(row?.[0] ?? 0)
    this.#removedBytes += Number(row?.[1] ?? 0)
    return true
  }

  /** Contents without a name: condemned ones, and what somebody began to bring in and left. */
  async #sweep(before: number): Promise<void> {
    const { sql } = this.#options
    const { signal } = this.#asked
    for (;;) {
      const values = [Math.floor(before), COLLECT_BLOBS]
      const found = await this.#do((session) => session.run(sql.loose, values))
      for (const [content] of found) {
        const seized = await this.#do((s) => s.run(sql.seize, [content, Math.floor(before)]))
        if (seized.length > 0) await dropContent(this.#options, String(content), signal)
      }
      if (found.length < COLLECT_BLOBS) return
    }
  }
}

/** The blobs named by events, as the server takes them, and how far was looked for them. */
function namesIn(rows: Answer['rows'], position: number): readonly unknown[] {
  const named = new Map<string, number>()
  for (const [at, bytes] of rows) {
    for (const digest of namedBlobs(String(bytes))) named.set(digest, Number(at))
  }
  return [textLines([...named.keys()]), numbers([...named.values()]), position]
}
