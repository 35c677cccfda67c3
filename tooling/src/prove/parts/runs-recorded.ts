/** The recorded histories of runs, and the programs they are held to. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import {
  composeTaxonomy,
  createEventLog,
  type EventLog,
  importLog,
  memoryEventStore,
  standardTypes,
} from '@ice/events'
import { systemClock } from '@ice/primitives'
import type { Program } from '@ice/runs/ports'
import { projectRoot } from '../../lib/house.ts'

const TESTS = join(projectRoot, 'packages/runs/test')
const FOLDER = join(TESTS, 'fixtures/histories')

/** The names of all histories. */
export const historyNames = (): readonly string[] =>
  readdirSync(FOLDER)
    .filter((name) => name.endsWith('.jsonl'))
    .map((name) => name.slice(0, -'.jsonl'.length))
    .sort()

/** The log that a history was exported from. */
export const openHistory = async (name: string): Promise<EventLog> => {
  const store = memoryEventStore({ clock: systemClock })
  const taxonomy = composeTaxonomy(standardTypes)
  await importLog(store, [readFileSync(join(FOLDER, `${name}.jsonl`))], { taxonomy })
  return createEventLog({ store, taxonomy, clock: systemClock })
}

/** The programs of all histories: they stand with the tests of runs, which no package exports. */
export const historyPrograms = async (): Promise<readonly Program[]> => {
  const { href } = pathToFileURL(join(TESTS, 'history-programs.ts'))
  const { programs } = (await import(href)) as { readonly programs: readonly Program[] }
  return programs
}
