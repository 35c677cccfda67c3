/** A process of the demonstration as its parent sees it: what it tells, and its end. */

import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { DEMO_CODES, DemoError } from './errors.ts'
import { MEMORY_FLAGS } from './memory.ts'
import type { Job, Told } from './messages.ts'

/** How a process ended. */
export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

type Kind = Told['kind']

/** A started process. */
export class Player {
  readonly #child: ChildProcess
  readonly #told: Told[] = []
  readonly #ended: Promise<Ended>
  #isOver = false
  #wake: () => void = () => undefined

  constructor(job: Job, onTold: (told: Told) => void) {
    const file = fileURLToPath(new URL('./worker.js', import.meta.url))
    const stdio = ['ignore', 'ignore', 'inherit', 'ipc'] as const
    this.#child = fork(file, { stdio: [...stdio], execArgv: [...MEMORY_FLAGS] })
    this.#child.on('message', (told: Told) => {
      onTold(told)
      if (told.kind === 'progress') return
      this.#told.push(told)
      this.#wake()
    })
    this.#ended = new Promise((resolve) => {
      this.#child.once('exit', (code, signal) => {
        this.#isOver = true
        this.#wake()
        resolve({ code, signal })
      })
    })
    this.#child.send(job)
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  /**
   * Waits for the first of these to be told.
   *
   * @throws {DemoError} `ICE_DEMO_WORKER_UNAVAILABLE` — it failed or ended before it told any
   */
  async until<K extends Kind>(...kinds: readonly K[]): Promise<Extract<Told, { kind: K }>> {
    for (;;) {
      const at = this.#told.findIndex(({ kind }) => (kinds as readonly Kind[]).includes(kind))
      if (at >= 0) return this.#told.splice(at, 1)[0] as Extract<Told, { kind: K }>
      const failed = this.#told.find(({ kind }) => kind === 'failed')
      if (failed?.kind === 'failed') throw broken(failed.error.message, failed.error.code)
      if (this.#isOver) {
        const { code, signal } = await this.#ended
        throw broken(`it ended with ${signal ?? `code ${code}`}`, 'ended')
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  /** Kills it as a power cut would: nothing in it runs any more. */
  async kill(): Promise<Ended> {
    this.#child.kill('SIGKILL')
    return this.#ended
  }

  /** Waits for its end. */
  end(): Promise<Ended> {
    return this.#ended
  }
}

function broken(why: string, code: string): DemoError {
  const message = `A process of the demonstration did not come to its end: ${why}`
  return new DemoError(DEMO_CODES.worker, message, { reason: code })
}
