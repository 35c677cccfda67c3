/** `ice replay --check`: whether programs, as they are now, follow their recorded runs. */
import type { EventType } from '@ice/events'
import type { EventLog } from '@ice/events/ports'
import type { RunId } from '@ice/primitives'
import { checkHistories, checkHistory, type HistoryCheck } from '@ice/runs'
import type { Program } from '@ice/runs/ports'
import { CLI_CODES, CliError } from '../errors.ts'
import { EXIT, worstExit } from '../exit.ts'
import type { Invocation } from '../invocation.ts'
import { findRun } from '../log/find.ts'
import { loadProgramsOf } from '../program/load.ts'
import { count, counted } from '../terminal/format.ts'
import { writeList } from '../terminal/list.ts'
import { checkLines } from '../travel/check-lines.ts'
import { type History, openChosen, openHistory } from '../travel/histories.ts'

/** Options of `replay`. */
export interface ReplayOptions {
  readonly check?: boolean
  /** Files that export programs. */
  readonly programs: readonly string[]
  readonly run: readonly string[]
  readonly anyVersion?: boolean
  readonly all?: boolean
}

type Counts = Record<'histories' | HistoryCheck['outcome'], number>
type Checked = HistoryCheck & { readonly history: string }

/**
 * Carries `replay` out.
 * @returns 1 where a program does not follow, 3 where none is there, 6 where a record is unreadable
 */
export async function replay(
  invocation: Invocation,
  typed: readonly string[],
  options: ReplayOptions,
): Promise<number> {
  if (options.check !== true) {
    const message = 'A replay performs nothing; what it is for has to be said'
    throw new CliError(CLI_CODES.usage, message, { next: ['ice replay --check …'] })
  }
  const { programs, types } = await loadAll(invocation, options.programs)
  const counts: Counts = { histories: 0, equal: 0, different: 0, unmatched: 0, unreadable: 0 }
  const checks = counting(
    invocation,
    checksOf(invocation, typed, { options, programs, types }),
    counts,
  )
  const isShown = ({ outcome }: Checked): boolean => options.all === true || outcome !== 'equal'
  if (invocation.format === 'human') {
    for await (const check of checks) {
      if (invocation.out.closed) return EXIT.ok
      if (!isShown(check)) continue
      invocation.talk.settle()
      const lines = checkLines(check, invocation.paint)
      await invocation.print(
        () => lines,
        () => null,
      )
    }
    invocation.talk.settle()
    await invocation.print(
      () => [summaryOf(counts)],
      () => null,
    )
  } else await writeList(invocation, records(checks, isShown, counts))
  return exitOf(counts)
}

interface Asked {
  readonly options: ReplayOptions
  readonly programs: readonly Program[]
  readonly types: readonly EventType[]
}

async function loadAll(
  invocation: Invocation,
  files: readonly string[],
): Promise<{ readonly programs: readonly Program[]; readonly types: readonly EventType[] }> {
  const programs: Program[] = []
  const types: EventType[] = []
  for (const file of files) {
    const loaded = await loadProgramsOf(file, invocation)
    programs.push(...loaded.programs)
    types.push(...loaded.parts.types)
  }
  return { programs, types }
}

async function* checksOf(
  invocation: Invocation,
  typed: readonly string[],
  asked: Asked,
): AsyncGenerator<Checked> {
  const opens =
    typed.length === 0
      ? [() => openChosen(invocation, asked.types)]
      : typed.map((name) => () => openHistory(name, asked.types, invocation))
  for (const open of opens) {
    const history = await open()
    const found: AsyncGenerator<Checked> = checksIn(invocation, history, asked)
    try {
      yield* found
    } finally {
      await history.close()
    }
  }
}

async function* checksIn(
  { out }: Invocation,
  { name, log }: History,
  { options, programs }: Asked,
): AsyncGenerator<Checked> {
  const init = { log, programs, anyVersion: options.anyVersion === true }
  const chosen = await runsOf(log, options.run)
  if (chosen.length === 0) {
    for await (const check of checkHistories({ ...init, signal: out.gone })) {
      yield { history: name, ...check }
    }
    return
  }
  for (const run of chosen) yield { history: name, ...(await checkHistory({ ...init, run })) }
}

async function runsOf(log: EventLog, typed: readonly string[]): Promise<readonly RunId[]> {
  const runs: RunId[] = []
  for (const each of typed) runs.push(await findRun(log, each))
  return runs
}

async function* counting(
  { talk }: Invocation,
  checks: AsyncIterable<Checked>,
  counts: Counts,
): AsyncGenerator<Checked> {
  for await (const check of checks) {
    counts.histories += 1
    counts[check.outcome] += 1
    talk.progress(`${count(counts.histories)} checked, ${count(counts.different)} different`)
    yield check
  }
}

async function* records(
  checks: AsyncIterable<Checked>,
  isShown: (check: Checked) => boolean,
  counts: Counts,
): AsyncGenerator<unknown> {
  for await (const check of checks) if (isShown(check)) yield check
  yield { summary: counts }
}

function summaryOf({ histories, equal, different, unmatched, unreadable }: Counts): string {
  return [
    `${counted(histories, 'run')}: ${count(equal)} equal, ${count(different)} different`,
    ...(unmatched === 0 ? [] : [`${count(unmatched)} that no program here drives`]),
    ...(unreadable === 0 ? [] : [`${count(unreadable)} that cannot be read`]),
  ].join(', ')
}

function exitOf({ different, unmatched, unreadable }: Counts): number {
  return worstExit([
    ...(different > 0 ? [EXIT.different] : []),
    ...(unreadable > 0 ? [EXIT.unverified] : []),
    ...(unmatched > 0 ? [EXIT.notFound] : []),
  ])
}
