import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { emptyFolder, json, jsonLines } from './support/command.ts'

const EDIT = `import { defineProgram } from '@ice/runs'
import { fs } from '@ice/effects'
import { z } from 'zod'
export default defineProgram({
  name: 'edit',
  version: '1.0.0',
  input: z.object({}),
  output: z.unknown(),
  async run(context) {
    await context.effect('put', fs.replace('out', { path: 'out.txt', content: 'changed' }))
    await context.stage('later', fs.replace('out', { path: 'out.txt', content: 'later' }))
    throw new TypeError('it went wrong')
  },
})
`

/** Verifies: CLI-R61 */
describe('a run that changed a file and aborts', () => {
  const folder = emptyFolder()
  folder.file('edit.ts', EDIT)
  folder.file('out/out.txt', 'as it was')

  it('leaves it as it was, and tells so in its story and for its effect', async () => {
    const grant = ['--grant', 'out=fs.replace:./out']
    const ended = json<{ run: string }>(await folder.ice('run', './edit.ts', ...grant, '--json'))
    const { run } = ended
    expect(ended).toMatchObject({ conclusion: 'aborted', reason: 'it went wrong' })
    expect(readFileSync(join(folder.path, 'out/out.txt'), 'utf8')).toBe('as it was')
    const { stdout } = await folder.ice('show', run)
    expect(stdout).toMatch(/undone .*put .*it is undone/)
    expect(stdout).toMatch(/staged .*later .*once the run has committed/)
    expect(stdout).toContain('1 undone, 0 being undone, 0 left as they are')
    const events = await folder.ice('events', '--stream', `run/${run}`, '--jsonl')
    const used = jsonLines<{ type: string; id: string }>(events.stdout).find(
      ({ type }) => type === 'CapabilityUsed',
    )
    const why = (await folder.ice('why', used?.id ?? '')).stdout
    expect(why).toContain('undoing began, by the right of its intent')
    expect(why).toMatch(/^undone /m)
  })
})
