/** A run that kills the processes that drive it, until it is set aside. */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { emptyFolder, json, jsonLines } from './support/command.ts'

/** Kills its process as long as a file says so, and can be told apart from one that only ends. */
const DEADLY = `import { existsSync } from 'node:fs'
import { defineProgram } from '@ice/runs'
import { z } from 'zod'
export const effects = [{
  action: 'test.strike',
  fate: 'idempotent',
  outcome: 'EffectSucceeded',
  arguments: z.object({ while: z.string() }),
  resource: () => ({ name: 'strike' }),
  perform: async ({ arguments: args }) => {
    if (existsSync(args.while)) process.kill(process.pid, 'SIGKILL')
    return { value: 'alive', observed: {} }
  },
}]
export default defineProgram({
  name: 'deadly',
  version: '1.0.0',
  input: z.object({ while: z.string() }),
  output: z.string(),
  run: (context, input) =>
    context.effect('strike', { action: 'test.strike', grant: 'strike', arguments: input }),
})
`

/** Verifies: RUN-R176, CLI-R72 */
describe('a run that kills one worker after the other', () => {
  it('is set aside for all of them, listed, and driven again once it is released', async () => {
    const folder = emptyFolder()
    folder.file('deadly.ts', DEADLY)
    const file = folder.file('deadly', 'yes')
    const input = JSON.stringify({ while: file })
    const grant = ['--grant', 'strike=test.strike:tool:strike']
    const begin = ['run', './deadly.ts', '--queue', 'mail', '--input', input, ...grant, '--json']
    const { run } = json<{ run: string }>(await folder.ice(...begin))
    // The first takes it from its queue, five take it over, each from one that is dead.
    for (let n = 1; n <= 6; n += 1) {
      const worker = folder.start({}, 'worker', './deadly.ts')
      expect(await worker.ended).toMatchObject({ signal: 'SIGKILL' })
    }
    const seventh = folder.start({}, 'worker', './deadly.ts', '--json')
    onTestFinished(() => void seventh.child.kill('SIGKILL'))
    await seventh.until('stderr', /ICE_RUNS_CRASH_LIMIT/)
    expect(seventh.child.exitCode).toBeNull()
    const listed = json<readonly { run: string; quarantine: object }[]>(
      await folder.ice('runs', '--quarantined', '--json'),
    )
    expect(listed).toMatchObject([
      { run, quarantine: { by: null, error: { code: 'ICE_RUNS_CRASH_LIMIT' } } },
    ])
    expect((await folder.ice('show', run)).stdout).toContain('taken over 5 times in a row')
    expect((await folder.ice('resume', run, '--program', './deadly.ts')).code).toBe(4)
    rmSync(join(folder.path, 'deadly'))
    const reason = ['--reason', 'the file is gone']
    expect((await folder.ice('release', run, ...reason)).code).toBe(0)
    await seventh.until('stderr', /"how":"committed"/)
    seventh.child.kill('SIGTERM')
    expect((await seventh.ended).code).toBe(0)
    const claims = await folder.ice('events', '--type', 'RunClaimed', '--jsonl')
    expect(jsonLines(claims.stdout)).toHaveLength(7)
    expect((await folder.ice('verify')).code).toBe(0)
  }, 180_000)
})
