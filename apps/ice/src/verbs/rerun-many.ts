/**
 * `ice rerun` of several runs: one new run for each, left to workers.
 *
 * The trap: starting many a second time, because the command was given again, or had been stopped
 * half-way. Each has a key made of the id of the run it follows, so that a log has it once. A rerun
 * that ends without a result as well is a run of its own, and can be started anew in its turn.
 */
import type { RunId } from '@ice/primitives'
import { recordedStart, runOfKey } from '@ice/runs'
import type { Conclusion, GrantSpec, RunFilter, RunRow, StartOptions } from '@ice/runs/ports'
import type { Runtime } from '@ice/runtime'
import { parseWhere } from '../args/where.ts'
import { configuredGrants } from '../config/config.ts'
import { CLI_CODES, CliError } from '../errors.ts'
import type { Invocation } from '../invocation.ts'
import { openRuntime, using } from '../log/open.ts'
import { runStream } from '../log/runs.ts'
import type { FoundProgram } from '../program/find.ts'
import { keepStdoutForData } from '../program/quiet.ts'
import { counted } from '../terminal/format.ts'
import { programFor } from '../travel/programs.ts'
import { type Chosen, carryOut, chosenRows, type Outcome } from './many.ts'

/** Options of `rerun`. */
export interface RerunOptions {
  readonly where: readonly string[]
  readonly grant: readonly string[]
  readonly program?: string
  readonly queue?: string
  readonly dryRun?: boolean
  readonly wait?: boolean
  readonly yes?: boolean
}

/** What new runs are started with. */
export interface Rerun {
  /** Grants of the command line. */
  readonly given: Readonly<Record<string, GrantSpec>>
  readonly options: RerunOptions
}

/** What a start has of the run that it follows, and that it follows it. */
export function follows(run: RunId, options: Pick<StartOptions, 'tags'>): StartOptions {
  return { ...options, tags: { ...options.tags, 'rerun-of': run } }
}

/** Starts them anew, or shows which. @returns the exit code */
export async function rerunMany(
  invocation: Invocation,
  chosen: Chosen,
  { given, options }: Rerun,
): Promise<number> {
  const common = { dryRun: options.dryRun === true, would: 'would be started anew' }
  const rows = await using(await openRuntime(invocation, { create: false }), async (runtime) => {
    const fitting: RunRow[] = []
    const isNamed = chosen.typed !== undefined && chosen.typed.length > 0
    for await (const row of chosenRows(runtime, chosen)) {
      if (isNamed || (await isWanted(runtime, row, chosen.filter))) fitting.push(row)
    }
    return fitting
  })
  keepStdoutForData()
  // All of them are found before any run is started: one that is missing stops nothing half-way.
  const programs = common.dryRun ? NONE : await programsOf(rows, options, invocation)
  const config = await invocation.config()
  const opening = { create: false, programs: [...new Set(programs.values())] }
  return using(await openRuntime(invocation, opening), (runtime) =>
    carryOut(invocation, runtime, {
      ...{ ...common, rows: each(rows), preview },
      async one({ log, runs }, row) {
        const { run, program, concurrencyKey, priority } = row
        const found = programs.get(program.name)
        if (found === undefined) throw new TypeError('every program was found before')
        const key = keyOf(run)
        const before = await runOfKey(log, { program: found.program.name, key })
        if (before !== null) return started('was started anew before', before)
        const recorded = await recordedStart(log, run)
        const now = await runs.start(found.program, recorded.input, {
          ...{ ...follows(run, recorded.options), key, priority },
          grants: { ...configuredGrants(config, found.configured, Date.now()), ...given },
          queue: options.queue ?? row.queue,
          ...(concurrencyKey === null ? {} : { concurrencyKey }),
        })
        return started('started anew', now)
      },
    }),
  )
}

const NONE: ReadonlyMap<string, FoundProgram> = new Map()

/** Under which the run that follows another is started. */
function keyOf(run: RunId): string {
  return `rerun/${run}`
}

function started(outcome: string, as: RunId): Outcome {
  return { outcome: `${outcome} as ${as}`, more: { as } }
}

/** What of a run a person has to know who starts it anew: that it did something. */
async function preview({ log, runs }: Runtime, { run, program }: RunRow): Promise<Outcome> {
  const before = await runOfKey(log, { program: program.name, key: keyOf(run) })
  if (before !== null) return started('was started anew before', before)
  const { conclusion, effects, compensations, inDoubt } = await runs.view(run)
  const stand = effects.succeeded - compensations.succeeded
  const notes = [
    ...(conclusion === null ? ['has not ended'] : []),
    ...(conclusion === 'committed' ? ['has committed'] : []),
    ...(stand > 0 ? [`${counted(stand, 'effect')} not undone`] : []),
    ...(inDoubt.length > 0 ? [`${inDoubt.length} in doubt`] : []),
  ]
  const outcome = ['would be started anew', ...notes].join(', ')
  return { outcome, more: { conclusion, stand, inDoubt } }
}

async function* each<T>(all: readonly T[]): AsyncGenerator<T> {
  yield* all
}

/** Conditions on runs that have ended. @throws `ICE_CLI_USAGE_UNSUPPORTED` */
export function endedRuns(where: readonly string[]): RunFilter {
  const filter = parseWhere(where)
  if (filter.standings === undefined && filter.states === undefined) {
    return { ...filter, standings: ['ended'] }
  }
  const message = 'Runs that ended without a result are started anew: state and standing are given'
  throw new CliError(CLI_CODES.usage, message, {
    next: ['name runs to start others anew: ice rerun <run…>'],
  })
}

/** By conditions: what ended without a result; children only where their parent is asked for. */
async function isWanted(
  { log }: Runtime,
  { run, parent }: RunRow,
  filter: RunFilter,
): Promise<boolean> {
  if (parent !== null && filter.parent === undefined) return false
  for await (const [last] of log.read({ stream: runStream(run), backwards: true, limit: 1 })) {
    if (last?.type !== 'RunTerminated') return false
    return (last.data as { readonly conclusion: Conclusion }).conclusion !== 'committed'
  }
  return false
}

/** The programs of these runs, by their names. @throws `ICE_CLI_PROGRAM_NOT_FOUND` */
async function programsOf(
  rows: readonly RunRow[],
  { program: file }: RerunOptions,
  invocation: Invocation,
): Promise<ReadonlyMap<string, FoundProgram>> {
  const programs = new Map<string, FoundProgram>()
  let ofFile: FoundProgram | undefined
  for (const { program } of rows) {
    if (programs.has(program.name)) continue
    const found = ofFile ?? (await programFor({ program }, file, invocation))
    if (file !== undefined) ofFile = found
    programs.set(program.name, found)
  }
  return programs
}
