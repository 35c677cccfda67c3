/**
 * Replay: what the log holds of a run, delivered to a new execution of its program.
 *
 * Nothing is performed, decided or recorded. An event whose step the program has not asked for by
 * then, or has asked for differently, means that the program is not the one that was recorded:
 * that is reported with both sides, and nothing is written.
 */

import type { EventLog, RecordedEvent, ValueRef } from '@ice/events/ports'
import type { JsonObject, JsonValue, RunId } from '@ice/primitives'
import { partAt } from './contents.ts'
import { RUNS_CODES, RunsError } from './errors.ts'
import { Execution, type Step, settlementOf } from './execution.ts'
import { runStream } from './journal.ts'
import type { RunLabels } from './labels.ts'
import { isOutcome, type Payload } from './lifecycle.ts'
import type { Program } from './ports.ts'
import type { References } from './references.ts'
import { digestOfRef, openValue, sealValue } from './value.ts'

/** What a replay needs. */
export interface ReplayInit {
  readonly log: EventLog
  readonly run: RunId
  readonly program: Program
  /** The input as the program takes it, with references of its execution. */
  readonly input: (references: References) => unknown
  /** Labels of the run at `upTo`: what it holds, by name. */
  readonly labels: RunLabels
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
        execution = new Execution(run, event)
        await execution.begin(init.program, init.input(execution.references))
      } else if (execution !== undefined) {
        if (ANSWERS.has(event.type)) answers.set(event.id, event)
        await feed(execution, event, init, answers)
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
  { log, labels }: ReplayInit,
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
  // What is only held is not looked at: whoever has been shown it was shown it by another event.
  const isHeld = step.ask.kind === 'effect' && step.ask.hold
  const { blobs } = log.store
  if (isOutcome(event) && !isHeld) value = await openValue(event.data.result as ValueRef, blobs)
  if (step.ask.kind === 'reveal') {
    const held = labels.held.get(step.ask.id)
    if (held !== undefined) value = partAt(await openValue(held.value, blobs), step.ask.at) ?? null
  }
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
    case 'ValueRevealed':
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
        : event.type === 'ValueRevealed'
          ? 'reveal'
          : 'effect'
  if (ask.kind !== expected) {
    throw diverged(step.id, `it is recorded as ${expected}`, recorded, execution.unsettled)
  }
  if (ask.kind === 'reveal') {
    const { reference, value, at = '' } = event.data as Payload<'ValueRevealed'>
    if (reference !== ask.id || value !== ask.digest || at !== ask.at) {
      throw diverged(step.id, 'another value was revealed', recorded, execution.unsettled)
    }
  }
  if (ask.kind === 'proposal' && event.type === 'DecisionProposed') {
    const data = event.data as Payload<'DecisionProposed'>
    const same =
      event.origin === `agent:${ask.proposal.agent}` &&
      data.reason === ask.proposal.reason &&
      digestOfRef(data.proposal as ValueRef) === sealValue(ask.proposal.content).digest
    if (!same) throw diverged(step.id, 'another proposal', recorded, execution.unsettled)
  }
}

function checkEffect(
  step: Step,
  data: Payload<'CapabilityUsed'>,
  event: RecordedEvent,
  execution: Execution,
): void {
  const { ask } = step
  const { action, argumentsDigest, held } = data
  const recorded = { event: event.id, step: step.id, action, argumentsDigest }
  if (ask.kind === 'effect' && ask.request.action === action && ask.hold === (held === true)) {
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
