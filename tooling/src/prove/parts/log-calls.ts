/** Every call by which a scenario changes its files: the points at which it can be hit. */
import { join } from 'node:path'
import { isMigrated, LOG_FILE, type Stage, setStage, stageOf } from './log-base.ts'
import type { LogPart } from './log-part.ts'
import { play } from './log-process.ts'
import { SCENARIO_NAMES } from './log-scenarios.ts'
import { type Call, readTrace } from './log-trace.ts'

/** Calls that only look, or only open. */
const HARMLESS: ReadonlySet<string> = new Set(['openat', 'open', 'mmap'])

/** One call of a scenario. */
export interface Point {
  readonly stage: Stage
  readonly call: Call
  /** What its file is to the log: `db`, `wal`, `shm`, `folder`, `draft`, `backup`. */
  readonly file: string
}

/** The name of a point, and of the case that hits it. */
export const pointName = ({ stage, call }: Point): string =>
  `${stage.scenario}/${call.name}/${call.nth}`

/** Points that are alike. */
export const pointKind = ({ stage, call, file }: Point): string =>
  `${stage.scenario}/${call.name}/${file}`

const fileKind = (folder: string, path: string): string => {
  if (path === folder) return 'folder'
  const rest = path.slice(join(folder, LOG_FILE).length)
  if (rest === '') return 'db'
  if (rest === '-wal' || rest === '-shm' || rest === '-backup') return rest.slice(1)
  return rest.endsWith('-journal') ? 'journal' : 'draft'
}

/** Where the files of a case are: the log's in a folder of its own, the others beside it. */
export const placesIn = (folder: string) => ({
  store: join(folder, 'store'),
  witness: join(folder, 'witness'),
  trace: join(folder, 'trace'),
})

/** The stages of all scenarios that there is something to say of. */
export const stagesOf = async (
  { skip, progress }: Parameters<LogPart>[0],
  { seed, base, only }: { readonly seed: string; readonly base: string; readonly only?: string },
): Promise<readonly Stage[]> => {
  const folder = join(base, 'stages')
  const stages: Stage[] = []
  for (const scenario of SCENARIO_NAMES) {
    if (only !== undefined && !only.startsWith(`${scenario}/`)) continue
    progress(`setting the stage of ${scenario}`)
    const stage = await stageOf(scenario, seed, folder)
    if (scenario === 'migration' && !isMigrated(folder)) {
      skip('a log that is brought up to date', 'there is one format of the file as yet')
    } else {
      stages.push(stage)
    }
  }
  return stages
}

/** The points of a scenario, from a run of it that nobody disturbs. */
export const pointsOf = async (stage: Stage, folder: string): Promise<readonly Point[]> => {
  const { store, witness, trace } = placesIn(folder)
  const path = setStage(stage, store)
  const { scenario, seed } = stage
  const { code, stderr } = await play({ path, witness, scenario, seed }, { trace })
  if (code !== 0) throw new Error(`${scenario} does not run: ${stderr}`)
  return readTrace(trace, store)
    .filter(({ name, paths }) => !HARMLESS.has(name) && paths.some((p) => p.startsWith(store)))
    .map((call) => ({ stage, call, file: fileKind(store, call.paths[0] ?? '') }))
}
