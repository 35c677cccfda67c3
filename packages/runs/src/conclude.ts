/**
 * The ends of a run: abort, forced termination, teardown. Facts only, in the order in which they
 * are recorded; all of an end goes into one append, but for the teardown of a run that owes
 * something.
 */

import type { ErrorRecord, EventId } from '@ice/primitives'
import type { Fact } from './facts.ts'
import type { Payload, RunFold } from './lifecycle.ts'
import { owes } from './owed.ts'
import type { Conclusion, Phase } from './ports.ts'

type AbortPhase = Exclude<Phase, 'abort' | 'teardown'>
type RecordedError = Payload<'EffectFailed'>['error']

/** What a run holds between ResourcesAllocated and ResourcesReleased. */
export const RESOURCES: readonly string[] = ['execution']

/** The end of a run that has no result; what it did is undone before its teardown. */
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
    ...(owes(fold, 'aborted') ? [] : teardownFacts(fold, 'aborted')),
  ]
}

/** The end of a run that the runtime ends by itself. */
export function terminationFacts(
  fold: RunFold,
  reason: string,
  uncompensated: readonly string[],
): Fact[] {
  const doubts = openEffects(fold)
  const left =
    uncompensated.length === 0 ? {} : { uncompensated: uncompensated.slice(0, 256) as string[] }
  return [
    { type: 'RunForciblyTerminated', data: { reason, doubts, ...left } },
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
