/** `ice worker`: takes runs from queues, says how it is, drains, and is replaced when it dies. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { emptyFolder, type Folder, json, jsonLines } from './support/command.ts'
import { PAUSE_GRANT, SLOW } from './support/programs.ts'

const VERSIONED = (version: string): string => `import { defineProgram } from '@ice/runs'
import { z } from 'zod'
export default defineProgram({
  name: 'versioned',
  version: '${version}',
  input: z.object({}),
  output: z.string(),
  async run(context) {
    await context.sleep('nap', 600)
    return '${version}'
  },
})
`

async function queue(folder: Folder, file: string, ...more: readonly string[]): Promise<string> {
  const started = await folder.ice('run', file, '--queue', 'mail', '--json', ...more)
  expect(started.code).toBe(0)
  return json<{ run: string }>(started).run
}

async function conclusions(folder: Folder): Promise<readonly unknown[]> {
  const { stdout } = await folder.ice('runs', '--jsonl')
  return jsonLines<{ conclusion: string | null }>(stdout).map(({ conclusion }) => conclusion)
}

const committed = (folder: Folder, count: number) =>
  expect
    .poll(() => conclusions(folder), { timeout: 60_000, interval: 200 })
    .toEqual(Array.from({ length: count }, () => 'committed'))

async function ask(port: string, path: string): Promise<number> {
  return (await fetch(`http://127.0.0.1:${port}${path}`)).status
}

/** Verifies: CLI-R65 */
describe('a worker', () => {
  it('drives what waits in its queues, says how it is, and drains on SIGTERM', async () => {
    const folder = emptyFolder()
    folder.file('v1.ts', VERSIONED('1.0.0'))
    folder.file('v2.ts', VERSIONED('2.0.0'))
    await queue(folder, './v1.ts')
    await queue(folder, './v2.ts', '--priority', '5')
    const going = folder.start(
      {},
      ...['worker', './v1.ts', './v2.ts', '--queues', 'mail', '--health', '0'],
    )
    const [, port = ''] = await going.until('stderr', /health at port (\d+)/)
    await expect.poll(() => ask(port, '/readyz'), { timeout: 30_000 }).toBe(200)
    expect([await ask(port, '/livez'), await ask(port, '/')]).toEqual([200, 404])
    const metrics = await fetch(`http://127.0.0.1:${port}/metrics`)
    expect(metrics.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
    expect(await metrics.text()).toMatch(/^# TYPE ice_runs_ready gauge\nice_runs_ready \d+$/m)
    await committed(folder, 2)
    // The versions went side by side: each run was driven by the one it began with.
    const { stdout } = await folder.ice('events', '--type', 'RunClaimed', '--jsonl')
    expect(jsonLines(stdout).length).toBeGreaterThanOrEqual(2)
    going.child.kill('SIGTERM')
    const ended = await going.ended
    expect(ended.code).toBe(0)
    expect(ended.stderr).toMatch(/drained: 0 came to their end, 0 were stopped/)
    expect(existsSync(join(folder.path, '.ice', 'ice.db.index'))).toBe(true)
    expect((await folder.ice('verify')).code).toBe(0)
  }, 120_000)

  it('that is killed is replaced by another, which goes on from the record', async () => {
    const folder = emptyFolder()
    folder.file('slow.ts', SLOW)
    const input = ['--input', JSON.stringify({ steps: 30, ms: 50 })]
    const run = await queue(folder, './slow.ts', '--grant', PAUSE_GRANT, ...input)
    const first = folder.start({}, 'worker', './slow.ts')
    const followed = folder.start({}, 'events', '--follow', '--stream', `run/${run}`, '--jsonl')
    await followed.until('stdout', /"effect":"pause\/3"/)
    followed.child.kill('SIGTERM')
    first.child.kill('SIGKILL')
    await Promise.all([first.ended, followed.ended])
    const second = folder.start({}, 'worker', './slow.ts', '--drain', '0')
    await committed(folder, 1)
    second.child.kill('SIGTERM')
    expect((await second.ended).code).toBe(0)
    const { stdout } = await folder.ice('events', '--type', 'EffectSucceeded', '--jsonl')
    expect(jsonLines(stdout)).toHaveLength(30)
  }, 120_000)

  it('refuses a version named twice, a place that is none, queues without names', async () => {
    const folder = emptyFolder()
    folder.file('v1.ts', VERSIONED('1.0.0'))
    const refused: readonly (readonly string[])[] = [
      ['worker', './v1.ts', './v1.ts'],
      ['worker', './v1.ts', '--health', 'here'],
      ['worker', './v1.ts', '--health', '99999'],
      ['worker', './v1.ts', '--queues', 'a,,b'],
      ['worker', './v1.ts', '--concurrency', '0'],
      ['run', './v1.ts', '--priority', '1'],
      ['run', './v1.ts', '--deadline', 'never'],
    ]
    for (const words of refused) expect((await folder.ice(...words)).code, words.join(' ')).toBe(2)
  }, 120_000)
})

/** Verifies: CLI-R67 */
describe('cancelling many runs', () => {
  it('shows which, and ends those that fit and no others', async () => {
    const folder = emptyFolder()
    folder.file('v1.ts', VERSIONED('1.0.0'))
    const acme = await queue(folder, './v1.ts', '--tag', 'tenant=acme')
    const other = await queue(folder, './v1.ts', '--tag', 'tenant=other')
    const where = ['--where', 'queue=mail', '--where', 'tag.tenant=acme']
    const preview = await folder.ice('cancel', ...where, '--dry-run', '--json')
    expect(json(preview)).toEqual({
      dryRun: true,
      count: 1,
      failed: 0,
      runs: [{ run: acme, outcome: 'would be cancelled' }],
    })
    const done = await folder.ice('cancel', ...where, '--reason', 'moved away', '--json')
    expect([done.code, json(done)['runs']]).toEqual([0, [{ run: acme, outcome: 'cancelled' }]])
    expect(json(await folder.ice('cancel', ...where, '--dry-run', '--json'))['count']).toBe(0)
    const { stdout } = await folder.ice('runs', '--jsonl')
    const views = jsonLines<{ run: string; conclusion: string | null }>(stdout)
    expect(views.map(({ run, conclusion }) => [run, conclusion])).toEqual([
      [other, null],
      [acme, 'aborted'],
    ])
    expect((await folder.ice('cancel', '--reason', 'x')).code).toBe(2)
    expect((await folder.ice('cancel', ...where)).code).toBe(2)
  }, 300_000)
})
