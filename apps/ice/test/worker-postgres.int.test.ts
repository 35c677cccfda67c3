/** Several workers on one PostgreSQL server, one of which freezes. */
import { openPostgresEventStore, openPostgresOwnership } from '@ice/events-postgres'
import type { PrincipalId, RunId } from '@ice/primitives'
import { defineProgram } from '@ice/runs'
import { createRuntime } from '@ice/runtime'
import { findPostgres } from '@ice/tooling/lib/postgres-server'
import { afterAll, describe, expect, it, onTestFinished } from 'vitest'
import { emptyFolder } from './support/command.ts'

const found = await findPostgres()
afterAll(() => found.server?.stop())
const why = found.server === undefined ? ` [${found.why}]` : ''

const PROGRAM = `import { defineProgram } from '@ice/runs'
export default defineProgram({
  name: 'napping',
  version: '1',
  input: { parse: (value) => value },
  output: { parse: (value) => value },
  async run(context) {
    for (let n = 0; n < 5; n += 1) await context.sleep('nap' + n, 100)
    return 'rested'
  },
})
`

/** Verifies: CLI-R66 */
describe.skipIf(found.server === undefined)(`workers on PostgreSQL${why}`, () => {
  it('share the runs of one log, and take over those of one that freezes', async () => {
    const url = found.server?.url ?? ''
    const schema = `w${process.pid}-${Date.now().toString(36)}`
    const folder = emptyFolder()
    folder.file('napping.ts', PROGRAM)
    const store = await openPostgresEventStore({ connection: url, schema })
    onTestFinished(() => store.close())
    const work = { connection: url, schema: `${schema}_work` }
    const ownership = await openPostgresOwnership(work)
    onTestFinished(() => ownership.close())
    const principal = 'os:test' as PrincipalId
    const runtime = await createRuntime({ store, ownership, principal, bare: true })
    onTestFinished(() => runtime.close())
    const any = { parse: (value: unknown): unknown => value }
    const napping = { name: 'napping', version: '1', input: any, output: any }
    const program = defineProgram({ ...napping, run: async () => 'never here' })
    const runs: RunId[] = []
    for (let n = 0; n < 12; n += 1) {
      runs.push(await runtime.runs.start(program, null, { queue: 'mail' }))
    }
    const words = ['worker', './napping.ts', '--store', `${url}?schema=${schema}`]
    const workers = [1, 2, 3].map(() => folder.start({}, ...words, '--concurrency', '4'))
    for (const worker of workers) await worker.until('stderr', /worker of napping/)
    workers[0]?.child.kill('SIGSTOP')
    const results = await Promise.all(runs.map((run) => runtime.runs.result(run)))
    expect(new Set(results.map((result) => JSON.stringify(result)))).toEqual(
      new Set(['{"conclusion":"committed","value":"rested"}']),
    )
    workers[0]?.child.kill('SIGCONT')
    for (const worker of workers) worker.child.kill('SIGTERM')
    const ends = await Promise.all(workers.map(({ ended }) => ended))
    // The one that froze has lost its lease, or was told to end before it noticed.
    expect(ends.map(({ code }) => code).slice(1)).toEqual([0, 0])
    expect([0, 4]).toContain(ends[0]?.code)
  }, 180_000)
})
