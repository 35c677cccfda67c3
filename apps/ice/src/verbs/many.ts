/** What the verbs do that concern several runs: look, tell what it comes to, or only show. */
import type { RunId, Timestamp } from '@ice/primitives'
import type { RunFilter, RunRow } from '@ice/runs/ports'
import type { Runtime } from '@ice/runtime'
import { CLI_CODES, CliError } from '../errors.ts'
import { EXIT } from '../exit.ts'
import type { Invocation } from '../invocation.ts'
import { RUNS_LISTED } from '../limits.ts'
import { findRun } from '../log/find.ts'
import { openRuntime, using } from '../log/open.ts'
import { rowLine, runPages } from '../log/run-pages.ts'
import { complain } from '../terminal/complain.ts'
import { counted } from '../terminal/format.ts'

/** Which runs. */
export interface Chosen {
  /** As they are typed; none: those that fit. */
  readonly typed?: readonly string[]
  readonly filter: RunFilter
}

/** What came of one run: `cancelled`; or that, and more that a program is to be told. */
export type Outcome = string | { readonly outcome: string; readonly more: object }

/** One verb on several runs. */
export interface ManyRuns {
  readonly dryRun: boolean
  /** What a preview says of all of them, like `would be cancelled`. */
  readonly would: string
  /** What it says of one of them. @defaultValue the same */
  preview?(runtime: Runtime, row: RunRow): Promise<Outcome>
  /** Does it to one run. @returns what that came to, like `cancelled` */
  one(runtime: Runtime, row: RunRow): Promise<Outcome>
}

/**
 * Runs are named, or there are conditions.
 * @throws `ICE_CLI_USAGE_UNSUPPORTED` for both, and for neither
 */
export function checkChosen(
  verb: string,
  typed: readonly string[],
  where: readonly string[],
): 'typed' | 'where' {
  if ((typed.length === 0) !== (where.length === 0)) return where.length === 0 ? 'typed' : 'where'
  throw new CliError(CLI_CODES.usage, 'Name runs, or say which: --where <condition>', {
    next: [`ice ${verb} --where queue=mail --where tag.tenant=acme --dry-run`],
  })
}

/** Carries it out on each of them, or shows them. @returns the exit code */
export async function onMany(invocation: Invocation, init: ManyRuns & Chosen): Promise<number> {
  return using(await openRuntime(invocation, { create: false }), async (runtime) =>
    carryOut(invocation, runtime, { ...init, rows: chosenRows(runtime, init) }),
  )
}

/** The runs that are named; or those that fit, and had begun when the command did. */
export async function* chosenRows(
  runtime: Runtime,
  { typed = [], filter }: Chosen,
): AsyncGenerator<RunRow> {
  const before = (Date.now() + 1) as Timestamp
  const runs = new Set<RunId>()
  for (const text of typed) runs.add(await findRun(runtime.log, text))
  const index = await runtime.index()
  await index.catchUp()
  yield* runPages(index, { before, ...filter, ...(runs.size === 0 ? {} : { runs: [...runs] }) })
}

/** Carries it out on these. @returns the exit code: that of a conflict, when it failed for one */
export async function carryOut(
  invocation: Invocation,
  runtime: Runtime,
  { rows, dryRun, would, preview, one }: ManyRuns & { readonly rows: AsyncIterable<RunRow> },
): Promise<number> {
  const told: { readonly run: RunId; readonly outcome: string }[] = []
  let failed = 0
  const shown: string[] = []
  for await (const row of rows) {
    const came = dryRun ? ((await preview?.(runtime, row)) ?? would) : await tried(row)
    const { outcome, more } = typeof came === 'string' ? { outcome: came, more: {} } : came
    if (came === FAILED) failed += 1
    told.push({ run: row.run, outcome, ...more })
    if (shown.length < RUNS_LISTED) shown.push(`${outcome}  ${rowLine(row)}`)
  }
  const hidden = told.length - shown.length
  await invocation.print(
    () => [
      ...shown,
      ...(hidden > 0 ? [`… and ${hidden} more`] : []),
      `${counted(told.length, 'run')}${dryRun ? ` ${would}` : `, ${failed} of them not`}`,
    ],
    () => ({ dryRun, count: told.length, failed, runs: told }),
  )
  return failed === 0 ? EXIT.ok : EXIT.conflict

  async function tried(row: RunRow): Promise<Outcome> {
    try {
      return await one(runtime, row)
    } catch (error) {
      complain(invocation, error)
      return FAILED
    }
  }
}

const FAILED = 'failed'
