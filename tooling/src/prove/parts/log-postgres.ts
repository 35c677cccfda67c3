/**
 * R9: a log on PostgreSQL whose server is killed, whose network is taken away, whose writers are
 * stopped in the middle of what they do.
 *
 * The witness is outside of the log: the writers say what they try and what they are told, to a
 * process that none of the faults touches. Afterwards the log has of every stream exactly what was
 * acknowledged, where it was acknowledged, once; of the units that were left in doubt, each at most
 * once; and nothing that nobody tried.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { openPostgresEventStore } from '@ice/events-postgres'
import { type Random, seededRandom } from '@ice/primitives'
import type { CheckRecorder } from '../../harness/recorder.ts'
import type { TopicContext } from '../../harness/topics.ts'
import { findPostgres, type PostgresServer, type ServerPower } from '../../lib/postgres-server.ts'
import { dropPlace } from './history-store.ts'
import type { LogPart, LogPartInit } from './log-part.ts'
import { type Judged, judgeFlood, sumOf } from './postgres-judge.ts'
import {
  type FarWriter,
  startBehindLink,
  startBehindRelay,
  type Weather,
  whyNoNamespaces,
} from './postgres-net.ts'
import { type FloodWriter, startWriter, waitForGrowth } from './postgres-writers.ts'

const FAULTS = 20
const FAULTS_FULL = 2_000
/** Faults that one log meets before it is judged. */
const FAULTS_PER_LOG = 5

type Context = TopicContext & CheckRecorder

/** A log, its writers, and what is to happen to them. */
interface Episode {
  readonly server: PostgresServer
  readonly schema: string
  readonly random: Random
}

/** Brings the faults of one episode about. @returns the writers, which have come to their end */
type Scenario = (episode: Episode) => Promise<readonly FloodWriter[]>

/** Proves R9; `only` is `kills/<number>`, `partitions/<number>` or `zombies/<number>`. */
export const provePostgres: LogPart = async (context, init) => {
  const claim = 'nothing acknowledged on PostgreSQL is lost or doubled'
  const found = await findPostgres()
  if (found.server === undefined) {
    context.skip(claim, found.why)
    return
  }
  const { server } = found
  try {
    const { power } = server
    if (power === undefined) {
      context.skip(`${claim}: kills`, 'the server of ICE_TEST_POSTGRES_URL is not ours to kill')
    } else {
      await prove(context, init, { server, name: 'kills', scenario: kills(power) })
    }
    const why = whyNoNamespaces()
    if (why !== undefined) context.skip('partitions by the kernel, not by a relay', why)
    const start = why === undefined ? startBehindLink : startBehindRelay
    await prove(context, init, { server, name: 'partitions', scenario: partitions(start) })
    await prove(context, init, { server, name: 'zombies', scenario: zombies })
  } finally {
    await server.stop()
  }
}

interface Faults {
  readonly server: PostgresServer
  readonly name: string
  readonly scenario: Scenario
}

const prove = async (
  context: Context,
  { seed, full, only, again }: LogPartInit,
  { server, name, scenario }: Faults,
): Promise<void> => {
  const faults = full ? FAULTS_FULL : FAULTS
  const all = Array.from({ length: faults / FAULTS_PER_LOG }, (_, at) => `${name}/${at + 1}`)
  const cases = only === undefined ? all : all.filter((each) => each === only)
  if (cases.length === 0) return
  await context.check(`${faults} ${name} of PostgreSQL lose and double nothing`, async () => {
    const judged: Judged[] = []
    for (const [at, which] of cases.entries()) {
      context.progress(`${name} ${at * FAULTS_PER_LOG} of ${faults}`)
      const schema = `r9-${name}-${process.pid}-${at}`
      const episode = { server, schema, random: seededRandom(`${seed}/${which}`) }
      try {
        judged.push(await makeEpisode(episode, scenario))
      } catch (error) {
        throw new Error(`${which}: ${String(error)}\n  again: ${again(which)}`, { cause: error })
      }
    }
    context.say(`  R9: ${cases.length * FAULTS_PER_LOG} ${name}: ${describe(judged)}`)
    return cases.length * FAULTS_PER_LOG
  })
}

const describe = (judged: readonly Judged[]): string =>
  `${sumOf(judged, 'kept')} units acknowledged and there, ${sumOf(judged, 'given')} times given ` +
  `up and sent again (${sumOf(judged, 'unknown')} with an unknown fate), ` +
  `${sumOf(judged, 'known')} known again, ${sumOf(judged, 'doubted')} at any version left in ` +
  `doubt, of which ${sumOf(judged, 'doubtedKept')} are there; ${sumOf(judged, 'events')} events ` +
  'verified'

const makeEpisode = async (episode: Episode, scenario: Scenario): Promise<Judged> => {
  const { server, schema } = episode
  const store = await openPostgresEventStore({ connection: server.url, schema })
  try {
    const writers = await scenario(episode)
    return await judgeFlood(store, writers)
  } finally {
    await store.close()
    await dropPlace({ kind: 'postgres', url: server.url, schema })
  }
}

const LANES = 6

const startWriters = ({ server, schema }: Episode, names: readonly string[]): FloodWriter[] =>
  names.map((name) => startWriter({ url: server.url, schema, name, lanes: LANES }))

const finishAll = async (writers: readonly FloodWriter[]): Promise<readonly FloodWriter[]> => {
  await Promise.all(writers.map((writer) => writer.finish()))
  return writers
}

/** Ends writers that a fault of the proof itself has left behind. */
const guarded = async (
  writers: readonly FloodWriter[],
  work: () => Promise<void>,
): Promise<readonly FloodWriter[]> => {
  try {
    await work()
    return await finishAll(writers)
  } finally {
    for (const writer of writers) writer.kill()
  }
}

const upTo = (random: Random, ms: number): number => Math.floor(random.float() * ms)

const ENDS = ['power', 'main', 'immediate'] as const

/** Every kill meets a server at work: each writer has just been acknowledged something. */
const kills =
  (power: ServerPower): Scenario =>
  (episode) => {
    const { random } = episode
    const writers = startWriters(episode, ['k0', 'k1', 'k2'])
    return guarded(writers, async () => {
      for (let fault = 0; fault < FAULTS_PER_LOG; fault += 1) {
        await waitForGrowth(writers)
        await sleep(upTo(random, 60))
        const end = ENDS[upTo(random, ENDS.length + 1)]
        if (end === undefined) {
          power.wound(upTo(random, 100))
        } else {
          await power.cut(end)
          await sleep(random.float() < 0.3 ? upTo(random, 2_500) : 0)
          await power.restore()
        }
      }
      await waitForGrowth(writers)
    })
  }

const STORMS: readonly Weather[] = ['down', 'deaf', 'mute']

type StartFar = (
  server: PostgresServer,
  job: { schema: string; name: string; lanes: number },
) => Promise<FarWriter>

/** One writer is cut off, for shorter or for longer than it is patient; the other goes on. */
const partitions =
  (start: StartFar): Scenario =>
  async (episode) => {
    const { server, schema, random } = episode
    const near = startWriters(episode, ['near'])
    const far = await start(server, { schema, name: 'far', lanes: LANES })
    try {
      return await guarded([...near, far], async () => {
        for (let fault = 0; fault < FAULTS_PER_LOG; fault += 1) {
          await waitForGrowth([...near, far])
          await sleep(upTo(random, 40))
          await far.weather(STORMS[upTo(random, STORMS.length)] ?? 'down')
          await sleep(random.float() < 0.3 ? 1_500 + upTo(random, 3_000) : upTo(random, 700))
          await waitForGrowth(near)
          await far.weather('clear')
        }
        await waitForGrowth([far])
      })
    } finally {
      far.close()
    }
  }

/** A writer is stopped, wherever it is, for long enough that the server ends what it had begun. */
const zombies: Scenario = (episode) => {
  const { random } = episode
  const writers = startWriters(episode, ['z0', 'z1', 'z2'])
  return guarded(writers, async () => {
    for (let fault = 0; fault < FAULTS_PER_LOG; fault += 1) {
      await waitForGrowth(writers)
      await sleep(upTo(random, 20))
      const at = upTo(random, writers.length)
      const others = writers.filter((_, i) => i !== at)
      writers[at]?.process.kill('SIGSTOP')
      await sleep(upTo(random, 900))
      await waitForGrowth(others)
      writers[at]?.process.kill('SIGCONT')
    }
    await waitForGrowth(writers)
  })
}
