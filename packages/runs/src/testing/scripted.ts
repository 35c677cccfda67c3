/**
 * Scripted effects, and the witness: the world outside of the log, which has only what really took
 * place.
 *
 * A call takes its turn before it acts, and another before it comes back; in between, the process
 * that made it may die, and then the act has taken place and nobody knows.
 */
import { IceError, type JsonObject, type JsonValue, seededRandom } from '@ice/primitives'
import type { BatchCall, BatchReport, EffectCall, EffectHandler } from '../ports.ts'
import type { Scheduler, Turnable } from './scheduler.ts'
import type { ScriptedEffect, ScriptedEnd } from './simulation-ports.ts'

/** What a process's scripted effects are made of. */
export interface ScriptedInit {
  readonly scheduler: Scheduler
  readonly of: Turnable
  /** Sleeps on the clock of the process. */
  readonly sleep: (ms: number) => Promise<void>
  /** A handler was called; nothing has happened yet. */
  readonly called: (call: EffectCall, effect: ScriptedEffect) => void
  /** It acts. */
  readonly acted: (call: EffectCall, effect: ScriptedEffect) => void
  /** It is over, and acts no more. @param report - what its caller is told */
  readonly over: (call: EffectCall, report: BatchReport) => void
}

/** Handlers of scripted effects, for one process. */
export function scriptedHandlers(
  effects: readonly ScriptedEffect[],
  init: ScriptedInit,
): readonly EffectHandler[] {
  return effects.map((effect) => {
    const { action, fate = 'idempotent', resource = () => ({ name: action }), bounds } = effect
    return {
      action,
      fate,
      outcome: 'EffectSucceeded',
      arguments: effect.arguments ?? { parse: (value) => value as JsonObject },
      resource,
      ...(bounds === undefined ? {} : { bounds }),
      perform: async (call) => {
        const report = await reportOf(call, effect, init)
        if ('error' in report) throw report.error
        return report
      },
      ...(effect.together === true
        ? { performBatch: (call) => performTogether(call, effect, init) }
        : {}),
    }
  })
}

async function reportOf(
  call: EffectCall,
  effect: ScriptedEffect,
  init: ScriptedInit,
): Promise<BatchReport> {
  init.called(call, effect)
  let report: BatchReport
  try {
    report = { value: await perform(call, effect, init), observed: {} }
  } catch (error) {
    report = { error }
  }
  init.over(call, report)
  return report
}

function performTogether(
  { items, ...common }: BatchCall,
  effect: ScriptedEffect,
  init: ScriptedInit,
): Promise<readonly BatchReport[]> {
  return Promise.all(items.map((item) => reportOf({ ...common, ...item }, effect, init)))
}

async function perform(
  call: EffectCall,
  effect: ScriptedEffect,
  init: ScriptedInit,
): Promise<JsonValue> {
  const { scheduler, of } = init
  const name = `${call.action} "${call.effect}" #${call.attempt}`
  await scheduler.post(of, `act ${name}`)
  if (call.signal.aborted) throw failure('ICE_SIMULATED_ABORTED', 'Told to stop before it acted')
  const end = endOf(call, effect)
  if ('gives' in end || end.acted === true) init.acted(call, effect)
  if (end.delayMs !== undefined) await init.sleep(end.delayMs)
  await scheduler.post(of, `return of ${name}`)
  if ('gives' in end) return end.gives
  throw failure(end.code ?? 'ICE_SIMULATED_FAILED', end.fails, end.retryable)
}

function endOf(call: EffectCall, { steps = {}, end }: ScriptedEffect): ScriptedEnd {
  const listed = Object.hasOwn(steps, call.effect) ? (steps[call.effect] ?? []) : []
  const scripted = listed[Math.min(call.attempt, listed.length) - 1]
  if (scripted !== undefined) return scripted
  // The same whenever the call is made: the world outside knows it by its key.
  return end?.(call, seededRandom(call.idempotencyKey)) ?? { gives: call.arguments }
}

function failure(code: string, message: string, retryable = false): IceError {
  return new IceError({ code, message, retryable })
}
