/**
 * The gateway's own cost: an event of a 200 B payload from the request to its sealed bytes, over
 * the hash of those bytes, which nobody can leave out.
 *
 * Each round measures both one after the other; what is printed is the median of the ratios. The
 * store below keeps heads and nothing else, so that neither a disk nor a heap that grows is in it.
 *
 *     node bench/append.ts [--json]
 */
import { leafHash, type StreamId, type StreamVersion, streamId, systemClock } from '@ice/primitives'
import { judge } from '../src/adapter/index.ts'
import {
  composeTaxonomy,
  createEventLog,
  type EventStore,
  memoryEventStore,
  type StreamHead,
  standardTypes,
} from '../src/index.ts'

const ROUNDS = 9
const EVENTS = 40_000
const CALLERS = 256

const taxonomy = composeTaxonomy([...standardTypes])
const streams = Array.from({ length: CALLERS }, (_, i) => streamId(`run/caller-${i}`))

const payload = (n: number): unknown => ({
  effect: `scan/src/file-${n}`,
  attempt: 1,
  intent: 'run/0190a1b2-0000-7000-8000-000000000000@1',
  result: { inline: { bytes: 1234, text: 'x'.repeat(50) } },
  observed: {},
})

/** Judges and seals, keeps only heads. */
function forgetfulStore(): EventStore {
  const heads = new Map<StreamId, StreamHead>()
  const ledger = {
    head: (stream: StreamId) => heads.get(stream) ?? { version: 0, time: 0 },
    hasBlob: () => false,
  }
  return {
    ...memoryEventStore({ clock: systemClock }),
    append(unit) {
      const judged = judge(unit, ledger, systemClock.now())
      if (judged.kind !== 'fits') return Promise.reject(new TypeError(judged.kind))
      for (const { stream, from, events } of judged.writes) {
        const time = events.at(-1)?.time ?? 0
        heads.set(stream, { version: from + events.length, time })
      }
      return Promise.resolve({ writes: [], retried: false })
    },
  }
}

async function appendMicros(store: EventStore): Promise<number> {
  const log = createEventLog({ store, taxonomy, clock: systemClock })
  const before = process.cpuUsage()
  const caller = async (stream: StreamId): Promise<void> => {
    for (let version = 0; version < EVENTS / CALLERS; version += 1) {
      const events = [{ type: 'FileRead', data: payload(version) }]
      await log.append({ writes: [{ stream, expectedVersion: version as StreamVersion, events }] })
    }
  }
  await Promise.all(streams.map(caller))
  return process.cpuUsage(before).user / EVENTS
}

function hashMicros(bytes: string): number {
  const before = process.cpuUsage()
  for (let n = 0; n < EVENTS; n += 1) leafHash(`${bytes}${n}`)
  return process.cpuUsage(before).user / EVENTS
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0

const sample = JSON.stringify({
  ...(payload(1) as object),
  stream: streams[0],
  pad: 'x'.repeat(120),
})
const rounds: { gateway: number; hash: number; memory: number }[] = []
for (let round = 0; round < ROUNDS; round += 1) {
  rounds.push({
    gateway: await appendMicros(forgetfulStore()),
    hash: hashMicros(sample),
    memory: await appendMicros(memoryEventStore({ clock: systemClock })),
  })
}

const figures = {
  gatewayMicros: median(rounds.map(({ gateway }) => gateway)),
  memoryStoreMicros: median(rounds.map(({ memory }) => memory)),
  leafHashMicros: median(rounds.map(({ hash }) => hash)),
  ratio: median(rounds.map(({ gateway, hash }) => gateway / hash)),
}
const text = Object.entries(figures).map(([name, value]) => `${name} ${value.toFixed(2)}`)
console.log(process.argv.includes('--json') ? JSON.stringify(figures) : text.join('\n'))
