/**
 * Signals: the first one stops what goes on cleanly, the second one ends the process at once.
 *
 * Stopping a run cleanly concludes nothing: the log says how far it came, and any process may go
 * on with it.
 */
import { exitOfSignal } from '../exit.ts'
import type { Talk } from '../terminal/talk.ts'

/** A request to stop. */
export interface Stop {
  readonly signal: AbortSignal
  /** What the process ends with when it was stopped; `null` when it was not. */
  readonly exit: number | null
  /** Lets the system's own handling of signals come back. */
  release(): void
}

const SIGNALS = ['SIGINT', 'SIGTERM'] as const

/** Listens from now on. @param what - what is stopped, for people: `the run` */
export function listenForStop(talk: Talk, what: string): Stop {
  const controller = new AbortController()
  let exit: number | null = null
  const handlers = SIGNALS.map((name) => {
    const handler = (): void => {
      if (controller.signal.aborted) {
        release()
        process.kill(process.pid, name)
        return
      }
      exit = exitOfSignal(name)
      talk.say(`stopping ${what}; once more ends it at once`)
      controller.abort()
    }
    process.on(name, handler)
    return [name, handler] as const
  })
  const release = (): void => {
    for (const [name, handler] of handlers) process.off(name, handler)
  }
  return {
    signal: controller.signal,
    get exit() {
      return exit
    },
    release,
  }
}
