/**
 * R9 of runs: three workers on one PostgreSQL, of which some are killed, stopped for longer than
 * their lease, or cut off, while the server is killed in the middle of commits.
 *
 * After each round every run has come to the one end that its program has; a witness outside of the
 * log says what was really done, and people resolve what nobody knows by it.
 *
 *     ICE_PROVE_ROUNDS=5   so many rounds
 *     ICE_PROVE_SEED=…     the same plans (not the same instants: those are the machine's)
 *     ICE_PROVE_CASE=17    this round alone
 */
import { randomInt } from 'node:crypto'
import { mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { CheckRecorder } from '../../harness/recorder.ts'
import type { TopicContext } from '../../harness/topics.ts'
import { findPostgres, type PostgresServer, type ServerPower } from '../../lib/postgres-server.ts'
import { insist } from './insist.ts'
import { makeRound, type Round } from './runs-postgres-round.ts'

const ROUNDS = 20
const ROUNDS_FULL = 2_000
const CLAIM = 'runs of three workers on PostgreSQL come to one end each, and nothing is done twice'

type Context = TopicContext & CheckRecorder
type Counted = { [K in keyof Round]: Round[K] extends number ? K : never }[keyof Round]

/** What must have been seen, or the proof has shown nothing of it. */
const SEEN: readonly (readonly [what: string, count: Counted])[] = [
  ['workers that were killed', 'kills'],
  ['workers that were stopped for longer than their lease', 'freezes'],
  ['workers that were cut off for longer than their lease', 'partitions'],
  ['servers that were killed and started again', 'restarts'],
  ['commits whose answer was lost', 'answers'],
  ['runs that were taken over', 'takeovers'],
  ['workers that learnt that they had been taken for dead', 'lost'],
  ['effects that were undone', 'undone'],
]

/** What comes of these by chance, though never in so many rounds not once. */
const SEEN_IN_TIME: typeof SEEN = [
  ['commits of which their writer never heard', 'unheard'],
  ['effects in doubt', 'doubts'],
  ['acts that were repeated under their key', 'repeated'],
]
const ROUNDS_IN_TIME = 15

/** Proves R9. */
export const runsPostgres = async (context: Context): Promise<void> => {
  const found = await findPostgres()
  if (found.server === undefined) {
    context.skip(CLAIM, found.why)
    return
  }
  const { server } = found
  try {
    if (server.power === undefined) {
      context.skip(CLAIM, 'the server of ICE_TEST_POSTGRES_URL is not ours to kill')
    } else {
      await prove(context, server, server.power)
    }
  } finally {
    await server.stop()
  }
}

const prove = async (
  context: Context,
  server: PostgresServer,
  power: ServerPower,
): Promise<void> => {
  const seed = process.env['ICE_PROVE_SEED'] ?? String(randomInt(2 ** 32))
  const most = Number(process.env['ICE_PROVE_ROUNDS'] ?? (context.full ? ROUNDS_FULL : ROUNDS))
  const only = process.env['ICE_PROVE_CASE']
  const cases = only === undefined ? Array.from({ length: most }, (_, at) => at + 1) : [+only]
  context.say(`  R9: seed ${seed}, ${cases.length} rounds`)
  const base = realpathSync(mkdtempSync(join(tmpdir(), 'ice-r9-')))
  const rounds: Round[] = []
  const held = await context.check(CLAIM, async () => {
    for (const [at, number] of cases.entries()) {
      context.progress(`R9: round ${at + 1} of ${cases.length}; ${summary(rounds)}`)
      const folder = join(base, `${number}`)
      const schema = `r9-runs-${process.pid}-${number}`
      try {
        const one = `${seed}/${number}`
        rounds.push(await makeRound({ server, power, schema, folder, seed: one }))
      } catch (error) {
        const again = `ICE_PROVE_ONLY=R9 ICE_PROVE_SEED=${seed} ICE_PROVE_CASE=${number}`
        const why = error instanceof Error ? error.message : String(error)
        const next = `again: ${again} npm run prove -- runs\n  its traces: ${folder}`
        throw new Error(`round ${number}: ${why}\n  ${next}`, { cause: error })
      }
      rmSync(folder, { recursive: true })
    }
    return rounds.length
  })
  if (!held) return
  rmSync(base, { recursive: true })
  context.say(`  R9: ${summary(rounds)}`)
  const errors = new Map<string, number>()
  for (const round of rounds) {
    for (const [code, n] of round.errors) errors.set(code, (errors.get(code) ?? 0) + n)
  }
  const met = [...errors].map(([code, n]) => `${code} ${n}`).join(', ')
  context.say(`  R9: workers met with ${met === '' ? 'nothing' : met}`)
  await report(context, rounds)
}

const report = async (context: Context, rounds: readonly Round[]): Promise<void> => {
  // Each was insisted on at the end of its round: one that was broken failed the check.
  const seen = rounds.length < ROUNDS_IN_TIME ? SEEN : [...SEEN, ...SEEN_IN_TIME]
  for (const [what, count] of seen) {
    await context.check(`R9 has seen ${what}`, () => {
      const times = sum(rounds, count)
      insist(times > 0, 'it has not')
      return times
    })
  }
}

const sum = (rounds: readonly Round[], count: Counted): number =>
  rounds.reduce((total, round) => total + round[count], 0)

const summary = (rounds: readonly Round[]): string => {
  const many = (count: Counted): string => sum(rounds, count).toLocaleString('en-US')
  return (
    `${many('runs')} runs, ${many('events')} events, ${many('acts')} acts ` +
    `(${many('repeated')} repeated); ${many('kills')} kills, ${many('freezes')} freezes, ` +
    `${many('partitions')} partitions, ${many('restarts')} restarts, ${many('wounds')} wounds, ` +
    `${many('answers')} answers lost; ${many('takeovers')} takeovers, ${many('lost')} workers ` +
    `lost, ${many('doubts')} doubts (${many('happened')} happened, ${many('not')} did not), ` +
    `${many('undone')} undone; ${many('acknowledged')} appends acknowledged, ` +
    `${many('unheard')} that nobody was told of`
  )
}
