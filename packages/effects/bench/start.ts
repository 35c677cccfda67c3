/**
 * What it costs to start a program: in a box and without one, against a bare `spawn`.
 *
 * The program is `true`, so that nothing but the start is measured: the claim, the walk, the
 * limits, the box, and that everything is gone again.
 *
 *     node bench/start.ts [--json]
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
// @boundaries-ignore a bench is run from the repository, where the harness lies
import { compete } from '../../../tooling/src/harness/rounds.ts'
import { describeProcesses, proc, processEffects } from '../src/index.ts'

const ROUNDS = 9
const CALLS = 8
const PROGRAM = '/usr/bin/true'

const root = mkdtempSync(join(tmpdir(), 'ice-start-'))
const open = { write: true, network: true, sandbox: 'unsandboxed' } as const
const resources = [{ kind: 'proc', root, programs: [{ path: PROGRAM }], ...open }]
const [handler] = processEffects()
const { signal } = new AbortController()

const performed = (more: object) => async (): Promise<void> => {
  const request = proc.run('bench', { program: PROGRAM, ...more })
  const args = handler?.arguments.parse(request.arguments)
  const call = { action: 'proc.run', arguments: args, grant: { id: 'bench', resources }, signal }
  await handler?.perform(call as unknown as Parameters<typeof handler.perform>[0])
}

const spawned = (): Promise<void> =>
  new Promise((resolve) => {
    spawn(PROGRAM, { cwd: root }).once('close', () => resolve())
  })

/** Milliseconds a call. */
const timed = (work: () => Promise<void>) => async (): Promise<number> => {
  const start = performance.now()
  for (let call = 0; call < CALLS; call += 1) await work()
  return (performance.now() - start) / CALLS
}

const { sandbox } = await describeProcesses()
const contests = [
  { name: 'proc.run without a box / spawn', ours: performed(open) },
  ...(sandbox ? [{ name: 'proc.run in a box / spawn', ours: performed({}) }] : []),
]
const results = []
for (const { name, ours } of contests) {
  const result = await compete({ ours: timed(ours), peer: timed(spawned), rounds: ROUNDS })
  const { ours: oursMs, peer: peerMs, ratio } = result
  results.push({ name, ratio, oursMs, peerMs })
}
rmSync(root, { recursive: true })

if (process.argv.includes('--json')) console.log(JSON.stringify(results))
else {
  for (const { name, ratio, oursMs, peerMs } of results) {
    const figures = `${oursMs.toFixed(1).padStart(7)} ms  peer ${peerMs.toFixed(1).padStart(7)} ms`
    console.log(`${ratio.toFixed(2).padStart(6)}x  ${figures}  ${name}`)
  }
}
