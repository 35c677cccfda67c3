/** `ice fork`: what a run would have been, had one recorded thing been another. */
import { createJudge } from '@ice/capabilities'
import type { AuthorityChange } from '@ice/capabilities/ports'
import type { EventLog } from '@ice/events/ports'
import { type Fork, forkRun } from '@ice/runs'
import { STANDARD_KINDS } from '@ice/runtime'
import { type ChangeOptions, readChange } from '../backtest/change.ts'
import { recordedPolicy } from '../backtest/policy.ts'
import { EXIT } from '../exit.ts'
import type { Invocation } from '../invocation.ts'
import { findRun } from '../log/find.ts'
import { openReader, using } from '../log/open.ts'
import { readRun } from '../log/runs.ts'
import { keepStdoutForData } from '../program/quiet.ts'
import { forkLines } from '../travel/fork-lines.ts'
import { programFor } from '../travel/programs.ts'
import { type ReplacementOptions, readReplacements } from '../travel/replacements.ts'

/** Options of `fork`. */
export interface ForkOptions extends ReplacementOptions, ChangeOptions {
  readonly at?: number
  readonly program?: string
}

const CHANGES = ['policy', 'revoke', 'caveat', 'replace', 'expire'] as const

/** Carries `fork` out. @returns 0: that it would have been otherwise is an answer */
export async function fork(
  invocation: Invocation,
  typed: string,
  options: ForkOptions,
): Promise<number> {
  const replace = await readReplacements(options, invocation.cwd)
  keepStdoutForData()
  const made = await using(await openReader(invocation), async ({ log }) => {
    const run = await findRun(log, typed)
    const found = await programFor(await readRun(log, run), options.program, invocation)
    const { program, parts } = found
    const change = await changeOf(log, options, invocation.cwd)
    const kinds = [...STANDARD_KINDS, ...parts.kinds]
    const judge = () => createJudge(change === null ? { kinds } : { kinds, change })
    const { at } = options
    return forkRun({
      ...{ log, run, programs: [program], replace, judge, signal: invocation.out.gone },
      policyOf: (event) => recordedPolicy(log, event),
      ...(at === undefined ? {} : { at }),
    })
  })
  await print(invocation, made)
  return EXIT.ok
}

async function changeOf(
  log: EventLog,
  options: ForkOptions,
  cwd: string,
): Promise<AuthorityChange | null> {
  const isChanged = CHANGES.some((kind) => options[kind] !== undefined)
  return isChanged ? readChange(log, options, cwd) : null
}

async function print(invocation: Invocation, made: Fork): Promise<void> {
  await invocation.print(
    () => forkLines(made, invocation.paint),
    () => made,
  )
}
