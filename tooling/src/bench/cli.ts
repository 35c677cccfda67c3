/**
 * What it costs to start the command (P12), against a Node that does nothing.
 *
 * Both sides are processes, from their start to their end, in turns. The run is of a program that
 * does nothing on a log that is there: it is opened, the run recorded and concluded on the disk.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { figure } from '../harness/figure.ts'
import { compete, median } from '../harness/rounds.ts'
import type { BenchTopic } from '../harness/topics.ts'
import { projectRoot } from '../lib/house.ts'

const NO_OP = `const any = { parse: (value) => value }
export default { name: 'no-op', version: '1', input: any, output: any, run: async () => null }
`

const bin = join(projectRoot, 'apps/ice/bin/ice.mjs')

/** The time of a process from its start to its end, in ms. */
function timed(cwd: string, args: readonly string[]): number {
  const start = performance.now()
  const { status, stderr } = spawnSync(process.execPath, args, { cwd, encoding: 'utf8' })
  const ms = performance.now() - start
  if (status !== 0) throw new TypeError(`node ${args.join(' ')} ended with ${status}: ${stderr}`)
  return ms
}

export const topic: BenchTopic = {
  summary: '`ice --version` and `ice run` of a no-op, against `node -e 0` (P12)',
  async run({ full, say }) {
    const folder = mkdtempSync(join(tmpdir(), 'ice-bench-'))
    const rounds = full ? 101 : 31
    const peer = (): number => timed(folder, ['-e', '0'])
    try {
      writeFileSync(join(folder, 'no-op.mjs'), NO_OP)
      const run = [bin, 'run', './no-op.mjs', '--quiet']
      timed(folder, run)
      say(`${rounds} rounds of \`ice --version\``)
      const ours = (): number => timed(folder, [bin, '--version'])
      const version = await compete({ ours, peer, rounds })
      say(`${rounds} rounds of \`ice run\``)
      const more: number[] = []
      for (let round = 0; round < rounds; round += 1) more.push(timed(folder, run) - peer())
      const against = '`node -e 0`'
      return [
        figure('P12', { value: version.ours, unit: 'ms', against, ratio: version.ratio }),
        figure('P12-run', { value: median(more), unit: 'ms more', against }),
      ]
    } finally {
      rmSync(folder, { recursive: true })
    }
  },
}
