/**
 * How often processes ask the disk to keep what they wrote: `fsync` and `fdatasync`, counted by
 * `strace` in every thread and every process they start.
 *
 * Traced processes are slow, so nothing is timed meanwhile. Writes that are synced by how their
 * file was opened (`O_DSYNC`) are not seen; none of the sides writes that way on Linux by default.
 */
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Whether syncs can be counted here. */
export const canCountSyncs = (): boolean =>
  process.platform === 'linux' && spawnSync('strace', ['-V'], { stdio: 'ignore' }).status === 0

/**
 * Counts the syncs of processes, and of all below them, while something is done.
 * @returns undefined where they cannot be traced
 */
export async function countSyncs(
  pids: readonly number[],
  during: () => Promise<void>,
): Promise<number | undefined> {
  const all = pids.flatMap(withDescendants)
  if (all.length === 0 || !canCountSyncs()) return undefined
  const folder = mkdtempSync(join(tmpdir(), 'ice-bench-syncs-'))
  const file = join(folder, 'calls')
  const targets = all.flatMap((pid) => ['-p', String(pid)])
  const tracer = spawn(
    'strace',
    ['-f', '-qq', '-e', 'trace=fsync,fdatasync', '-o', file, ...targets],
    {
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  )
  const ended = new Promise<void>((resolve) => tracer.once('close', () => resolve()))
  try {
    if (!(await attached(all, tracer.pid ?? 0))) return undefined
    await during()
  } finally {
    tracer.kill('SIGINT')
    await ended
  }
  const calls = readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => BEGUN.test(line)).length
  rmSync(folder, { recursive: true, force: true })
  return calls
}

/** A call as it begins; its end stands in the same line, or in one that says `resumed`. */
const BEGUN = /^\d+ +(fsync|fdatasync)\(/
const ATTACH_TRIES = 100

/** Waits until every process that is still there has the tracer. */
async function attached(pids: readonly number[], tracer: number): Promise<boolean> {
  for (let left = ATTACH_TRIES; left > 0; left -= 1) {
    if (pids.every((pid) => [tracer, undefined].includes(tracerOf(pid)))) return true
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return false
}

/** Undefined for a process that is gone. */
const tracerOf = (pid: number): number | undefined => {
  const [, tracer] = /^TracerPid:\t(\d+)$/m.exec(read(pid, 'status')) ?? []
  return tracer === undefined ? undefined : Number(tracer)
}

/** A process and all that descend from it. */
export function withDescendants(pid: number): readonly number[] {
  const children = read(pid, `task/${pid}/children`).trim().split(' ').filter(Boolean).map(Number)
  return [pid, ...children.flatMap(withDescendants)]
}

/** The name of a process. */
export const nameOf = (pid: number): string => read(pid, 'comm').trim()

const read = (pid: number, file: string): string => {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8')
  } catch {
    return '' // gone, or a system without /proc
  }
}
