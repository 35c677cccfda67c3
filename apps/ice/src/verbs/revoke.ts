/** `ice revoke`: ends a grant, and all below it; or shows what that would end. */
import type { GrantId } from '@ice/primitives'
import { CLI_CODES, CliError } from '../errors.ts'
import { EXIT } from '../exit.ts'
import type { Invocation } from '../invocation.ts'
import { findGrant } from '../log/find.ts'
import { descendants, type GrantRecord, readGrants } from '../log/grants.ts'
import { type LogReader, openReader, openRuntime, using } from '../log/open.ts'
import { readRun } from '../log/runs.ts'
import { counted } from '../terminal/format.ts'
import { plain } from '../terminal/text.ts'
import { grantLines } from './grants.ts'

/** Options of `revoke`. */
export interface RevokeOptions {
  readonly reason?: string
  readonly dryRun?: boolean
}

/** Carries `revoke` out. @returns the exit code */
export async function revoke(
  invocation: Invocation,
  typed: string,
  { reason, dryRun }: RevokeOptions,
): Promise<number> {
  if (dryRun === true) return preview(invocation, typed)
  if (reason === undefined || reason === '') {
    throw new CliError(CLI_CODES.usage, 'A revocation says why: --reason <text>', {
      next: ['--dry-run shows what would be ended, and ends nothing'],
    })
  }
  return using(await openRuntime(invocation, { create: false }), async (runtime) => {
    const grant = await findGrant(runtime.log, typed)
    const ended = await runtime.grants.revoke(grant, { reason })
    const below = ended.length - 1
    const more = below === 0 ? '' : ` and ${counted(below, 'grant')} below it`
    await invocation.print(
      () => [`revoked ${grant}${more}`],
      () => ({ revoked: grant, ended }),
    )
    return EXIT.ok
  })
}

async function preview(invocation: Invocation, typed: string): Promise<number> {
  return using(await openReader(invocation), async (reader) => {
    const grant = await findGrant(reader.log, typed)
    const all = await readGrants(reader.log, Date.now())
    const ended = descendants(all, grant).filter(({ revoked }) => revoked === null)
    const runs = await holders(reader, ended)
    const open = runs.filter(({ isOver }) => !isOver).map(({ run }) => run)
    await invocation.print(
      () => [
        `would end ${counted(ended.length, 'grant')}, used by ${counted(open.length, 'open run')}`,
        ...ended.flatMap((each) => grantLines(each, invocation.paint)),
        ...open.map((run) => `open run ${plain(run)}`),
      ],
      () => ({
        dryRun: true,
        grant,
        ended: ended.map((each): GrantId => each.grant.id),
        openRuns: open,
      }),
    )
    return EXIT.ok
  })
}

async function holders(
  { log }: LogReader,
  records: readonly GrantRecord[],
): Promise<readonly { readonly run: string; readonly isOver: boolean }[]> {
  const runs = new Set(
    records.flatMap(({ grant }) =>
      grant.holder.startsWith('run/') ? [grant.holder.slice(4)] : [],
    ),
  )
  const found: { readonly run: string; readonly isOver: boolean }[] = []
  for (const run of runs) {
    const view = await readRun(log, run as never)
    found.push({ run, isOver: view.conclusion !== null })
  }
  return found
}
