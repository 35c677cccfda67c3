/**
 * Turns over all workers: concurrency keys, bounds and rates of queues, in the database.
 *
 * Whoever wants a turn locks the names it is bound by, in one order, counts, and writes: two who
 * ask at once wait for each other, and only where they share a name.
 */
import type { Timestamp } from '@ice/primitives'
import type { Turn, TurnRequest, Turns } from '@ice/runs/ports'
import { type Ask, type PostgresWorkOptions, WorkPlace } from './work-place.ts'

/** Opens turns. @throws as `openPostgresOwnership` */
export async function openPostgresTurns(options: PostgresWorkOptions): Promise<Turns> {
  const place = await WorkPlace.open(options)
  const { s } = place
  return {
    take: (request) => place.transact('write', (ask) => take(ask, s, request)),
    async give(run, owner) {
      const text = `DELETE FROM ${s}.turns WHERE run = $1 AND owner = $2`
      await place.run('write', text, [run, owner])
    },
    async drop(owner) {
      await place.run('write', `DELETE FROM ${s}.turns WHERE owner = $1`, [owner])
    },
    async owners() {
      const rows = await place.run('read', `SELECT DISTINCT owner FROM ${s}.turns ORDER BY 1`)
      return rows.map(([owner]) => String(owner) as TurnRequest['owner'])
    },
    close: () => place.close(),
  }
}

async function take(ask: Ask, s: string, request: TurnRequest): Promise<Turn> {
  const { run, owner, queue, key } = request
  const names = [`queue ${escaped(queue)}`, ...(key === null ? [] : [`key ${escaped(key)}`])]
  for (const name of names.sort()) {
    await ask('SELECT pg_advisory_xact_lock(hashtextextended($1, 1))', [`${s} ${name}`])
  }
  const [[holder] = []] = await ask(`SELECT owner FROM ${s}.turns WHERE run = $1`, [run])
  if (holder !== undefined) return { kind: holder === owner ? 'taken' : 'run' }
  const refused = await refusal(ask, s, request)
  if (refused !== null) return refused
  const values = [run, owner, escaped(queue), key === null ? null : escaped(key)]
  const once = 'ON CONFLICT (run) DO NOTHING RETURNING 1'
  const text = `INSERT INTO ${s}.turns VALUES ($1, $2, $3, $4) ${once}`
  if ((await ask(text, values)).length === 0) return { kind: 'run' }
  if (request.rate !== null) {
    await ask(`INSERT INTO ${s}.starts VALUES ($1, clock_timestamp())`, [escaped(queue)])
  }
  return { kind: 'taken' }
}

async function refusal(ask: Ask, s: string, request: TurnRequest): Promise<Turn | null> {
  const { queue, queueMax, key, keyMax, rate } = request
  const count = async (column: string, name: string): Promise<number> => {
    const text = `SELECT count(*) FROM ${s}.turns WHERE ${column} = $1`
    const [[many] = []] = await ask(text, [escaped(name)])
    return Number(many)
  }
  if (key !== null && (await count('ckey', key)) >= keyMax) return { kind: 'key' }
  if (queueMax !== null && (await count('queue', queue)) >= queueMax) return { kind: 'queue' }
  if (rate === null) return null
  const window = "clock_timestamp() - $2 * interval '1 ms'"
  const name = escaped(queue)
  await ask(`DELETE FROM ${s}.starts WHERE queue = $1 AND at <= ${window}`, [name, rate.perMs])
  const [[many, oldest] = []] = await ask(
    `SELECT count(*), floor(extract(epoch FROM min(at)) * 1000)::bigint FROM ${s}.starts ` +
      'WHERE queue = $1',
    [name],
  )
  if (Number(many) < rate.count) return null
  return { kind: 'rate', until: (Number(oldest) + rate.perMs) as Timestamp }
}

/** A text of the server holds no NUL; here names may. */
export function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\0', '\\0')
}

/** The text that was escaped. */
export function unescaped(text: string): string {
  return text.replace(/\\(\\|0)/g, (_, what: string) => (what === '0' ? '\0' : '\\'))
}
