/** What the verbs do that concern all runs that fit: look, tell what it comes to, or only show. */
import type { RunId, Timestamp } from '@ice/primitives'
import type { RunFilter } from '@ice/runs/ports'
import type { Runtime } from '@ice/runtime'
import { EXIT } from '../exit.ts'
import type { Invocation } from '../invocation.ts'
import { RUNS_LISTED } from '../limits.ts'
import { openRuntime, using } from '../log/open.ts'
import { rowLine, runPages } from '../log/run-pages.ts'
import { complain } from '../terminal/complain.ts'

/** One verb on many runs. */
export interface ManyRuns {
  readonly filter: RunFilter
  readonly dryRun: boolean
  /** What a preview says of a run, like `would be cancelled`. */
  readonly would: string
  /** Does it to one run. @returns what that came to, like `cancelled` */
  one(runtime: Runtime, run: RunId): Promise<string>
}

/** Carries it out on each run that fits, and had begun when the command did. */
export async function onMany(
  invocation: Invocation,
  { filter, dryRun, would, one }: ManyRuns,
): Promise<number> {
  return using(await openRuntime(invocation, { create: false }), async (runtime) => {
    const index = await runtime.index()
    await index.catchUp()
    const told: { readonly run: RunId; readonly outcome: string }[] = []
    let failed = 0
    const shown: string[] = []
    const before = (Date.now() + 1) as Timestamp
    for await (const row of runPages(index, { before, ...filter })) {
      const outcome = dryRun ? would : await tried(runtime, row.run)
      if (outcome === 'failed') failed += 1
      told.push({ run: row.run, outcome })
      if (shown.length < RUNS_LISTED) shown.push(`${outcome}  ${rowLine(row)}`)
    }
    const more = told.length - shown.length
    await invocation.print(
      () => [
        ...shown,
        ...(more > 0 ? [`… and ${more} more`] : []),
        `${told.length} runs${dryRun ? ` ${would}` : `, ${failed} of them not`}`,
      ],
      () => ({ dryRun, count: told.length, failed, runs: told }),
    )
    return failed === 0 ? EXIT.ok : EXIT.conflict
  })

  async function tried(runtime: Runtime, run: RunId): Promise<string> {
    try {
      return await one(runtime, run)
    } catch (error) {
      complain(invocation, error)
      return 'failed'
    }
  }
}
