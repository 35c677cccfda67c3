/**
 * The end of a run that is only told of (a recorded one that is checked, a fork): as its program
 * and its checks make it. Nobody is asked anything: a check that would ask a person holds, and
 * neither invariants of a runtime nor what was staged are looked at.
 */

import { errorRecord, type Hash } from '@ice/primitives'
import { failedFacts, passedFacts } from './committing.ts'
import { abortFacts, teardownFacts } from './conclude.ts'
import type { Fact } from './facts.ts'
import type { Payload, RunFold } from './lifecycle.ts'
import type { Program } from './ports.ts'
import { type Validating, type Verdict, validate } from './validation.ts'

/** What is recorded of a result, from the beginning of its validation to the end of the run. */
export function validationFacts(fold: RunFold, program: Program, returned: unknown): Fact[] {
  const desk: Validating = { components: { invariants: [] }, journal: { fold } }
  let verdict: Verdict
  try {
    verdict = validate(desk, program, returned)
  } catch (error) {
    return abortFacts(fold, 'execution', errorRecord(error))
  }
  const { ref, digest, blob } = verdict.sealed
  const result = ref as Payload<'ValidationStarted'>['result']
  const data = { result, resultDigest: digest as Hash }
  const started: Fact = { type: 'ValidationStarted', data, blob }
  if (verdict.failures.length > 0) return [started, ...failedFacts(fold, verdict)]
  return [started, ...passedFacts(verdict), ...teardownFacts(fold, 'committed')]
}
