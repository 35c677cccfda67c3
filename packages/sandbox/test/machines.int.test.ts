/** What must be the same in every process, and what must not grow in one. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'

const run = promisify(execFile)
const part = (name: string): string => fileURLToPath(new URL(`./parts/${name}.ts`, import.meta.url))

async function evaluations(
  flags: readonly string[],
  env: Record<string, string>,
): Promise<unknown> {
  const args = [...flags, part('evaluations')]
  const { stdout } = await run(process.execPath, args, { env: { ...process.env, ...env } })
  return JSON.parse(stdout)
}

/** Verifies: SBX-R03, SBX-R06 */
describe('values, failures and fuel', () => {
  const here = evaluations([], { TZ: 'UTC' })

  it.each([
    ['in another time zone', [], { TZ: 'Pacific/Auckland' }],
    ['in another locale', [], { LANG: 'tr_TR.UTF-8', LC_ALL: 'tr_TR.UTF-8' }],
    ['without an optimising compiler', ['--liftoff-only', '--no-opt'], {}],
    ['without the first compiler', ['--no-liftoff'], {}],
    ['with a larger stack', ['--stack-size=3000'], {}],
    ['with a smaller heap', ['--max-old-space-size=100'], {}],
  ] as const)('are the same %s', async (_name, flags, env) => {
    const there = await evaluations(flags, env)
    expect(there).toEqual(await here)
    expect(there).toHaveLength(12)
  })
})

/** Verifies: SBX-R04 */
describe('a thousand guests, ended in every way', () => {
  it('leave nothing behind', async () => {
    const { stdout } = await run(process.execPath, ['--expose-gc', part('leaks')])
    const { before, after } = JSON.parse(stdout) as { before: number; after: number }
    // A single memory that stayed would be 1.4 MB, and one for each guest more than a gigabyte.
    expect(after - before).toBeLessThan(1_400_000)
  })
})

/** Verifies: SBX-R11 */
describe('importing the package', () => {
  it('reads, compiles and keeps nothing of the engine', async () => {
    const index = new URL('../src/index.ts', import.meta.url).href
    const script = `
      import fs from 'node:fs'
      const seen = []
      const { Module } = WebAssembly
      // Node compiles modules of its own; ours has a meter.
      WebAssembly.Module = function (bytes) {
        if (Buffer.from(bytes).includes('ice_fuel')) seen.push('compiled')
        return new Module(bytes)
      }
      const { sandboxedProgram, evaluate } = await import(${JSON.stringify(index)})
      const any = { parse: (v) => v }
      sandboxedProgram({ name: 'x', source: 'export default () => 1', input: any, output: any })
      const before = seen.length
      evaluate('1')
      evaluate('2')
      console.log(JSON.stringify([before, seen]))`
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script])
    expect(JSON.parse(stdout)).toEqual([0, ['compiled']])
  })
})
