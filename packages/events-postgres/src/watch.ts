/**
 * Hearing of what other processes append: a look at the log's position ten times a second, for as
 * long as somebody waits, and a notification that says "look now".
 *
 * A notification can be lost: with a connection, behind a pooler that does not pass it on, when a
 * writer dies after its commit. So none is ever relied on. The log is asked, and a subscriber is
 * late by at most one look. A process hears of its own commits at once.
 */
import type { WakeUp, WakeUpBell } from '@ice/events/adapter'
import { POLL_MS } from './limits.ts'
import type { Session } from './session.ts'

/** How a watch looks. */
export interface WatchOptions {
  /** Position of the last event. */
  readonly look: () => Promise<number>
  /** Makes a connection of its own to listen on. */
  readonly connect: () => Promise<Session>
  readonly channel: string
  /** Whether waiting keeps the process alive. */
  readonly keepAlive: boolean
}

/** A bell that is also rung by other processes. */
export class Watch implements WakeUp {
  readonly #bell: WakeUpBell
  readonly #options: WatchOptions
  #waiting = 0
  #timer: NodeJS.Timeout | undefined
  #isLooking = false
  #position = -1
  #listener: Promise<Session | undefined> | undefined
  #isClosed = false

  constructor(bell: WakeUpBell, options: WatchOptions) {
    this.#bell = bell
    this.#options = options
  }

  get count(): number {
    return this.#bell.count
  }

  get closed(): boolean {
    return this.#bell.closed
  }

  async wait(seen: number, signal: AbortSignal | undefined): Promise<void> {
    this.#waiting += 1
    if (this.#waiting === 1) this.#start()
    try {
      await this.#bell.wait(seen, signal)
    } finally {
      this.#waiting -= 1
      if (this.#waiting === 0) clearInterval(this.#timer)
    }
  }

  #start(): void {
    this.#timer = setInterval(() => this.#look(), POLL_MS)
    if (!this.#options.keepAlive) this.#timer.unref()
    this.#listener ??= this.#listen()
  }

  #look(): void {
    if (this.#isLooking) return
    this.#isLooking = true
    this.#options.look().then(
      (position) => {
        this.#isLooking = false
        if (position === this.#position) return
        this.#position = position
        this.#bell.ring()
      },
      () => {
        this.#isLooking = false
        // Whoever waits then reads, and meets the error where it can be told to its caller.
        this.#bell.ring()
      },
    )
  }

  /** Without a listener there is still the look; the next wait tries again. */
  async #listen(): Promise<Session | undefined> {
    const session = await this.#options.connect().catch(() => undefined)
    if (session === undefined || this.#isClosed) {
      this.#listener = undefined
      await session?.close()
      return undefined
    }
    session.onNotification(() => this.#bell.ring())
    session.onLost(() => {
      this.#listener = undefined
    })
    const [heard] = await session.exchange([
      { statement: { text: `LISTEN ${this.#options.channel}` } },
    ])
    if (heard?.status === 'rejected') session.destroy()
    return session
  }

  async close(): Promise<void> {
    this.#isClosed = true
    clearInterval(this.#timer)
    const session = await this.#listener
    await session?.close()
  }
}
