/** What a log and its server say of themselves. */
import { quoted } from './format.ts'
import type { PostgresInspection } from './ports.ts'
import type { Session } from './session.ts'
import { TABLE_NAMES } from './tables.ts'
import type { Target } from './target.ts'

const SETTINGS = [
  'fsync',
  'full_page_writes',
  'idle_in_transaction_session_timeout',
  'lock_timeout',
  'max_connections',
  'search_path',
  'server_encoding',
  'statement_timeout',
  'synchronous_commit',
] as const

/** Asks the server. */
export async function inspectLog(
  session: Session,
  { schema, server }: Target,
): Promise<Omit<PostgresInspection, 'queued'>> {
  const s = quoted(schema)
  const sizes = TABLE_NAMES.map((table) => `pg_total_relation_size('${s}.${table}')`)
  const [log = []] = await session.run({
    text:
      `SELECT format, incarnation, durability, position, streams, ${sizes.join(' + ')}, ` +
      `current_setting('server_version') FROM ${s}.log`,
  })
  const [moved = []] = await session.run({
    text: `SELECT count(*), coalesce(sum(events), 0)::bigint FROM ${s}.segments`,
  })
  const [told = []] = await session.run({
    text: `SELECT ${SETTINGS.map((name) => `current_setting('${name}')`).join()}`,
  })
  return {
    server,
    schema,
    format: Number(log[0]),
    incarnation: String(log[1]),
    weakestDurability: log[2] === 'process' ? 'process' : 'disk',
    head: Number(log[3]),
    streams: Number(log[4]),
    bytes: Number(log[5]),
    moved: { segments: Number(moved[0]), events: Number(moved[1]) },
    serverVersion: String(log[6]),
    settings: Object.fromEntries(SETTINGS.map((name, i) => [name, String(told[i])])),
  }
}
