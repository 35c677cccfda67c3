/** `ice quarantine` and `ice release`: set a run aside, and let it go on. */
import { parseWhere } from '../args/where.ts'
import { CLI_CODES, CliError } from '../errors.ts'
import { EXIT } from '../exit.ts'
import type { Invocation } from '../invocation.ts'
import { findRun } from '../log/find.ts'
import { openRuntime, using } from '../log/open.ts'
import { onMany } from './many.ts'

/** Options of `release`. */
export interface ReleaseOptions extends QuarantineOptions {
  readonly where: readonly string[]
  readonly dryRun?: boolean
}

/** Options of `quarantine`. */
export interface QuarantineOptions {
  readonly reason?: string
}

/** Carries `quarantine` out. @returns the exit code */
export async function quarantine(
  invocation: Invocation,
  typed: string,
  { reason }: QuarantineOptions,
): Promise<number> {
  const why = saidWhy(reason, 'A quarantine')
  return using(await openRuntime(invocation, { create: false }), async (runtime) => {
    const run = await findRun(runtime.log, typed)
    await runtime.runs.quarantine(run, { reason: why })
    const view = await runtime.runs.view(run)
    await invocation.print(
      () => [`set aside  run ${run}; nobody drives it until it is released`],
      () => ({ run, quarantine: view.quarantine }),
    )
    return EXIT.ok
  })
}

/** Carries `release` out. @returns the exit code */
export async function release(
  invocation: Invocation,
  typed: string | undefined,
  options: ReleaseOptions,
): Promise<number> {
  const { where, reason, dryRun = false } = options
  if ((typed === undefined) === (where.length === 0)) {
    throw new CliError(CLI_CODES.usage, 'Name one run, or say which: --where <condition>', {
      next: ['ice release --where queue=mail --dry-run'],
    })
  }
  if (typed === undefined) return releaseMany(invocation, options)
  if (dryRun) throw new CliError(CLI_CODES.usage, '--dry-run goes with --where')
  const why = saidWhy(reason, 'A release')
  return using(await openRuntime(invocation, { create: false }), async (runtime) => {
    const run = await findRun(runtime.log, typed)
    await runtime.runs.release(run, { reason: why })
    const resume = invocation.command(['resume', run])
    await invocation.print(
      () => [`released  run ${run}; go on with`, `  ${resume}`],
      () => ({ run, released: true, resume }),
    )
    return EXIT.ok
  })
}

/** Only what is set aside can be released: no other standing is looked at. */
async function releaseMany(
  invocation: Invocation,
  { where, reason, dryRun = false }: ReleaseOptions,
): Promise<number> {
  const why = dryRun ? '' : saidWhy(reason, 'A release')
  const filter = parseWhere(where)
  if (filter.standings?.every((standing) => standing === 'quarantined') === false) {
    throw new CliError(CLI_CODES.usage, 'Only runs that are set aside can be released')
  }
  return onMany(invocation, {
    ...{ filter: { ...filter, standings: ['quarantined'] }, dryRun, would: 'would be released' },
    async one({ runs }, run) {
      await runs.release(run, { reason: why })
      return 'released'
    },
  })
}

function saidWhy(reason: string | undefined, what: string): string {
  if (reason !== undefined && reason !== '') return reason
  throw new CliError(CLI_CODES.usage, `${what} says why: --reason <text>`)
}
