/**
 * The job that runs are measured with: a governed run of so many effects, one after another.
 *
 * Through the public face, on a real file with `disk` durability: each run is started with its
 * grant, each effect decided and its intent durable before its act, and the run concluded. What an
 * effect does is nothing: its arguments come back.
 */
import type { RunId } from '@ice/primitives'
import { defineProgram } from '@ice/runs'
import type { EffectHandler, Program } from '@ice/runs/ports'
import { createRuntime, type Runtime } from '@ice/runtime'

/** Takes whatever it is given. */
export const any = { parse: (value: unknown): unknown => value }

const handler: EffectHandler = {
  action: 'bench.echo',
  fate: 'idempotent',
  outcome: 'EffectSucceeded',
  arguments: { parse: (value) => value as never },
  resource: () => ({ name: 'echo' }),
  perform: async (call) => ({ value: call.arguments, observed: {} }),
}

const grants = { tool: { actions: ['bench.echo'], resource: { kind: 'tool', name: 'echo' } } }

/** A runtime on a file, with the one handler. */
export const echoRuntime = (path: string): Promise<Runtime> =>
  createRuntime({ path, bare: true, effects: [handler] })

/** A program of so many effects. */
export const echoes = (count: number): Program =>
  defineProgram({
    name: `echoes-${count}`,
    version: '1',
    input: any,
    output: any,
    async run(ctx) {
      for (let step = 0; step < count; step += 1) {
        const id = `${step}`
        await ctx.effect(id, { action: 'bench.echo', grant: 'tool', arguments: { id } })
      }
      return 'done'
    },
  })

/** Runs it once, to a committed end. */
export async function runOnce(ice: Runtime, program: Program): Promise<RunId> {
  const { run, stretch } = await ice.runs.execute(program, {}, { grants })
  if (stretch.kind !== 'concluded' || stretch.result.conclusion !== 'committed') {
    throw new TypeError(`a run did not commit: ${JSON.stringify(stretch)}`)
  }
  return run
}
