/**
 * Appending to PostgreSQL from two writer processes (P4).
 *
 * Both sides write from the same two processes to tables of the same shape on the same server, in
 * turns. Ours validates, guards, expects versions and hashes; the peer sends bytes that were ready
 * before the clock started, 256 rows a statement. The server works on the same two cores as the
 * writers, so what is compared is the work of all of them, not a latency.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { openPostgresEventStore } from '@ice/events-postgres'
import { type Figure, figure } from '../harness/figure.ts'
import { compete } from '../harness/rounds.ts'
import type { BenchTopic } from '../harness/topics.ts'
import { findPostgres } from '../lib/postgres-server.ts'
import type { Order } from './parts/postgres-writer.ts'

const WRITERS = 2
const WRITER = fileURLToPath(new URL('./parts/postgres-writer.ts', import.meta.url))

const answered = (child: ChildProcess): Promise<void> =>
  new Promise((resolve, reject) => {
    const fail = (code: number | null): void => reject(new TypeError(`a writer ended: ${code}`))
    child.once('exit', fail)
    child.once('message', () => {
      child.removeListener('exit', fail)
      resolve()
    })
  })

/** Gives both writers an order, and waits until both have carried it out. */
const tell = async (writers: readonly ChildProcess[], order: Order): Promise<void> => {
  await Promise.all(
    writers.map((writer) => {
      const done = answered(writer)
      writer.send(order)
      return done
    }),
  )
}

interface Size {
  readonly id: 'P4' | 'P4-2KB'
  readonly payloadBytes: number
  /** Of each writer, in a round; whole batches. */
  readonly events: number
}

const SIZES: readonly Size[] = [
  { id: 'P4', payloadBytes: 200, events: 256 * 100 },
  { id: 'P4-2KB', payloadBytes: 2_000, events: 256 * 40 },
]

const measure = async (url: string, size: Size, rounds: number): Promise<Figure> => {
  const { id, payloadBytes, events } = size
  const schema = `bench-${payloadBytes}-${process.pid}`
  for (const side of ['ours', 'hand']) {
    const store = await openPostgresEventStore({ connection: url, schema: `${schema}-${side}` })
    await store.close()
  }
  const writers = Array.from({ length: WRITERS }, (_, at) =>
    fork(WRITER, [url, schema, `w${at}`, String(payloadBytes)]),
  )
  await Promise.all(writers.map(answered))
  const side = async (what: 'ours' | 'hand'): Promise<number> => {
    if (what === 'hand') await tell(writers, { what: 'prepare', events })
    const start = performance.now()
    await tell(writers, { what, events })
    return (WRITERS * events) / ((performance.now() - start) / 1000)
  }
  // What a writer does for each event is compiled only after some hundred thousand of them.
  const contest = await compete({
    rounds,
    warmUps: 3,
    ours: () => side('ours'),
    peer: () => side('hand'),
  })
  await tell(writers, { what: 'end', events: 0 })
  return figure(id, {
    value: contest.ours,
    unit: 'events/s',
    against: `${Math.round(contest.peer)} events/s of the bare statement`,
    ratio: contest.ratio,
  })
}

export const topic: BenchTopic = {
  summary: 'append to PostgreSQL from two processes, against the bare statement (P4)',
  async run({ full, say }) {
    const found = await findPostgres()
    if (found.server === undefined) {
      say(found.why)
      return SIZES.map(({ id }) => figure(id, { value: undefined, unit: 'events/s' }))
    }
    try {
      const figures: Figure[] = []
      for (const size of SIZES) {
        say(`${WRITERS} writers, ${size.events} events each a round, ${size.payloadBytes} B`)
        figures.push(await measure(found.server.url, size, full ? 9 : 5))
      }
      return figures
    } finally {
      await found.server.stop()
    }
  },
}
