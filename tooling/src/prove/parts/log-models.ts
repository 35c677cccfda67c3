/**
 * R8: stores refine the one in memory, over thousands of random sequences of everything that can
 * be done to a log. A sequence that tells them apart is shrunk to the shortest that does.
 */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { openPostgresEventStore } from '@ice/events-postgres'
import { openSqliteEventStore } from '@ice/events-sqlite'
import fc from 'fast-check'
import type { CheckRecorder } from '../../harness/recorder.ts'
import type { TopicContext } from '../../harness/topics.ts'
import { findPostgres } from '../../lib/postgres-server.ts'
import { quickFolder } from '../../lib/quick-folder.ts'
import { holdToModel, type ModelSubject } from '../../models/log-model.ts'
import { type LogStep, logSteps } from '../../models/log-steps.ts'
import { seedNumber } from './fuzz/chance.ts'
import { dropPlace } from './history-store.ts'
import type { LogPart, LogPartInit } from './log-part.ts'

type Context = TopicContext & CheckRecorder

const RUNS = 10_000
const RUNS_FULL = 10_000_000
const RUNS_POSTGRES = 150
const RUNS_FULL_POSTGRES = 100_000
/** Runs of one seed: a case is repeated by its batch, and progress is shown between two. */
const BATCH = 250

/** Makes the proof; `only` is `sqlite`, `postgres`, or one case of it: `sqlite/<seed>/<path>`. */
export const proveModels: LogPart = async (context, init) => {
  await onSqlite(context, init)
  await onPostgres(context, init)
}

const onSqlite = async (context: Context, init: LogPartInit): Promise<void> => {
  const base = quickFolder('ice-models-')
  let number = 0
  try {
    await prove(context, init, {
      store: 'sqlite',
      runs: init.full ? RUNS_FULL : RUNS,
      async subject(use) {
        number += 1
        const folder = join(base, `${number}`)
        const path = `${folder}.db`
        try {
          await use({
            open: (clock) => openSqliteEventStore({ path, clock, durability: 'process' }),
          })
        } finally {
          for (const suffix of ['', '-wal', '-shm']) rmSync(`${path}${suffix}`, { force: true })
        }
      },
    })
  } finally {
    rmSync(base, { recursive: true, force: true })
  }
}

const onPostgres = async (context: Context, init: LogPartInit): Promise<void> => {
  if (init.only?.startsWith('sqlite') === true) return
  const found = await findPostgres()
  if (found.server === undefined) {
    context.skip('random sequences on PostgreSQL', found.why)
    return
  }
  const { server } = found
  let number = 0
  try {
    await prove(context, init, {
      store: 'postgres',
      runs: init.full ? RUNS_FULL_POSTGRES : RUNS_POSTGRES,
      async subject(use) {
        number += 1
        const schema = `m${process.pid}-${number}`
        const connection = server.url
        try {
          await use({
            open: (clock) =>
              openPostgresEventStore({ connection, schema, clock, durability: 'process' }),
          })
        } finally {
          await dropPlace({ kind: 'postgres', url: connection, schema })
        }
      },
    })
  } finally {
    await server.stop()
  }
}

interface Models {
  readonly store: 'sqlite' | 'postgres'
  readonly runs: number
  /** Gives a log of its own to one run. */
  readonly subject: (use: (subject: ModelSubject) => Promise<void>) => Promise<void>
}

const prove = async (context: Context, init: LogPartInit, models: Models): Promise<void> => {
  const { store, runs, subject } = models
  if (init.only !== undefined && init.only.split('/')[0] !== store) return
  const [, again, path] = init.only?.split('/') ?? []
  let steps = 0
  const property = fc.asyncProperty(logSteps, async (chosen: readonly LogStep[]) => {
    steps += chosen.length
    await subject((each) => holdToModel(each, chosen))
  })
  const batch = async (seed: number, numRuns: number, start?: string): Promise<void> => {
    const options = start === undefined ? { seed, numRuns } : { seed, numRuns, path: start }
    const details = await fc.check(property, options)
    if (!details.failed) return
    const { counterexamplePath, errorInstance } = details
    const which = `${store}/${seed}/${counterexamplePath ?? ''}`
    const why = errorInstance instanceof Error ? errorInstance.message : String(errorInstance)
    const shortest = JSON.stringify(details.counterexample)
    throw new Error(`${why}\n  after ${shortest}\n  again: ${init.again(which)}`)
  }
  await context.check(`${store} answers and keeps what the store in memory does`, async () => {
    if (again !== undefined) {
      await batch(Number(again), 1, path)
      return steps
    }
    for (let done = 0; done < runs; done += BATCH) {
      context.progress(`${done} of ${runs} sequences on ${store}`)
      const seed = seedNumber(`${init.seed}/${store}/${done}`) | 0
      await batch(seed, Math.min(BATCH, runs - done))
    }
    return runs
  })
  context.say(`  ${store}: ${steps} steps`)
}
