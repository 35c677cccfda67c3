/** `ice cancel`: asks for the abort of all runs that fit, after a preview. */
import { hasCode } from '@ice/primitives'
import type { RunFilter } from '@ice/runs/ports'
import { saidWhy } from '../args/values.ts'
import { parseWhere } from '../args/where.ts'
import { CLI_CODES, CliError } from '../errors.ts'
import type { Invocation } from '../invocation.ts'
import { onMany } from './many.ts'

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
  const next = ['--dry-run shows what it would concern']
  const why = dryRun ? '' : saidWhy(reason, 'A cancellation says', next)
  const filter: RunFilter = { standings: OPEN, ...parseWhere(where) }
  return onMany(invocation, {
    ...{ filter, dryRun, would: 'would be cancelled' },
    async one({ runs }, { run }) {
      try {
        await runs.abort(run, { reason: why })
        const { conclusion } = await runs.view(run)
        return conclusion === null ? 'asked' : 'cancelled'
      } catch (error) {
        if (hasCode(error, 'ICE_RUNS_CONCLUDED_CONFLICT')) return 'had ended'
        throw error
      }
    },
  })
}
