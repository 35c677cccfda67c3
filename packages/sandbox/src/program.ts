/**
 * Untrusted source as a program of runs: durable like any other, and confined.
 */
import { sha256Hex } from '@ice/primitives'
import type { Program } from '@ice/runs/ports'
import { boundsOf, checkSource } from './bounds.ts'
import type { SandboxedProgramInit } from './ports.ts'
import { runGuest } from './session.ts'

/**
 * Makes a program of an ES module whose default export is `(ice, input) => output`.
 *
 * `ice` has `run`, `now`, `random()`, `effect`, `attempt`, `hold`, `part`, `reveal`, `propose`,
 * `approval` and `scope`, as the context of a run has them. A reference, also one in its input, is
 * an empty object there. Nothing is parsed or loaded before a run begins.
 *
 * Its `run` rejects with a code of the sandbox, or with the very error of a step that the guest did
 * not catch.
 *
 * @throws `ICE_SANDBOX_SOURCE_LIMIT`, `ICE_SANDBOX_LIMITS_UNSUPPORTED`
 */
export function sandboxedProgram<I, O>(init: SandboxedProgramInit<I, O>): Program<I, O> {
  const { name, source, input, output, needs, checks, conceal = () => false } = init
  const bounds = boundsOf(init.limits)
  checkSource(source, bounds)
  return {
    name,
    version: init.version ?? `source-${sha256Hex(source).slice(0, 16)}`,
    input,
    output,
    ...(needs === undefined ? {} : { needs }),
    ...(checks === undefined ? {} : { checks }),
    // What comes out is what the output schema is then held against.
    run: async (context, value) =>
      (await runGuest({ source, bounds, context, input: value, conceal })) as O,
  }
}
