/**
 * Opening a log: to read it, or to have a whole runtime on it.
 *
 * 1. Whoever only looks writes nothing: no taxonomy is adopted, no run claimed, no log begun.
 * 2. What is not needed is not loaded: a reader has no authority, no effects, no programs, and
 *    whoever works on a file does not know of servers.
 */
import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { composeTaxonomy, createEventLog, type EventType, standardTypes } from '@ice/events'
import type { EventLog } from '@ice/events/ports'
import {
  type ArchivedEventStore,
  openArchivedEventStore,
  segmentsFolder,
} from '@ice/events-archive'
import type { PostgresEventStore, PostgresOpening } from '@ice/events-postgres'
import { openSqliteEventStore, type SqliteEventStore } from '@ice/events-sqlite'
import { systemClock } from '@ice/primitives'
import type { Runtime, RuntimeOptions } from '@ice/runtime'
import { openSecrets, type SecretsChoice } from '../config/secrets.ts'
import type { StorePlace } from '../config/store.ts'
import { CLI_CODES, CliError } from '../errors.ts'
import { existingStore, type Invocation } from '../invocation.ts'
import { broughtAlong } from '../program/brought.ts'
import type { FoundProgram } from '../program/find.ts'
import { plain } from '../terminal/text.ts'

/** A log in a file that is only read. */
export interface FileReader {
  readonly kind: 'file'
  readonly log: EventLog
  /** The store, and the segments that its older runs were moved to, as one. */
  readonly store: SqliteEventStore & ArchivedEventStore
  close(): Promise<void>
}

/** A log on a server that is only read. */
export interface ServerReader {
  readonly kind: 'postgres'
  readonly log: EventLog
  readonly store: PostgresEventStore
  close(): Promise<void>
}

/** A log that is only read. */
export type LogReader = FileReader | ServerReader

/** How a log is read. */
export interface ReadOptions {
  /** Event types of programs, beside the standard ones. */
  readonly types?: readonly EventType[]
  /** What may be done to a log on a server. @defaultValue `'look'` */
  readonly opening?: PostgresOpening
}

/** Opens a log that is there, to read it. @throws `ICE_CLI_STORE_NOT_FOUND`, and the store's */
export async function openReader(
  invocation: Invocation,
  options: ReadOptions = {},
): Promise<LogReader> {
  return readPlace(await existingStore(invocation), options)
}

/**
 * Opens a log that is in a file, for what is done to files.
 *
 * @param verb - what is done, like `ice log backup`
 * @throws `ICE_CLI_STORE_NOT_FOUND`, `ICE_CLI_STORE_UNSUPPORTED`
 */
export async function openFileReader(invocation: Invocation, verb: string): Promise<FileReader> {
  const store = await existingStore(invocation)
  if (store.kind === 'file') return readLog(store.path)
  throw notOfServer(`\`${verb}\` is for a log in a file, and ${plain(store.name)} is none`)
}

/** The refusal of what cannot be done to a log on a server. */
export function notOfServer(message: string): CliError {
  return new CliError(CLI_CODES.store, message, {
    next: ['`ice log export --output <file>` writes any log, and `ice log import` makes one of it'],
  })
}

/** Opens the log at a place. */
export async function readPlace(place: StorePlace, options: ReadOptions = {}): Promise<LogReader> {
  if (place.kind === 'file') return readLog(place.path, options.types)
  return (await import('./postgres.ts')).readServer(place, options)
}

/**
 * Opens the log of a file. Whoever looks at a damaged one must get in.
 * @param types - event types of programs, beside the standard ones
 */
export function readLog(path: string, types: readonly EventType[] = []): FileReader {
  const live = openSqliteEventStore({
    path,
    clock: systemClock,
    subscribersKeepAlive: true,
    openCheck: 'skip',
  })
  const archived = openArchivedEventStore({ store: live, directory: segmentsFolder(path) })
  const store = { ...live, ...archived, durability: live.durability }
  const taxonomy = composeTaxonomy([...standardTypes, ...types])
  const log = createEventLog({ store, taxonomy, clock: systemClock })
  return { kind: 'file', log, store, close: () => store.close() }
}

/** How a runtime is opened. */
export interface OpenOptions {
  /** Begin a log where none is. */
  readonly create: boolean
  /** Programs it can drive, with what their files bring along. */
  readonly programs?: readonly FoundProgram[]
  /** Where their effects have secrets from. Whoever drives nothing needs none. */
  readonly secrets?: SecretsChoice | null
  /** It drives the runs of the whole log, children too: each by itself. @defaultValue false */
  readonly supervises?: boolean
}

/** Opens a runtime on the log. Closing it closes everything that was opened for it. */
export async function openRuntime(
  invocation: Invocation,
  { create, programs = [], secrets = null, supervises = false }: OpenOptions,
): Promise<Runtime> {
  const store = await (create ? invocation.store() : existingStore(invocation))
  const options: RuntimeOptions = {
    ...(secrets === null ? {} : { secrets: await openSecrets(secrets) }),
    ...broughtAlong(programs),
    ...(supervises ? { drivesChildren: false } : {}),
  }
  if (store.kind === 'postgres') {
    const { openServerRuntime } = await import('./postgres.ts')
    return openServerRuntime(store, options, { create, supervises })
  }
  if (create) makeFolder(dirname(store.path))
  const { createRuntime } = await import('@ice/runtime')
  return createRuntime({ ...options, path: store.path })
}

/** Makes the folder of a log. @throws `ICE_CLI_STORE_NOT_FOUND` */
export function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true })
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown'
    const message = `The folder ${plain(folder)} for the log cannot be made (${code})`
    throw new CliError(CLI_CODES.storeNotFound, message, {
      next: ['choose another place with --store <path>'],
      cause,
    })
  }
}

/** Runs `use` on an opened thing, and closes it whatever happens. */
export async function using<T extends { close(): Promise<void> }, R>(
  opened: T,
  use: (opened: T) => Promise<R>,
): Promise<R> {
  try {
    return await use(opened)
  } finally {
    await opened.close()
  }
}
