/**
 * A log on a PostgreSQL server: to read it, to have a runtime on it, and the index of its runs.
 *
 * What workers share (leases, turns, the rows of the index) stands in the schema `<schema>_work`
 * beside the log. Loaded only where a store names a server: its client is a module of its own.
 */
import { composeTaxonomy, createEventLog, standardTypes } from '@ice/events'
import {
  openPostgresEventStore,
  openPostgresOwnership,
  openPostgresRunRows,
  openPostgresTurns,
  type PostgresEventStore,
  type PostgresOpening,
} from '@ice/events-postgres'
import { hasCode, systemClock } from '@ice/primitives'
import type { RunRows } from '@ice/runs/ports'
import { createRuntime, type Runtime, type RuntimeOptions } from '@ice/runtime'
import type { ServerPlace } from '../config/store.ts'
import { CLI_CODES, CliError } from '../errors.ts'
import { noLog } from '../invocation.ts'
import { plain } from '../terminal/text.ts'
import type { ReadOptions, ServerReader } from './open.ts'

/** Opens the log to read it: nothing is begun, migrated or written, unless `opening` says so. */
export async function readServer(
  place: ServerPlace,
  { types = [], opening = 'look' }: ReadOptions,
): Promise<ServerReader> {
  const store = await openStore(place, opening)
  const taxonomy = composeTaxonomy([...standardTypes, ...types])
  const log = createEventLog({ store, taxonomy, clock: systemClock })
  return { kind: 'postgres', log, store, close: () => store.close() }
}

async function openStore(
  place: ServerPlace,
  opening: PostgresOpening,
): Promise<PostgresEventStore> {
  const { schema } = place
  try {
    const connection = place.connection()
    return await openPostgresEventStore({ connection, schema, opening, subscribersKeepAlive: true })
  } catch (error) {
    if (hasCode(error, 'ICE_EVENTS_POSTGRES_LOG_NOT_FOUND')) throw noLog(place, error)
    if (reasonOf(error) === 'no_database') throw noDatabase(place, error)
    throw error
  }
}

function reasonOf(error: unknown): unknown {
  if (!hasCode(error, 'ICE_EVENTS_UNAVAILABLE')) return undefined
  return (error as { readonly data?: { readonly reason?: unknown } }).data?.reason
}

function noDatabase({ name }: ServerPlace, cause: unknown): CliError {
  const message = `There is no such database on the server of ${plain(name)}`
  return new CliError(CLI_CODES.storeNotFound, message, {
    data: { store: name },
    next: ['`createdb <database>` makes one; this command makes schemas, and no databases'],
    cause,
  })
}

/** What workers share. */
function workOf({ schema, connection }: ServerPlace) {
  return { connection: connection(), schema: `${schema}_work` }
}

/** How a runtime is opened. */
export interface ServerRuntimeOptions {
  /** Begin a log where none is. */
  readonly create: boolean
  /** It drives the runs of the whole log. */
  readonly supervises: boolean
}

/** Opens a runtime. Closing it closes everything that was opened for it. */
export async function openServerRuntime(
  place: ServerPlace,
  options: RuntimeOptions,
  { create, supervises }: ServerRuntimeOptions,
): Promise<Runtime> {
  const opened: { close(): Promise<void> }[] = []
  const keep = <T extends { close(): Promise<void> }>(part: T): T => {
    opened.unshift(part)
    return part
  }
  const closeAll = async (): Promise<void> => {
    for (const part of opened) await part.close()
  }
  const work = workOf(place)
  try {
    const store = keep(await openStore(place, create ? 'create' : 'existing'))
    const ownership = keep(await openPostgresOwnership(work))
    const rows = keep(await openPostgresRunRows(work))
    const turns = supervises ? { turns: keep(await openPostgresTurns(work)) } : {}
    const runtime = await createRuntime({ ...options, store, ownership, rows, ...turns })
    return Object.freeze({
      ...runtime,
      async close() {
        await runtime.close()
        await closeAll()
      },
    })
  } catch (error) {
    await closeAll()
    throw error
  }
}

/** Rows of the index that workers keep; `null` where none are, or not for this role. */
export async function openServerRows(place: ServerPlace): Promise<RunRows | null> {
  try {
    return await openPostgresRunRows({ ...workOf(place), opening: 'existing' })
  } catch (error) {
    const isMissing = hasCode(error, 'ICE_EVENTS_POSTGRES_LOG_NOT_FOUND')
    if (isMissing || reasonOf(error) === 'permission') return null
    throw error
  }
}
