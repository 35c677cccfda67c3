/**
 * The process one side of the contest runs in: its adapter, and the load generator of all.
 *
 *     host.ts <adapter> <folder for its files> [<URL of a PostgreSQL database>]
 *
 * It says `{ pids }` when it is open, these being the processes that sync for it, its own first.
 * Told a load, it answers with what was done. It ends when it is
 * let go, and so when whoever started it is gone.
 */
import { pathToFileURL } from 'node:url'
import { median, percentile } from '../../harness/rounds.ts'
import { type Load, load, rateOf } from '../parts/load.ts'

/** What an adapter exports. */
export interface Adapter {
  open(place: { readonly folder: string; readonly postgres: string }): Promise<{
    /** One run, to its end; it gives `done`. */
    once(): Promise<unknown>
    /** Servers of its own. */
    readonly pids?: readonly number[]
    close(): Promise<void>
  }>
}

/** What was done in a round. */
export interface Round {
  readonly runs: number
  /** @units runs/s */
  readonly rate: number
  /** @units ms */
  readonly p50: number
  /** @units ms */
  readonly p99: number
}

const [adapter = '', folder = '', postgres = ''] = process.argv.slice(2)
const { open } = (await import(pathToFileURL(adapter).href)) as Adapter
const side = await open({ folder, postgres })

const once = async (): Promise<void> => {
  const result = await side.once()
  if (result !== 'done') throw new TypeError(`a run ended with ${JSON.stringify(result)}`)
}

const round = async (order: Load): Promise<Round> => {
  const done = await load(order, once)
  const { calls, times } = done
  return { runs: calls, rate: rateOf(done), p50: median(times), p99: percentile(times, 0.99) }
}

const end = async (): Promise<void> => {
  await side.close()
  process.exit(0)
}

process.on('disconnect', () => void end())
process.on('message', (order: Load) => {
  void round(order).then((done) => process.send?.(done))
})
await once()
process.send?.({ pids: [process.pid, ...(side.pids ?? [])] })
