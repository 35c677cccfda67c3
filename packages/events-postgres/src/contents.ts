/** What blobs stand on, and the end of a content that has no name. */
import type { Clock } from '@ice/primitives'
import type { BlobSql } from './blob-sql.ts'
import { BLOB_DROP_PORTIONS } from './limits.ts'
import type { Session, Statement } from './session.ts'

/** How a store lets something be done: it checks that it is open, and tries again when it must. */
export type Gate = <T>(
  work: (session: Session) => Promise<T>,
  signal: AbortSignal | undefined,
  doing?: string,
) => Promise<T>

/** What blobs and their collection stand on. */
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
