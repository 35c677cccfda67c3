/**
 * Makes the histories of some seeds and says the digest of everything they leave: the bytes that
 * were stored, their hashes, the root of the log, what projections make of it, what was refused.
 *
 *     determinism-child.ts {"seeds": […], "folder": …}
 *
 * It says also where it is, so that whoever started it can see that it really is elsewhere.
 */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  type AppendRequest,
  composeTaxonomy,
  createEventLog,
  decodeEvent,
  type EventLog,
  type EventStore,
  memoryEventStore,
  type Projection,
  projectLog,
  type RecordedEvent,
  standardTypes,
  verifyLog,
} from '@ice/events'
import { NumberNoted, NumberProposed, PersonGreeted, seededClock } from '@ice/events/testing'
import { openSqliteEventStore } from '@ice/events-sqlite'
import {
  canonicalize,
  createIds,
  errorRecord,
  type JsonValue,
  type Random,
  type StreamId,
  seededRandom,
} from '@ice/primitives'
import { projectRoot } from '../../lib/house.ts'

/** What the process is told. */
export interface DeterminismJob {
  readonly seeds: readonly string[]
  /** For logs on the disk. */
  readonly folder: string
}

/** What it says. */
export interface DeterminismSaid {
  readonly node: string
  readonly zone: string
  readonly locale: string
  /** By seed; and one for the recorded histories of all versions. */
  readonly digests: Readonly<Record<string, string>>
}

const taxonomy = composeTaxonomy([...standardTypes, NumberNoted, NumberProposed, PersonGreeted])
const UNITS = 40
const WORDS = [
  'a',
  'İ',
  'ı',
  'ß',
  'é',
  'e\u0301',
  '\u{1f600}',
  '\uffff',
  'Z',
  '',
  '\u2028',
  '10',
  '9',
]

/** Many counts and sums: what a locale, a time zone or an order of keys would show in. */
const totals: Projection<Record<string, number>> = {
  name: 'totals',
  initialState: () => ({}),
  evolve(state, { type, stream, time, data }) {
    const { n = 0 } = data as { readonly n?: number }
    for (const key of [type, stream, new Date(time).toISOString().slice(0, 13)]) {
      state[key] = (state[key] ?? 0) + n / 3 + 1
    }
    return state
  },
}

class Digest {
  readonly #hash = createHash('sha256')

  add(value: unknown): void {
    this.#hash.update(typeof value === 'string' ? value : canonicalize(value)).update('\n')
  }

  hex(): string {
    return this.#hash.digest('hex')
  }
}

const below = (random: Random, bound: number): number => random.uint32() % bound

const pick = <T>(random: Random, from: readonly T[]): T => from[below(random, from.length)] as T

/** JSON with what is hard to write: doubles of all sizes, keys of all planes. */
const jsonOf = (random: Random, depth = 0): JsonValue => {
  const dice = below(random, depth > 3 ? 4 : 6)
  if (dice === 0) return pick(random, WORDS).repeat(1 + below(random, 3))
  // Read from text: how exact a power is, is left open to each engine.
  if (dice === 1) return Number(`${random.float().toFixed(15)}e${below(random, 40) - 25}`)
  if (dice === 2) return below(random, 2 ** 31)
  if (dice === 3) return pick(random, [true, false, null])
  const items = Array.from({ length: below(random, 4) }, () => jsonOf(random, depth + 1))
  if (dice === 4) return items
  return Object.fromEntries(items.map((item, at) => [`${pick(random, WORDS)}${at}`, item]))
}

const unit = (random: Random, ids: ReturnType<typeof createIds>): AppendRequest => {
  const stream = pick(random, ['test/a', 'test/b', `run/${ids.next()}`]) as StreamId
  const events = Array.from({ length: 1 + below(random, 3) }, () => {
    const note = canonicalize(jsonOf(random))
    const dice = below(random, 4)
    if (dice === 0) return { type: 'NumberProposed', data: { n: 1 }, origin: 'agent:a' as const }
    if (dice === 1) {
      const [first, last, language] = [pick(random, WORDS), note, pick(random, WORDS)]
      return { type: 'PersonGreeted', data: { language, last, first } }
    }
    return { type: 'NumberNoted', data: { note, n: below(random, 1_000) } }
  })
  const expectedVersion = below(random, 3) === 0 ? ('no_stream' as const) : ('any' as const)
  return { writes: [{ stream, expectedVersion, events }] }
}

/** A history of one seed in a store, and all that comes of it. */
const historyOf = async (seed: string, open: (clock: never) => EventStore): Promise<string> => {
  const random = seededRandom(seed)
  const clock = seededClock({ seed })
  const ids = createIds({ clock, random })
  const store = open(clock as never)
  const log = createEventLog({ store, taxonomy, clock })
  const digest = new Digest()
  for (let left = UNITS; left > 0; left -= 1) {
    digest.add(await told(log, unit(random, ids)))
    digest.add(canonicalize(jsonOf(random)))
  }
  for await (const batch of store.readAll({})) {
    for (const { position, bytes, hash } of batch) digest.add(`${position} ${hash} ${bytes}`)
  }
  digest.add(await verifyLog(store))
  digest.add(await projectLog(log, totals))
  await store.close()
  return digest.hex()
}

const told = async (log: EventLog, request: AppendRequest): Promise<unknown> => {
  try {
    return await log.append(request)
  } catch (error) {
    return errorRecord(error)
  }
}

/** What the recorded histories of every version decode to. */
const recorded = (): string => {
  const folder = join(projectRoot, 'packages/events/test/fixtures/histories')
  const digest = new Digest()
  const own = composeTaxonomy([NumberNoted, NumberProposed, PersonGreeted, ...standardTypes])
  digest.add(own.digest)
  digest.add(taxonomy.digest)
  for (const name of own.types) digest.add(own.describe(name))
  for (const version of readdirSync(folder).sort()) {
    for (const name of readdirSync(join(folder, version)).sort()) {
      for (const line of readFileSync(join(folder, version, name), 'utf8')
        .trimEnd()
        .split('\n')) {
        const { bytes, hash, position } = JSON.parse(line) as never
        if (bytes !== undefined) digest.add(decoded({ bytes, hash, position }))
      }
    }
  }
  return digest.hex()
}

const decoded = (stored: Parameters<typeof decodeEvent>[0]): RecordedEvent =>
  decodeEvent(stored, taxonomy)

const { seeds, folder } = JSON.parse(process.argv[2] ?? '{}') as DeterminismJob
const digests: Record<string, string> = { recorded: recorded() }
for (const [at, seed] of seeds.entries()) {
  const inMemory = await historyOf(seed, (clock) => memoryEventStore({ clock }))
  const path = join(folder, `${process.pid}-${at}.db`)
  const onDisk = await historyOf(seed, (clock) =>
    openSqliteEventStore({ path, clock, durability: 'process' }),
  )
  digests[seed] = `${inMemory} ${onDisk}`
}
const { timeZone, locale } = Intl.DateTimeFormat().resolvedOptions()
const said: DeterminismSaid = { node: process.version, zone: timeZone, locale, digests }
process.stdout.write(JSON.stringify(said))
