/** `ice why`: why an event is there, by whose authority, and what came of it. */
import { EXIT } from '../exit.ts'
import type { Invocation } from '../invocation.ts'
import { findEvent } from '../log/find.ts'
import { openReader, using } from '../log/open.ts'
import { duration, isoTime } from '../terminal/format.ts'
import type { Paint } from '../terminal/paint.ts'
import { clip, jsonText, plain, plainLines } from '../terminal/text.ts'
import type { Take } from '../why/authority.ts'
import {
  type Cause,
  type ConsentNote,
  type DecisionNote,
  type EffectNote,
  type EventNote,
  type Explanation,
  explain,
  type LinkNote,
} from '../why/explain.ts'
import { resourceText } from './grants.ts'

/** Carries `why` out. @returns the exit code */
export async function why(invocation: Invocation, typed: string): Promise<number> {
  return using(await openReader(invocation), async ({ log }) => {
    const explanation = await explain(log, await findEvent(log, typed))
    await invocation.print(
      () => lines(explanation, invocation.paint),
      () => explanation,
    )
    return EXIT.ok
  })
}

function lines({ event, meaning, effect, causes }: Explanation, paint: Paint): readonly string[] {
  const { id, position, type, time, origin, principal } = event
  const by = principal === undefined ? plain(origin) : `${plain(origin)} for ${plain(principal)}`
  const head = [
    `${paint.bold(plain(type))}  ${id}  at position ${position}`,
    ...(meaning === null ? [] : [`  ${plain(meaning)}`]),
    `  recorded ${isoTime(time)} by ${by}`,
  ]
  if (effect !== null) head.push('', ...effectLines(effect, paint))
  else head.push(`  ${paint.dim(clip(plain(jsonText(event.data)), 400))}`)
  if (causes.length > 0) head.push('', paint.bold('caused by'), ...causes.flatMap(causeLines(1)))
  return head
}

function causeLines(depth: number): (cause: Cause) => readonly string[] {
  const indent = '  '.repeat(depth)
  return (cause) => [
    `${indent}${plain(cause.type)}  ${placeOf(cause)}${whose(cause)}`,
    `${indent}  ${clip(plain(jsonText(cause.data)), 200)}`,
    ...cause.causes.flatMap(causeLines(depth + 1)),
  ]
}

function placeOf({ id, time }: EventNote): string {
  return `${id}  ${isoTime(time)}`
}

function whose({ principal }: EventNote): string {
  return principal === null ? '' : `  by ${plain(principal)}`
}

function effectLines(note: EffectNote, paint: Paint): readonly string[] {
  const { effect, action, proposal, consents, decisions } = note
  const told = [`${paint.bold('effect')} ${plain(effect)}: ${plain(action)}`]
  if (proposal !== null) {
    const agent = plain(proposal.origin)
    const tie = proposal.relation === 'names it' ? 'it names this effect' : 'the last one before it'
    told.push(
      `${paint.bold('proposed')} by ${agent}: ${plain(proposal.reason)}`,
      `  ${placeOf(proposal)} (${tie})`,
    )
  }
  for (const consent of consents) told.push(...consentLines(consent, paint))
  for (const decision of decisions) told.push(...decisionLines(decision, paint))
  return told
}

function consentLines(consent: ConsentNote, paint: Paint): readonly string[] {
  const { asked, prompt, digest, answered, approved, comment } = consent
  const lines = [
    `${paint.bold('asked')} ${plain(prompt)}`,
    `  ${placeOf(asked)}`,
    `  for exactly the call ${digest}`,
  ]
  if (answered === null) return [...lines, `  ${paint.yellow('not answered yet')}`]
  const word = approved === true ? paint.green('approved') : paint.red('rejected')
  const said = comment === null ? '' : `: “${plain(comment)}”`
  const waited = duration(answered.time - asked.time)
  return [...lines, `  ${word}${whose(answered)} after ${waited}${said}`, `  ${placeOf(answered)}`]
}

function decisionLines(decision: DecisionNote, paint: Paint): readonly string[] {
  const { verdict, stage, decided, resource, argumentsDigest, attempt, chain, outcome } = decision
  const word = verdict === 'allowed' ? paint.green('allowed') : paint.red('denied')
  const where =
    verdict === 'denied' && stage === 'handler' ? ' by the handler, before it acted' : ''
  const lines = [
    `${paint.bold('decided')} ${word}${where}${attempt > 1 ? `, attempt ${attempt}` : ''}`,
    `  ${placeOf(decided)}`,
    `  on ${clip(plain(jsonText(resource)), 300)}`,
    `  arguments ${argumentsDigest}`,
  ]
  if (decision.fate !== null) lines.push(`  should its outcome be lost: ${FATES[decision.fate]}`)
  if (decision.reasons !== null) {
    lines.push(...plainLines(decision.reasons).map((line) => `  ${paint.red(line)}`))
  }
  lines.push(paint.bold('authority'), ...chain.flatMap((link, at) => linkLines(link, at, paint)))
  if (outcome !== null && verdict === 'allowed') lines.push(...outcomeLines(outcome, paint))
  else if (verdict === 'allowed') lines.push(`${paint.bold('outcome')} none is recorded yet`)
  return lines
}

const FATES: Readonly<Record<string, string>> = {
  observe: 'it is repeated, because it changes nothing',
  idempotent: 'it is repeated with the same key',
  irreversible: 'it is in doubt until someone finds out',
}

function linkLines(link: LinkNote, at: number, paint: Paint): readonly string[] {
  const indent = '  '.repeat(at + 1)
  if (typeof link['unknown'] === 'string') {
    return [`${indent}${plain(link['unknown'])}: this log has no such grant`]
  }
  const record = link as unknown as LinkView
  const { id, label, holder, actions, resource, caveats, issuedAt, issuedBy, parent } = record
  const name = label === null ? '' : ` ${paint.bold(plain(label))}`
  const by = issuedBy === null ? '' : ` by ${plain(issuedBy)}`
  const root = parent === null ? ', a root' : ''
  const lines = [
    `${indent}grant ${id}${name}${root}`,
    `${indent}  ${plain(holder)} may ${actions.map(plain).join(', ')} on ${resourceText(resource)}`,
    `${indent}  issued ${isoTime(issuedAt)}${by} (${record.event})`,
    ...caveats.map((caveat) => `${indent}  only under ${plain(jsonText(caveat))}`),
  ]
  if (record.expiresAt !== null) lines.push(`${indent}  until ${isoTime(record.expiresAt)}`)
  const { takes, revoked } = record
  lines.push(...takes.map((take) => `${indent}  ${takeText(take)}`))
  if (revoked !== null) {
    const when = record.revokedLater ? 'revoked since' : 'revoked'
    const who = revoked.by === null ? '' : ` by ${plain(revoked.by)}`
    lines.push(
      `${indent}  ${paint.red(when)} ${isoTime(revoked.at)}${who}: ${plain(revoked.reason)}`,
    )
  }
  return lines
}

/** The members of a link that are shown. */
interface LinkView {
  readonly id: string
  readonly label: string | null
  readonly holder: string
  readonly actions: readonly string[]
  readonly resource: Readonly<Record<string, unknown>>
  readonly caveats: readonly unknown[]
  readonly expiresAt: number | null
  readonly parent: string | null
  readonly issuedAt: number
  readonly issuedBy: string | null
  readonly event: string
  readonly takes: readonly Take[]
  readonly revoked: {
    readonly at: number
    readonly by: string | null
    readonly reason: string
  } | null
  readonly revokedLater: boolean
}

/** What an effect took of a limit. */
function takeText({ unit, amount, max, slice }: Take): string {
  const of = max === null ? '' : ` of ${max}`
  const from = slice === null ? '' : `, out of the slice ${slice}`
  return `took ${amount}${of} ${plain(unit)}${from}`
}

function outcomeLines(
  outcome: NonNullable<DecisionNote['outcome']>,
  paint: Paint,
): readonly string[] {
  const { type, ms, result, observed, error } = outcome
  const lines = [
    `${paint.bold('outcome')} ${plain(type)} after ${duration(ms)}`,
    `  ${placeOf(outcome)}`,
  ]
  if (observed !== null) lines.push(`  observed ${clip(plain(jsonText(observed)), 300)}`)
  if (result !== null) lines.push(`  gave ${clip(plain(jsonText(result)), 300)}`)
  if (error !== null) lines.push(`  ${paint.red(clip(plain(jsonText(error)), 400))}`)
  return lines
}
