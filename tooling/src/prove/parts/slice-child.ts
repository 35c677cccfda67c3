/**
 * The process that is killed: starts the survey, or goes on with it, and leaves two traces that the
 * log knows nothing of.
 *
 * 1. `acks`: each event, the moment the log has acknowledged it, before anything else is done.
 * 2. `witness`: each act, by the handler itself, before it acts.
 *
 * Both are appended by one `write(2)` a line, so what stands there survives SIGKILL.
 */
import { openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { surveyGrants, surveyProgram } from '@ice/cli/survey'
import { fileSystemEffects } from '@ice/effects'
import { canonicalize, sha256Hex } from '@ice/primitives'
import type { EffectHandler } from '@ice/runs/ports'
import { createRuntime } from '@ice/runtime'

/** What the process is told, as JSON in its first argument. */
export interface ChildJob {
  readonly store: string
  readonly source: string
  readonly output: string
}

const job = JSON.parse(process.argv[2] ?? '{}') as ChildJob
const acks = openSync(join(job.store, 'acks'), 'a')
const witness = openSync(join(job.store, 'witness'), 'a')

const witnessed = (handler: EffectHandler): EffectHandler => ({
  ...handler,
  perform: (call) => {
    const { effect, attempt, intent, action } = call
    writeSync(witness, `${JSON.stringify({ effect, attempt, intent, action, pid: process.pid })}\n`)
    return handler.perform(call)
  },
})

const ice = await createRuntime({
  path: join(job.store, 'ice.db'),
  effects: fileSystemEffects().map(witnessed),
})
const grants = surveyGrants({ source: job.source, output: job.output, notes: true })
const input = { title: 'proof', concurrency: 8, notes: true }
const run = await ice.runs.start(surveyProgram, input, { grants, key: 'proof' })
process.send?.({ run })
const stretch = await ice.runs.drive(run, {
  onEvent: ({ version, type, data }) => {
    writeSync(acks, `${version} ${type} ${sha256Hex(canonicalize(data))}\n`)
  },
})
process.send?.({ stretch })
await ice.close()
process.disconnect?.()
