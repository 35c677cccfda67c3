/**
 * The process under proof: plays a scenario on a log, and says what it was told of each unit.
 *
 * When something fails it goes on as a program should: it tries the same handle again, then opens
 * a new one, appends what was refused, and brings the plan to its end.
 */
import { spawnSync } from 'node:child_process'
import { openSync, writeSync } from 'node:fs'
import { openSqliteEventStore, type SqliteEventStore } from '@ice/events-sqlite'
import { errorRecord, systemClock } from '@ice/primitives'
import Database from 'better-sqlite3'
import { logOf, type Plan, planUnits } from './log-plan.ts'
import { type Hand, SCENARIOS, type ScenarioName } from './log-scenarios.ts'
import type { Handle, Line, Told } from './log-witness.ts'

/** What the process is told, as JSON in its first argument. */
export interface ChildJob {
  readonly path: string
  readonly witness: string
  readonly scenario: ScenarioName
  readonly seed: string
  /** @defaultValue `'disk'` */
  readonly durability?: 'process'
  /** The process may write no file beyond some size, until it has met that. */
  readonly isLimited?: boolean
}

const job = JSON.parse(process.argv[2] ?? '{}') as ChildJob
const { durability = 'disk' } = job
const { plan: shape, run } = SCENARIOS[job.scenario]
const plan: Plan = planUnits({ ...shape, seed: job.seed })
const witness = openSync(job.witness, 'a')
const backupPath = `${job.path}-backup`

const say = (line: Line): void => {
  writeSync(witness, `${JSON.stringify(line)}\n`)
}

const toldOf = (error: unknown): Told => {
  const { code, message } = errorRecord(error)
  const data = (error as { readonly data?: Told['data'] }).data ?? {}
  return { code, message, data }
}

/** Whatever failed was said; the scenario ends here. */
class Stopped {}

let store: SqliteEventStore | undefined
let handle: Handle = 'first'
/** Of each lane: the next unit that is not acknowledged. */
const next = plan.map(() => 0)

const attempt = async <T>(
  doing: 'open' | 'close' | 'backup' | 'head',
  act: () => T | Promise<T>,
): Promise<T> => {
  try {
    return await act()
  } catch (error) {
    say({ is: 'failed', doing, by: handle, told: toldOf(error) })
    throw new Stopped()
  }
}

const hand: Hand = {
  async open() {
    store = await attempt('open', () =>
      openSqliteEventStore({ path: job.path, clock: systemClock, durability }),
    )
    say({ is: 'opened' })
  },
  async append(lane, from, to) {
    if (store === undefined) throw new TypeError('the log is not open')
    const log = logOf(store)
    for (let unit = from; unit < to; unit += 1) {
      const planned = plan[lane]?.[unit]
      if (planned === undefined) return
      try {
        const { writes, retried } = await log.append(planned.request)
        const positions = writes.flatMap((write) => write.positions)
        say({ is: 'acknowledged', lane, unit, positions, retried })
      } catch (error) {
        say({ is: 'refused', lane, unit, by: handle, told: toldOf(error) })
        throw new Stopped()
      }
      next[lane] = unit + 1
    }
  },
  checkpoint(mode) {
    const other = new Database(job.path)
    try {
      other.pragma('synchronous = FULL')
      other.pragma(`wal_checkpoint(${mode})`)
    } catch (error) {
      // A fault that met the other connection is its own business.
      if (!(error instanceof Database.SqliteError)) throw error
    } finally {
      other.close()
    }
  },
  async backup() {
    const { head } = await attempt('backup', async () => {
      if (store === undefined) throw new TypeError('the log is not open')
      return store.backup(backupPath)
    })
    say({ is: 'backed-up', head })
  },
  async close() {
    await attempt('close', () => store?.close())
    store = undefined
    say({ is: 'closed' })
  },
}

/** Plays a part; what failed in it was said. Nothing else may be thrown. */
const play = async (part: () => Promise<unknown>): Promise<boolean> => {
  try {
    await part()
    return true
  } catch (error) {
    if (error instanceof Stopped) return false
    throw error
  }
}

/** All lanes come to rest before anything is said of the handle. */
const settledHand: Hand = {
  ...hand,
  append: (lane, from, to) => {
    const appending = hand.append(lane, from, to)
    running.push(appending.catch(() => undefined))
    return appending
  },
  backup: () => {
    const backing = hand.backup()
    running.push(backing.catch(() => undefined))
    return backing
  },
}
const running: Promise<unknown>[] = []

const finishLane = (lane: number, to: number): Promise<void> =>
  hand.append(lane, next[lane] ?? 0, to)

/** Only a program of the system can set a limit of this process; its soft limit may be raised. */
const liftLimit = (): void => {
  spawnSync('prlimit', ['--pid', String(process.pid), '--fsize=unlimited'])
}

const whole = await play(() => run(settledHand))
await Promise.all(running)
if (job.isLimited === true) liftLimit()
if (!whole) {
  handle = 'again'
  if (store !== undefined) {
    for (const lane of plan.keys()) await play(() => finishLane(lane, (next[lane] ?? 0) + 1))
    await play(() => attempt('head', () => store?.head()))
    await play(() => hand.close())
  }
  handle = 'new'
  await play(async () => {
    await hand.open()
    for (const lane of plan.keys()) await finishLane(lane, plan[lane]?.length ?? 0)
    await hand.close()
  })
}
say({ is: 'end' })
