/** Runs a program file with the command, shows the run, explains an effect, verifies the log. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const bin = fileURLToPath(new URL('../bin/ice.mjs', import.meta.url))
const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
const folder = mkdtempSync(join(tmpdir(), 'ice-example-'))

function ice(...args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, [bin, ...args], {
    cwd: folder,
    encoding: 'utf8',
  })
  if (status !== 0) throw new TypeError(`ice ${args.join(' ')} ended with ${status}: ${stderr}`)
  return stdout
}

try {
  // The program is the one that the README shows.
  const [, program = ''] = /```ts\n(.*?)```/s.exec(readme) ?? []
  mkdirSync(join(folder, 'src'))
  writeFileSync(join(folder, 'count.ts'), program)
  writeFileSync(join(folder, 'src/a.txt'), 'one\ntwo\nthree\n')

  const input = ['--input', '{"path":"a.txt"}']
  console.log(ice('run', './count.ts', ...input, '--grant', 'source=fs.read:./src')) // lines: 3
  const [{ run }] = JSON.parse(ice('runs', '--json')) as [{ run: string }]
  console.log(ice('show', run))
  const denied = ice('events', '--type', 'CapabilityDenied', '--jsonl')
  console.log(ice('why', (JSON.parse(denied) as { id: string }).id))
  console.log(ice('verify'))
} finally {
  rmSync(folder, { recursive: true })
}
