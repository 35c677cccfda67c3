import { mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fs } from '@ice/effects'
import { defineProgram } from '@ice/runs'
import { createRuntime } from '@ice/runtime'
import { z } from 'zod'

const folder = await mkdtemp(join(tmpdir(), 'ice-example-'))
await writeFile(join(folder, 'name.txt'), 'world')

const program = defineProgram({
  name: 'greet',
  version: '1',
  input: z.strictObject({}),
  output: z.string(),
  async run(ctx) {
    const name = await ctx.effect('read', fs.read('folder', { path: 'name.txt' }))
    const outside = await ctx.attempt('outside', fs.read('folder', { path: '../secret' }))
    const content = `Hello, ${name}!`
    await ctx.effect('write', fs.write('folder', { path: 'out.txt', content }))
    return outside.kind
  },
})

const ice = await createRuntime({ path: join(folder, 'log.db') })
const actions = ['fs.read', 'fs.write']
const grants = { folder: { actions, resource: { kind: 'fs', root: folder } } }
const { stretch } = await ice.runs.execute(program, {}, { grants })
console.log(stretch.kind === 'concluded' ? stretch.result : stretch)
console.log(await readFile(join(folder, 'out.txt'), 'utf8'))
await ice.close()
