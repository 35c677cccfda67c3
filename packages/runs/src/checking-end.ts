/** The end of a recorded run, held to how a program ends that was replayed up to it. */

import type { StandardPayloads } from '@ice/events/define'
import type { EventLog, RecordedEvent, ValueRef } from '@ice/events/ports'
import { type ErrorRecord, errorRecord, type RunId } from '@ice/primitives'
import { RUNS_CODES } from './errors.ts'
import type { Execution } from './execution.ts'
import { sealInput } from './input.ts'
import { runStream } from './journal.ts'
import type { RunFold } from './lifecycle.ts'
import type { Program } from './ports.ts'
import { validationFacts } from './told-end.ts'
import { digestOfRef } from './value.ts'

interface End {
  readonly fold: RunFold
  readonly program: Program
  readonly log: EventLog
}

/** How the ends differ; `null` where they do not, or where the record's was not the program's. */
export async function endDifference(execution: Execution, end: End): Promise<string | null> {
  const { view, abortRequested } = end.fold
  if (view?.conclusion == null || view.conclusion === 'terminated_by_runtime') return null
  if (view.conclusion === 'committed') return committedDifference(execution, end)
  if (abortRequested !== null) return null
  return abortedDifference(execution, end)
}

async function committedDifference(
  { ending }: Execution,
  { fold, program, log }: End,
): Promise<string | null> {
  const next = fold.view?.continuedAs ?? null
  if (ending === null) return 'it is recorded as committed, and the program goes on'
  if ('thrown' in ending) return 'it is recorded as committed, and the program has thrown'
  if (next !== null) {
    if (!('continued' in ending)) return `run ${next} goes on for it, and the program has returned`
    return successorDifference(program, ending.continued, { log, next })
  }
  if ('continued' in ending)
    return 'it is recorded with a result, and the program goes on as another'
  const facts = validationFacts(fold, program, ending.value)
  const refused = facts.find(({ type }) => type === 'ValidationFailed')
  if (refused !== undefined) return `its result is refused now: ${failuresOf(refused)}`
  const [started] = facts
  const { resultDigest } = (started?.data ?? {}) as { readonly resultDigest?: string }
  const recorded = digestOfRef(fold.result as ValueRef)
  if (resultDigest === recorded) return null
  return `its result is recorded as ${recorded}, and comes out as ${resultDigest}`
}

async function successorDifference(
  program: Program,
  input: unknown,
  { log, next }: { readonly log: EventLog; readonly next: RunId },
): Promise<string | null> {
  const [created] = await firstEvents(log, next)
  // An export may end between the two: what is not there cannot be held against the program.
  if (created === undefined) return null
  const recorded = digestOfRef((created.data as StandardPayloads['RunCreated']).input as ValueRef)
  const { sealed } = sealInput(program, input, {})
  if (sealed.digest === recorded) return null
  return `run ${next} goes on with the input ${recorded}, and the program with ${sealed.digest}`
}

async function firstEvents(log: EventLog, run: RunId): Promise<readonly RecordedEvent[]> {
  for await (const batch of log.read({ stream: runStream(run), limit: 1 })) return batch
  return []
}

async function abortedDifference(
  { ending }: Execution,
  { fold, program, log }: End,
): Promise<string | null> {
  const { phase, error } = await recordedAbort(fold, log)
  if (phase === 'provisioning' || phase === 'context' || isOfRuntime(error)) return null
  if (phase === 'validation') {
    if (ending === null || !('value' in ending)) return 'its result was refused; now it has none'
    const facts = validationFacts(fold, program, ending.value)
    const isRefused = facts.some(({ type }) => type === 'ValidationFailed')
    return isRefused ? null : 'its result was refused, and would be accepted now'
  }
  const was = `${error.code}: ${error.message}`
  if (ending === null) return `it had thrown ${was}, and goes on now`
  if (!('thrown' in ending)) {
    // What cannot be sealed was returned, and ended the run all the same.
    if (error.code === RUNS_CODES.valueLimit || error.code === RUNS_CODES.valueUnsupported) {
      return null
    }
    return `it had thrown ${was}, and does not now`
  }
  const now = errorRecord(ending.thrown)
  if (now.code === error.code && now.message === error.message) return null
  return `it had thrown ${was}, and throws ${now.code}: ${now.message}`
}

async function recordedAbort(
  fold: RunFold,
  log: EventLog,
): Promise<{ readonly phase: string; readonly error: ErrorRecord }> {
  let phase = ''
  let error: ErrorRecord = { code: '', message: '', retryable: false }
  const run = fold.view?.run as RunId
  for await (const batch of log.read({ stream: runStream(run) })) {
    for (const { type, data } of batch) {
      if (type === 'RunAborted') phase = (data as StandardPayloads['RunAborted']).phase
      if (type === 'AbortReasonDeclared') {
        const { error: said } = data as StandardPayloads['AbortReasonDeclared']
        if (said !== undefined) error = said as unknown as ErrorRecord
      }
    }
  }
  return { phase, error }
}

/** What ended a run without the program having thrown it. */
function isOfRuntime({ code }: ErrorRecord): boolean {
  return code.startsWith('ICE_EVENTS_') || code === '' || OF_RUNTIME.has(code)
}

const OF_RUNTIME: ReadonlySet<string> = new Set([RUNS_CODES.pendingOutside, RUNS_CODES.aborted])

function failuresOf({ data }: { readonly data: unknown }): string {
  const { failures } = data as StandardPayloads['ValidationFailed']
  return failures
    .map(({ check, error }) => `${check}: ${error.message}`)
    .join('; ')
    .slice(0, 512)
}
