/**
 * The process that is killed: drives one run of effects of every fate over a real log, and leaves
 * traces that the log knows nothing of.
 *
 * 1. `acks`: each event, the moment the log has acknowledged it, before anything else is done.
 * 2. `witness`: each step of each act. The act itself is the line `acted`: one `write(2)`, so it is
 *    there or not, whatever kills the process.
 *
 * Its parent is told of each step too, and kills it then, or a moment later.
 */
import { openSync, readFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { canonicalize, type JsonObject, type JsonValue, sha256Hex } from '@ice/primitives'
import { defineProgram } from '@ice/runs'
import type { EffectCall, EffectHandler, Fate, RunContext } from '@ice/runs/ports'
import { createRuntime } from '@ice/runtime'

/** What the process is told, as JSON in its first argument. */
export interface KillJob {
  readonly folder: string
  /** Effects of each fate. */
  readonly each: number
}

/** One step of an act, as a line of the witness. */
export interface KillLine {
  readonly at: KillStep
  readonly effect: string
  readonly fate: Fate
  readonly attempt: number
  readonly intent: string
  readonly key: string
  readonly pid: number
}

/** Where in a step the process is: what it does next is what a kill comes into. */
export type KillStep = 'called' | 'acted' | 'returned'

const FATES = ['observe', 'idempotent', 'irreversible'] as const
const job = JSON.parse(process.argv[2] ?? '{}') as KillJob
const acks = openSync(join(job.folder, 'acks'), 'a')
const witness = openSync(join(job.folder, 'witness'), 'a')

const tell = (at: KillStep, call: EffectCall, fate: Fate): void => {
  const { effect, attempt, intent, idempotencyKey: key } = call
  const line: KillLine = { at, effect, fate, attempt, intent, key, pid: process.pid }
  writeSync(witness, `${JSON.stringify(line)}\n`)
  process.send?.({ at: `${fate}/${at}` })
}

const handler = (fate: Fate): EffectHandler => ({
  action: fate,
  fate,
  outcome: 'EffectSucceeded',
  arguments: { parse: (value) => value as JsonObject },
  resource: () => ({ name: fate }),
  perform: async (call) => {
    tell('called', call, fate)
    await new Promise((resolve) => setTimeout(resolve, 1))
    tell('acted', call, fate)
    await new Promise((resolve) => setTimeout(resolve, 1))
    tell('returned', call, fate)
    return { value: call.arguments, observed: {} }
  },
})

const any = { parse: (value: unknown): JsonValue => value as JsonValue }

/** In each round one after another, then two of each at once. */
const program = defineProgram({
  name: 'every-fate',
  version: '1',
  input: any,
  output: any,
  async run(ctx: RunContext, each: JsonValue) {
    const ask = (fate: Fate, id: string) =>
      ctx.effect(`${fate}/${id}`, { action: fate, grant: 'g', arguments: { id } })
    for (let n = 0; n < (each as number); n += 1) {
      for (const fate of FATES) await ask(fate, `${n}`)
      await Promise.all(FATES.flatMap((fate) => [ask(fate, `${n}/a`), ask(fate, `${n}/b`)]))
    }
    return each
  },
})

/** Whether an intent was acted on: the witness has it, or it never happened. */
const happened = (intent: string): boolean =>
  readFileSync(join(job.folder, 'witness'), 'utf8')
    .split('\n')
    .some((line) => line.includes('"at":"acted"') && line.includes(`"intent":"${intent}"`))

const ice = await createRuntime({
  path: join(job.folder, 'ice.db'),
  effects: FATES.map(handler),
})
const g = { actions: [...FATES], resource: { kind: 'tool', names: [...FATES] } }
const run = await ice.runs.start(program, job.each, { grants: { g }, key: 'kills' })
process.send?.({ at: 'begun' })
for (;;) {
  const stretch = await ice.runs.drive(run, {
    onEvent: ({ version, type, data }) => {
      writeSync(acks, `${version} ${type} ${sha256Hex(canonicalize(data))}\n`)
      if (type === 'EffectSucceeded') process.send?.({ at: 'recorded' })
    },
  })
  if (stretch.kind !== 'suspended') {
    process.send?.({ stretch })
    break
  }
  for (const { step } of stretch.waitingFor) {
    const intent = await lastIntent(step)
    await ice.runs.resolveDoubt(run, {
      effect: step,
      happened: happened(intent),
      evidence: 'witness',
    })
  }
}
await ice.close()
process.disconnect?.()

async function lastIntent(effect: string): Promise<string> {
  let last = ''
  for await (const batch of ice.log.read({ stream: `run/${run}` as never })) {
    for (const { id, type, data } of batch) {
      if (type === 'CapabilityUsed' && (data as { effect: string }).effect === effect) last = id
    }
  }
  return last
}
