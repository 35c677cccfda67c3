/** A fork in words: how it ends, what authority would have said, and what would be recorded. */
import { describe } from '@ice/capabilities'
import type { ChangedEvent, DiffEvent, Fork, ForkDecision, ForkEnd, Verdict } from '@ice/runs'
import { count } from '../terminal/format.ts'
import type { Paint } from '../terminal/paint.ts'
import { clip, jsonText, plain, plainLines } from '../terminal/text.ts'

const COLUMNS = 80
/** Events that are listed of each kind; JSON has all. */
const LISTED_MAX = 40

/** Lines of at most 80 columns, but for ids. */
export function forkLines(fork: Fork, paint: Paint): readonly string[] {
  const { run, at, program, result, decisions, diff, unanswered } = fork
  const flips = decisions.filter(({ outcome }) => outcome !== 'same')
  const { same, added, missing, changed } = diff
  const mark = result.same ? paint.green : paint.yellow
  return [
    `fork of ${paint.bold(run)} behind version ${at}`,
    `  ${plain(`${program.name} ${program.version}`)}; nothing was performed`,
    '',
    clip(`was    ${endText(result.was)}`, COLUMNS),
    mark(clip(`would  ${endText(result.would)}`, COLUMNS)),
    ...(unanswered.length === 0 ? [] : ['', paint.bold('unanswered')]),
    ...unanswered.map(({ step, kind, why }) => line('?', `${plain(step)}  ${kind}: ${plain(why)}`)),
    '',
    `${paint.bold('decisions')}  ${count(decisions.length)}, ${count(flips.length)} otherwise`,
    ...flips.flatMap((each) => decisionLines(each, paint)),
    '',
    `${paint.bold('events')}  ${count(same)} the same, ${count(changed.length)} changed, ` +
      `${count(added.length)} added, ${count(missing.length)} missing`,
    ...listed(changed, (each) => changedLines(each, paint)),
    ...listed(added, (each) => [paint.green(eventLine('+', each))]),
    ...listed(missing, (each) => [paint.red(eventLine('-', each))]),
  ]
}

function listed<T>(items: readonly T[], lines: (item: T) => readonly string[]): readonly string[] {
  const left = items.length - LISTED_MAX
  const more = left > 0 ? [`  and ${count(left)} more: --json has all`] : []
  return [...items.slice(0, LISTED_MAX).flatMap(lines), ...more]
}

function endText(end: ForkEnd | null): string {
  if (end === null) return 'has not ended'
  if (end.conclusion === 'continued') return `goes on as another, with ${safe(end.input)}`
  if (end.conclusion === 'committed') return `committed ${safe(end.value)}`
  return `${end.conclusion.replaceAll('_', ' ')}: ${plain(end.reason)}`
}

function safe(value: unknown): string {
  return plain(jsonText(value))
}

function decisionLines(decision: ForkDecision, paint: Paint): readonly string[] {
  const { effect, action, outcome, was, would, reason } = decision
  const head = `  ${paint.red(outcome)}  ${plain(effect)}: ${plain(action)}`
  if (reason !== null) return [head, `    ${clip(plain(reason), COLUMNS - 4)}`]
  const denial = would?.verdict === 'denied' ? plainLines(describe(would.denial)) : []
  return [
    `${head}, was ${wordOf(was)}, would be ${wordOf(would)}`,
    ...denial.map((text) => `    ${clip(text, COLUMNS - 4)}`),
  ]
}

function wordOf(verdict: Verdict | null): string {
  if (verdict === null) return 'nothing'
  return verdict.verdict === 'asked' ? 'put to a person' : verdict.verdict
}

function changedLines({ type, step, was, would }: ChangedEvent, paint: Paint): readonly string[] {
  const names = [...new Set([...Object.keys(was), ...Object.keys(would)])]
  const parted = names.filter((name) => jsonText(was[name]) !== jsonText(would[name]))
  return [
    paint.yellow(line('~', `${plain(step ?? '')}  ${type}`.trim())),
    ...parted.flatMap((name) => [
      clip(`      ${plain(name)}: ${safe(was[name] ?? null)}`, COLUMNS),
      clip(`      ${' '.repeat(name.length)}→ ${safe(would[name] ?? null)}`, COLUMNS),
    ]),
  ]
}

function eventLine(sign: string, { type, step, says }: DiffEvent): string {
  return line(sign, `${plain(step ?? '')}  ${type} ${safe(says)}`.trim())
}

function line(sign: string, text: string): string {
  return clip(`  ${sign} ${text}`, COLUMNS)
}
