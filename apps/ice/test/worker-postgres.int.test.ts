/** Several workers on one PostgreSQL server, one of which freezes. */
import { openPostgresEventStore, openPostgresOwnership } from '@ice/events-postgres'
import type { PrincipalId, RunId } from '@ice/primitives'
import { defineProgram } from '@ice/runs'
import type { EffectHandler } from '@ice/runs/ports'
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

const STRIKING = `import { defineProgram } from '@ice/runs'
const any = { parse: (value) => value }
export const effects = [{
  action: 'test.strike',
  fate: 'idempotent',
  outcome: 'EffectSucceeded',
  arguments: any,
  resource: () => ({ name: 'strike' }),
  perform: async () => ({ value: 'alive', observed: {} }),
}]
export default defineProgram({
  name: 'striking',
  version: '1',
  input: any,
  output: any,
  run: (context) =>
    context.effect('strike', { action: 'test.strike', grant: 'strike', arguments: {} }),
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

  /** Verifies: RUN-R176 */
  it('set a run aside whose owners died on it in a row, until it is released', async () => {
    const url = found.server?.url ?? ''
    const schema = `c${process.pid}-${Date.now().toString(36)}`
    const folder = emptyFolder()
    folder.file('striking.ts', STRIKING)
    const store = await openPostgresEventStore({ connection: url, schema })
    onTestFinished(() => store.close())
    const any = { parse: (value: unknown): never => value as never }
    const program = defineProgram({
      ...{ name: 'striking', version: '1', input: any, output: any },
      run: (context) => {
        return context.effect('strike', { action: 'test.strike', grant: 'strike', arguments: {} })
      },
    })
    /** A process whose lease ends while it is at the effect. */
    const open = async () => {
      const work = { connection: url, schema: `${schema}_work` }
      const ownership = await openPostgresOwnership(work)
      const atWork = Promise.withResolvers<void>()
      const strike: EffectHandler = {
        ...{ action: 'test.strike', fate: 'idempotent', outcome: 'EffectSucceeded' },
        arguments: any,
        resource: () => ({ name: 'strike' }),
        perform: ({ signal }) =>
          new Promise((_, reject) => {
            signal.addEventListener('abort', () => reject(signal.reason as Error))
            atWork.resolve()
          }),
      }
      const common = { store, ownership, bare: true, programs: [program], effects: [strike] }
      const runtime = await createRuntime({ ...common, principal: 'os:test' as PrincipalId })
      onTestFinished(() => runtime.close())
      const dies = async (run: RunId): Promise<void> => {
        void runtime.runs.drive(run).catch(() => undefined)
        await atWork.promise
        await ownership.close()
      }
      return { runs: runtime.runs, dies }
    }
    const first = await open()
    const grants = {
      strike: { actions: ['test.strike'], resource: { kind: 'tool', name: 'strike' } },
    }
    const run = await first.runs.start(program, null, { grants })
    await first.dies(run)
    for (let n = 1; n <= 5; n += 1) await (await open()).dies(run)
    const words = ['worker', './striking.ts', '--store', `${url}?schema=${schema}`]
    const workers = [1, 2].map(() => folder.start({}, ...words))
    onTestFinished(() => {
      for (const { child } of workers) child.kill('SIGKILL')
    })
    const person = await open()
    const code = async () => (await person.runs.view(run)).quarantine?.error.code
    await expect.poll(code, { timeout: 120_000 }).toBe('ICE_RUNS_CRASH_LIMIT')
    const stretch = await person.runs.drive(run)
    expect(stretch.kind).toBe('quarantined')
    await person.runs.release(run, { reason: 'the lightning rod is up' })
    expect(await person.runs.result(run)).toEqual({ conclusion: 'committed', value: 'alive' })
    for (const worker of workers) worker.child.kill('SIGTERM')
    expect((await Promise.all(workers.map(({ ended }) => ended))).map((each) => each.code)).toEqual(
      [0, 0],
    )
  }, 240_000)
})
