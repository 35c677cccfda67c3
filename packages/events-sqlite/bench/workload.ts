/**
 * What is appended: runs of a hundred events each, written by as many callers as a round has.
 *
 * Both sides of a contest get the same events in the same order. The peer gets them as rows whose
 * bytes and hashes were made beforehand, by the gateway itself.
 */
import {
  type AppendRequest,
  composeTaxonomy,
  createEventLog,
  defineEventType,
  type EventStore,
  memoryEventStore,
  type PreparedUnit,
  type Taxonomy,
} from '@ice/events'
import { type StreamId, type StreamVersion, systemClock } from '@ice/primitives'
import { z } from 'zod'

/** A payload of about 200 bytes, or with a longer text of about 2 KB. */
const NoteTaken = defineEventType({
  type: 'NoteTaken',
  category: 'domain',
  description: 'Something was noted.',
  payload: z.strictObject({
    author: z.string(),
    tags: z.array(z.string()).max(8),
    text: z.string(),
    urgent: z.boolean(),
    weight: z.int(),
  }),
})

/** The one type of the workload, in a taxonomy of its own. */
export const taxonomy: Taxonomy = composeTaxonomy([NoteTaken])

/** How many events a stream gets before its caller begins another. */
const STREAM_EVENTS = 100

/** One row as the peers insert it. */
export interface Row {
  readonly stream: number
  readonly version: number
  readonly bytes: string
  readonly hash: string
}

/** What a round appends. */
export interface Workload {
  readonly callers: number
  /** For each caller its requests, to be appended one after another. */
  readonly requests: readonly (readonly AppendRequest[])[]
  /** The same events in the order in which the callers' turns come. */
  readonly rows: readonly Row[]
}

const WORDS =
  'the run read a file and noted what it saw there before it went on with another one of them'

function textOf(length: number, salt: number): string {
  let text = `${salt}`
  for (let i = salt; text.length < length; i += 7) text += ` ${WORDS.split(' ')[i % 19]}`
  return text.slice(0, length)
}

/** Makes a round's events. @param payloadBytes - of the payload's JSON, about */
export async function makeWorkload(
  callers: number,
  events: number,
  payloadBytes: number,
): Promise<Workload> {
  const each = Math.ceil(events / callers)
  const requests: AppendRequest[][] = []
  for (let caller = 0; caller < callers; caller += 1) {
    const own: AppendRequest[] = []
    for (let i = 0; i < each; i += 1) {
      const stream = `run/${caller}-${Math.floor(i / STREAM_EVENTS)}` as StreamId
      const data = {
        author: `agent-${caller}`,
        tags: ['survey', 'note'],
        text: textOf(payloadBytes - 88, caller * each + i),
        urgent: i % 3 === 0,
        weight: i,
      }
      const expectedVersion = (i % STREAM_EVENTS) as StreamVersion
      own.push({ writes: [{ stream, expectedVersion, events: [{ type: 'NoteTaken', data }] }] })
    }
    requests.push(own)
  }
  return { callers, requests, rows: await serialise(requests, each) }
}

async function serialise(
  requests: readonly (readonly AppendRequest[])[],
  each: number,
): Promise<readonly Row[]> {
  const rows: Row[] = []
  const numbers = new Map<string, number>()
  const log = createEventLog({ store: capture(rows, numbers), taxonomy, clock: systemClock })
  for (let i = 0; i < each; i += 1) {
    for (const own of requests) await log.append(own[i] as AppendRequest)
  }
  return rows
}

function capture(rows: Row[], numbers: Map<string, number>): EventStore {
  return {
    ...memoryEventStore({ clock: systemClock }),
    async append(unit: PreparedUnit) {
      for (const write of unit.writes) {
        const number = numbers.get(write.stream) ?? numbers.size + 1
        numbers.set(write.stream, number)
        let version = Number(write.expectedVersion)
        for (const event of write.events) {
          version += 1
          const { bytes, hash } = event.seal(version, 0)
          rows.push({ stream: number, version, bytes, hash })
        }
      }
      return { writes: [], retried: false }
    },
  }
}
