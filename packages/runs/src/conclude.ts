/**
 * The ends of a run: validation and commit, abort, teardown. Facts only, in the order in which
 * they are recorded; all of an end goes into one append.
 */

import { type ErrorRecord, type EventId, errorRecord } from '@ice/primitives'
import { RUNS_CODES, RunsError } from './errors.ts'
import type { Fact } from './facts.ts'
import type { Payload, RunFold } from './lifecycle.ts'
import type { Conclusion, Phase, Program } from './ports.ts'
import { type SealedValue, sealValue } from './value.ts'

type AbortPhase = Exclude<Phase, 'abort' | 'teardown'>
type RecordedError = Payload<'EffectFailed'>['error']

/** What a run holds between ResourcesAllocated and ResourcesReleased. */
export const RESOURCES: readonly string[] = ['execution']

/** The end of a run whose program returned: committed if everything holds, aborted otherwise. */
export function validationFacts(fold: RunFold, program: Program, returned: unknown): Fact[] {
  const parsed = parseOutput(program, returned)
  let sealed: SealedValue
  try {
    sealed = sealValue('value' in parsed ? parsed.value : returned)
  } catch (error) {
    return abortFacts(fold, 'execution', errorRecord(error))
  }
  const checks = ['output', ...(program.checks ?? []).map(({ name }) => name)]
  const started: Fact = {
    type: 'ValidationStarted',
    data: {
      result: sealed.ref as Payload<'ValidationStarted'>['result'],
      resultDigest: sealed.digest,
    },
    blob: sealed.blob,
  }
  const failures = 'error' in parsed ? [parsed] : runChecks(program, parsed.value)
  if (failures.length === 0) {
    const committed: Fact = { type: 'RunCommitted', data: { resultDigest: sealed.digest } }
    const passed: Fact = { type: 'ValidationPassed', data: { checks } }
    return [started, passed, committed, ...teardownFacts(fold, 'committed')]
  }
  const [first] = failures
  const failed: Fact = {
    type: 'ValidationFailed',
    data: {
      checks,
      failures: failures.map(({ check, error }) => ({ check, error: error as RecordedError })),
    },
  }
  const reason = first?.error ?? errorRecord(undefined)
  return [started, failed, ...abortFacts(fold, 'validation', reason)]
}

interface Failure {
  readonly check: string
  readonly error: ErrorRecord
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

function runChecks(program: Program, output: unknown): readonly Failure[] {
  return (program.checks ?? []).flatMap(({ name, check }): readonly Failure[] => {
    try {
      const reason = check(output)
      if (reason === undefined) return []
      const error = new RunsError(RUNS_CODES.checkFailed, `${name}: ${reason}`.slice(0, 2048))
      return [{ check: name, error: errorRecord(error) }]
    } catch (error) {
      return [{ check: name, error: errorRecord(error) }]
    }
  })
}

/** The end of a run that has no result. */
export function abortFacts(
  fold: RunFold,
  phase: AbortPhase,
  error: ErrorRecord,
  causes: readonly EventId[] = [],
): Fact[] {
  const reason = error.message.slice(0, 2048)
  return [
    { type: 'RunAborted', data: { phase }, causes },
    { type: 'AbortReasonDeclared', data: { reason, error: error as RecordedError } },
    ...teardownFacts(fold, 'aborted'),
  ]
}

/** The end of a run that the runtime ends by itself. */
export function terminationFacts(fold: RunFold, reason: string): Fact[] {
  const doubts = openEffects(fold)
  return [
    { type: 'RunForciblyTerminated', data: { reason, doubts } },
    ...teardownFacts(fold, 'terminated_by_runtime'),
  ]
}

/** What follows every conclusion, and what a run that has only concluded still lacks. */
export function teardownFacts(fold: RunFold, conclusion: Conclusion): Fact[] {
  const doubts =
    conclusion === 'terminated_by_runtime'
      ? openEffects(fold)
      : [...fold.open].filter(([, { doubt }]) => doubt).map(([id]) => id)
  return [
    { type: 'ResourcesReleased', data: { resources: [...RESOURCES] } },
    { type: 'RunTerminated', data: { conclusion, doubts: doubts.slice(0, 256) } },
  ]
}

function openEffects(fold: RunFold): string[] {
  return [...fold.open.keys()].slice(0, 256)
}

/** The phase in which an abort finds a run. */
export function phaseOf(fold: RunFold): AbortPhase {
  const phase = fold.view?.phase ?? 'provisioning'
  return phase === 'abort' || phase === 'teardown' ? 'commit' : phase
}

/** The facts that take a new run to the opening of its execution window. */
export function openingFacts(fold: RunFold, limits: Readonly<Record<string, number>>): Fact[] {
  const grants = [...fold.grants].map(([name, grant]) => ({ name, grant }))
  const all: Fact[] = [
    { type: 'RunProvisioned', data: { limits } },
    { type: 'ResourcesAllocated', data: { resources: [...RESOURCES] } },
    { type: 'ContextResolved', data: {} },
    { type: 'MemoryMounted', data: { views: [] } },
    { type: 'CapabilitiesBound', data: { grants } },
    { type: 'ExecutionWindowOpened', data: {} },
  ]
  // They share one append, so a run is before all of them or after all of them.
  return fold.view?.state === 'CREATED' ? all : []
}
