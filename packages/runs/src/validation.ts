/**
 * Validation: whether what a program returned may be the result of its run.
 *
 *     the program's output schema ── its checks ── the runtime's invariants ── people who are asked
 *
 * 1. All of it is held against the value that is recorded. Checks and invariants are pure: they are
 *    asked again whenever the run goes on, and have to say the same.
 * 2. A check may put its question to a person (`$check/<name>`). What they approve is this result:
 *    the digest of the question has the result's in it.
 * 3. Whatever fails is told, all of it, in one event, and the run aborts with the first as its
 *    reason.
 */

import {
  canonicalize,
  type ErrorRecord,
  type EventId,
  errorRecord,
  type JsonValue,
  sha256Hex,
} from '@ice/primitives'
import { termsOfQuestion } from './asking.ts'
import type { Desk } from './desk.ts'
import { RUNS_CODES, RunsError } from './errors.ts'
import type { Fact } from './facts.ts'
import { type Payload, type RunFold, viewOf } from './lifecycle.ts'
import { CHECK } from './names.ts'
import type { Program, Question } from './ports.ts'
import { asRecorded, type SealedValue, sealValue } from './value.ts'

/** A check that did not hold. */
export interface Failure {
  readonly check: string
  readonly error: ErrorRecord
}

/** What validation comes to. */
export interface Verdict {
  readonly sealed: SealedValue
  /** Names of all that was asked. */
  readonly checks: readonly string[]
  readonly failures: readonly Failure[]
  /** Questions that nobody has answered. */
  readonly asks: readonly Asked[]
  /** The answers it stands on. */
  readonly causes: readonly EventId[]
}

/** A check that asks a person. */
export interface Asked {
  readonly step: string
  readonly question: Question
  readonly digest: string
}

/** What a validation looks at: of a run that is driven, or of one that is only told of. */
export interface Validating {
  readonly components: Pick<Desk['components'], 'invariants'>
  readonly journal: Pick<Desk['journal'], 'fold'>
}

/** Holds a returned value against everything. @throws as `sealValue`: then there is no result */
export function validate(
  { components, journal }: Validating,
  program: Program,
  returned: unknown,
): Verdict {
  const parsed = parseOutput(program, returned)
  const sealed = sealValue('value' in parsed ? parsed.value : returned)
  const { checks = [] } = program
  const { invariants } = components
  const names = ['output', ...[...checks, ...invariants].map(({ name }) => name)].slice(0, 256)
  const none = { sealed, checks: names, asks: [], causes: [] }
  if ('error' in parsed) return { ...none, failures: [parsed] }
  const failures: Failure[] = []
  const asks: Asked[] = []
  const causes: EventId[] = []
  for (const { name, check } of checks) {
    const said = saidBy(name, () => check(parsed.value))
    if (said === null) continue
    if ('error' in said) failures.push(said)
    else {
      const asked = askedBy(name, said.ask, sealed)
      const answer = answerTo(journal.fold, asked)
      if (answer === null) asks.push(asked)
      else if ('error' in answer) failures.push(answer)
      else causes.push(answer.approval)
    }
  }
  if (invariants.length > 0) {
    const view = viewOf(journal.fold)
    const result = asRecorded(parsed.value) as JsonValue
    for (const { name, check } of invariants) {
      const said = saidBy(name, () => check(view, result))
      if (said !== null && 'error' in said) failures.push(said)
    }
  }
  return { ...none, failures, asks, causes }
}

function parseOutput(program: Program, returned: unknown): { readonly value: unknown } | Failure {
  try {
    return { value: program.output.parse(returned) }
  } catch (cause) {
    const message = `The result of ${program.name} does not fit its output schema`
    const error = new RunsError(RUNS_CODES.outputInvalid, message, {}, cause)
    return { check: 'output', error: errorRecord(error) }
  }
}

/** What a check says: nothing, why not, or whom to ask. */
function saidBy(name: string, check: () => unknown): Failure | { readonly ask: Question } | null {
  try {
    const said = check()
    if (said === undefined) return null
    if (typeof said === 'string') return failed(name, said)
    const { ask } = said as { readonly ask?: Question }
    if (typeof ask?.prompt === 'string') return { ask }
    return failed(name, 'a check gives nothing, a reason, or a question')
  } catch (error) {
    return { check: name, error: errorRecord(error) }
  }
}

/** A check that does not hold, and why. */
export function failed(check: string, reason: string): Failure {
  const message = `${check}: ${reason}`.slice(0, 2_048)
  return { check, error: errorRecord(new RunsError(RUNS_CODES.checkFailed, message)) }
}

function askedBy(name: string, question: Question, { digest: result }: SealedValue): Asked {
  const { prompt, details = null } = question
  const digest = sha256Hex(canonicalize({ check: name, result, prompt, details }))
  return { step: `${CHECK}/${name}`.slice(0, 512), question, digest }
}

/** What a person said, or time; `null` while nobody has. */
function answerTo(
  { answers, lapsed }: RunFold,
  { step, digest }: Asked,
): Failure | { readonly approval: EventId } | null {
  const answer = answers.get(step)
  if (answer?.digest === digest) {
    if (answer.approved) return { approval: answer.event.id }
    const by = answer.event.principal ?? 'a person'
    const comment = answer.comment === null ? '' : `: ${answer.comment}`
    return failed(step.slice(CHECK.length + 1), `${by} refused the result${comment}`)
  }
  if (lapsed.get(step)?.digest !== digest) return null
  return failed(step.slice(CHECK.length + 1), 'nobody answered until the question lapsed')
}

/** Puts the question of a check; does nothing where it is put already. */
export function askForCheck({ journal }: Desk, { step, question, digest }: Asked): void {
  if (journal.fold.waiting.get(step)?.digest === digest) return
  const sealed = sealValue(question.details ?? null)
  const at = journal.now()
  const fact: Fact = {
    type: 'ApprovalRequested',
    at,
    blob: sealed.blob,
    data: {
      ...termsOfQuestion(question, at),
      ...{ step, kind: 'validation', digest, prompt: question.prompt.slice(0, 2_048) },
      details: sealed.ref as Payload<'ApprovalRequested'>['details'],
    },
  }
  journal.add(fact)
}
