/** `ice schedule`: made, listed, fired by a worker, paused, resumed, deleted. */
import { expect, it } from 'vitest'
import { emptyFolder, json, jsonLines } from './support/command.ts'

const PROGRAM = `import { defineProgram } from '@ice/runs'
import { z } from 'zod'
export default defineProgram({
  name: 'tick',
  version: '1.0.0',
  input: z.object({ n: z.number() }),
  output: z.number(),
  async run(_context, { n }) {
    return n
  },
})
`

interface View {
  readonly id: string
  readonly state: string
  readonly next: number | null
}

/** Verifies: CLI-R68 */
it('is made, fired by a worker, paused, resumed and deleted', async () => {
  const folder = emptyFolder()
  folder.file('tick.ts', PROGRAM)
  const cron = ['--cron', '* * * * * *', '--zone', 'Europe/Vienna', '--input', '{"n":1}']
  const add = ['schedule', 'add', 'ticks', './tick.ts', ...cron]
  const added = await folder.ice(...add, '--tag', 'tenant=acme', '--json')
  expect([added.code, json<View>(added)]).toMatchObject([0, { id: 'ticks', state: 'active' }])
  expect((await folder.ice(...add)).code).toBe(4)
  const going = folder.start({}, 'worker', './tick.ts')
  const count = async () => {
    const { stdout } = await folder.ice('runs', '--jsonl')
    return jsonLines<{ conclusion: string }>(stdout).filter(
      ({ conclusion }) => conclusion === 'committed',
    ).length
  }
  await expect.poll(count, { timeout: 60_000, interval: 200 }).toBeGreaterThanOrEqual(2)
  const change = (verb: string) =>
    folder.ice('schedule', verb, 'ticks', '--reason', 'a test', '--json')
  expect(json<View>(await change('pause'))).toMatchObject({ state: 'paused', next: null })
  going.child.kill('SIGTERM')
  expect((await going.ended).code).toBe(0)
  const fired = jsonLines<{ data: { due: number } }>(
    (await folder.ice('events', '--type', 'ScheduleFired', '--jsonl')).stdout,
  ).map(({ data }) => data.due)
  expect(new Set(fired).size).toBe(fired.length)
  expect(json<View>(await change('resume'))).toMatchObject({ state: 'active' })
  expect((await folder.ice('schedule', 'list')).stdout).toContain('Europe/Vienna')
  expect(json<View>(await change('delete'))).toMatchObject({ state: 'deleted' })
  expect(jsonLines((await folder.ice('schedule', 'list', '--jsonl')).stdout)).toEqual([])
  const all = await folder.ice('schedule', 'list', '--deleted', '--jsonl')
  expect(jsonLines<View>(all.stdout)).toMatchObject([{ id: 'ticks', state: 'deleted' }])
})

/** Verifies: CLI-R68 */
it('refuses what is no schedule, and says why', async () => {
  const folder = emptyFolder()
  folder.file('tick.ts', PROGRAM)
  const add = (...more: readonly string[]) =>
    folder.ice('schedule', 'add', 'ticks', './tick.ts', '--input', '{"n":1}', ...more)
  const daily = ['--cron', '0 3 * * *']
  expect((await add('--cron', 'every day')).code).toBe(2)
  expect((await add(...daily, '--overlap', 'often')).code).toBe(2)
  expect((await add(...daily, '--zone', 'Mars/Olympus')).code).toBe(2)
  expect((await add(...daily, '--bind', 'g')).code).toBe(2)
  expect((await add(...daily, '--bind', 'g=0190aaaa')).code).toBe(3)
  expect((await add(...daily)).code).toBe(0)
  expect((await folder.ice('schedule', 'pause', 'ticks')).code).toBe(2)
  expect((await folder.ice('schedule', 'pause', 'constructor', '--reason', 'x')).code).toBe(3)
})
