/**
 * `ice rerun`: a new run with the input of another. It acts, so what it may do is named anew: the
 * grants of the other were that run's.
 */
import { recordedStart } from '@ice/runs'
import { configuredGrants } from '../config/config.ts'
import type { Invocation } from '../invocation.ts'
import { findRun } from '../log/find.ts'
import { openReader, using } from '../log/open.ts'
import { keepStdoutForData } from '../program/quiet.ts'
import { programFor } from '../travel/programs.ts'
import { grantsOf, startAndDrive } from './run.ts'

/** Options of `rerun`. */
export interface RerunOptions {
  readonly grant: readonly string[]
  readonly program?: string
  readonly wait?: boolean
  readonly yes?: boolean
}

/** Carries `rerun` out. @returns the exit code */
export async function rerun(
  invocation: Invocation,
  typed: string,
  options: RerunOptions,
): Promise<number> {
  const { cwd } = invocation
  const now = Date.now()
  const given = grantsOf(options.grant, { cwd, now })
  const { run, recorded } = await using(await openReader(invocation), async ({ log }) => {
    const id = await findRun(log, typed)
    return { run: id, recorded: await recordedStart(log, id) }
  })
  keepStdoutForData()
  const found = await programFor(recorded, options.program, invocation)
  const config = await invocation.config()
  const grants = { ...configuredGrants(config, found.configured, now), ...given }
  const tags = { ...recorded.options.tags, 'rerun-of': run }
  const start = { ...recorded.options, grants, tags }
  return startAndDrive(invocation, { found, input: recorded.input, start, create: false }, options)
}
