/**
 * An explanation for people, in sections: proposed, presented, decided, authority, policy, outcome.
 *
 * Everything of the log is made plain before it is shown, and long values and long lists are cut,
 * with a word on what is left out: `--json` has all of it.
 */
import { errorRecord } from '@ice/primitives'
import { labelText } from '../log/labels.ts'
import { duration, isoTime } from '../terminal/format.ts'
import type { Paint } from '../terminal/paint.ts'
import { clip, jsonText, plain, plainLines } from '../terminal/text.ts'
import type { ConsentNote } from './consent.ts'
import type { Cause, DecisionNote, EffectNote, Explanation, ProposalNote } from './explain.ts'
import { type EventNote, isOfShape } from './note.ts'
import { chainLines } from './render-chain.ts'
import type { SubjectNote } from './subject.ts'

/** Decisions, and questions, of one effect that are shown: the latest. */
const SHOWN_MAX = 8

/** The lines of an explanation. Total: of what has another shape than it should, the data. */
export function explanationLines(explanation: Explanation, paint: Paint): readonly string[] {
  try {
    return linesOf(explanation, paint)
  } catch (error) {
    if (!isOfShape(error)) throw error
    const fault = `what is recorded is not of the shape of its type: ${errorRecord(error).message}`
    return linesOf({ ...explanation, effect: null, subject: null, causes: [], fault }, paint)
  }
}

function linesOf(explanation: Explanation, paint: Paint): readonly string[] {
  const { event, meaning, effect, subject, fault, causes } = explanation
  const { id, position, type, time, origin, principal } = event
  const by = principal === undefined ? plain(origin) : `${plain(origin)} for ${plain(principal)}`
  const head = [
    `${paint.bold(plain(type))}  ${id}  at position ${position}`,
    ...(meaning === null ? [] : [`  ${plain(meaning)}`]),
    `  recorded ${isoTime(time)} by ${by}`,
  ]
  if (fault !== null) head.push(`  ${paint.red(clip(plain(fault), 400))}`)
  if (subject !== null) head.push(...subjectLines(subject, paint))
  if (effect !== null) head.push('', ...effectLines(effect, paint))
  else if (subject === null || subject.lines.length === 0) {
    head.push(`  ${paint.dim(clip(plain(jsonText(event.data)), 400))}`)
  }
  if (causes.length > 0) head.push('', paint.bold('caused by'), ...causes.flatMap(causeLines(1)))
  return head
}

function subjectLines({ lines, data, next }: SubjectNote, paint: Paint): readonly string[] {
  const chain = Array.isArray(data['chain']) ? chainLines(data['chain'], paint) : []
  return [
    ...lines.map((line) => `  ${clip(plain(line), 400)}`),
    ...(next === null ? [] : [`  then ${plain(next.type)}  ${placeOf(next)}${whose(next)}`]),
    ...(chain.length === 0 ? [] : [paint.bold('authority'), ...chain]),
  ]
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
  const { effect, action, proposal, consents, decisions, ends, leftOut } = note
  const told = [`${paint.bold('effect')} ${plain(effect)}: ${plain(action)}`]
  if (proposal !== null) told.push(...proposalLines(proposal, paint))
  const missing = leftOut + hidden(consents) + hidden(decisions) + hidden(ends)
  if (missing > 0) told.push(paint.dim(`  ${missing} earlier steps of it are not shown: --json`))
  for (const consent of consents.slice(-SHOWN_MAX)) told.push(...consentLines(consent, paint))
  for (const decision of decisions.slice(-SHOWN_MAX)) told.push(...decisionLines(decision, paint))
  for (const end of ends.slice(-SHOWN_MAX)) told.push(...endLines(end, paint))
  return told
}

/** That it was staged, that it was undone, and what somebody said of it. */
function endLines(end: EffectNote['ends'][number], paint: Paint): readonly string[] {
  const word = END_WORDS[end.type] ?? plain(end.type)
  const { error, evidence, happened, observed } = end.data as Readonly<Record<string, unknown>>
  const said = error ?? observed ?? (happened === undefined ? undefined : { happened, evidence })
  return [
    `${paint.bold(word)}  ${placeOf(end)}${whose(end)}`,
    ...(said === undefined ? [] : [`  ${clip(plain(jsonText(said)), 400)}`]),
  ]
}

const END_WORDS: Readonly<Record<string, string>> = {
  EffectStaged: 'staged for the commit',
  EffectDoubtResolved: 'said of it',
  CompensationStarted: 'undoing began, by the right of its intent',
  CompensationSucceeded: 'undone',
  CompensationFailed: 'not undone yet',
  CompensationAbandoned: 'not undone',
}

function hidden(list: readonly unknown[]): number {
  return Math.max(0, list.length - SHOWN_MAX)
}

const TIES: Readonly<Record<string, string>> = {
  recorded: 'the effect names it',
  'names it': 'it names this effect; the record does not tie them',
  'last before it': 'the last one before it; the record does not tie them',
}

function proposalLines(proposal: ProposalNote, paint: Paint): readonly string[] {
  const { origin, reason, relation, digest } = proposal
  return [
    `${paint.bold('proposed')} by ${plain(origin)}: ${plain(reason)}`,
    `  ${placeOf(proposal)} (${TIES[relation]})`,
    `  content ${digest}`,
  ]
}

function consentLines(consent: ConsentNote, paint: Paint): readonly string[] {
  const { asked, prompt, digest, answered, approved, comment, approvers, expiresAt } = consent
  const who = approvers === null ? 'anybody' : approvers.map(plain).join(', ') || 'nobody yet'
  const until = expiresAt === null ? '' : `, until ${isoTime(expiresAt)}`
  const lines = [
    `${paint.bold('presented')} ${plain(prompt)}`,
    `  ${placeOf(asked)}`,
    `  for exactly the call ${digest}`,
    `  shown ${clip(plain(jsonText(consent.shown)), 300)}`,
    `  could be answered by ${who}${until}`,
    ...consent.later.slice(-SHOWN_MAX).map((each) => `  ${laterText(each)}`),
  ]
  if (answered === null) return [...lines, `  ${paint.yellow('no answer that counts')}`]
  const word = approved === true ? paint.green('approved') : paint.red('rejected')
  const said = comment === null ? '' : `: “${plain(comment)}”`
  const waited = duration(answered.time - asked.time)
  lines.push(`  ${word}${whose(answered)} after ${waited}${said}`, `  ${placeOf(answered)}`)
  if (consent.standing !== null) lines.push(`  and from then on by the grant ${consent.standing}`)
  return lines
}

function laterText(later: ConsentNote['later'][number]): string {
  const { type, to, code, approved } = later
  if (type === 'ApprovalEscalated')
    return `went on to ${to.map(plain).join(', ')}  ${placeOf(later)}`
  if (type === 'ApprovalLapsed') return `lapsed, which denies  ${placeOf(later)}`
  if (type === 'ApprovalConsumed') return `the answer was taken up  ${placeOf(later)}`
  const word = approved === true ? 'a yes' : 'a no'
  return `${word}${whose(later)} that does not count (${plain(`${code}`)})  ${placeOf(later)}`
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
    `  call ${decision.callDigest}`,
    `  arguments ${argumentsDigest}`,
  ]
  for (const [at, label] of Object.entries(decision.labels ?? {})) {
    lines.push(`    ${at === '' ? 'all' : plain(at)} ${labelText(label)}`)
  }
  if (decision.held) lines.push('  the program is given a reference, and does not see the result')
  if (decision.fate !== null) lines.push(`  should its outcome be lost: ${FATES[decision.fate]}`)
  if (decision.reasons !== null) {
    lines.push(...plainLines(decision.reasons).map((line) => `  ${paint.red(line)}`))
  }
  lines.push(paint.bold('authority'), ...chainLines(chain, paint), ...besideLines(decision, paint))
  if (outcome !== null && verdict === 'allowed') lines.push(...outcomeLines(outcome, paint))
  else if (verdict === 'allowed') lines.push(`${paint.bold('outcome')} none is recorded yet`)
  return lines
}

/** What else it stood on: a standing approval, secrets, the policy. */
function besideLines({ standing, secrets, policy }: DecisionNote, paint: Paint): readonly string[] {
  const lines: string[] = []
  if (standing !== null) {
    lines.push(paint.bold('approved by a standing approval'), ...chainLines(standing.chain, paint))
  }
  for (const { name, chain } of secrets) {
    lines.push(`${paint.bold('secret')} ${plain(name)}, under`, ...chainLines(chain, paint))
  }
  if (policy === null) return lines
  const { name, version, digest, adopted } = policy
  lines.push(`${paint.bold('policy')} ${plain(name)} ${plain(version)} did not refuse`)
  lines.push(`  ${digest}`)
  if (adopted !== null) lines.push(`  in force by ${placeOf(adopted)}${whose(adopted)}`)
  return lines
}

const FATES: Readonly<Record<string, string>> = {
  observe: 'it is repeated, because it changes nothing',
  idempotent: 'it is repeated with the same key',
  irreversible: 'it is in doubt until someone finds out',
}

function outcomeLines(
  outcome: NonNullable<DecisionNote['outcome']>,
  paint: Paint,
): readonly string[] {
  const { type, ms, result, observed, error, label } = outcome
  const lines = [
    `${paint.bold('outcome')} ${plain(type)} after ${duration(ms)}`,
    `  ${placeOf(outcome)}`,
  ]
  if (observed !== null) lines.push(`  observed ${clip(plain(jsonText(observed)), 300)}`)
  if (result !== null) lines.push(`  gave ${clip(plain(jsonText(result)), 300)}`)
  if (outcome.resultDigest !== null) lines.push(`  result ${outcome.resultDigest}`)
  if (label !== null) lines.push(`  ${labelText(label)}`)
  for (const end of outcome.ended) {
    const said = clip(plain(jsonText(end.data)), 200)
    lines.push(
      `  its right was ended by ${plain(end.type)}  ${placeOf(end)}${whose(end)}`,
      `    ${said}`,
    )
  }
  if (error !== null) lines.push(`  ${paint.red(clip(plain(jsonText(error)), 400))}`)
  return lines
}
