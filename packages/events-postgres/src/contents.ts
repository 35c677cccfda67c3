/** What blobs and evictions stand on, and the end of a content that has no name. */
import type { Clock } from '@ice/primitives'
import type { BlobSql } from './blob-sql.ts'
import { BLOB_DROP_PORTIONS } from './limits.ts'
import { type Answer, type Call, rowsOf, type Session, type Statement } from './session.ts'

/** How a store lets something be done: it checks that it is open, and tries again when it must. */
export type Gate = <T>(
  work: (session: Session) => Promise<T>,
  signal: AbortSignal | undefined,
  doing?: string,
) => Promise<T>

/** What blobs, their collection and evictions stand on. */
export interface BlobGround {
  readonly sql: BlobSql
  readonly gate: Gate
  /** @throws `ICE_EVENTS_NOT_OPEN` */
  readonly mustBeOpen: () => void
  /** The log, as messages name it. */
  readonly log: string
  /** @defaultValue the server's */
  readonly clock: Pick<Clock, 'now'> | undefined
  /** Position of the last event. */
  readonly head: (session: Session) => Promise<number>
  /** Begins a transaction … */
  readonly begin: Statement
  /** … and locks the log: a row … */
  readonly lock: Statement
  /** … which says its head. @throws when it is another log */
  readonly headOf: (row: readonly unknown[] | undefined) => number
}

/** Removes a content that is condemned, a little at a time. */
export async function dropContent(
  { gate, sql }: Pick<BlobGround, 'gate' | 'sql'>,
  content: string,
  signal?: AbortSignal,
): Promise<void> {
  const [row] = await gate((session) => session.run(sql.extent, [content]), signal)
  const end = typeof row?.[0] === 'number' ? row[0] + 1 : 0
  for (let n = 0; n < end; n += BLOB_DROP_PORTIONS) {
    const before = n + BLOB_DROP_PORTIONS
    await gate((session) => session.run(sql.drop, [content, before]), signal)
  }
  await gate((session) => session.run(sql.forget, [content]), signal)
}

/** What is done in one transaction while nobody appends. */
export interface LockedWork<T> {
  /** What is asked for, behind the lock. */
  readonly look: readonly Call[]
  /** Says what is done about the answers; without calls nothing is. */
  readonly act: (found: readonly Answer['rows'][], head: number) => LockedAct<T>
}

/** What comes of having looked. */
export interface LockedAct<T> {
  readonly calls: readonly Call[]
  /** @param rows - the answer of each call */
  readonly result: (rows: readonly Answer['rows'][]) => T
}

/** Two exchanges, so the lock is held for little more than two round trips. */
export async function underLock<T>(
  session: Session,
  { begin, lock, headOf }: Pick<BlobGround, 'begin' | 'lock' | 'headOf'>,
  { look, act }: LockedWork<T>,
): Promise<T> {
  return undone(session, async () => {
    const looked = await session.exchange([{ statement: begin }, { statement: lock }, ...look])
    const [, locked, ...found] = looked.map(rowsOf)
    const { calls, result } = act(found, headOf(locked?.[0]))
    if (calls.length === 0) return result([])
    const done = await session.exchange([...calls, { statement: { text: 'COMMIT' } }])
    return result(done.map(rowsOf))
  })
}

/** Undoes what has not come to its COMMIT when the work is over. */
export async function undone<T>(session: Session, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } finally {
    // Behind a COMMIT there is nothing to undo, and the server only says so.
    const [answer] = await session.exchange([{ statement: { text: 'ROLLBACK' } }])
    if (answer?.status !== 'fulfilled') session.destroy('a transaction could not be undone')
  }
}
