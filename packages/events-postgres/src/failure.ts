/**
 * What PostgreSQL and the network report, said in the codes of the port: what happened, why, and
 * what to do next.
 */
import {
  damaged,
  type FailureReason,
  type FailureReasons,
  reasonOf,
  type UnitFate,
  unavailable,
} from '@ice/events/adapter'

/** A connection that broke, could not be made, or was given up. Internal: never thrown outside. */
export class SessionLost extends TypeError {
  constructor(why: string, cause?: unknown) {
    super(why, { cause })
  }
}

/** The SQLSTATE of an error that the server has sent; `undefined` for any other error. */
export function sqlState(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('severity' in error) || !('code' in error)) return undefined
  const { code } = error
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) ? code : undefined
}

/** The server ends the connection with this error. */
export function isFatal(error: unknown): boolean {
  const { severity } = error as { readonly severity?: unknown }
  return severity === 'FATAL' || severity === 'PANIC'
}

/** Rights, passwords and names do not mend themselves; everything else about a connection may. */
const STAYS: ReadonlySet<string> = new Set(['28000', '28P01', '3D000', '42501', '25006'])

const PASSES: ReadonlySet<string> = new Set(['40001', '40P01', '25P03', '57P05'])

/** Whether trying again, soon, may do better. */
export function isTransient(error: unknown): boolean {
  const state = sqlState(error) ?? stateOfCause(error)
  if (state !== undefined && STAYS.has(state)) return false
  if (error instanceof SessionLost) return true
  if (state === undefined) return false
  return (
    PASSES.has(state) || state.startsWith('57P0') || state.startsWith('08') || state === '53300'
  )
}

function stateOfCause(error: unknown): string | undefined {
  return error instanceof Error ? sqlState(error.cause) : undefined
}

/** By the beginning of the SQLSTATE; the first that fits. */
const REASONS: FailureReasons = [
  [
    '53100',
    {
      reason: 'disk_full',
      why: "the server's disk is full",
      next: 'Free some space, then try again.',
    },
  ],
  [
    '53300',
    {
      reason: 'connections',
      why: 'the server takes no more connections',
      next: 'Raise max_connections, or open fewer stores.',
    },
  ],
  ['53', { reason: 'memory', why: 'the server ran out of something', next: 'Try again later.' }],
  [
    '55P03',
    {
      reason: 'busy',
      why: "other writers hold the log's lock",
      next: 'Try again; if it stays so, look in pg_stat_activity for a session that stands still.',
    },
  ],
  [
    '57014',
    {
      reason: 'timeout',
      why: 'the statement took longer than it may, or was cancelled',
      next: 'Try again; if it stays so, raise statementTimeoutMs or look at the load.',
    },
  ],
  [
    '25006',
    {
      reason: 'read_only',
      why: 'nothing is written here: a standby, a database set so, or a log opened to look',
      next: 'Connect to the primary, or open the log to write.',
    },
  ],
  [
    '42501',
    {
      reason: 'permission',
      why: 'the role lacks a right',
      next: 'Make the role the owner of the schema, or let it create one in the database.',
    },
  ],
  [
    '28',
    {
      reason: 'authentication',
      why: 'the server does not let this role in',
      next: 'Check the user, the password and pg_hba.conf.',
    },
  ],
  [
    '3D000',
    { reason: 'no_database', why: 'there is no such database', next: 'Create the database.' },
  ],
  [
    '58',
    {
      reason: 'io',
      why: "the server's system reports an error",
      next: "Check the server's disk and log before trusting it again.",
    },
  ],
  [
    '57P',
    {
      reason: 'connection',
      why: 'the server is starting, stopping or has crashed',
      next: 'Try again when it is up.',
    },
  ],
  [
    '25P03',
    {
      reason: 'connection',
      why: 'the server ended a transaction that was silent for too long',
      next: 'Look for what holds the event loop of this process.',
    },
  ],
]

const LOST: FailureReason = {
  reason: 'connection',
  why: 'there is no connection to the server',
  next: 'Check that the server is up and can be reached, then try again.',
}

const OTHER: FailureReason = {
  reason: 'other',
  why: 'PostgreSQL refused',
  next: 'The cause says what it reported.',
}

/** Stored rows that the server cannot read, or tables that are gone. */
function isDamage(state: string | undefined): boolean {
  return state !== undefined && (state.startsWith('XX') || state === '42P01' || state === '42703')
}

/** What went wrong while something was done to a log. */
export interface Failed {
  /** `append to`, `read`, `open`: what was being done, as it stands in the message. */
  readonly doing: string
  /** The log, as messages name it. */
  readonly log: string
  readonly fate: UnitFate
}

/** The port's error for what was reported; errors that are neither the server's nor the network's
 * pass unchanged. */
export function failure(error: unknown, { doing, log, fate }: Failed): unknown {
  const state = sqlState(error) ?? stateOfCause(error)
  if (state === undefined && !(error instanceof SessionLost)) return error
  const work = {
    doing,
    log,
    fate,
    data: { log, ...(state === undefined ? {} : { sqlState: state }) },
  }
  if (isDamage(state)) {
    return damaged(error, work, {
      what: 'the tables are damaged or gone',
      next: 'Check the server, then restore a backup.',
    })
  }
  const reason = state === undefined ? LOST : (reasonOf(REASONS, state) ?? OTHER)
  return unavailable(error, work, reason)
}
