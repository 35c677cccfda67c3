/**
 * Opening a log: to read it, or to have a whole runtime on it.
 *
 * 1. Whoever only looks writes nothing: no taxonomy is adopted, no run claimed, no log begun.
 * 2. What is not needed is not loaded: a reader has no authority, no effects, no programs.
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
import { openSqliteEventStore, type SqliteEventStore } from '@ice/events-sqlite'
import { systemClock } from '@ice/primitives'
import type { Runtime } from '@ice/runtime'
import { openSecrets, type SecretsChoice } from '../config/secrets.ts'
import { CLI_CODES, CliError } from '../errors.ts'
import { existingStore, type Invocation } from '../invocation.ts'
import { broughtAlong } from '../program/brought.ts'
import type { FoundProgram } from '../program/find.ts'
import { plain } from '../terminal/text.ts'

/** A log that is only read. */
export interface LogReader {
  readonly log: EventLog
  /** The store, and the segments that its older runs were moved to, as one. */
  readonly store: SqliteEventStore & ArchivedEventStore
  close(): Promise<void>
}

/** Opens a log that is there, to read it. @throws `ICE_CLI_STORE_NOT_FOUND`, and the store's */
export async function openReader(invocation: Invocation): Promise<LogReader> {
  return readLog(await existingStore(invocation))
}

/**
 * Opens the log of a file. Whoever looks at a damaged one must get in.
 * @param types - event types of programs, beside the standard ones
 */
export function readLog(path: string, types: readonly EventType[] = []): LogReader {
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
  return { log, store, close: () => store.close() }
}

/** How a runtime is opened. */
export interface OpenOptions {
  /** Begin a log where none is. */
  readonly create: boolean
  /** Programs it can drive, with what their files bring along. */
  readonly programs?: readonly FoundProgram[]
  /** Where their effects have secrets from. Whoever drives nothing needs none. */
  readonly secrets?: SecretsChoice | null
}

/** Opens a runtime on the log. */
export async function openRuntime(
  invocation: Invocation,
  { create, programs = [], secrets = null }: OpenOptions,
): Promise<Runtime> {
  const path = create ? (await invocation.store()).path : await existingStore(invocation)
  if (create) makeFolder(dirname(path))
  const store = secrets === null ? {} : { secrets: await openSecrets(secrets) }
  const { createRuntime } = await import('@ice/runtime')
  return createRuntime({
    path,
    ...store,
    ...broughtAlong(programs),
  })
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
