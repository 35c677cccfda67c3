/**
 * A person's answer to a step that waits: who it is by decides whether it is one.
 *
 * The principal is the caller's word: whoever takes answers from people has authenticated them. An
 * answer that does not count is recorded as refused, so that it is seen, and thrown, so that the
 * person knows; it looks like no answer to anybody who reads the log. So is one to a question whose
 * right has ended; one that counts is guarded by what that right stands on.
 */

import type { DenialCause, Grant } from '@ice/capabilities/ports'
import type { StandardPayloads } from '@ice/events/define'
import type { NewEvent, StreamWrite } from '@ice/events/ports'
import type { PrincipalId, RunId, StreamId, Timestamp } from '@ice/primitives'
import { type Command, command, notWaiting } from './commands.ts'
import type { Components } from './components.ts'
import { RUNS_CODES, type RunsCode, RunsError } from './errors.ts'
import { type RunFold, unanswered, viewOf } from './lifecycle.ts'
import { REFUSED_ANSWERS_MAX } from './limits.ts'
import type { AnswerCommand, Answered, WaitingStep } from './ports.ts'
import { rightOf } from './question-rights.ts'
import { dueFact, escalated, refusalOf } from './questions.ts'
import { standingSpec } from './standing.ts'

/** Records an answer, or that it is none. */
export async function answerStep(
  components: Components,
  run: RunId,
  answer: AnswerCommand,
): Promise<Answered> {
  const by = answer.principal ?? components.principal
  let standing: Grant | null = null
  await command(components, { run, principal: by, until: 'end' }, async (fold) => {
    const waiting = waitingFor(fold, run, answer)
    const at = Math.max(components.clock.now(), fold.view?.updatedAt ?? 0) as Timestamp
    // What has become due is recorded with the answer that met it.
    const due = dueFact(waiting, at)
    const current = due?.type === 'ApprovalEscalated' ? escalated(waiting, due.data.to) : waiting
    const noted: NewEvent[] = due === null ? [] : [{ ...eventOf(due), time: at }]
    const right = await rightOf(components.authority, viewOf(fold), current, at)
    const { ended, guards } = right
    const code = ended === null ? refusalOf(current, by, at) : RUNS_CODES.rightEnded
    if (code !== null) return refused(fold, run, current, { noted, answer, by, at, code, ended })
    standing = standingOf(components, fold, current, answer)
    if (answer.dryRun === true) return { events: [] }
    const verdict = { ...verdictOf(current, answer, standing), time: at }
    const writes = standing === null ? [] : [issue(standing, answer, by)]
    return { events: [...noted, verdict], writes, guards }
  })
  return { standing }
}

function eventOf({ type, data, causes = [] }: NewEvent): NewEvent {
  return { type, data, ...(causes.length === 0 ? {} : { causes }) }
}

/** @throws `ICE_RUNS_STEP_NOT_FOUND`, `ICE_RUNS_STEP_CONFLICT`, `ICE_RUNS_ANSWER_LATE_CONFLICT` */
function waitingFor(fold: RunFold, run: RunId, { step, digest }: AnswerCommand): WaitingStep {
  const waiting = unanswered(fold).find((one) => one.step === step && one.kind !== 'doubt')
  if (waiting === undefined) {
    throw fold.lapsed.has(step)
      ? failureOf(RUNS_CODES.answerLate, run, step)
      : notWaiting(run, step, fold)
  }
  if (digest === undefined || digest === waiting.digest) return waiting
  const message = `"${step}" now waits for another call than the one that was shown`
  throw new RunsError(RUNS_CODES.stepConflict, message, { run, step, digest: waiting.digest })
}

interface Refused {
  readonly noted: readonly NewEvent[]
  readonly answer: AnswerCommand
  readonly by: PrincipalId
  readonly at: Timestamp
  readonly code: RunsCode
  readonly ended: DenialCause | null
}

function refused(
  fold: RunFold,
  run: RunId,
  { step, digest, request, approvers }: WaitingStep,
  { noted, answer, by, at, code, ended }: Refused,
): Command {
  const why = ended === null ? {} : { ended: ended.code, message: ended.message }
  const failure = failureOf(code, run, step, { by, approvers: [...(approvers ?? [])], ...why })
  if (answer.dryRun === true) return { events: [], failure }
  const data = { step, digest, request, approved: answer.approved, code }
  const isFull = (fold.refusedAnswers.get(step) ?? 0) >= REFUSED_ANSWERS_MAX
  const event: NewEvent = { type: 'AnswerRefused', data, causes: [request], time: at }
  return { events: isFull ? noted : [...noted, event], failure }
}

function failureOf(code: RunsCode, run: RunId, step: string, more: object = {}): RunsError {
  return new RunsError(code, failureText(code, step), { run, step, ...more })
}

function failureText(code: RunsCode, step: string): string {
  if (code === RUNS_CODES.answerLate) return `The question "${step}" had lapsed before this answer`
  if (code === RUNS_CODES.rightEnded) {
    return `The right to "${step}" has ended: no answer counts, and the next drive denies it`
  }
  return `"${step}" is to be answered by others; this answer does not count`
}

function standingOf(
  { authority, ids }: Components,
  fold: RunFold,
  waiting: WaitingStep,
  { approved, standing }: AnswerCommand,
): Grant | null {
  if (standing === undefined) return null
  if (!approved) {
    const message = 'What is refused is not refused once and for all: there is no standing refusal'
    throw new RunsError(RUNS_CODES.standingUnsupported, message, { step: waiting.step })
  }
  return authority.rootGrant(standingSpec(fold, waiting, standing, ids.nextGrantId()))
}

function verdictOf(
  { step, digest, request }: WaitingStep,
  { approved, comment }: AnswerCommand,
  standing: Grant | null,
): NewEvent {
  const data: StandardPayloads['ApprovalGranted'] = {
    ...{ step, digest, request },
    ...(comment === undefined ? {} : { comment }),
    ...(standing === null ? {} : { standing: standing.id }),
  }
  return { type: approved ? 'ApprovalGranted' : 'ApprovalRejected', data, causes: [request] }
}

function issue(grant: Grant, { step }: AnswerCommand, principal: PrincipalId): StreamWrite {
  const label = `standing approval of ${step}`.slice(0, 512)
  return {
    stream: `grant/${grant.id}` as StreamId,
    expectedVersion: 'no_stream',
    events: [{ type: 'CapabilityGranted', data: { grant, label }, principal }],
  }
}
