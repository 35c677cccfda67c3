/** How a failure is told: what it is, why, and what to do now. */
import { type ErrorRecord, errorRecord, UNCODED } from '@ice/primitives'
import { nextSteps } from '../hints.ts'
import type { Invocation } from '../invocation.ts'
import type { Paint } from './paint.ts'
import { jsonText, plain, plainLines, withoutPasswords } from './text.ts'

/** One place where a value does not fit its schema, as zod and others report it. */
interface Issue {
  readonly path: readonly PropertyKey[]
  readonly message: string
}

/** The places where a value does not fit, anywhere in the causes of an error. */
export function issuesOf(error: unknown): readonly Issue[] {
  for (let at = error, depth = 0; depth < 5; depth += 1) {
    if (typeof at !== 'object' || at === null) return []
    const issues = (at as { readonly issues?: unknown }).issues
    if (Array.isArray(issues)) return issues.filter(isIssue).slice(0, 20)
    at = (at as { readonly cause?: unknown }).cause
  }
  return []
}

function isIssue(issue: unknown): issue is Issue {
  if (typeof issue !== 'object' || issue === null) return false
  const { path, message } = issue as Partial<Issue>
  return Array.isArray(path) && typeof message === 'string'
}

/** `grants.source.actions: expected array`. */
export function issueText({ path, message }: Issue): string {
  const place = path.map(String).join('.')
  return place === '' ? message : `${place}: ${message}`
}

/** The error as one JSON record, `next` included. */
export function complaintRecord(error: unknown): string {
  const next = nextSteps(error)
  const issues = issuesOf(error).map(issueText)
  const record = {
    ...errorRecord(error),
    ...(issues.length === 0 ? {} : { issues }),
    ...(next.length === 0 ? {} : { next }),
  }
  return withoutPasswords(jsonText({ error: record }))
}

/** The error for people. */
export function complaintLines(error: unknown, paint: Paint, debug: boolean): readonly string[] {
  const record = errorRecord(error)
  const issues = issuesOf(error)
  const code = record.code === UNCODED ? '' : ` ${paint.dim(`[${plain(record.code)}]`)}`
  const [first = '', ...rest] = plainLines(record.message)
  const lines = [`${paint.red('ice:')} ${first}${code}`, ...rest.map((line) => `  ${line}`)]
  if (issues.length > 0) lines.push(...issues.map((issue) => `  - ${plain(issueText(issue))}`))
  else lines.push(...causeLines(record))
  lines.push(...nextSteps(error).map((step) => `  ${paint.cyan('next:')} ${plain(step)}`))
  const isBug = record.code === UNCODED && error instanceof Error
  if (debug && error instanceof Error) lines.push(...plainLines(error.stack ?? ''))
  else if (isBug) lines.push(paint.dim('  set ICE_DEBUG=1 to see where it came from'))
  return lines.map(withoutPasswords)
}

function causeLines(record: ErrorRecord): readonly string[] {
  const lines: string[] = []
  for (let at = record.cause; at !== undefined; at = at.cause) {
    const [first = ''] = plainLines(at.message)
    lines.push(`  because: ${first}${at.code === UNCODED ? '' : ` [${plain(at.code)}]`}`)
  }
  return lines
}

/** Tells a failure on stderr: as JSON where data is JSON, otherwise to people. */
export function complain(
  { format, talk }: Pick<Invocation, 'format' | 'talk'>,
  error: unknown,
): void {
  if (format !== 'human') {
    talk.alarm(complaintRecord(error))
    return
  }
  const debug = (process.env['ICE_DEBUG'] ?? '') !== ''
  for (const line of complaintLines(error, talk.paint, debug)) talk.alarm(line)
}
