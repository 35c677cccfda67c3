/** `ice backtest`: which recorded decisions would come out otherwise under a change. */
import { createJudge, describe } from '@ice/capabilities'
import type { ResourceKind } from '@ice/capabilities/ports'
import type { EventLog } from '@ice/events/ports'
import type { Timestamp } from '@ice/primitives'
import { type Rejudged, rejudge, type Verdict } from '@ice/runs'
import { STANDARD_KINDS } from '@ice/runtime'
import { pointInTime } from '../args/duration.ts'
import { type ChangeOptions, readChange } from '../backtest/change.ts'
import { recordedPolicy } from '../backtest/policy.ts'
import { CLI_CODES, CliError } from '../errors.ts'
import { EXIT } from '../exit.ts'
import type { Invocation } from '../invocation.ts'
import { findRun } from '../log/find.ts'
import { openReader, using } from '../log/open.ts'
import { count, counted } from '../terminal/format.ts'
import { writeList } from '../terminal/list.ts'
import type { Paint } from '../terminal/paint.ts'
import { clip, jsonText, plain, plainLines } from '../terminal/text.ts'

/** Options of `backtest`. */
export interface BacktestOptions extends ChangeOptions {
  readonly run?: string
  /** A position, or a time. */
  readonly since?: string
  /** The file of a program that brings kinds of resources along. */
  readonly program?: string
  /** Also those that stay as they are. */
  readonly all?: boolean
}

/** What all decisions together come to. */
type Summary = Record<'decisions' | Rejudged['outcome'], number>

/** Carries `backtest` out. @returns 9 where a decision flips, 6 where one does not reproduce */
export async function backtest(invocation: Invocation, options: BacktestOptions): Promise<number> {
  return using(await openReader(invocation), async ({ log }) => {
    const summary: Summary = { decisions: 0, same: 0, flip: 0, unreproducible: 0, outside: 0 }
    const judged = counting(await judgedIn(log, invocation, options), summary)
    const isShown = ({ outcome }: Rejudged): boolean =>
      options.all === true || outcome === 'flip' || outcome === 'unreproducible'
    if (invocation.format === 'human') {
      for await (const each of judged) {
        if (invocation.out.closed) return EXIT.ok
        if (isShown(each)) await printLines(invocation, lines(each, invocation.paint))
      }
      await printLines(invocation, summaryLines(summary))
    } else await writeList(invocation, records(judged, isShown, summary))
    if (summary.flip > 0) return EXIT.flipped
    return summary.unreproducible > 0 ? EXIT.unverified : EXIT.ok
  })
}

async function judgedIn(
  log: EventLog,
  invocation: Invocation,
  options: BacktestOptions,
): Promise<AsyncIterable<Rejudged>> {
  const change = await readChange(log, options, invocation.cwd)
  const run = options.run === undefined ? {} : { run: await findRun(log, options.run) }
  const kinds = [...STANDARD_KINDS, ...(await kindsOf(options, invocation))]
  // Made once before anything is read, so that a change that is none is told at once.
  createJudge({ kinds, change })
  return rejudge({
    log,
    judges: () => ({ recorded: createJudge({ kinds }), changed: createJudge({ kinds, change }) }),
    policyOf: (event) => recordedPolicy(log, event),
    signal: invocation.out.gone,
    ...run,
    ...sinceOf(options.since),
  })
}

async function kindsOf(
  { program }: BacktestOptions,
  invocation: Invocation,
): Promise<readonly ResourceKind[]> {
  if (program === undefined) return []
  const { loadProgramFile } = await import('../program/load.ts')
  return (await loadProgramFile(program, invocation)).parts.kinds
}

function sinceOf(text: string | undefined): { after?: number; since?: Timestamp } {
  if (text === undefined) return {}
  if (/^\d{1,12}$/.test(text)) return { after: Math.max(0, Number(text) - 1) }
  const at = pointInTime(text, 0)
  if (at !== undefined && Number.isSafeInteger(at)) return { since: at as Timestamp }
  const message = `--since takes a position or a time (2030-01-31T12:00:00Z), not "${plain(text)}"`
  throw new CliError(CLI_CODES.usage, message)
}

async function* counting(
  judged: AsyncIterable<Rejudged>,
  summary: Summary,
): AsyncIterable<Rejudged> {
  for await (const each of judged) {
    summary.decisions += 1
    summary[each.outcome] += 1
    yield each
  }
}

async function* records(
  judged: AsyncIterable<Rejudged>,
  isShown: (each: Rejudged) => boolean,
  summary: Summary,
): AsyncIterable<unknown> {
  for await (const each of judged) if (isShown(each)) yield each
  yield { summary }
}

async function printLines(invocation: Invocation, text: readonly string[]): Promise<void> {
  await invocation.print(
    () => text,
    () => null,
  )
}

function lines(each: Rejudged, paint: Paint): readonly string[] {
  const { event, position, effect, action, resource, outcome, was, would, reason } = each
  const mark = outcome === 'same' || outcome === 'outside' ? paint.dim : paint.red
  const where = clip(plain(jsonText(resource)), 200)
  const head = [
    `${mark(outcome)}  ${plain(effect)}: ${plain(action)} on ${where}`,
    `  ${event}  at position ${position}`,
  ]
  if (reason !== null) return [...head, `  ${clip(plain(reason), 400)}`]
  const after = would === null ? ', before authority was asked' : ` → would be ${wordOf(would)}`
  const told = outcome === 'flip' ? [was, would].flatMap(reasons) : []
  return [...head, `  was ${wordOf(was)}${after}`, ...told]
}

function wordOf(verdict: Verdict): string {
  if (verdict.verdict !== 'asked') return verdict.verdict
  const { approvers } = verdict
  const who = approvers === null ? 'anybody' : approvers.map(plain).join(', ') || 'nobody yet'
  return `put to a person (${who})`
}

function reasons(verdict: Verdict | null): readonly string[] {
  if (verdict?.verdict !== 'denied') return []
  return plainLines(describe(verdict.denial)).map((line) => `    ${line}`)
}

function summaryLines({ decisions, same, flip, unreproducible, outside }: Summary) {
  const told = [
    `${counted(decisions, 'decision')}: ${count(same)} as before, ${count(flip)} flip`,
    ...(outside === 0 ? [] : [`${count(outside)} were refused before authority was asked`]),
    ...(unreproducible === 0 ? [] : [`${count(unreproducible)} could not be reproduced`]),
  ]
  return [told.join('; ')]
}
