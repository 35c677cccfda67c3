/** The connections that read: made when they are needed, so many at most, and none that is lost. */
import type { Session } from './session.ts'

/** How a pool gets its connections. */
export interface PoolOptions {
  readonly connect: () => Promise<Session>
  readonly max: number
}

/** Connections for reading. */
export class Pool {
  readonly #options: PoolOptions
  readonly #idle: Session[] = []
  readonly #busy = new Set<Session>()
  #open = 0
  #waiting: (() => void)[] = []
  #drained: (() => void)[] = []
  #isClosed = false

  constructor(options: PoolOptions) {
    this.#options = options
  }

  /** Runs a piece of work on a connection of its own. */
  async use<T>(work: (session: Session) => Promise<T>): Promise<T> {
    const session = await this.#take()
    this.#busy.add(session)
    try {
      return await work(session)
    } finally {
      this.#busy.delete(session)
      this.#giveBack(session)
    }
  }

  async #take(): Promise<Session> {
    for (;;) {
      const session = this.#idle.pop()
      if (session === undefined && this.#open < this.#options.max) return this.#connect()
      if (session !== undefined) {
        if (!session.isLost) return session
        this.#open -= 1
        continue
      }
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve)
      })
    }
  }

  async #connect(): Promise<Session> {
    this.#open += 1
    try {
      return await this.#options.connect()
    } catch (error) {
      this.#leave()
      throw error
    }
  }

  #giveBack(session: Session): void {
    if (session.isLost) {
      this.#leave()
      return
    }
    this.#idle.push(session)
    this.#wake()
    if (this.#isClosed && this.#busy.size === 0) void this.#closeIdle()
  }

  #leave(): void {
    this.#open -= 1
    this.#wake()
  }

  #wake(): void {
    this.#waiting.shift()?.()
    if (this.#busy.size > 0) return
    const drained = this.#drained
    this.#drained = []
    for (const tell of drained) tell()
  }

  /** Waits for work that is under way, then closes every connection. */
  async close(): Promise<void> {
    this.#isClosed = true
    if (this.#busy.size > 0) {
      await new Promise<void>((resolve) => {
        this.#drained.push(resolve)
      })
    }
    await this.#closeIdle()
  }

  async #closeIdle(): Promise<void> {
    await Promise.all(this.#idle.splice(0).map((session) => session.close()))
  }
}
