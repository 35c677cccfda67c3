/**
 * From options to a log that can be relied on, or a refusal that says why.
 *
 * What an acknowledgement rests on is asked of the server, not assumed: that it is no standby, that
 * it syncs, that texts are kept as UTF-8.
 */
import { EVENTS_POSTGRES_CODES, EventsPostgresError } from './errors.ts'
import { failure } from './failure.ts'
import { ensureFormat, FORMAT, type Format, type LogRow } from './format.ts'
import { SERVER_VERSION_MIN, WAIT_MAX_MS } from './limits.ts'
import { Session, type SessionOptions } from './session.ts'
import type { Settled, Target } from './target.ts'

/** An opened log. */
export interface OpenedLog {
  /** The connection it was opened with: it becomes the one that writes. */
  readonly session: Session
  readonly row: LogRow
}

/** How connections of a store are made. */
export function sessionOptions(settled: Settled): SessionOptions {
  const { lockWaitMs, statementTimeoutMs, silentTransactionMs, connectTimeoutMs } = settled
  // A statement may wait for the lock as long as it may, and then work as long as it may.
  const serverMs = Math.min(lockWaitMs + statementTimeoutMs, WAIT_MAX_MS)
  return {
    connectTimeoutMs,
    answerMs: serverMs,
    settings: [
      `SET statement_timeout = ${serverMs}`,
      `SET lock_timeout = ${lockWaitMs}`,
      `SET idle_in_transaction_session_timeout = ${silentTransactionMs}`,
      ...(settled.durability === 'process' ? ['SET synchronous_commit = off'] : [SYNCS]),
      // Whatever the role or the database was set to; for every transaction of this session.
      `SET default_transaction_read_only = ${settled.opening === 'look' ? 'on' : 'off'}`,
      "SET client_encoding = 'UTF8'",
      "SET bytea_output = 'hex'",
      // Every statement has its index. A plan made while the tables were empty must not scan them
      // when they are full, and short statements gain nothing by being compiled.
      'SET enable_seqscan = off',
      'SET jit = off',
      // Nothing but the server's own functions and operators is meant by any statement of ours.
      'SET search_path = pg_catalog',
      `SET application_name = 'ice-${settled.target.schema.slice(0, 48)}'`,
    ].join('; '),
  }
}

/** What a role or a database was set to is kept where it is stronger than what is needed. */
const SYNCS =
  "SELECT set_config('synchronous_commit', 'on', false) " +
  "WHERE current_setting('synchronous_commit') = 'off'"

/** Opens or creates a log. @throws as `openPostgresEventStore` */
export async function openLog(settled: Settled, format: Format = FORMAT): Promise<OpenedLog> {
  const { target, durability, opening } = settled
  let session: Session | undefined
  try {
    session = await Session.connect(target, sessionOptions(settled))
    await checkServer(session, settled)
    const row = await ensureFormat(session, target, { durability, format, opening })
    return { session, row }
  } catch (error) {
    await session?.close()
    throw openFailure(error, target)
  }
}

function openFailure(error: unknown, { log }: Target): unknown {
  return failure(error, { doing: 'open', log, fate: 'none' })
}

async function checkServer(session: Session, { target, durability }: Settled): Promise<void> {
  const [row = []] = await session.run({
    text:
      "SELECT current_setting('server_version_num')::int, current_setting('server_encoding'), " +
      "current_setting('fsync'), current_setting('full_page_writes'), pg_is_in_recovery()",
  })
  const [version, encoding, fsync, fullPages, isStandby] = row
  const refuse = (what: string, next: string): EventsPostgresError =>
    new EventsPostgresError(
      EVENTS_POSTGRES_CODES.server,
      `${target.server} cannot hold an event log: ${what}. ${next}`,
      { server: target.server, version: Number(version), encoding: String(encoding) },
    )
  if (Number(version) < SERVER_VERSION_MIN) {
    throw refuse(`it reports version ${String(version)}`, 'Use PostgreSQL 13 or later.')
  }
  if (encoding !== 'UTF8') {
    throw refuse(`the database is in ${String(encoding)}`, "Create one with ENCODING 'UTF8'.")
  }
  if (isStandby === true) throw refuse('it is a standby', 'Connect to the primary.')
  if (durability === 'disk' && (fsync !== 'on' || fullPages !== 'on')) {
    throw refuse(
      `it runs with fsync = ${String(fsync)} and full_page_writes = ${String(fullPages)}`,
      'Turn both on, or open the log with durability "process".',
    )
  }
}
