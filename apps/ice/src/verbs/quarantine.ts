/** `ice quarantine` and `ice release`: set runs aside, and let them go on. */
import { hasCode } from '@ice/primitives'
import type { RunFilter } from '@ice/runs/ports'
import type { Runtime } from '@ice/runtime'
import { saidWhy } from '../args/values.ts'
import { parseWhere } from '../args/where.ts'
import { CLI_CODES, CliError } from '../errors.ts'
import { EXIT } from '../exit.ts'
import type { Invocation } from '../invocation.ts'
import { findRun } from '../log/find.ts'
import { openRuntime, using } from '../log/open.ts'
import { plain, plainLines } from '../terminal/text.ts'
import { checkChosen, onMany } from './many.ts'

/** Options of both. */
export interface QuarantineOptions {
  readonly where: readonly string[]
  readonly reason?: string
  readonly dryRun?: boolean
}

/** Carries `quarantine` out. @returns the exit code */
export async function quarantine(
  invocation: Invocation,
  typed: readonly string[],
  options: QuarantineOptions,
): Promise<number> {
  const { where, reason, dryRun = false } = options
  const how = checkChosen('quarantine', typed, where)
  const why = dryRun ? '' : saidWhy(reason, 'A quarantine says')
  const [only] = typed
  if (only !== undefined && typed.length === 1 && !dryRun) {
    return quarantineOne(invocation, only, why)
  }
  return onMany(invocation, {
    ...{ typed, filter: how === 'typed' ? {} : openRuns(where), dryRun },
    would: 'would be set aside',
    async preview({ runs }, { run }) {
      const { conclusion, quarantine: aside, state } = await runs.view(run)
      if (aside !== null) return 'is set aside already'
      return conclusion !== null && state === 'TERMINATED' ? 'has ended' : 'would be set aside'
    },
    async one(runtime, { run }) {
      try {
        return (await setAside(runtime, run, why)).already ? 'was set aside already' : 'set aside'
      } catch (error) {
        // Of those that fit one may have ended since; that one was named is a mistake.
        if (how === 'where' && hasCode(error, 'ICE_RUNS_CONCLUDED_CONFLICT')) return 'had ended'
        throw error
      }
    },
  })
}

const OPEN = ['ready', 'asleep', 'held'] as const

/** Runs that can be set aside. @throws `ICE_CLI_USAGE_UNSUPPORTED` */
function openRuns(where: readonly string[]): RunFilter {
  const filter = parseWhere(where)
  if (filter.standings?.includes('quarantined') !== true) return { standings: OPEN, ...filter }
  throw new CliError(CLI_CODES.usage, 'What is quarantined is set aside already')
}

type View = Awaited<ReturnType<Runtime['runs']['view']>>

/** Sets one run aside. @returns how it stands then, and whether it was before */
async function setAside(
  { runs }: Runtime,
  run: View['run'],
  reason: string,
): Promise<{ readonly view: View; readonly already: boolean }> {
  const before = (await runs.view(run)).quarantine
  await runs.quarantine(run, { reason })
  const view = await runs.view(run)
  return { view, already: before !== null && before.event === view.quarantine?.event }
}

async function quarantineOne(
  invocation: Invocation,
  typed: string,
  reason: string,
): Promise<number> {
  return using(await openRuntime(invocation, { create: false }), async (runtime) => {
    const run = await findRun(runtime.log, typed)
    const { view, already } = await setAside(runtime, run, reason)
    const { quarantine: aside, open } = view
    await invocation.print(
      () =>
        already
          ? [`run ${run} was set aside already: ${plainLines(aside?.error.message ?? '')[0]}`]
          : [
              `set aside  run ${run}; nobody drives it until it is released`,
              ...open.map((step) => `  at work: ${plain(step)}, which is told to stop`),
            ],
      () => ({ run, quarantine: aside, already, open }),
    )
    return EXIT.ok
  })
}

/** Carries `release` out. @returns the exit code */
export async function release(
  invocation: Invocation,
  typed: readonly string[],
  options: QuarantineOptions,
): Promise<number> {
  const { where, reason, dryRun = false } = options
  const how = checkChosen('release', typed, where)
  const why = dryRun ? '' : saidWhy(reason, 'A release says')
  const [only] = typed
  if (only !== undefined && typed.length === 1 && !dryRun) return releaseOne(invocation, only, why)
  return onMany(invocation, {
    ...{ typed, filter: how === 'typed' ? {} : quarantinedRuns(where), dryRun },
    would: 'would be released',
    async preview({ runs }, { run }) {
      const { quarantine: aside } = await runs.view(run)
      return aside === null ? 'is not set aside' : 'would be released'
    },
    async one({ runs }, { run }) {
      await runs.release(run, { reason: why })
      return 'released'
    },
  })
}

/** Only what is set aside can be released: no other standing is looked at. */
function quarantinedRuns(where: readonly string[]): RunFilter {
  const filter = parseWhere(where)
  if (filter.standings?.every((standing) => standing === 'quarantined') === false) {
    throw new CliError(CLI_CODES.usage, 'Only runs that are set aside can be released')
  }
  return { ...filter, standings: ['quarantined'] }
}

async function releaseOne(invocation: Invocation, typed: string, reason: string): Promise<number> {
  return using(await openRuntime(invocation, { create: false }), async (runtime) => {
    const run = await findRun(runtime.log, typed)
    await runtime.runs.release(run, { reason })
    const resume = invocation.command(['resume', run])
    await invocation.print(
      () => [`released  run ${run}; go on with`, `  ${resume}`],
      () => ({ run, released: true, resume }),
    )
    return EXIT.ok
  })
}
