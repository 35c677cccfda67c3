/** Drives a run whose effect fails, says what is recorded of its attempts, and is killed. */

// @boundaries-ignore a child runs without the test runner, which is what finds the tooling
import { say } from '../../../../tooling/src/lib/say.ts'
import { createRuntime } from '../../src/index.ts'
import { act, grants, trying } from '../trying.ts'

const [path = ''] = process.argv.slice(2)
const ice = await createRuntime({ path, bare: true, effects: [act(() => 'busy')] })
const run = await ice.runs.start(trying, null, { grants })
await ice.runs.drive(run, {
  wait: true,
  onEvent: ({ type, data }) => {
    if (/^(CapabilityUsed|Effect)/.test(type)) say({ run, type, ...(data as object) })
  },
})
