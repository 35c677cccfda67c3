/** What stands in a folder before a scenario begins: nothing, a log, or a log of old format. */
import { copyFileSync, mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { StoredEvent } from '@ice/events'
import { openSqliteEventStore } from '@ice/events-sqlite'
import { systemClock } from '@ice/primitives'
import { projectRoot } from '../../lib/house.ts'
import { type Expected, expectedOf } from './log-judge.ts'
import { logOf, planUnits } from './log-plan.ts'
import { SCENARIOS, type ScenarioName } from './log-scenarios.ts'

/** The name of the log in the folder of a case. */
export const LOG_FILE = 'log.db'

/** A log as the first format left it; it is kept among the tests for ever. */
const OLDEST: string = join(projectRoot, 'packages/events-sqlite/test/fixtures/format-1.db')

/** A scenario with what it begins with, and what its log may hold. */
export interface Stage {
  readonly scenario: ScenarioName
  readonly seed: string
  readonly expected: Expected
  /** The log it begins with; none where it creates one. */
  readonly base: string | undefined
}

/** Makes a stage. @param folder - of its own, for the log it begins with */
export const stageOf = async (
  scenario: ScenarioName,
  seed: string,
  folder: string,
): Promise<Stage> => {
  mkdirSync(folder, { recursive: true })
  const kind = SCENARIOS[scenario].base
  const base = kind === 'none' ? undefined : join(folder, `${scenario}.db`)
  let events: readonly StoredEvent[] = []
  if (base !== undefined) {
    if (kind === 'oldest') copyFileSync(OLDEST, base)
    else await makeBase(base, seed)
    events = await eventsOf(base, join(folder, 'read.db'))
  }
  return { scenario, seed, base, expected: await expectedOf(scenario, seed, events) }
}

const makeBase = async (path: string, seed: string): Promise<void> => {
  const store = openSqliteEventStore({ path, clock: systemClock })
  const log = logOf(store)
  const plan = planUnits({ seed: `${seed}/base`, name: 'base-', lanes: 1, units: 6 })
  for (const { request } of plan.flat()) await log.append(request)
  await store.close()
}

/** Read from a copy: opening a log of an older format would bring it up to date. */
const eventsOf = async (path: string, copy: string): Promise<readonly StoredEvent[]> => {
  copyFileSync(path, copy)
  const store = openSqliteEventStore({ path: copy, clock: systemClock })
  const events: StoredEvent[] = []
  for await (const batch of store.readAll({})) events.push(...batch)
  await store.close()
  rmSync(copy)
  return events
}

/** Makes the folder of one case, with the log it begins with. @returns the log's path */
export const setStage = ({ base }: Stage, folder: string): string => {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  const path = join(folder, LOG_FILE)
  if (base !== undefined) copyFileSync(base, path)
  return path
}

/** Whether a log of the oldest format has to be brought up to date by this program. */
export const isMigrated = (folder: string): boolean => {
  const copy = join(folder, 'oldest.db')
  copyFileSync(OLDEST, copy)
  const store = openSqliteEventStore({ path: copy, clock: systemClock })
  const { format } = store.inspect()
  store.close()
  return format > 1
}
