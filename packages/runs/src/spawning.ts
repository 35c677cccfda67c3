/**
 * Children, as a program asks for them: one is started by an effect, and awaited by a step.
 */

import { invariant, type JsonObject, type RunId } from '@ice/primitives'
import { RUNS_CODES, RunsError } from './errors.ts'
import type { Execution } from './execution.ts'
import type { Child, EffectRequest, ProgramName, RunContext, SpawnOptions } from './ports.ts'
import { type ChildAsk, SPAWN_ACTION } from './steps.ts'

/** The part of a context that starts runs and goes on as one. */
export function createSpawning(
  execution: Execution,
  full: (id: unknown) => string,
  effect: <R>(id: string, request: EffectRequest<R>) => Promise<R>,
): Pick<RunContext, 'continueAs' | 'spawn'> {
  return {
    spawn: async <O>(
      id: string,
      program: ProgramName,
      input: unknown,
      options: SpawnOptions,
    ): Promise<Child<O>> => {
      const { grant, grants = {}, detached = false, tags = {} } = options
      const { name, version } = program
      const args = { program: { name, version }, input, grants, detached, tags } as JsonObject
      const request: EffectRequest<{ run: RunId }> = {
        action: SPAWN_ACTION,
        grant,
        arguments: args,
      }
      const { run } = await effect(id, request)
      const settled = (step = `${id}/end`) => {
        const ask: ChildAsk = { kind: 'child', child: run }
        return execution.ask(full(step), ask, { child: run }, (given) => {
          invariant(given.kind === 'ended', 'a child is settled by its end')
          return given.result
        })
      }
      return {
        run,
        settled: async (step) => settled(step),
        result: async (step) => {
          const end = await settled(step)
          if (end.conclusion === 'committed') return end.value as O
          const message = `The child ${run} has ${end.conclusion}: ${end.reason}`
          throw new RunsError(RUNS_CODES.childFailed, message, { run, reason: end.reason })
        },
      }
    },
    continueAs: (input) => execution.continueAs(input),
  }
}
