/**
 * One writer process of the bench: told to, it appends so many events and says that it is done.
 *
 *     postgres-writer.ts <url> <schema> <name> <payload bytes>
 *
 * `ours` goes through the gateway: every event is a unit of its own, with an expected version and a
 * guard, 256 of them at a time. `hand` is what somebody would write who needs none of that: the
 * same tables, the same insert of 256 rows with the counter in one statement, bytes and hashes
 * made beforehand.
 */
import { composeTaxonomy, createEventLog, defineEventType } from '@ice/events'
import { openPostgresEventStore } from '@ice/events-postgres'
import { leafHash, type StreamId, type StreamVersion, systemClock } from '@ice/primitives'
import pg from 'pg'
import { z } from 'zod'

/** What the parent asks for. */
export interface Order {
  readonly what: 'prepare' | 'ours' | 'hand' | 'end'
  readonly events: number
}

const BATCH = 256

const [url = '', schema = '', name = '', payloadBytes = '200'] = process.argv.slice(2)
const text = 'the run read a file and noted what it saw there '.repeat(50).slice(0, +payloadBytes)
const NoteTaken = defineEventType({
  type: 'NoteTaken',
  category: 'domain',
  description: 'Something was noted.',
  payload: z.strictObject({ text: z.string(), n: z.int() }),
})
const taxonomy = composeTaxonomy([NoteTaken])
const guard = { stream: 'policy/none' as StreamId, version: 0 }

const store = await openPostgresEventStore({ connection: url, schema: `${schema}-ours` })
const log = createEventLog({ store, taxonomy, clock: systemClock })
const client = new pg.Client({ connectionString: url })
await client.connect()

let rounds = 0

const ours = async (events: number): Promise<void> => {
  rounds += 1
  const lane = async (lane: number): Promise<void> => {
    const stream = `note/${name}-${rounds}-${lane}` as StreamId
    for (let n = 0; n < events / BATCH; n += 1) {
      await log.append({
        writes: [
          {
            stream,
            expectedVersion: n as StreamVersion,
            events: [{ type: 'NoteTaken', data: { text, n } }],
          },
        ],
        guards: [guard],
      })
    }
  }
  await Promise.all(Array.from({ length: BATCH }, (_, at) => lane(at)))
}

const hands = `"${schema}-hand"`
const statement = {
  name: 'hand',
  text:
    `WITH moved AS (UPDATE ${hands}.log SET position = position + $1 RETURNING position) ` +
    `INSERT INTO ${hands}.events (position, stream, version, time, type, bytes, hash) ` +
    'SELECT moved.position - $1 + i, stream, version, time, type, bytes, hash FROM moved, unnest(' +
    "$2::bigint[], $3::bigint[], $4::bigint[], string_to_array($5, E'\\n'), " +
    "string_to_array($6, E'\\n'), string_to_array($7, E'\\n')) " +
    'WITH ORDINALITY AS t (stream, version, time, type, bytes, hash, i)',
}

const bytesOf = (stream: string, version: number): string =>
  `{"causes":[],"data":{"n":${version - 1},"text":"${text}"},"origin":"runtime","schema":1,` +
  `"stream":"${stream}","time":1767225600000,"type":"NoteTaken","v":1,"version":${version}}`

/** The batches of a round, ready to be sent. */
const prepareHand = (events: number): unknown[][] => {
  rounds += 1
  const base = (process.pid * 1_000 + rounds) * BATCH
  return Array.from({ length: events / BATCH }, (_, n) => {
    const lines = Array.from({ length: BATCH }, (_, at) => bytesOf(`note/${name}-${at}`, n + 1))
    const all = (value: string | number): string => new Array(BATCH).fill(value).join()
    return [
      BATCH,
      `{${lines.map((_, at) => base + at).join()}}`,
      `{${all(n + 1)}}`,
      `{${all(1_767_225_600_000)}}`,
      lines.map(() => 'NoteTaken').join('\n'),
      lines.join('\n'),
      lines.map((line) => leafHash(line)).join('\n'),
    ]
  })
}

let prepared: unknown[][] = []

const obey = async ({ what, events }: Order): Promise<void> => {
  if (what === 'prepare') prepared = prepareHand(events)
  else if (what === 'ours') await ours(events)
  else if (what === 'hand')
    for (const values of prepared) await client.query({ ...statement, values })
  else await Promise.all([store.close(), client.end()])
}

process.on('message', async (order: Order) => {
  await obey(order)
  process.send?.('done')
  if (order.what === 'end') process.disconnect()
})
process.send?.('ready')
