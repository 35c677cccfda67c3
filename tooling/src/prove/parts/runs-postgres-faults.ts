/**
 * What befalls workers and their server in one round: chosen by a seed, each kind at least once.
 *
 * Long faults outlast a lease; while one lasts, a short one may befall another worker.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Random } from '@ice/primitives'
import type { ServerEnd, ServerPower } from '../../lib/postgres-server.ts'
import { type Moment, type Place, REACH_MS } from './runs-postgres-worker.ts'

/** The lease of a worker: as short as a machine that others use, too, permits. */
export const LEASE_MS = 2_500

/** How often each befell. */
export interface FaultCounts {
  kills: number
  freezes: number
  partitions: number
  /** Connections that broke between a commit and its answer. */
  answers: number
  restarts: number
  /** Processes of the server that were killed: it recovers by itself. */
  wounds: number
}

/** Nothing yet. */
export const noFaults = (): FaultCounts => ({
  ...{ kills: 0, freezes: 0, partitions: 0, answers: 0, restarts: 0, wounds: 0 },
})

const SHORT = ['kill', 'answer', 'restart', 'wound'] as const
const LONG = ['freeze', 'held', 'swallowed'] as const
const MOMENTS: readonly Moment[] = ['called', 'acted', 'over', 'commit', 'now']
/** What a kill comes into: above all a commit, of which its writer then never hears. */
const KILL_MOMENTS: readonly Moment[] = ['called', 'acted', 'over', 'commit', 'commit']
const ENDS: readonly ServerEnd[] = ['power', 'main', 'immediate']

type Kind = (typeof SHORT)[number] | (typeof LONG)[number]

/** One fault, as it is planned. */
interface Fault {
  readonly kind: Kind
  readonly place: number
  readonly moment: Moment
  readonly pauseMs: number
  /** How long a long one lasts, or a server is away. */
  readonly lastsMs: number
  readonly end: ServerEnd
  readonly pick: number
}

/** Faults of one round: the inner ones at once, the first of them the longest. */
export type Plan = readonly (readonly Fault[])[]

const pickOf = <T>(random: Random, among: readonly T[]): T =>
  among[random.uint32() % among.length] as T

const shuffled = <T>(random: Random, all: readonly T[]): T[] => {
  const left = [...all]
  return all.map(() => left.splice(random.uint32() % left.length, 1)[0] as T)
}

/** Plans a round: a freeze, a partition, another of these, and each short one. */
export const planFaults = (random: Random, places: number): Plan => {
  const partition = pickOf(random, ['held', 'swallowed'] as const)
  const long = shuffled(random, ['freeze', partition, pickOf(random, LONG)] as const)
  const short = shuffled(random, SHORT)
  const fault = (kind: Kind, place: number): Fault => ({
    ...{ kind, place },
    moment: pickOf(random, kind === 'kill' ? KILL_MOMENTS : MOMENTS),
    pauseMs: random.float() * 300,
    lastsMs: LEASE_MS * (1.3 + random.float() * 0.7),
    end: pickOf(random, ENDS),
    pick: random.uint32() % 64,
  })
  return short.flatMap((kind, at) => {
    const place = random.uint32() % places
    const other = fault(kind, (place + 1 + (random.uint32() % (places - 1))) % places)
    const [lasting] = long.slice(at)
    if (lasting === undefined) return [[other]]
    const one = fault(lasting, place)
    return random.float() < 0.5 ? [[one, other]] : [[one], [other]]
  })
}

/** What a round can do to its workers and to their server. */
export interface World {
  readonly places: readonly Place[]
  readonly power: ServerPower
  readonly counts: FaultCounts
}

/** Has a fault, and what befalls during it, come and go. */
export const befall = async (world: World, [first, ...others]: readonly Fault[]): Promise<void> => {
  if (first === undefined) return
  const heal = await begin(world, first)
  const end = sleep(heal === null ? 0 : first.lastsMs)
  for (const other of others) await (await begin(world, other))?.()
  await end
  await heal?.()
}

/** @returns an end to what lasts */
const begin = async (
  { places, power, counts }: World,
  { kind, place: at, moment, pauseMs, lastsMs, end, pick }: Fault,
): Promise<(() => Promise<void>) | null> => {
  const place = places[at] as Place
  await sleep(pauseMs)
  if (kind === 'answer') {
    await loseAnswer(places, counts)
    return null
  }
  await place.reach(kind === 'restart' || kind === 'wound' ? 'commit' : moment)
  if (kind === 'kill') {
    place.kill()
    counts.kills += 1
    return null
  }
  if (kind === 'wound') {
    power.wound(pick)
    counts.wounds += 1
    return null
  }
  if (kind === 'restart') {
    await power.cut(end)
    counts.restarts += 1
    await sleep(pick % 3 === 0 ? lastsMs / 4 : 0)
    await power.restore()
    return null
  }
  if (kind === 'freeze') {
    counts.freezes += 1
    return place.freeze()
  }
  counts.partitions += 1
  place.lane.cut(kind)
  return async () => place.lane.heal()
}

/** The next commit of whichever worker is acknowledged, and its connection breaks before that. */
const loseAnswer = async (places: readonly Place[], counts: FaultCounts): Promise<void> => {
  const { promise, resolve } = Promise.withResolvers<void>()
  const leave = places.map(({ lane }) =>
    lane.atCommit(() => {
      for (const each of leave) each()
      counts.answers += 1
      resolve()
    }, 'lost'),
  )
  await Promise.race([promise, sleep(REACH_MS, undefined, { ref: false })])
  for (const each of leave) each()
}
