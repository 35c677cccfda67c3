/**
 * What a guest costs (S1): the first of a process, each further one, one call of its context, and
 * how fast its fuel burns.
 *
 * The peer of a guest is what somebody would write who needs no sandbox: a new context of
 * `node:vm`, which confines and bounds nothing. That of a call is the same program as a function.
 */
import vm from 'node:vm'
import { defineProgram } from '@ice/runs'
import type { Program, RunContext } from '@ice/runs/ports'
import { evaluate, sandboxedProgram } from '@ice/sandbox'
import { figure } from '../harness/figure.ts'
import { compete } from '../harness/rounds.ts'
import type { BenchTopic } from '../harness/topics.ts'

const CALLS = 2_000
const any = { parse: (value: unknown): unknown => value }

const guest = sandboxedProgram({
  name: 'calls',
  source: `export default async (ice, calls) => {
    let sum = 0
    for (let n = 0; n < calls; n += 1) {
      sum += (await ice.effect('e' + n, { action: 'a', grant: 'g', arguments: { n } })).n
    }
    return sum
  }`,
  input: any,
  output: any,
})

const plain: Program = defineProgram({
  name: 'calls',
  version: '1',
  input: any,
  output: any,
  async run(ctx, calls) {
    let sum = 0
    for (let n = 0; n < Number(calls); n += 1) {
      const request = { action: 'a', grant: 'g', arguments: { n } }
      sum += ((await ctx.effect(`e${n}`, request)) as { readonly n: number }).n
    }
    return sum
  },
})

const context = {
  run: 'bench',
  now: 0,
  effect: async (_id: string, request: { readonly arguments: unknown }) => request.arguments,
} as unknown as RunContext

/** Microseconds each of so many takes. */
async function each(times: number, work: () => unknown): Promise<number> {
  const start = performance.now()
  for (let n = 0; n < times; n += 1) await work()
  return ((performance.now() - start) * 1_000) / times
}

async function call(program: Program): Promise<number> {
  const start = performance.now()
  const sum = await program.run(context, CALLS)
  if (sum !== (CALLS * (CALLS - 1)) / 2) throw new TypeError(`the calls came to ${sum}`)
  return ((performance.now() - start) * 1_000) / CALLS
}

export const topic: BenchTopic = {
  summary: 'guests of the sandbox: the first, each, a call, and the fuel of a second (S1)',
  async run({ full, say }) {
    const first = (await each(1, () => evaluate('1 + 1'))) / 1_000
    const rounds = full ? 31 : 11
    say(`${rounds} rounds of 200 guests beside as many contexts, and of ${CALLS} calls`)
    const fresh = await compete({
      rounds,
      ours: () => each(200, () => evaluate('1 + 1')),
      peer: () => each(200, () => vm.runInNewContext('1 + 1')),
    })
    const calls = await compete({ rounds, ours: () => call(guest), peer: () => call(plain) })
    const source = 'let s = 0; for (let i = 0; i < 1e6; i += 1) s += i; s'
    const { fuelUsed } = evaluate(source)
    const burn = await compete({
      rounds,
      ours: () => each(1, () => evaluate(source)),
      peer: () => each(1, () => vm.runInNewContext(source)),
    })
    return [
      figure('S1-first', { value: first, unit: 'ms' }),
      figure('S1-guest', {
        value: fresh.ours,
        unit: 'us',
        ratio: fresh.ratio,
        against: `${Math.round(fresh.peer)} us of a new context of node:vm`,
      }),
      figure('S1-call', {
        value: calls.ours,
        unit: 'us',
        ratio: calls.ratio,
        against: `${calls.peer.toFixed(1)} us of a function`,
      }),
      figure('S1-fuel', {
        value: fuelUsed / burn.ours,
        unit: 'M units/s',
        ratio: burn.ratio,
        against: `${Math.round(burn.peer)} us of the same loop, compiled by the host`,
      }),
    ]
  },
}
