/**
 * A writer under proof: appends without end, and says of each unit that it tries it, and what it
 * was told. It stops when its input ends, once every unit it has tried is answered.
 *
 * A lane knows the version its stream has, and sends a unit again until it is acknowledged. One
 * lane appends at any version, and leaves what may have been kept alone.
 */
import { createEventLog, EVENTS_CODES } from '@ice/events'
import { noteTaxonomy } from '@ice/events/testing'
import { openPostgresEventStore, type PostgresEventStore } from '@ice/events-postgres'
import { hasCode, type StreamId, type StreamVersion, systemClock } from '@ice/primitives'
import { say } from '../../lib/say.ts'

/** What a writer is told. */
export interface FloodJob {
  readonly url: string
  readonly schema: string
  readonly name: string
  readonly lanes: number
}

/** What a writer says. The text of a note is its key: its place, in a lane that knows versions. */
export type FloodLine =
  | { readonly is: 'ready' }
  | { readonly is: 'tried'; readonly key: string }
  | {
      readonly is: 'kept'
      readonly key: string
      readonly position: number
      readonly retried: boolean
    }
  /** It may have been kept, and nobody will ever know from the store. */
  | { readonly is: 'doubted'; readonly key: string }
  | { readonly is: 'told'; readonly key: string; readonly fate: string; readonly reason: string }
  | { readonly is: 'wrong'; readonly key: string; readonly what: string }
  | { readonly is: 'done' }

const job = JSON.parse(process.argv[2] ?? '{}') as FloodJob

/** Gives up early, so that the proof sees what is told when a store gives up. */
const open = async (): Promise<PostgresEventStore> => {
  for (;;) {
    try {
      return await openPostgresEventStore({
        connection: job.url,
        schema: job.schema,
        lockWaitMs: 1_500,
        statementTimeoutMs: 1_000,
        silentTransactionMs: 300,
        connectTimeoutMs: 500,
      })
    } catch (error) {
      if (!hasCode(error, EVENTS_CODES.unavailable)) throw error
      await systemClock.sleep(20)
    }
  }
}

const store = await open()
const log = createEventLog({ store, taxonomy: noteTaxonomy(), clock: systemClock })
let isOver = false

const tell = (line: FloodLine): void => say(line)

const append = async (
  stream: StreamId,
  expectedVersion: StreamVersion | 'any',
  key: string,
): Promise<void> => {
  const events = [{ type: 'NoteTaken', data: { text: key, n: 0 } }]
  tell({ is: 'tried', key })
  for (;;) {
    try {
      const { writes, retried } = await log.append({
        writes: [{ stream, expectedVersion, events }],
      })
      tell({ is: 'kept', key, position: writes[0]?.positions[0] ?? 0, retried })
      return
    } catch (error) {
      if (!hasCode(error, EVENTS_CODES.unavailable)) {
        tell({ is: 'wrong', key, what: String(error) })
        return
      }
      const { fate, reason } = (error as { data: { fate: string; reason: string } }).data
      tell({ is: 'told', key, fate, reason })
      if (expectedVersion === 'any' && fate !== 'none') {
        tell({ is: 'doubted', key })
        return
      }
    }
    await systemClock.sleep(5)
  }
}

const lane = async (number: number): Promise<void> => {
  const stream = `note/${job.name}-${number}` as StreamId
  for (let n = 0; !isOver; n += 1) await append(stream, n as StreamVersion, `${stream}@${n + 1}`)
}

const anyLane = async (): Promise<void> => {
  const stream = `note/${job.name}-any` as StreamId
  for (let n = 0; !isOver; n += 1) await append(stream, 'any', `${stream}#${n}`)
}

process.stdin.on('end', () => {
  isOver = true
})
process.stdin.resume()
tell({ is: 'ready' })
await Promise.all([anyLane(), ...Array.from({ length: job.lanes }, (_, at) => lane(at))])
await store.close()
tell({ is: 'done' })
