/**
 * The room a log takes on its server.
 *
 * PostgreSQL does not say how much of a table is free without an extension. So what is used is
 * counted: the room of the events is summed up once for each, in passing, and taken off again when
 * they are let go of; blobs know their sizes. The rest of the tables' files is free as soon as
 * (auto)vacuum has been there, and is used again before they grow.
 */
import type { DiskUse } from '@ice/events/ports'
import { type BlobGround, type Gate, undone } from './contents.ts'
import { type EvictSql, evictSql } from './evict-sql.ts'
import { quoted } from './format.ts'
import { SCAN_WINDOW_EVENTS } from './limits.ts'
import { rowsOf, type Session, type Statement } from './session.ts'
import { TABLE_NAMES } from './tables.ts'

/** Asks for the room, after measuring the events that were appended since somebody did. */
export async function diskUse(
  schema: string,
  { gate, begin, head }: Pick<BlobGround, 'gate' | 'begin' | 'head'>,
): Promise<DiskUse> {
  const sql = evictSql(schema)
  for (let isMore = true; isMore; ) {
    isMore = await gate(async (session) => {
      const end = await head(session)
      return measureSome(session, { begin, end, sql })
    }, undefined)
  }
  return use(schema, gate)
}

/** Whoever measures or lets go of events holds the row of `measured`, and looks behind that. */
function measureSome(
  session: Session,
  { begin, end, sql }: { readonly begin: Statement; readonly end: number; readonly sql: EvictSql },
): Promise<boolean> {
  return undone(session, async () => {
    const began = await session.exchange([{ statement: begin }, { statement: sql.measured }])
    const [, held] = began.map(rowsOf)
    const after = Number(held?.[0]?.[0] ?? 0)
    if (after >= end) return false
    const upTo = Math.min(after + SCAN_WINDOW_EVENTS, end)
    const answers = await session.exchange([
      { statement: sql.measure, values: [after, upTo] },
      { statement: { text: 'COMMIT' } },
    ])
    for (const answer of answers) rowsOf(answer)
    return upTo < end
  })
}

async function use(schema: string, gate: Gate): Promise<DiskUse> {
  const s = quoted(schema)
  const size = (table: string): string => `pg_total_relation_size('${s}.${table}')`
  const text =
    `SELECT ${TABLE_NAMES.map(size).join(' + ')}, ${size('events')}, ` +
    `(SELECT bytes FROM ${s}.measured), ${size('blob_portions')}, ` +
    `(SELECT coalesce(sum(size), 0)::bigint FROM ${s}.blobs)`
  const [row = []] = await gate((session) => session.run({ text }), undefined)
  const [bytes = 0, events = 0, used = 0, portions = 0, blobs = 0] = row.map(Number)
  return { bytes, freeBytes: Math.max(0, events - used) + Math.max(0, portions - blobs) }
}
