/**
 * The schema: what is in it, how it begins, and how an older one becomes a current one.
 *
 *     log      the one row: format, incarnation, durability, position and streams used so far,
 *              and how often something was moved to the archive
 *     streams  id → name                    ; integers, so that keys are short
 *     events   position → stream, version, type, time, bytes, hash
 *     blobs    digest → content, in portions; see `tables.ts`
 *     moved_…  what was moved to archive segments, likewise
 *
 * 1. Whoever appends locks the row of `log` first and moves its `position` last. So positions have
 *    no gap, and a reader that sees one sees all before it.
 * 2. `bytes` is what was hashed: TEXT, never JSONB, which would be another text. The other columns
 *    are an index of it and can be checked by it.
 * 3. Numbers of streams come from that row too: no sequence, so no gap and no right to grant.
 * 4. A schema is current, or is migrated in one transaction, or is refused untouched.
 * 5. No extension, no function, no trigger: what a plain role may make in its own schema.
 */
import { randomUUID } from 'node:crypto'
import { EVENTS_POSTGRES_CODES, EventsPostgresError } from './errors.ts'
import { MIGRATION_MS } from './limits.ts'
import type { PostgresDurability, PostgresOpening } from './ports.ts'
import type { Session } from './session.ts'
import { migrateTo2, migrateTo3, TABLE_NAMES, tables } from './tables.ts'
import type { Target } from './target.ts'

/** One step from the format before it. */
export interface Migration {
  readonly to: number
  /** Statements, inside the transaction of the whole migration; `quoted` is the schema's name. */
  readonly migrate: (quoted: string) => string
}

/** A format of the schema. */
export interface Format {
  readonly version: number
  /** Makes the tables in an empty schema. */
  readonly tables: (quoted: string) => string
  /** Names of the tables, sorted. */
  readonly names: readonly string[]
  /** One for every format after the first, in order. */
  readonly migrations: readonly Migration[]
}

/** The format this program writes. */
export const FORMAT: Format = {
  version: 3,
  tables,
  names: TABLE_NAMES,
  migrations: [
    { to: 2, migrate: migrateTo2 },
    { to: 3, migrate: migrateTo3 },
  ],
}

/** What a log says of itself. */
export interface LogRow {
  readonly incarnation: string
  readonly position: number
}

/** What the schema of a log is opened with. */
export interface FormatOptions {
  readonly durability: PostgresDurability
  readonly format: Format
  readonly opening: PostgresOpening
}

/** Quotes a name that `settle` has checked. */
export function quoted(schema: string): string {
  return `"${schema}"`
}

/**
 * Creates or migrates what has to be and may be, under a lock that others who do the same wait for.
 *
 * @throws {EventsPostgresError} `ICE_EVENTS_POSTGRES_FORMAT_UNSUPPORTED`,
 * `ICE_EVENTS_POSTGRES_SCHEMA_UNSUPPORTED`, `ICE_EVENTS_POSTGRES_SCHEMA_CORRUPT`,
 * `ICE_EVENTS_POSTGRES_LOG_NOT_FOUND`
 */
export async function ensureFormat(
  session: Session,
  target: Target,
  options: FormatOptions,
): Promise<LogRow> {
  const isRead = options.opening === 'look'
  const begin = isRead ? 'REPEATABLE READ READ ONLY' : 'READ COMMITTED READ WRITE'
  await session.run({ text: `BEGIN ISOLATION LEVEL ${begin}` })
  try {
    const row = await (isRead ? looked : ensured)(session, target, options)
    await session.run({ text: 'COMMIT' })
    return row
  } catch (error) {
    if (!session.isLost) await session.run({ text: 'ROLLBACK' }).catch(() => session.destroy())
    throw error
  }
}

async function ensured(
  session: Session,
  target: Target,
  { durability, format, opening }: FormatOptions,
): Promise<LogRow> {
  await session.run({ text: 'SELECT pg_advisory_xact_lock($1, $2)' }, [LOCK_CLASS, target.lockKey])
  const found = await tablesOf(session, target.schema)
  const isEmpty = found === undefined || found.length === 0
  if (isEmpty && opening === 'existing') throw nothing(target)
  if (found === undefined) await session.run({ text: `CREATE SCHEMA ${quoted(target.schema)}` })
  if (isEmpty) await create(session, target, format)
  else if (!found.includes('log')) throw foreign(target, found)
  const row = await held(session, target, format)
  await checkTables(session, target, format)
  await noteDurability(session, target, durability)
  return row
}

/** What is there, as it is: nothing is locked, made, migrated or noted. */
async function looked(
  session: Session,
  target: Target,
  { format }: FormatOptions,
): Promise<LogRow> {
  const found = await tablesOf(session, target.schema)
  if (found === undefined || found.length === 0) throw nothing(target)
  if (!found.includes('log')) throw foreign(target, found)
  const row = await logRow(session, target, '')
  if (row.format > format.version) {
    throw unsupportedFormat(target.log, row.format, format.version)
  }
  if (row.format < format.version) throw older(target, row.format, format.version)
  await checkTables(session, target, format)
  return row
}

/** "ICE1": keeps our advisory locks apart from those of others. */
const LOCK_CLASS = 0x49434531

/** What stands in a schema; `undefined` when there is none. */
async function tablesOf(session: Session, schema: string): Promise<string[] | undefined> {
  const rows = await session.run(
    {
      text:
        'SELECT c.relname::text FROM pg_namespace n LEFT JOIN pg_class c ON ' +
        "c.relnamespace = n.oid AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') " +
        'WHERE n.nspname = $1 ORDER BY 1',
    },
    [schema],
  )
  if (rows.length === 0) return undefined
  return rows.flatMap(([name]) => (typeof name === 'string' ? [name] : []))
}

async function create(session: Session, target: Target, format: Format): Promise<void> {
  const s = quoted(target.schema)
  await session.run({ text: format.tables(s) })
  await session.run(
    {
      text:
        `INSERT INTO ${s}.log (one, format, incarnation, durability, position, streams) ` +
        "VALUES (true, $1, $2, 'disk', 0, 0)",
    },
    [format.version, randomUUID()],
  )
}

/** Brings the tables to the format; while it does, nobody appends. */
async function held(session: Session, target: Target, format: Format): Promise<LogRow> {
  const row = await logRow(session, target, '')
  if (row.format === format.version) return row
  const { format: stored } = await logRow(session, target, ' FOR UPDATE')
  if (stored !== format.version) await migrate(session, { target, format, stored })
  return row
}

async function logRow(
  session: Session,
  { log, schema }: Target,
  lock: '' | ' FOR UPDATE',
): Promise<LogRow & { readonly format: number }> {
  const rows = await session.run({
    text: `SELECT format, incarnation, position FROM ${quoted(schema)}.log${lock}`,
  })
  const [format, incarnation, position] = rows[0] ?? []
  if (rows.length === 1 && typeof format === 'number' && typeof incarnation === 'string') {
    return { format, incarnation, position: Number(position) }
  }
  throw new EventsPostgresError(
    EVENTS_POSTGRES_CODES.corrupt,
    `${log} is an event log that does not say of which format. Restore a backup.`,
    { log },
  )
}

async function migrate(
  session: Session,
  { target, format, stored }: { target: Target; format: Format; stored: number },
): Promise<void> {
  const steps = format.migrations.filter(({ to }) => to > stored && to <= format.version)
  if (stored > format.version || steps.length !== format.version - stored) {
    throw unsupportedFormat(target.log, stored, format.version)
  }
  const s = quoted(target.schema)
  await session.run({ text: `SET LOCAL statement_timeout = ${MIGRATION_MS}` })
  for (const step of steps) {
    await session.run({ text: step.migrate(s) }, undefined, MIGRATION_MS)
  }
  await session.run({ text: `UPDATE ${s}.log SET format = $1` }, [format.version])
}

/** The refusal of a schema whose format this program does not write. */
export function unsupportedFormat(log: string, stored: number, known: number): EventsPostgresError {
  return new EventsPostgresError(
    EVENTS_POSTGRES_CODES.format,
    stored > known
      ? `${log} has format ${stored}; this program knows up to ${known}. Use a newer program. ` +
          'The log was left as it is.'
      : `${log} has format ${stored}, from which this program knows no way to ${known}.`,
    { log, stored, known },
  )
}

function nothing({ log }: Target): EventsPostgresError {
  return new EventsPostgresError(
    EVENTS_POSTGRES_CODES.notFound,
    `There is no event log at ${log}, and none was made.`,
    { log },
  )
}

function older({ log }: Target, stored: number, known: number): EventsPostgresError {
  return new EventsPostgresError(
    EVENTS_POSTGRES_CODES.format,
    `${log} has format ${stored}, and is read here as format ${known}. It was left as it is: ` +
      'whoever opens it to write brings it to that.',
    { log, stored, known },
  )
}

function foreign({ log }: Target, found: readonly string[]): EventsPostgresError {
  const some = found.slice(0, 5)
  return new EventsPostgresError(
    EVENTS_POSTGRES_CODES.schema,
    `${log} holds something else than an event log (${some.join(', ')}). It was left as it is: ` +
      'name another schema.',
    { log, found: some },
  )
}

/** A trigger or a rule that someone added would act inside our transactions. */
async function checkTables(session: Session, target: Target, format: Format): Promise<void> {
  const { log, schema } = target
  const found = (await tablesOf(session, schema)) ?? []
  const missing = format.names.filter((name) => !found.includes(name))
  const extra = found.filter((name) => !format.names.includes(name))
  if (missing.length > 0) {
    throw new EventsPostgresError(
      EVENTS_POSTGRES_CODES.corrupt,
      `${log} lacks the tables ${missing.join(', ')}. Restore a backup.`,
      { log, missing },
    )
  }
  const added = await session.run(
    {
      text:
        'SELECT t.tgname::text FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid ' +
        'JOIN pg_namespace n ON n.oid = c.relnamespace ' +
        'WHERE n.nspname = $1 AND NOT t.tgisinternal ' +
        'UNION ALL SELECT r.rulename::text FROM pg_rewrite r JOIN pg_class c ON ' +
        'c.oid = r.ev_class JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1',
    },
    [schema],
  )
  const others = [...extra, ...added.map(([name]) => String(name))]
  if (others.length > 0) throw foreign(target, others)
}

/** Whoever reads the log later is to know what its acknowledgements were worth. */
async function noteDurability(
  session: Session,
  { schema }: Target,
  durability: PostgresDurability,
): Promise<void> {
  if (durability === 'disk') return
  const text = `UPDATE ${quoted(schema)}.log SET durability = $1 WHERE durability <> $1`
  await session.run({ text }, [durability])
}
