/**
 * R10: what several processes do to one log at the same time is as if it had been done by one,
 * one thing after another.
 *
 * The checker is first held to verdicts that others gave on histories that others recorded. One
 * that gets a single of them wrong proves nothing about ours.
 *
 * A history that has no order is kept as a file: `ICE_PROVE_HISTORY=<file>` judges it again,
 * without a store.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { CheckRecorder } from '../../harness/recorder.ts'
import type { TopicContext } from '../../harness/topics.ts'
import { findPostgres } from '../../lib/postgres-server.ts'
import { findFault, loadHistory, saveHistory } from '../../linearizability/examine.ts'
import { checkRecorded, misjudged } from '../../linearizability/recorded.ts'
import { vectors } from '../../vectors.ts'
import { openPool, type Pool } from './history-pool.ts'
import { recordHistory } from './history-run.ts'
import { dropPlace, type LogPlace } from './history-store.ts'
import type { LogPart, LogPartInit } from './log-part.ts'

type Context = TopicContext & CheckRecorder

const HISTORIES = 50
const HISTORIES_FULL = 20_000
/** A history on a server costs more than one on a file, and has less that could go wrong in it. */
const HISTORIES_FULL_POSTGRES = 5_000

/** Makes the proof; `only` is `sqlite`, `postgres`, or one history of it: `sqlite/<number>`. */
export const proveHistories: LogPart = async (context, init) => {
  const saved = process.env['ICE_PROVE_HISTORY']
  if (saved !== undefined) {
    await judgeAgain(context, saved)
    return
  }
  if (!(await validate(context))) return
  const pool = openPool()
  const base = mkdtempSync(join(tmpdir(), 'ice-histories-'))
  try {
    await onSqlite(context, init, { pool, base })
    await onPostgres(context, init, { pool, base })
  } finally {
    await pool.close()
    rmSync(base, { recursive: true, force: true })
  }
}

const judgeAgain = (context: Context, path: string): Promise<boolean> =>
  context.check(`the history in ${path} has an order`, () => {
    const history = loadHistory(path)
    const fault = findFault(history)
    if (fault !== undefined) throw new Error(fault)
    return history.operations.length
  })

/** Where the vectors are missing it is skipped by name, and the checker has its own tests. */
const validate = async (context: Context): Promise<boolean> => {
  const name = 'the checker says of every recorded history what is known of it'
  const folder = vectors('linearizability')
  if (folder === undefined) {
    context.skip(name, 'needs vectors/linearizability')
    return true
  }
  return context.check(name, () => {
    const verdicts = checkRecorded(folder)
    const wrong = misjudged(verdicts)
    if (wrong.length > 0) throw new Error(JSON.stringify(wrong))
    return verdicts.length
  })
}

interface Rig {
  readonly pool: Pool
  readonly base: string
}

const onSqlite = async (context: Context, init: LogPartInit, rig: Rig): Promise<void> => {
  const count = init.full ? HISTORIES_FULL : HISTORIES
  await record(context, init, {
    ...rig,
    store: 'sqlite',
    count,
    placeOf: (number, folder) => ({
      kind: 'sqlite',
      path: join(folder, 'log.db'),
      durability: number % 4 === 0 ? 'disk' : 'process',
    }),
  })
}

const onPostgres = async (context: Context, init: LogPartInit, rig: Rig): Promise<void> => {
  if (init.only?.startsWith('sqlite') === true) return
  const found = await findPostgres()
  if (found.server === undefined) {
    context.skip('histories on PostgreSQL', found.why)
    return
  }
  const { server } = found
  try {
    await record(context, init, {
      ...rig,
      store: 'postgres',
      count: init.full ? HISTORIES_FULL_POSTGRES : HISTORIES,
      placeOf: (number) => ({
        kind: 'postgres',
        url: server.url,
        schema: `h${process.pid}-${number}`,
      }),
    })
  } finally {
    await server.stop()
  }
}

interface Recording extends Rig {
  readonly store: LogPlace['kind']
  readonly count: number
  readonly placeOf: (number: number, folder: string) => LogPlace
}

/** All of a store's, or the one that was asked for. */
const chosen = (only: string | undefined, store: string, count: number): readonly number[] => {
  const all = Array.from({ length: count }, (_, number) => number)
  if (only === undefined || only === store) return all
  return only.startsWith(`${store}/`) ? [Number(only.slice(store.length + 1))] : []
}

const record = async (context: Context, init: LogPartInit, recording: Recording): Promise<void> => {
  const { store, count, base, pool, placeOf } = recording
  const numbers = chosen(init.only, store, count)
  if (numbers.length === 0) return
  const counts = { operations: 0, kills: 0, unknown: 0 }
  const began = performance.now()
  await context.check(`histories of several processes on ${store} are linearizable`, async () => {
    for (const number of numbers) {
      context.progress(`${number} of ${count} histories on ${store}`)
      const folder = join(base, `${store}-${number}`)
      mkdirSync(folder)
      const place = placeOf(number, folder)
      const seed = `${init.seed}/${store}/${number}`
      const { history, kills } = await recordHistory({ seed, place, folder, pool })
      await dropPlace(place)
      const fault = findFault(history)
      if (fault !== undefined) {
        const kept = join(tmpdir(), `ice-history-${process.pid}-${store}-${number}.json`)
        saveHistory(kept, history)
        const again = init.again(`${store}/${number}`)
        const judge = `judge it again: ICE_PROVE_HISTORY=${kept} ${again}`
        throw new Error(`${fault}\n  record the like of it: ${again}\n  ${judge}`)
      }
      counts.operations += history.operations.length
      counts.kills += kills
      counts.unknown += history.operations.filter(({ output }) => output.kind === 'unknown').length
    }
    return numbers.length
  })
  const seconds = Math.round((performance.now() - began) / 1_000)
  context.say(
    `  ${store}: ${counts.operations} operations, ${counts.kills} processes killed, ` +
      `${counts.unknown} outcomes unknown, ${seconds} s`,
  )
}
