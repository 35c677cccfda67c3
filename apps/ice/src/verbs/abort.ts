/** `ice abort`: ends a run without a result, cleanly, or by force. */
import { saidWhy } from '../args/values.ts'
import { EXIT } from '../exit.ts'
import type { Invocation } from '../invocation.ts'
import { findRun } from '../log/find.ts'
import { openRuntime, using } from '../log/open.ts'
import { counted } from '../terminal/format.ts'
import { plain } from '../terminal/text.ts'

/** Options of `abort`. */
export interface AbortOptions {
  readonly reason?: string
  readonly force?: boolean
}

/** Carries `abort` out. @returns the exit code */
export async function abort(
  invocation: Invocation,
  typed: string,
  { reason, force }: AbortOptions,
): Promise<number> {
  const why = saidWhy(reason, 'An abort says')
  return using(await openRuntime(invocation, { create: false }), async (runtime) => {
    const run = await findRun(runtime.log, typed)
    await runtime.runs.abort(run, { reason: why, ...(force === true ? { force: true } : {}) })
    const view = await runtime.runs.view(run)
    const { conclusion, owner, inDoubt, finishing, compensations } = view
    const { open, succeeded, abandoned } = compensations
    await invocation.print(
      () => [
        conclusion === null
          ? `asked for the abort of run ${run}; ${plain(owner)} drives it and will end it`
          : `ended run ${run}: ${conclusion}`,
        ...(succeeded === 0 ? [] : [`  undone: ${counted(succeeded, 'effect')}`]),
        ...abandoned.map((step) => `  not undone: ${plain(step)}`),
        ...open.map((step) => `  not undone yet: ${plain(step)}`),
        ...inDoubt.map((step) => `  in doubt: ${plain(step)}`),
      ],
      () => ({ run, conclusion, requested: true, inDoubt, finishing, compensations }),
    )
    if (finishing) {
      invocation.talk.say(`go on with what it owes: ${invocation.command(['resume', run])}`)
    }
    if (conclusion === null) {
      invocation.talk.say(`--force ends it now, without the program having a say`)
    }
    return EXIT.ok
  })
}
