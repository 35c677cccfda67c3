/** `ice resume`: goes on with runs that were stopped, killed, or answered. */
import type { RunId } from '@ice/primitives'
import type { RunView } from '@ice/runs/ports'
import type { Config } from '../config/config.ts'
import { driveRun } from '../drive/drive.ts'
import { listenForStop, type Stop } from '../drive/stop.ts'
import { CLI_CODES, CliError } from '../errors.ts'
import { EXIT, exitOf, worstExit } from '../exit.ts'
import type { Invocation } from '../invocation.ts'
import { findRun } from '../log/find.ts'
import type { LogReader } from '../log/open.ts'
import { openReader, openRuntime, using } from '../log/open.ts'
import { readRun, runStream, selectRuns } from '../log/runs.ts'
import { type FoundProgram, findNamed, programOfFile } from '../program/find.ts'
import { keepStdoutForData } from '../program/quiet.ts'
import { complain } from '../terminal/complain.ts'
import { plain } from '../terminal/text.ts'
import { answeringOf } from './run.ts'

/** Options of `resume`. */
export interface ResumeOptions {
  readonly all?: boolean
  readonly program?: string
  readonly wait?: boolean
  readonly yes?: boolean
}

/** Carries `resume` out. @returns the exit code */
export async function resume(
  invocation: Invocation,
  typed: readonly string[],
  options: ResumeOptions,
): Promise<number> {
  if ((typed.length === 0) === (options.all !== true)) {
    throw new CliError(CLI_CODES.usage, 'Name the runs to go on with, or say --all', {
      next: ['`ice runs --open` lists the runs that have not ended'],
    })
  }
  const views = await using(await openReader(invocation), (reader) =>
    options.all === true ? resumable(reader) : named(reader, typed),
  )
  const isList = options.all === true || typed.length > 1
  if (views.length === 0) {
    invocation.talk.say('nothing to go on with')
    await invocation.print(
      () => [],
      () => [],
    )
    return EXIT.ok
  }
  keepStdoutForData()
  const programs = await programsOf(views, options, invocation)
  const stop = listenForStop(invocation.talk, 'the run')
  const records: unknown[] = []
  const gathering: Invocation =
    isList && invocation.format === 'json'
      ? { ...invocation, print: async (_human, record) => void records.push(record()) }
      : invocation
  try {
    const runtime = await openRuntime(invocation, {
      create: false,
      programs,
      secrets: (await invocation.config()).secrets,
    })
    return await using(runtime, async () => {
      const exits: number[] = []
      const common = { views, programs, options, invocation: gathering, stop, runtime }
      for (const view of views) {
        if (stop.exit === null) exits.push(await resumeOne({ view, ...common }))
      }
      if (gathering !== invocation)
        await invocation.print(
          () => [],
          () => records,
        )
      return worstExit(exits)
    })
  } finally {
    stop.release()
  }
}

interface ResumeOne {
  readonly view: RunView
  readonly views: readonly RunView[]
  readonly programs: readonly FoundProgram[]
  readonly options: ResumeOptions
  readonly invocation: Invocation
  readonly stop: Stop
  readonly runtime: Awaited<ReturnType<typeof openRuntime>>
}

async function resumeOne(init: ResumeOne): Promise<number> {
  const { view, views, programs, options, invocation, stop, runtime } = init
  const { run, program } = view
  invocation.talk.note(`run ${run}  ${plain(program.name)} ${plain(program.version)}`, {
    notice: 'run',
    run,
  })
  const found = programs.find((each) => each.program.name === program.name)
  const answering = () => answeringOf(invocation, options)
  const file = found?.file ?? null
  const wait = options.wait === true
  try {
    return await driveRun({ runtime, run, invocation, stop, wait, answering, file })
  } catch (error) {
    // One run that cannot go on keeps none of the others from it.
    if (views.length === 1) throw error
    complain(invocation, error)
    return exitOf(error)
  }
}

async function named(reader: LogReader, typed: readonly string[]): Promise<readonly RunView[]> {
  const ids = new Set<RunId>()
  for (const text of typed) ids.add(await findRun(reader.log, text))
  const views: RunView[] = []
  for (const id of ids) views.push(await readRun(reader.log, id))
  return views
}

/** Runs that have not ended, are not set aside, and have something to go on with; oldest first. */
async function resumable(reader: LogReader): Promise<readonly RunView[]> {
  const views: RunView[] = []
  for await (const view of selectRuns(reader.log, { open: true })) {
    if (view.quarantine !== null) continue
    const isOver = view.waitingFor.some(({ ended }) => ended !== undefined)
    if (!view.suspended || isOver || (await hasNews(reader, view.run))) views.push(view)
  }
  return views.toReversed()
}

/** Whether anything was recorded since the run was suspended: it ends with that event, or not. */
async function hasNews({ log }: LogReader, run: RunId): Promise<boolean> {
  for await (const [last] of log.read({ stream: runStream(run), backwards: true, limit: 1 })) {
    return last?.type !== 'RunSuspended'
  }
  return false
}

async function programsOf(
  views: readonly RunView[],
  options: ResumeOptions,
  invocation: Invocation,
): Promise<readonly FoundProgram[]> {
  const config: Config = await invocation.config()
  if (options.program !== undefined) return [await programOfFile(options.program, invocation)]
  const names = new Set(
    views.filter(({ state }) => state !== 'TERMINATED').map(({ program }) => program.name),
  )
  const found: FoundProgram[] = []
  for (const name of names) {
    const program = await findNamed(name, config, invocation)
    // A run whose program is not found says so itself, with what is registered.
    if (program !== undefined) found.push(program)
  }
  return found
}
