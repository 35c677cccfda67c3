/**
 * From options to where the log is, checked before anything is sent: a schema's name stands inside
 * SQL, and a NUL in a user's name would end it in the startup packet.
 */
import { LOCK_WAIT_MS } from '@ice/events/adapter'
import { type JsonObject, sha256Hex } from '@ice/primitives'
import pg from 'pg'
import { EVENTS_POSTGRES_CODES, EventsPostgresError } from './errors.ts'
import {
  CONNECT_TIMEOUT_MS,
  READERS_LIMIT,
  READERS_MAX,
  SCHEMA_BYTES_MAX,
  SILENT_TRANSACTION_MS,
  STATEMENT_TIMEOUT_MS,
  WAIT_MAX_MS,
} from './limits.ts'
import type { PostgresDurability, PostgresEventStoreOptions, PostgresOpening } from './ports.ts'

/** Where a log is. */
export interface Target {
  readonly config: pg.ClientConfig
  /** `host:port/database`. */
  readonly server: string
  readonly schema: string
  /** How messages name it: `ice in localhost:5432/app`. */
  readonly log: string
  /** The channel on which writers tell that the log has grown. */
  readonly channel: string
  /** What processes lock that create or migrate the schema. */
  readonly lockKey: number
}

/** Options with everything in its place. */
export interface Settled {
  readonly target: Target
  readonly durability: PostgresDurability
  readonly opening: PostgresOpening
  readonly lockWaitMs: number
  readonly statementTimeoutMs: number
  readonly silentTransactionMs: number
  readonly connectTimeoutMs: number
  readonly readersMax: number
}

function refuse(option: string, message: string, data: JsonObject = {}): EventsPostgresError {
  return new EventsPostgresError(EVENTS_POSTGRES_CODES.option, message, { option, ...data })
}

/** Checks all options. @throws {EventsPostgresError} `ICE_EVENTS_POSTGRES_OPTION_UNSUPPORTED` */
export function settle(options: PostgresEventStoreOptions): Settled {
  const { durability = 'disk', schema = 'ice', opening = 'create', connection } = options
  if (durability !== 'disk' && durability !== 'process') {
    throw refuse('durability', 'A durability is "disk" or "process".')
  }
  if (!OPENINGS.includes(opening)) {
    throw refuse('opening', 'An opening is "create", "existing" or "look".')
  }
  return {
    target: targetOf(connection, checkedSchema(schema)),
    durability,
    opening,
    lockWaitMs: count('lockWaitMs', options.lockWaitMs ?? LOCK_WAIT_MS, WAIT_MAX_MS),
    statementTimeoutMs: count(
      'statementTimeoutMs',
      options.statementTimeoutMs ?? STATEMENT_TIMEOUT_MS,
      WAIT_MAX_MS,
    ),
    silentTransactionMs: count(
      'silentTransactionMs',
      options.silentTransactionMs ?? SILENT_TRANSACTION_MS,
      WAIT_MAX_MS,
    ),
    connectTimeoutMs: count(
      'connectTimeoutMs',
      options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS,
      WAIT_MAX_MS,
    ),
    readersMax: count('readersMax', options.readersMax ?? READERS_MAX, READERS_LIMIT),
  }
}

const OPENINGS: readonly PostgresOpening[] = ['create', 'existing', 'look']

/** To the server 0 means "without end", and nothing here may wait so long. */
function count(option: string, value: number, max: number): number {
  if (Number.isSafeInteger(value) && value >= 1 && value <= max) return value
  throw refuse(option, `"${option}" is a whole number from 1 to ${max}.`)
}

const SCHEMA = /^[a-z][a-z0-9_-]*$/

function checkedSchema(schema: string): string {
  const isName =
    typeof schema === 'string' && schema.length <= SCHEMA_BYTES_MAX && SCHEMA.test(schema)
  if (isName && !schema.startsWith('pg_') && schema !== 'information_schema') return schema
  throw refuse(
    'schema',
    `A schema is named with at most ${SCHEMA_BYTES_MAX} of a-z, 0-9, "_" and "-", a letter ` +
      'first, and not "pg_…": those belong to the server.',
  )
}

function targetOf(connection: PostgresEventStoreOptions['connection'], schema: string): Target {
  const { config, parsed } = parse(connection)
  // A host such as [::1] is written as it was given.
  const server = `${parsed.host}:${parsed.port}/${parsed.database ?? ''}`
  const digest = sha256Hex(schema) as string
  return {
    config,
    server,
    schema,
    log: `${schema} in ${server}`,
    channel: `ice_${digest.slice(0, 32)}`,
    lockKey: Number.parseInt(digest.slice(0, 8), 16) | 0,
  }
}

const URL_OF_A_SERVER = /^postgres(?:ql)?:\/\//

/** What could not be parsed is not shown: it may be, or hold, a password. */
function parse(connection: PostgresEventStoreOptions['connection']): {
  readonly config: pg.ClientConfig
  readonly parsed: pg.Client
} {
  const isText = typeof connection === 'string'
  if (isText && !URL_OF_A_SERVER.test(connection)) {
    throw refuse('connection', 'A connection is postgres://user@host:port/database, or its parts.')
  }
  if (!isText && (typeof connection !== 'object' || connection === null)) {
    throw refuse('connection', 'A connection is a text or an object.')
  }
  const config = (isText ? { connectionString: connection } : { ...connection }) as pg.ClientConfig
  let parsed: pg.Client
  try {
    parsed = new pg.Client(config)
  } catch {
    // Its error would carry the text, and with it the password.
    throw refuse('connection', 'The connection cannot be read as the address of a server.')
  }
  checkParts(parsed)
  return { config, parsed }
}

function checkParts({ host, port, user, database }: pg.Client): void {
  for (const [part, value] of Object.entries({ host, user, database })) {
    if (value === undefined || value === null) continue
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is refused
    if (typeof value === 'string' && value.isWellFormed() && !/[\u0000-\u001f]/.test(value))
      continue
    throw refuse('connection', `The ${part} of a connection is a text without control characters.`)
  }
  if (Number.isSafeInteger(port) && port >= 1 && port <= 65_535) return
  throw refuse('connection', 'The port of a connection is a number from 1 to 65535.')
}
