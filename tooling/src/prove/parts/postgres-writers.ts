/** Writers under proof, seen from outside: what they said, their end, and a way to wait for it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { FloodJob, FloodLine } from './postgres-flood.ts'

export const FLOOD: string = fileURLToPath(new URL('./postgres-flood.ts', import.meta.url))

/** A writer that runs. */
export interface FloodWriter {
  readonly process: ChildProcess
  /** What it has said so far. */
  readonly lines: readonly FloodLine[]
  /** Acknowledgements so far. */
  kept(): number
  /** Lets it come to its end. @throws when it ends otherwise */
  finish(): Promise<void>
  /** Makes an end of it, wherever it is. */
  kill(): void
}

/** Starts a writer on this machine's own network. */
export const startWriter = (job: FloodJob): FloodWriter =>
  listen(spawn(process.execPath, [FLOOD, JSON.stringify(job)], { stdio: 'pipe' }))

/** Hears a writer, however it was started. */
export const listen = (child: ChildProcess): FloodWriter => {
  const lines: FloodLine[] = []
  let complaint = ''
  let kept = 0
  let isOver = false
  const closed = new Promise<void>((resolve) => {
    child.once('close', () => {
      isOver = true
      resolve()
    })
  })
  child.stderr?.on('data', (chunk: Buffer) => {
    complaint = (complaint + chunk.toString()).slice(-4_000)
  })
  if (child.stdout !== null) {
    createInterface({ input: child.stdout }).on('line', (line) => {
      const said = JSON.parse(line) as FloodLine
      if (said.is === 'kept') kept += 1
      lines.push(said)
    })
  }
  return {
    process: child,
    lines,
    kept: () => kept,
    kill() {
      child.kill('SIGCONT')
      // Behind a gate it goes with the gate, which hears that it is left alone.
      if (child.connected) child.disconnect()
      else child.kill('SIGKILL')
    },
    async finish() {
      child.stdin?.end()
      const late = sleep(END_MS, undefined, { ref: false })
      await Promise.race([closed, late])
      if (!isOver) this.kill()
      await closed
      if (lines.at(-1)?.is === 'done') return
      throw new Error(`a writer did not come to its end:\n${complaint}`)
    },
  }
}

/** A writer that is not through by then has hung: no wait of a store is nearly as long. */
const END_MS = 60_000

/** Waits until each of these writers has been acknowledged something since. */
export const waitForGrowth = async (writers: readonly FloodWriter[]): Promise<void> => {
  const before = writers.map((writer) => writer.kept())
  const end = performance.now() + END_MS
  while (writers.some((writer, at) => writer.kept() === before[at])) {
    if (performance.now() > end) throw new Error('a writer was told nothing for a minute')
    await sleep(2)
  }
}
