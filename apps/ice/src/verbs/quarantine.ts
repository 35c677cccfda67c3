/** `ice quarantine` and `ice release`: set a run aside, and let it go on. */
import { CLI_CODES, CliError } from '../errors.ts'
import { EXIT } from '../exit.ts'
import type { Invocation } from '../invocation.ts'
import { findRun } from '../log/find.ts'
import { openRuntime, using } from '../log/open.ts'

/** Options of both. */
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
  typed: string,
  { reason }: QuarantineOptions,
): Promise<number> {
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

function saidWhy(reason: string | undefined, what: string): string {
  if (reason !== undefined && reason !== '') return reason
  throw new CliError(CLI_CODES.usage, `${what} says why: --reason <text>`)
}
