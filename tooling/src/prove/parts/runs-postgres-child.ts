/**
 * A worker under proof: a runtime on PostgreSQL with a supervisor, as `ice worker` composes it,
 * whose handlers and whose store leave traces that the log knows nothing of.
 *
 * 1. `witness`: each step of each act. The act itself is the line `acted`.
 * 2. `appends`: what it is about to append to a run, and what it was told is in the log.
 *
 * Each line is one `write(2)` at the end of a file: it is there or not, whatever becomes of the
 * process. Its parent is told of each step too, and has something befall it then.
 */
import { openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import {
  openPostgresEventStore,
  openPostgresOwnership,
  openPostgresRunRows,
  openPostgresTurns,
} from '@ice/events-postgres'
import { errorRecord, hasCode } from '@ice/primitives'
import { createRuntime } from '@ice/runtime'
import { PROGRAMS } from './runs-postgres-programs.ts'
import {
  type ActLine,
  type AppendLine,
  asking,
  handlersOf,
  noting,
} from './runs-postgres-traces.ts'

/** What a worker is told, as JSON in its first argument. */
export interface WorkerJob {
  readonly url: string
  readonly schema: string
  readonly folder: string
  readonly name: string
  readonly leaseMs: number
}

/** What a worker says to its parent. */
export type WorkerSays =
  | { readonly is: 'ready'; readonly owner: string }
  | { readonly is: 'at'; readonly step: ActLine['at'] }
  | { readonly is: 'error'; readonly code: string; readonly message: string }
  | { readonly is: 'pong' }

/** How it ends when its lease has ended under it, and when there is no server to begin with. */
export const EXIT_LOST = 4
export const EXIT_UNAVAILABLE = 75

const work = async (job: WorkerJob): Promise<void> => {
  const { schema, name } = job
  const say = (says: WorkerSays): void => {
    if (process.connected) process.send?.(says)
  }
  const append = (file: string): ((line: ActLine | AppendLine) => void) => {
    const to = openSync(join(job.folder, file), 'a')
    return (line) => {
      writeSync(to, `${JSON.stringify(line)}\n`)
    }
  }
  const place = { connection: job.url, connectTimeoutMs: 1_000 }
  const store = await openPostgresEventStore({
    ...{ ...place, schema, lockWaitMs: 4_000, statementTimeoutMs: 2_000 },
    silentTransactionMs: 800,
  })
  const shared = { ...place, schema: `${schema}_work` }
  const rows = await openPostgresRunRows(shared)
  const turns = await openPostgresTurns(shared)
  const lease = await openPostgresOwnership({ ...shared, leaseMs: job.leaseMs })
  const asked = asking(lease)
  const witness = append('witness')
  const act = (line: ActLine): void => {
    witness(line)
    say({ is: 'at', step: line.at })
  }
  const runtime = await createRuntime({
    store: noting(store, name, append('appends')),
    ...{ ownership: asked.ownership, rows, turns, bare: true, drivesChildren: false },
    effects: handlersOf(name, act, asked.askedAt),
    programs: PROGRAMS,
    compensation: { attempts: 20, firstMs: 100, factor: 2, maxMs: 1_000, timeoutMs: 20_000 },
  })
  const supervisor = await runtime.supervise({
    concurrency: 6,
    onError: (error) => {
      const { code, message } = errorRecord(error)
      say({ is: 'error', code, message })
    },
  })
  process.on('message', (told: 'ping' | 'drain') => {
    if (told === 'ping') say({ is: 'pong' })
    else void supervisor.drain({ withinMs: 5_000 })
  })
  say({ is: 'ready', owner: lease.self })
  const state = await supervisor.ended
  if (state === 'lost') process.exit(EXIT_LOST)
  await runtime.close()
  for (const part of [lease, turns, rows, store]) await part.close()
  process.disconnect()
}

// Read by the prover for its types too: only a process that was told a job works.
const [, , told] = process.argv
if (process.send !== undefined && told !== undefined) {
  try {
    await work(JSON.parse(told) as WorkerJob)
  } catch (error) {
    if (!hasCode(error, 'ICE_EVENTS_UNAVAILABLE')) throw error
    process.exit(EXIT_UNAVAILABLE)
  }
}
