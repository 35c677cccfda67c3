/**
 * Governed runs beside the same job in peers (P6).
 *
 * Every side is a process of its own, with its servers beside it, and all of them are there all
 * the while; one at a time is loaded, by the same generator, in rounds that go round the sides.
 * What is compared is the work of a side and all its servers on this machine. A peer that cannot
 * be had here is named, and as long as one is missing no figure against the best of them is met.
 */
import { loadavg } from 'node:os'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { type Figure, figure } from '../../harness/figure.ts'
import { median } from '../../harness/rounds.ts'
import type { TopicContext } from '../../harness/topics.ts'
import { findPostgres, type PostgresServer } from '../../lib/postgres-server.ts'
import type { Round } from '../peers/host.ts'
import { installPeer } from '../peers/install.ts'
import { chosenPeers, PEERS, type Peer } from '../peers/list.ts'
import { openSide, type Side } from '../peers/side.ts'
import { countSyncs, nameOf, withDescendants } from '../peers/syncs.ts'
import { contestTable, type Standing } from './contest-table.ts'

const AT_A_TIME = [1, 16, 64] as const
type AtATime = (typeof AT_A_TIME)[number]

/** A run that syncs less often than this has not kept what it says it has. */
const SYNCS_OF_A_DURABLE_RUN = 1

interface Missing {
  readonly title: string
  readonly why: string
}

export async function besidePeers(context: TopicContext): Promise<readonly Figure[]> {
  const sides: Side[] = []
  const missing: Missing[] = []
  const ours = fileURLToPath(new URL('../peers/ice.ts', import.meta.url))
  const ends: (() => Promise<void>)[] = []
  try {
    sides.push(await openSide({ title: 'ICE', adapter: ours }))
    for (const peer of PEERS) {
      const opened = await openPeer(peer, { ends, say: context.say })
      if ('why' in opened) missing.push(opened)
      else sides.push(opened)
    }
    for (const { title, why } of missing) context.say(`not measured: ${title}: ${why}`)
    const standings = new Map<AtATime, readonly Standing[]>()
    for (const atATime of AT_A_TIME) {
      const standing = await contest(sides, { atATime, full: context.full })
      standings.set(atATime, standing)
      context.say(contestTable(standing, { atATime, missing, load: loadavg()[0] ?? 0 }))
    }
    return figuresOf(standings, missing)
  } finally {
    for (const side of sides) await side.close()
    for (const end of ends.reverse()) await end()
  }
}

/** Installs and opens a peer, with the server it needs. */
async function openPeer(
  peer: Peer,
  { ends, say }: Pick<TopicContext, 'say'> & { readonly ends: (() => Promise<void>)[] },
): Promise<Side | Missing> {
  const { title, env = {} } = peer
  if (!chosenPeers().includes(peer)) return { title, why: 'ICE_BENCH_PEERS leaves it out' }
  const installed = await installPeer(peer, say)
  if (installed.adapter === undefined) return { title, why: installed.why }
  try {
    const { adapter, folder: cwd } = installed
    if (peer.postgres !== true) return await openSide({ title, adapter, cwd, env })
    const found = await findPostgres()
    if (found.server === undefined) return { title, why: found.why }
    const { server } = found
    const database = await createDatabase(server)
    ends.push(database.drop)
    return await openSide({
      ...{ title, adapter, cwd, env },
      postgres: database.url,
      servers: serversHere(),
    })
  } catch (error) {
    return { title, why: error instanceof Error ? error.message : String(error) }
  }
}

/** The PostgreSQL that was started here; undefined when it is somebody else's. */
function serversHere(): readonly number[] | undefined {
  const servers = withDescendants(process.pid).filter((pid) => nameOf(pid) === 'postgres')
  return servers.length > 0 ? servers : undefined
}

/** A database of its own; it is dropped and the server stopped in the end. */
async function createDatabase(
  server: PostgresServer,
): Promise<{ readonly url: string; readonly drop: () => Promise<void> }> {
  const name = `ice_bench_${process.pid}`
  const ask = async (statement: string): Promise<void> => {
    const client = new pg.Client({ connectionString: server.url })
    await client.connect()
    await client.query(statement)
    await client.end()
  }
  await ask(`CREATE DATABASE ${name}`)
  const url = new URL(server.url)
  url.pathname = name
  const drop = async (): Promise<void> => {
    await ask(`DROP DATABASE ${name} WITH (FORCE)`)
    await server.stop()
  }
  return { url: url.href, drop }
}

/** Rounds of all sides at one number of callers, and their syncs. */
async function contest(
  sides: readonly Side[],
  { atATime, full }: { readonly atATime: AtATime; readonly full: boolean },
): Promise<readonly Standing[]> {
  const rounds = full ? 9 : 5
  const ms = full ? 3_000 : 1_500
  const done = new Map<Side, Round[]>(sides.map((side) => [side, []]))
  for (let round = -1; round < rounds; round += 1) {
    for (let turn = 0; turn < sides.length; turn += 1) {
      const side = sides[(turn + round + 1) % sides.length] as Side
      const result = await side.round({ atATime, ms })
      if (round >= 0) done.get(side)?.push(result)
    }
  }
  const standings: Standing[] = []
  for (const side of sides) {
    let runs = 0
    const syncs = await countSyncs(side.pids, async () => {
      runs = (await side.round({ atATime, ms: 1_000 })).runs
    })
    const rates = done.get(side)?.map(({ rate }) => rate) ?? []
    standings.push({
      title: side.title,
      rate: median(rates),
      p50: median(done.get(side)?.map(({ p50 }) => p50) ?? []),
      p99: median(done.get(side)?.map(({ p99 }) => p99) ?? []),
      syncs: syncs === undefined ? undefined : syncs / runs,
      ratio: ratioTo(done.get(sides[0] as Side) ?? [], rates),
    })
  }
  return standings
}

/** The median of the rounds' ratios, ours to theirs. */
const ratioTo = (ours: readonly Round[], rates: readonly number[]): number =>
  median(ours.map(({ rate }, round) => rate / (rates[round] ?? Number.NaN)))

const IDS = { 1: 'P6-1', 16: 'P6', 64: 'P6-64' } as const

function figuresOf(
  standings: ReadonlyMap<AtATime, readonly Standing[]>,
  missing: readonly Missing[],
): readonly Figure[] {
  const figures: Figure[] = []
  for (const [atATime, [ours, ...peers]] of standings) {
    if (ours === undefined) continue
    figures.push(against(IDS[atATime], ours, { peers, missing }))
    if (atATime === 1) figures.push(figure('P6-p50', { value: ours.p50, unit: 'ms' }))
    if (atATime !== 16) continue
    const durable = peers.filter(({ syncs = 0 }) => syncs >= SYNCS_OF_A_DURABLE_RUN)
    const isUnknown = peers.some(({ syncs }) => syncs === undefined)
    figures.push(
      figure('P6-p99', { value: ours.p99, unit: 'ms' }),
      figure('P6-syncs', { value: ours.syncs, unit: 'syncs a run' }),
      isUnknown
        ? figure('P6-durable', { value: ours.rate, unit: 'runs/s', against: 'syncs uncounted' })
        : against('P6-durable', ours, { peers: durable, missing }),
    )
  }
  return figures
}

/** Ours against the best of the peers; met only when none is missing. */
function against(
  id: 'P6' | 'P6-1' | 'P6-64' | 'P6-durable',
  ours: Standing,
  { peers, missing }: { readonly peers: readonly Standing[]; readonly missing: readonly Missing[] },
): Figure {
  const [best] = [...peers].sort((a, b) => b.rate - a.rate)
  const named = best === undefined ? 'no peer' : `${best.title}: ${Math.round(best.rate)} runs/s`
  const left = missing.map(({ title }) => title).join(', ')
  return figure(id, {
    value: ours.rate,
    unit: 'runs/s',
    against: left === '' ? named : `${named}; not measured: ${left}`,
    ratio: left === '' ? best?.ratio : undefined,
  })
}
