/** `ice cancel`: asks for the abort of all runs that fit, after a preview. */
import { hasCode, type RunId, type Timestamp } from '@ice/primitives'
import type { RunFilter, RunIndex, RunRow } from '@ice/runs/ports'
import { parseWhere } from '../args/where.ts'
import { CLI_CODES, CliError } from '../errors.ts'
import { EXIT } from '../exit.ts'
import type { Invocation } from '../invocation.ts'
import { CANCEL_PAGE, CANCEL_SHOWN } from '../limits.ts'
import { openRuntime, using } from '../log/open.ts'
import { complain } from '../terminal/complain.ts'
import { plain } from '../terminal/text.ts'

/** Options of `cancel`. */
export interface CancelOptions {
  readonly where: readonly string[]
  readonly reason?: string
  readonly dryRun?: boolean
}

const OPEN = ['ready', 'asleep', 'held', 'quarantined'] as const

/** Carries `cancel` out. @returns the exit code */
export async function cancel(invocation: Invocation, options: CancelOptions): Promise<number> {
  const { where, reason, dryRun = false } = options
  if (where.length === 0) {
    throw new CliError(CLI_CODES.usage, 'Say which runs: --where <condition>', {
      next: ['ice cancel --where queue=mail --where tag.tenant=acme --dry-run'],
    })
  }
  if (!dryRun && (reason === undefined || reason === '')) {
    throw new CliError(CLI_CODES.usage, 'A cancellation says why: --reason <text>', {
      next: ['--dry-run shows what it would concern'],
    })
  }
  const filter: RunFilter = { standings: OPEN, ...parseWhere(where) }
  return using(await openRuntime(invocation, { create: false }), async (runtime) => {
    const index = await runtime.index()
    await index.catchUp()
    const told: { readonly run: RunId; readonly outcome: string }[] = []
    let failed = 0
    const shown: string[] = []
    // What comes later is not meant: only what had begun when the command did.
    const before = (Date.now() + 1) as Timestamp
    for await (const row of pages(index, { before, ...filter })) {
      const outcome = dryRun ? 'would be cancelled' : await abortOne(row.run)
      if (outcome === 'failed') failed += 1
      told.push({ run: row.run, outcome })
      if (shown.length < CANCEL_SHOWN) shown.push(`${outcome}  ${line(row)}`)
    }
    const more = told.length - shown.length
    await invocation.print(
      () => [
        ...shown,
        ...(more > 0 ? [`… and ${more} more`] : []),
        `${told.length} runs${dryRun ? ' would be cancelled' : `, ${failed} of them not`}`,
      ],
      () => ({ dryRun, count: told.length, failed, runs: told }),
    )
    return failed === 0 ? EXIT.ok : EXIT.conflict

    async function abortOne(run: RunId): Promise<string> {
      try {
        await runtime.runs.abort(run, { reason: reason ?? '' })
        const { conclusion } = await runtime.runs.view(run)
        return conclusion === null ? 'asked' : 'cancelled'
      } catch (error) {
        if (hasCode(error, 'ICE_RUNS_CONCLUDED_CONFLICT')) return 'had ended'
        complain(invocation, error)
        return 'failed'
      }
    }
  })
}

function line({ run, program, queue, standing }: RunRow): string {
  return `${run}  ${plain(`${program.name} ${program.version}`)}  ${plain(queue)}  ${standing}`
}

async function* pages(index: RunIndex, filter: RunFilter): AsyncGenerator<RunRow> {
  let after: RunId | undefined
  for (;;) {
    const page = await index.find({
      ...filter,
      limit: CANCEL_PAGE,
      ...(after === undefined ? {} : { after }),
    })
    yield* page
    after = page.at(-1)?.run
    if (page.length < CANCEL_PAGE) return
  }
}
