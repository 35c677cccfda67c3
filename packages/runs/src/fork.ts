/**
 * Forks: what a run would have been, had one recorded thing been another.
 *
 *     record ── 1 … k ──► replayed ──► driven on in memory ──► events, decisions, result
 *                          one thing replaced ──┘                 beside those recorded
 *
 * 1. Nothing is performed and nothing is appended. There is no handler in reach: effects are
 *    answered from the record by step and arguments, as are children; what it does not have is
 *    unanswered, and ends that branch.
 * 2. Every effect beyond k is decided anew, on what it was decided on, under the change of
 *    authority where there is one: which would be denied now, and which put to a person.
 * 3. What is replaced lies beyond k: what is before it has happened, in the fork too.
 *
 * The trap this closes: a fork that runs live, so that a question about the past acts on the world.
 */

import { fold as foldEvents } from '@ice/events/define'
import type { EventLog, RecordedEvent, ValueRef } from '@ice/events/ports'
import { canonicalize, invariant, type JsonValue, type RunId } from '@ice/primitives'
import { RUNS_CODES, RunsError } from './errors.ts'
import type { Execution } from './execution.ts'
import { diffOf } from './fork-diff.ts'
import { ForkDrive } from './fork-drive.ts'
import type { Fork, ForkEnd, ForkInit } from './fork-ports.ts'
import { ForkRecord } from './fork-record.ts'
import { historyInput } from './history-input.ts'
import { Inbox } from './inbox.ts'
import { sealInput } from './input.ts'
import { runStream } from './journal.ts'
import { type Payload, type RunFold, runProjection } from './lifecycle.ts'
import type { Program } from './ports.ts'
import { replay } from './replay.ts'
import { resultOf } from './result.ts'
import { openValue } from './value.ts'
import { programKey, programOf } from './versions.ts'

/**
 * Forks a run, in memory.
 *
 * @throws `ICE_RUNS_NOT_FOUND`, `ICE_RUNS_PROGRAM_NOT_FOUND`, `ICE_RUNS_FORK_UNSUPPORTED` — what is
 * replaced is recorded at or before `at`, or the run had ended there —, `ICE_RUNS_FORK_LIMIT`,
 * `ICE_RUNS_DIVERGED_CONFLICT` — the program does not follow the record up to `at` —,
 * `ICE_RUNS_INPUT_UNSUPPORTED`
 */
export async function forkRun(init: ForkInit): Promise<Fork> {
  const { log, run } = init
  const record = await ForkRecord.read(log, run)
  if (record.events.length === 0) {
    throw new RunsError(RUNS_CODES.notFound, `No run ${run}`, { run })
  }
  const whole = foldOf(record.events)
  const at = pointOf(record, init)
  const program = programOf(
    whole,
    new Map(init.programs.map((each) => [programKey(each.name, each.version), each])),
  )
  const prefix = replacedInput(record.events.slice(0, at), program, init)
  const fold = foldOf(prefix)
  if (fold.view?.state !== 'EXECUTING') {
    throw unsuited(`At version ${at} the run was ${fold.view?.state}: nothing is driven on there`)
  }
  const inbox = new Inbox(log, fold.view.line, fold.signals.taken)
  const execution = await begun(init, { program, fold, whole, inbox, at })
  const drive = new ForkDrive({ fork: init, program, execution, fold, record, inbox, at })
  const would = await drive.go()
  const was = await endOf(log, whole)
  const { events, decisions, unanswered } = drive
  const { name, version } = program
  const diff = diffOf(record.events.slice(at), events)
  const same = canonicalize(was) === canonicalize(would)
  const beside = { decisions, unanswered, diff, result: { was, would, same } }
  return { run, at, program: { name, version }, events, ...beside }
}

function foldOf(events: readonly RecordedEvent[]): RunFold {
  return foldEvents(runProjection, runProjection.initialState(), events)
}

/** The last version that is kept: never before the program began. */
function pointOf(record: ForkRecord, { at, replace = {}, log: _log }: ForkInit): number {
  const opened = record.events.find(({ type }) => type === 'ExecutionWindowOpened')?.version
  if (opened === undefined) throw unsuited('The run never came to its program')
  const places = placesOf(record, replace)
  const first = Math.min(...places.values())
  const point = at ?? (Number.isFinite(first) ? first - 1 : opened)
  if (!Number.isSafeInteger(point) || point < 0 || point > record.events.length) {
    throw unsuited(`The run has versions 1 to ${record.events.length}, and none ${point}`)
  }
  const kept = Math.max(point, opened)
  const isInput = replace.input !== undefined
  if (isInput && kept > opened) {
    throw unsuited(`The input is given at version ${opened}: another one forks the run there`)
  }
  for (const [step, version] of places) {
    if (version > kept) continue
    throw unsuited(`"${step}" is recorded at version ${version}: fork the run at ${version - 1}`)
  }
  return kept
}

/** Where what is replaced is recorded, as far as it is. */
function placesOf(
  record: ForkRecord,
  { outcomes = {}, answers = {}, signals = {} }: NonNullable<ForkInit['replace']>,
): Map<string, number> {
  const places = new Map<string, number>()
  const note = (step: string, event: RecordedEvent | undefined): void => {
    if (event !== undefined) places.set(step, event.version)
  }
  for (const step of Object.keys(outcomes)) note(step, record.settled(step))
  for (const step of Object.keys(signals)) note(step, record.of(step, 'SignalConsumed'))
  for (const step of Object.keys(answers)) {
    const asked = record.lastAsked(step)
    note(step, asked === undefined ? undefined : record.about(asked)[0])
  }
  return places
}

/** The kept events; where the input is another one, the run was created with it. */
function replacedInput(
  events: readonly RecordedEvent[],
  program: Program,
  { replace = {} }: ForkInit,
): readonly RecordedEvent[] {
  const [created, ...rest] = events
  if (replace.input === undefined || created === undefined) return events
  const { held, ...data } = created.data as Payload<'RunCreated'>
  if (held !== undefined) {
    throw unsuited('The run holds parts of its input: an input without them is another start')
  }
  const { value } = replace.input
  sealInput(program, value, {})
  // Nothing is stored, so however large it is, it stands inline.
  const input = { inline: value as JsonValue }
  return [{ ...created, data: { ...data, input } }, ...rest]
}

interface Begun {
  readonly program: Program
  readonly fold: RunFold
  readonly whole: RunFold
  readonly inbox: Inbox
  readonly at: number
}

async function begun(
  { log, run }: ForkInit,
  { program, fold, whole, inbox, at }: Begun,
): Promise<Execution> {
  const { labels, patches } = whole
  const init = { log, run, program, inbox, patches, progress: whole.progress, upTo: at }
  const input = await historyInput(fold, program, log.store.blobs)
  const onEvent = (): void => undefined
  const held = { ...labels, held: new Map([...labels.held, ...fold.labels.held]) }
  return replay({ ...init, input, labels: held, onEvent })
}

async function endOf(log: EventLog, { view, result, ...fold }: RunFold): Promise<ForkEnd | null> {
  if (view?.conclusion == null) return null
  if (view.continuedAs === null) return resultOf({ ...fold, view, result }, log.store.blobs)
  const next: RunId = view.continuedAs
  for await (const [created] of log.read({ stream: runStream(next), limit: 1 })) {
    invariant(created !== undefined, 'a page of events has one')
    const { input } = created.data as Payload<'RunCreated'>
    return { conclusion: 'continued', input: await openValue(input as ValueRef, log.store.blobs) }
  }
  return null
}

function unsuited(message: string): RunsError {
  return new RunsError(RUNS_CODES.forkUnsupported, message)
}
