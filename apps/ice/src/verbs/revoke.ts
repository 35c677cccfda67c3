/** `ice revoke`: ends a grant, and all below it; or shows what that would end. */
import { saidWhy } from '../args/values.ts'
import { EXIT } from '../exit.ts'
import type { Invocation } from '../invocation.ts'
import { endingLines, readEnding } from '../log/ending.ts'
import { findGrant } from '../log/find.ts'
import { openReader, openRuntime, using } from '../log/open.ts'
import { counted } from '../terminal/format.ts'

/** Options of `revoke`. */
export interface RevokeOptions {
  readonly reason?: string
  readonly dryRun?: boolean
  readonly compensations?: boolean
}

/** Carries `revoke` out. @returns the exit code */
export async function revoke(
  invocation: Invocation,
  typed: string,
  { reason, dryRun, compensations }: RevokeOptions,
): Promise<number> {
  if (dryRun === true) return preview(invocation, typed)
  const why = saidWhy(reason, 'A revocation says', [
    '--dry-run shows what would be ended, and ends nothing',
  ])
  return using(await openRuntime(invocation, { create: false }), async (runtime) => {
    const grant = await findGrant(runtime.log, typed)
    const isWhole = compensations === true
    const ended = await runtime.grants.revoke(grant, { reason: why, compensations: isWhole })
    const below = ended.length - 1
    const more = below === 0 ? '' : ` and ${counted(below, 'grant')} below it`
    await invocation.print(
      () => [
        `revoked ${grant}${more}`,
        ...(isWhole ? ['  what was done under it is not undone, either'] : []),
      ],
      () => ({ revoked: grant, ended, ...(isWhole ? { compensations: true } : {}) }),
    )
    return EXIT.ok
  })
}

async function preview(invocation: Invocation, typed: string): Promise<number> {
  return using(await openReader(invocation), async ({ log }) => {
    const grant = await findGrant(log, typed)
    const ending = await readEnding(log, { grant })
    const { grants: ended, runs: openRuns, effects, approvals } = ending
    await invocation.print(
      () => endingLines(ending),
      () => ({ dryRun: true, grant, ended, openRuns, effects, approvals }),
    )
    return EXIT.ok
  })
}
