/**
 * Where a log is: a file, or a schema of a PostgreSQL database.
 *
 *     store    = path | address
 *     address  = ("postgres" | "postgresql") "://" [user [":" password] "@"] host [":" port]
 *                "/" database ["?" parameter *("&" parameter)]
 *     schema   = "schema" "=" name       ; ours: taken out before the rest is handed on
 *
 * The trap: an address may hold a password, and addresses are repeated in messages, in JSON and in
 * suggested commands. So the address as it was typed is behind a function, which no printer calls,
 * and everything else is made of parts that hold no secret. What cannot be read is never repeated,
 * and what is no parameter we know is refused: in `u:12?34@host/db` it would be half a password.
 */
import { resolve } from 'node:path'
import { CLI_CODES, CliError } from '../errors.ts'
import { SCHEMA_CHARS_MAX } from '../limits.ts'

/** A log in a file. */
export interface FilePlace {
  readonly kind: 'file'
  /** Absolute. */
  readonly path: string
  /** As it is printed. */
  readonly name: string
}

/** A log on a server. */
export interface ServerPlace {
  readonly kind: 'postgres'
  readonly schema: string
  /** As it is printed: where it is, and not as whom. */
  readonly name: string
  /** As it is repeated in commands: everything but secrets. */
  readonly address: string
  /** What the client of the server is given. It may hold a password. */
  connection(): string
}

/** Where a log is. */
export type StorePlace = FilePlace | ServerPlace

/** A place as JSON has it. */
export function placeRecord(
  place: StorePlace,
): { readonly path: string } | { readonly store: string } {
  return place.kind === 'file' ? { path: place.path } : { store: place.name }
}

/** The schema of an address that names none. */
const DEFAULT_SCHEMA = 'ice'

/** Parameters that hold a secret; those behind them are heeded by the client, and hold none. */
const SECRET = ['password']
const HEEDED = [
  ...['host', 'port', 'user', 'options'],
  ...['ssl', 'sslmode', 'sslcert', 'sslkey', 'sslrootcert', 'sslnegotiation', 'uselibpqcompat'],
]
/** Modes of TLS that the client takes for `verify-full`. */
const VERIFIED = ['prefer', 'require', 'verify-ca']
/** What is left of an address that is printed. */
const SHOWN = ['host', 'port', 'schema']

/** Anything that somebody may have meant as an address: no path begins so. */
const ADDRESS = /^(?:[a-z][a-z0-9+.-]*:\/\/|postgres(?:ql)?:)/i
const POSTGRES = /^postgres(?:ql)?:\/\//i
const SCHEMA = /^[a-z][a-z0-9_-]*$/

/**
 * Reads where a log is.
 *
 * @param folder - what paths are relative to
 * @throws `ICE_CLI_STORE_UNSUPPORTED`
 */
export function parseStore(text: string, folder: string): StorePlace {
  if (ADDRESS.test(text)) return parseAddress(text)
  const path = resolve(folder, text)
  return { kind: 'file', path, name: path }
}

/** A store as a later command has to repeat it: as it was typed, but for a password. */
export function repeatable(text: string): string {
  return ADDRESS.test(text) ? parseAddress(text).address : text
}

function parseAddress(text: string): ServerPlace {
  if (!POSTGRES.test(text))
    throw refused('A store is a path, or the address of a PostgreSQL server')
  const url = parsed(text)
  const names = [...url.searchParams.keys()]
  const isOdd = names.some((name) => ![...HEEDED, ...SECRET, 'schema'].includes(name))
  if (isOdd || new Set(names).size < names.length) {
    throw refused('The address of a store has a parameter that is not heeded, or one twice', [
      `the parameters are schema, ${[...HEEDED, ...SECRET].join(', ')}`,
    ])
  }
  const schema = checkedSchema(url.searchParams.get('schema') ?? DEFAULT_SCHEMA)
  const handed = new URL(url)
  handed.searchParams.delete('schema')
  // What the client takes them for, warning of it on stderr every time.
  const { searchParams: given } = handed
  const isLibpq = given.get('uselibpqcompat') === 'true'
  if (!isLibpq && VERIFIED.includes(given.get('sslmode') ?? '')) given.set('sslmode', 'verify-full')
  url.searchParams.set('schema', schema)
  for (const name of SECRET) url.searchParams.delete(name)
  if (url.password !== '') url.password = ''
  const address = url.href
  if (url.username !== '') url.username = ''
  for (const name of names) if (!SHOWN.includes(name)) url.searchParams.delete(name)
  const { href } = handed
  return { kind: 'postgres', schema, name: url.href, address, connection: () => href }
}

function parsed(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null
  // A password with a character of addresses in it has its end where no password can be.
  const isCut = url === null || url.hash !== '' || /[@/]/.test(url.pathname.slice(1))
  if (!isCut) return url
  throw refused('The address of a store cannot be read: it is postgres://user@host:port/database', [
    'in a user or a password write @ as %40, / as %2F, ? as %3F, # as %23 and : as %3A',
  ])
}

function checkedSchema(schema: string): string {
  if (SCHEMA.test(schema) && schema.length <= SCHEMA_CHARS_MAX) return schema
  throw refused('The schema of a store cannot be one', [
    `a schema is named with at most ${SCHEMA_CHARS_MAX} of a-z, 0-9, _ and -, a letter first`,
  ])
}

function refused(message: string, next: readonly string[] = []): CliError {
  return new CliError(CLI_CODES.store, message, {
    next: [...next, 'like postgres://user@host/database?schema=ice, its password in PGPASSWORD'],
  })
}
