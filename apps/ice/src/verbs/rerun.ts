/**
 * `ice rerun`: new runs with the inputs of others. They act, so what they may do is named anew: the
 * grants of the others were those runs'.
 *
 *     one that is named ──────────► a new run each time, driven from here, unless it is to wait
 *     several, or all that fit ───► `rerun-many.ts`: one new run for each, once, left to workers
 */
import { recordedStart } from '@ice/runs'
import type { StartOptions } from '@ice/runs/ports'
import { configuredGrants } from '../config/config.ts'
import { CLI_CODES, CliError } from '../errors.ts'
import type { Invocation } from '../invocation.ts'
import { findRun } from '../log/find.ts'
import { openReader, using } from '../log/open.ts'
import { keepStdoutForData } from '../program/quiet.ts'
import { programFor } from '../travel/programs.ts'
import { checkChosen } from './many.ts'
import { endedRuns, follows, type Rerun, type RerunOptions, rerunMany } from './rerun-many.ts'
import { grantsOf, startAndDrive } from './run.ts'

/** Carries `rerun` out. @returns the exit code */
export async function rerun(
  invocation: Invocation,
  typed: readonly string[],
  options: RerunOptions,
): Promise<number> {
  const { where, queue, wait, yes } = options
  const how = checkChosen('rerun', typed, where)
  if (queue === '') throw new CliError(CLI_CODES.usage, '--queue takes the name of a queue')
  const given = grantsOf(options.grant, { cwd: invocation.cwd, now: Date.now() })
  const [only] = typed
  const isOne = only !== undefined && typed.length === 1
  if (isOne && options.dryRun !== true) return rerunOne(invocation, only, { given, options })
  if (wait === true || yes === true) {
    throw new CliError(CLI_CODES.usage, 'Several runs are left to workers: nobody waits for them', {
      next: ['--wait and --yes go with one run'],
    })
  }
  const filter = how === 'typed' ? {} : endedRuns(where)
  return rerunMany(invocation, { typed, filter }, { given, options })
}

async function rerunOne(
  invocation: Invocation,
  typed: string,
  { given, options }: Rerun,
): Promise<number> {
  const { run, recorded } = await using(await openReader(invocation), async ({ log }) => {
    const id = await findRun(log, typed)
    return { run: id, recorded: await recordedStart(log, id) }
  })
  keepStdoutForData()
  const found = await programFor(recorded, options.program, invocation)
  const config = await invocation.config()
  const { queue } = options
  const start: StartOptions = {
    ...follows(run, recorded.options),
    grants: { ...configuredGrants(config, found.configured, Date.now()), ...given },
    ...(queue === undefined ? {} : { queue }),
  }
  return startAndDrive(invocation, { found, input: recorded.input, start, create: false }, options)
}
