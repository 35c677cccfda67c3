import { spawnSync } from 'node:child_process'
import { expect, it } from 'vitest'

const library = JSON.stringify(new URL('../src/lib/postgres-server.ts', import.meta.url).href)

const statusOf = (script: string): number | null => {
  const found = `const { server } = await (await import(${library})).findPostgres()`
  const args = ['--input-type=module', '--eval', `${found}\n${script}`]
  return spawnSync(process.execPath, args).status
}

it('leaves the exit code to the program that started a server', () => {
  expect(statusOf('process.exitCode = 3; await server?.stop()')).toBe(3)
  expect(statusOf('process.exit(4)')).toBe(4)
})
