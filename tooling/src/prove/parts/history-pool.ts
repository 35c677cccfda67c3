/** Processes that are kept for many histories; one that was killed is replaced. */
import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { WorkerJob, WorkerSays } from './history-worker.ts'

/** A process that waits for a job, or works on one. */
export interface PoolWorker {
  /**
   * Resolves when the job is done, or the process was killed; rejects with what it complained of.
   *
   * @param begun - is called when its clients begin, with what kills the process
   */
  run(job: WorkerJob, begun?: (kill: () => void) => void): Promise<'done' | 'killed'>
}

/** The processes. */
export interface Pool {
  take(): Promise<PoolWorker>
  /** Takes one back that has not been killed. */
  give(worker: PoolWorker): void
  close(): Promise<void>
}

const file = fileURLToPath(new URL('./history-worker.ts', import.meta.url))

/** Makes a pool; processes start when they are first needed. */
export const openPool = (): Pool => {
  const idle: PoolWorker[] = []
  const children = new Set<ChildProcess>()
  return {
    async take() {
      const worker = idle.pop()
      if (worker !== undefined) return worker
      const child = spawn(process.execPath, [file], { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] })
      children.add(child)
      child.once('close', () => children.delete(child))
      return start(child)
    },
    give(worker) {
      idle.push(worker)
    },
    async close() {
      const left = [...children]
      const ended = left.map((child) => new Promise((resolve) => child.once('exit', resolve)))
      for (const child of left) child.disconnect()
      await Promise.all(ended)
    },
  }
}

const start = async (child: ChildProcess): Promise<PoolWorker> => {
  let complaint = ''
  child.stderr?.on('data', (chunk: Buffer) => {
    complaint = `${complaint}${chunk}`.slice(-4_000)
  })
  let listen: (says: WorkerSays) => void = () => undefined
  child.on('message', (says: WorkerSays) => listen(says))
  child.once('close', () => listen({ said: 'failed', why: `it ended: ${complaint}` }))
  let isKilled = false
  const kill = (): void => {
    isKilled = true
    child.kill('SIGKILL')
  }
  const until = (begun?: (kill: () => void) => void): Promise<WorkerSays> =>
    new Promise((resolve) => {
      listen = (says) => {
        if (says.said !== 'begun') resolve(says)
        else begun?.(kill)
      }
    })
  const first = await until()
  if (first.said !== 'ready') throw new TypeError(`a process of a history: ${first.why}`)
  return {
    async run(job, begun) {
      const answer = until(begun)
      child.send(job, () => undefined)
      const { said, why } = await answer
      if (isKilled) return 'killed'
      if (said === 'done') return 'done'
      throw new TypeError(`a process of a history: ${why}`)
    },
  }
}
