/** An aborted run over real files and a real log: what it changed is as it was. */
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fs } from '@ice/effects'
import type { GrantId } from '@ice/primitives'
import { defineProgram } from '@ice/runs'
import { describe, expect, it, onTestFinished } from 'vitest'
import { z } from 'zod'
import { createRuntime } from '../src/index.ts'

const edit = defineProgram({
  name: 'edit',
  version: '1',
  input: z.strictObject({ fails: z.boolean() }),
  output: z.unknown(),
  needs: ['files'],
  async run(context, { fails }) {
    await context.effect('new', fs.write('files', { path: 'new.txt', content: 'new' }))
    await context.effect('old', fs.replace('files', { path: 'old.txt', content: 'changed' }))
    await context.effect('again', fs.replace('files', { path: 'old.txt', content: 'once more' }))
    await context.effect('gone', fs.delete('files', { path: 'gone.txt' }))
    if (fails) throw new TypeError('it went wrong')
    return context.approval('keep', { prompt: 'keep the changes?' })
  },
})

async function scene() {
  const folder = mkdtempSync(join(tmpdir(), 'ice-undo-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const root = mkdtempSync(join(folder, 'root-'))
  const at = (name: string): string => join(root, name)
  writeFileSync(at('old.txt'), 'as it was')
  writeFileSync(at('gone.txt'), 'still needed')
  chmodSync(at('gone.txt'), 0o640)
  const open = async () => {
    const ice = await createRuntime({ path: join(folder, 'ice.db'), programs: [edit] })
    onTestFinished(() => ice.close())
    return ice
  }
  const actions = ['fs.write', 'fs.replace', 'fs.delete']
  const resource = { kind: 'fs', root }
  const grants = { files: { actions, resource } }
  const isAsItWas = () => {
    expect(existsSync(at('new.txt'))).toBe(false)
    expect(readFileSync(at('old.txt'), 'utf8')).toBe('as it was')
    expect(readFileSync(at('gone.txt'), 'utf8')).toBe('still needed')
    expect(statSync(at('gone.txt')).mode & 0o777).toBe(0o640)
  }
  return { open, grants, at, isAsItWas }
}

/** Verifies: RTM-R05 */
describe('a run that changed files', () => {
  it('and fails leaves them as they were', async () => {
    const { open, grants, isAsItWas } = await scene()
    const ice = await open()
    const { run, stretch } = await ice.runs.execute(edit, { fails: true }, { grants })
    expect(stretch).toMatchObject({ result: { conclusion: 'aborted', reason: 'it went wrong' } })
    const compensations = { open: [], succeeded: 4, abandoned: [] }
    expect(await ice.runs.view(run)).toMatchObject({ state: 'TERMINATED', compensations })
    isAsItWas()
  })

  it('and is aborted by another process, after its grant was revoked, does too', async () => {
    const { open, grants, at, isAsItWas } = await scene()
    const first = await open()
    const { run } = await first.runs.execute(edit, { fails: false }, { grants })
    expect(readFileSync(at('old.txt'), 'utf8')).toBe('once more')
    await first.close()
    const second = await open()
    const { grants: bound } = await second.runs.view(run)
    await second.grants.revoke(bound['files'] as GrantId, { reason: 'no longer' })
    await second.runs.abort(run, { reason: 'enough' })
    isAsItWas()
  })

  it('undoes nothing that somebody has gone on from, and says what it left', async () => {
    const { open, grants, at } = await scene()
    const ice = await open()
    const { run } = await ice.runs.execute(edit, { fails: false }, { grants })
    writeFileSync(at('old.txt'), 'by hand')
    await ice.runs.abort(run, { reason: 'enough' })
    const compensations = { open: [], succeeded: 2, abandoned: ['again', 'old'] }
    expect(await ice.runs.view(run)).toMatchObject({ state: 'TERMINATED', compensations })
    expect(readFileSync(at('old.txt'), 'utf8')).toBe('by hand')
    expect(existsSync(at('gone.txt'))).toBe(true)
  })
})
