/** `ice stop`: ends authority for a whole scope, gives it back, or shows what is stopped. */
import type { StopScope, StopState } from '@ice/capabilities/ports'
import { saidWhy } from '../args/values.ts'
import { CLI_CODES, CliError } from '../errors.ts'
import { EXIT } from '../exit.ts'
import type { Invocation } from '../invocation.ts'
import { endingLines, grantsReader, readEnding } from '../log/ending.ts'
import { findRun } from '../log/find.ts'
import { openReader, openRuntime, using } from '../log/open.ts'
import { isoTime } from '../terminal/format.ts'
import { writeList } from '../terminal/list.ts'
import { plain } from '../terminal/text.ts'

/** Options of `stop`. */
export interface StopOptions {
  readonly reason?: string
  readonly lift?: boolean
  readonly dryRun?: boolean
}

const SCOPES = 'all, run/<run>, agent/<agent>, session/<session>, operator/<principal>'

/** Carries `stop` out. @returns the exit code */
export async function stop(
  invocation: Invocation,
  typed: string | undefined,
  { reason, lift, dryRun }: StopOptions,
): Promise<number> {
  if (typed === undefined) return list(invocation)
  if (dryRun === true) {
    if (lift === true) throw new CliError(CLI_CODES.usage, '--dry-run shows what a stop would end')
    return preview(invocation, typed)
  }
  const why = saidWhy(reason, 'A stop, and its lift, say', [
    '--dry-run shows what would be stopped, and stops nothing',
  ])
  return using(await openRuntime(invocation, { create: false }), async (runtime) => {
    const scope = await scopeOf(runtime, typed)
    const { grants } = runtime
    const state = await (lift === true
      ? grants.resume(scope, { reason: why })
      : grants.stop(scope, { reason: why }))
    await invocation.print(
      () => [state === null ? `${plain(scope)} was never stopped` : stopLine(state)],
      () => state ?? { scope, stopped: false },
    )
    return EXIT.ok
  })
}

/** A scope as it is typed: a run may be the beginning of its id. @throws as `findRun` */
async function scopeOf(
  { log }: { readonly log: Parameters<typeof findRun>[0] },
  typed: string,
): Promise<StopScope> {
  if (typed.startsWith('run/')) return `run/${await findRun(log, typed)}`
  const { isStopScope } = await import('@ice/capabilities')
  if (isStopScope(typed)) return typed
  throw new CliError(CLI_CODES.usage, `"${plain(typed)}" is nothing that can be stopped`, {
    next: [`a scope is one of ${SCOPES}`],
  })
}

async function preview(invocation: Invocation, typed: string): Promise<number> {
  return using(await openReader(invocation), async (reader) => {
    const scope = await scopeOf(reader, typed)
    const ending = await readEnding(reader.log, { scope })
    await invocation.print(
      () => endingLines(ending),
      () => ({ dryRun: true, scope, ...ending }),
    )
    return EXIT.ok
  })
}

async function list(invocation: Invocation): Promise<number> {
  return using(await openReader(invocation), async ({ log }) => {
    const stops = await grantsReader(log).stops()
    if (invocation.format !== 'human') {
      await writeList(invocation, [...stops])
      return EXIT.ok
    }
    if (stops.length === 0) invocation.talk.say('nothing was ever stopped')
    await invocation.print(
      () => stops.map(stopLine),
      () => null,
    )
    return EXIT.ok
  })
}

function stopLine({ scope, stopped, at, by, reason }: StopState): string {
  const who = by === null ? '' : ` by ${plain(by)}`
  const why = reason === null ? '' : `: ${plain(reason)}`
  return `${stopped ? 'stopped' : 'lifted'}  ${plain(scope)}  ${isoTime(at)}${who}${why}`
}
