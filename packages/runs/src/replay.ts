/**
 * Replay: what the log holds of a run, delivered to a new execution of its program.
 *
 * Nothing is performed, decided or recorded. An event whose step the program has not asked for by
 * then, or has asked for differently, means that the program is not the one that was recorded:
 * that is reported with both sides, and nothing is written.
 */

import type { EventLog, RecordedEvent, ValueRef } from '@ice/events/ports'
import type { JsonObject, JsonValue, RunId } from '@ice/primitives'
import { RUNS_CODES, RunsError } from './errors.ts'
import { Execution, type Step, settlementOf } from './execution.ts'
import { runStream } from './journal.ts'
import { isOutcome, type Payload } from './lifecycle.ts'
import type { Program } from './ports.ts'
import { openValue, sealValue } from './value.ts'

/** What a replay needs. */
export interface ReplayInit {
  readonly log: EventLog
  readonly run: RunId
  readonly program: Program
  readonly input: unknown
  /** The version up to which the run was folded: later events are news, not history. */
  readonly upTo: number
  readonly onEvent: (event: RecordedEvent) => void
}

const ANSWERS = new Set(['ApprovalGranted', 'ApprovalRejected', 'ApprovalLapsed'])

/** Replays a run whose execution window has been opened. */
export async function replay(init: ReplayInit): Promise<Execution> {
  const { log, run, upTo } = init
  let execution: Execution | undefined
  const answers = new Map<string, RecordedEvent>()
  for await (const batch of log.read({ stream: runStream(run), limit: upTo })) {
    for (const event of batch) {
      init.onEvent(event)
      if (event.type === 'ExecutionWindowOpened') {
        execution = new Execution(run, event.time)
        await execution.begin(init.program, init.input)
      } else if (execution !== undefined) {
        if (ANSWERS.has(event.type)) answers.set(event.id, event)
        await feed(execution, event, log, answers)
      }
    }
  }
  if (execution === undefined) throw diverged('', 'the window was never opened', {}, [])
  return execution
}

/** Delivers one recorded event, if it is one that settles a step. */
async function feed(
  execution: Execution,
  event: RecordedEvent,
  log: EventLog,
  answers: Map<string, RecordedEvent>,
): Promise<void> {
  const id = settledStep(event)
  if (event.type === 'CapabilityUsed') {
    const data = event.data as Payload<'CapabilityUsed'>
    checkEffect(expectStep(execution, data.effect, event), data, event, execution)
    return
  }
  if (id === undefined) return
  const step = expectStep(execution, id, event)
  checkKind(step, event, execution)
  let value: JsonValue = null
  if (isOutcome(event)) value = await openValue(event.data.result as ValueRef, log.store.blobs)
  await execution.deliver(step, event, settlementOf(event, value, answeredBy(event, answers)))
}

function answeredBy(event: RecordedEvent, answers: Map<string, RecordedEvent>) {
  if (event.type !== 'ApprovalConsumed') return null
  const data = event.data as Payload<'ApprovalConsumed'>
  const answer = answers.get(data.answer)
  answers.delete(data.answer)
  const { comment } = (answer?.data ?? {}) as { readonly comment?: string }
  const lapsed = answer?.type === 'ApprovalLapsed' ? ({ lapsed: true } as const) : {}
  return { by: answer?.principal ?? null, comment: comment ?? null, ...lapsed }
}

function settledStep(event: RecordedEvent): string | undefined {
  const data = event.data as Readonly<Record<string, unknown>>
  switch (event.type) {
    case 'DecisionProposed':
    case 'ApprovalConsumed':
      return data['step'] as string
    case 'CapabilityDenied':
    case 'EffectFailed':
    case 'EffectRevoked':
      return data['effect'] as string
    default:
      return isOutcome(event) ? event.data.effect : undefined
  }
}

function expectStep(execution: Execution, id: string, event: RecordedEvent): Step {
  const step = execution.step(id)
  if (step !== undefined) return step
  const recorded = { event: event.id, type: event.type, step: id }
  throw diverged(id, 'the program has not asked for it', recorded, execution.unsettled)
}

function checkKind(step: Step, event: RecordedEvent, execution: Execution): void {
  const { ask } = step
  const recorded = { event: event.id, type: event.type, step: step.id }
  const expected =
    event.type === 'DecisionProposed'
      ? 'proposal'
      : event.type === 'ApprovalConsumed'
        ? 'question'
        : 'effect'
  if (ask.kind !== expected) {
    throw diverged(step.id, `it is recorded as ${expected}`, recorded, execution.unsettled)
  }
  if (ask.kind === 'proposal' && event.type === 'DecisionProposed') {
    const data = event.data as Payload<'DecisionProposed'>
    const same =
      event.origin === `agent:${ask.proposal.agent}` &&
      data.reason === ask.proposal.reason &&
      digestOf(data.proposal as ValueRef) === sealValue(ask.proposal.content).digest
    if (!same) throw diverged(step.id, 'another proposal', recorded, execution.unsettled)
  }
}

function digestOf(ref: ValueRef): string {
  return 'inline' in ref ? sealValue(ref.inline).digest : ref.blob.$blob
}

function checkEffect(
  step: Step,
  data: Payload<'CapabilityUsed'>,
  event: RecordedEvent,
  execution: Execution,
): void {
  const { ask } = step
  const { action, argumentsDigest } = data
  const recorded = { event: event.id, step: step.id, action, argumentsDigest }
  if (ask.kind === 'effect' && ask.request.action === action) {
    if (sealValue(ask.request.arguments).digest === argumentsDigest) return
  }
  throw diverged(step.id, 'it was recorded differently', recorded, execution.unsettled)
}

function diverged(
  step: string,
  why: string,
  recorded: JsonObject,
  unsettled: readonly Step[],
): RunsError {
  const asked = unsettled.slice(0, 16).map(({ id, ask }) => ({
    step: id,
    kind: ask.kind,
    ...(ask.kind === 'effect'
      ? { action: ask.request.action, arguments: sealValue(ask.request.arguments).digest }
      : {}),
  }))
  return new RunsError(
    RUNS_CODES.diverged,
    `The program does not follow its record at "${step}": ${why}. It is not the program that ` +
      'began this run; resume it with that one',
    { step, why, recorded, asked },
  )
}
