/** The runtime of a worker: on the SQLite log of the command, or on a PostgreSQL server. */

import { dirname } from 'node:path'
import type { PostgresOwnership } from '@ice/events-postgres'
import { createRuntime, type Runtime, type RuntimeOptions } from '@ice/runtime'
import { openSecrets } from '../config/secrets.ts'
import type { Invocation } from '../invocation.ts'
import { makeFolder } from '../log/open.ts'
import { broughtAlong } from '../program/brought.ts'
import type { FoundProgram } from '../program/find.ts'

/** Where the log of a worker is. */
export interface WorkerLog {
  /** `postgres://…`; left out: the SQLite log of the command. */
  readonly postgres?: string
  readonly schema?: string
}

/** Opens the runtime. Closing it closes everything that was opened for it. */
export async function openWorkerRuntime(
  invocation: Invocation,
  programs: readonly FoundProgram[],
  { postgres, schema = 'ice' }: WorkerLog,
): Promise<Runtime> {
  const { secrets } = await invocation.config()
  const common: RuntimeOptions = {
    ...(secrets === null ? {} : { secrets: await openSecrets(secrets) }),
    ...broughtAlong(programs),
    drivesChildren: false,
  }
  if (postgres !== undefined) return onPostgres(common, postgres, schema)
  const { path } = await invocation.store()
  makeFolder(dirname(path))
  return createRuntime({ ...common, path })
}

async function onPostgres(
  common: RuntimeOptions,
  connection: string,
  schema: string,
): Promise<Runtime> {
  const opening = await import('@ice/events-postgres')
  const opened: { close(): Promise<void> }[] = []
  const keep = <T extends { close(): Promise<void> }>(part: T): T => {
    opened.unshift(part)
    return part
  }
  const closeAll = async (): Promise<void> => {
    for (const part of opened) await part.close()
  }
  const work = { connection, schema: `${schema}_work` }
  try {
    const store = keep(await opening.openPostgresEventStore({ connection, schema }))
    const rows = keep(await opening.openPostgresRunRows(work))
    const turns = keep(await opening.openPostgresTurns(work))
    const ownership: PostgresOwnership = keep(await opening.openPostgresOwnership(work))
    const runtime = await createRuntime({ ...common, store, ownership, rows, turns })
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
