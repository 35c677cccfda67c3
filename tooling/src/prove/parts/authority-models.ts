/**
 * R8, of budgets and grants: whatever is done under shared grants, by runs of processes that die,
 * nothing is overspent at any event, every refusal tells the truth, and what is not spent comes
 * back. A sequence that breaks a promise is shrunk to the shortest that does.
 *
 *     ICE_PROVE_ONLY=R8 ICE_PROVE_SEED=…                        the same choices
 *     ICE_PROVE_CASE=<store>/<seed>/<path>                      this sequence alone
 */
import { randomInt } from 'node:crypto'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { type EventStore, memoryEventStore } from '@ice/events'
import { openPostgresEventStore } from '@ice/events-postgres'
import { openSqliteEventStore } from '@ice/events-sqlite'
import type { Clock } from '@ice/primitives'
import fc from 'fast-check'
import type { CheckRecorder } from '../../harness/recorder.ts'
import type { TopicContext } from '../../harness/topics.ts'
import { findPostgres } from '../../lib/postgres-server.ts'
import { quickFolder } from '../../lib/quick-folder.ts'
import { type AuthoritySubject, holdToLedger } from '../../models/authority-model.ts'
import { authorityCases } from '../../models/authority-steps.ts'
import { seedNumber } from './fuzz/chance.ts'
import { dropPlace } from './history-store.ts'

type Context = TopicContext & CheckRecorder

/** Sequences on the store in memory, and what a release wants. */
const RUNS = 10_000
const RUNS_FULL = 1_000_000
/** On stores that are slower by their nature: what differs is how appends of two meet. */
const RUNS_SQLITE = 300
const RUNS_POSTGRES = 40
/** Runs of one seed: a case is repeated by its batch, and progress is shown between two. */
const BATCH = 100

/** Gives a log of its own to one sequence. */
type Use = (work: (subject: AuthoritySubject) => Promise<void>) => Promise<void>

/** Makes the proof. */
export const authorityModels = async (context: Context): Promise<void> => {
  const only = process.env['ICE_PROVE_CASE']?.split('/')
  const seed = process.env['ICE_PROVE_SEED'] ?? String(randomInt(2 ** 32))
  context.say(`  seed ${seed}`)
  const wants = (store: string): boolean => only === undefined || only[0] === store
  const many = context.full ? RUNS_FULL / RUNS : 1
  const prove = (store: string, runs: number, use: Use): Promise<void> =>
    onStore(context, {
      store,
      runs: runs * many,
      use,
      seed,
      ...(only === undefined ? {} : { only }),
    })
  if (wants('memory')) await prove('memory', RUNS, inMemory)
  if (wants('sqlite')) await onSqlite((use) => prove('sqlite', RUNS_SQLITE, use))
  if (wants('postgres')) await onPostgres(context, (use) => prove('postgres', RUNS_POSTGRES, use))
}

const inMemory: Use = (work) => {
  let store: EventStore | undefined
  return work({
    open(clock: Clock) {
      store ??= memoryEventStore({ clock })
      return store
    },
  })
}

const onSqlite = async (prove: (use: Use) => Promise<void>): Promise<void> => {
  const base = quickFolder('ice-authority-')
  let number = 0
  try {
    await prove(async (work) => {
      number += 1
      const path = join(base, `${number}.db`)
      const open = (clock: Clock) => openSqliteEventStore({ path, clock, durability: 'process' })
      await work({ open })
      for (const suffix of ['', '-wal', '-shm']) rmSync(`${path}${suffix}`, { force: true })
    })
  } finally {
    rmSync(base, { recursive: true, force: true })
  }
}

const onPostgres = async (context: Context, prove: (use: Use) => Promise<void>): Promise<void> => {
  const found = await findPostgres()
  if (found.server === undefined) {
    context.skip('budgets on PostgreSQL', found.why)
    return
  }
  const { server } = found
  let number = 0
  try {
    await prove(async (work) => {
      number += 1
      const schema = `a${process.pid}-${number}`
      const place = { connection: server.url, schema, durability: 'process' } as const
      try {
        await work({ open: (clock) => openPostgresEventStore({ ...place, clock }) })
      } finally {
        await dropPlace({ kind: 'postgres', url: server.url, schema })
      }
    })
  } finally {
    await server.stop()
  }
}

interface StoreInit {
  readonly store: string
  readonly runs: number
  readonly use: Use
  readonly seed: string
  readonly only?: readonly string[]
}

const onStore = async (
  context: Context,
  { store, runs, use, seed, only }: StoreInit,
): Promise<void> => {
  const counts = { intents: 0, slices: 0, missed: 0, refusals: 0, overspends: 0 }
  const property = fc.asyncProperty(authorityCases, (chosen) =>
    use(async (subject) => {
      const found = await holdToLedger(subject, chosen)
      for (const name of Object.keys(counts) as (keyof typeof counts)[]) counts[name] += found[name]
    }),
  )
  const batch = async (number: number, numRuns: number, path?: string): Promise<void> => {
    const options = path === undefined ? { seed: number, numRuns } : { seed: number, numRuns, path }
    const details = await fc.check(property, options)
    if (!details.failed) return
    const { counterexamplePath, errorInstance } = details
    const why = errorInstance instanceof Error ? errorInstance.message : String(errorInstance)
    const which = `${store}/${number}/${counterexamplePath ?? ''}`
    throw new Error(
      `${why}\n  after ${JSON.stringify(details.counterexample)}\n` +
        `  again: ICE_PROVE_ONLY=R8 ICE_PROVE_CASE='${which}' npm run prove -- authority`,
    )
  }
  await context.check(
    `budgets hold at every event, and refusals are true, on ${store}`,
    async () => {
      if (only !== undefined) {
        await batch(Number(only[1]), 1, only[2])
        return counts.intents
      }
      for (let done = 0; done < runs; done += BATCH) {
        context.progress(`${done} of ${runs} sequences on ${store}`)
        await batch(seedNumber(`${seed}/${store}/${done}`) | 0, Math.min(BATCH, runs - done))
      }
      // A ledger that was shown nothing agrees with everything.
      if (Math.min(...Object.values(counts)) === 0) throw new Error(JSON.stringify(counts))
      return runs
    },
  )
  const told = Object.entries(counts).map(([name, count]) => `${count} ${name}`)
  context.say(`  ${store}: ${told.join(', ')}`)
}
