/**
 * A follower: what goes along a log in the background, how far it has come, and who waits for it
 * to come further.
 *
 *     begin → follow → ended, told to stop           follow → recover → failed
 *
 * A follower ends once. How it ended is told to everyone who waits then and to everyone who asks
 * later: a failure that only the one who began it could see would be seen by nobody.
 */

import { EVENTS_CODES, EventsError } from '../errors.ts'
import { createBell } from '../follow.ts'
import type { EventLog } from '../ports.ts'
import { checkSignal } from '../store-checks.ts'
import type { Lag } from './ports.ts'

/** The life of a follower; what it does with the log is said by whoever extends it. */
export abstract class Follower {
  readonly #log: Pick<EventLog, 'store' | 'readAll'>
  readonly #name: string
  readonly #bell = createBell()
  readonly #stopping = new AbortController()
  readonly #over = new AbortController()
  #running: Promise<void> = Promise.resolve()
  #failure: { readonly cause: unknown } | undefined
  #at = 0

  constructor(log: Pick<EventLog, 'store' | 'readAll'>, name: string) {
    this.#log = log
    this.#name = name
  }

  get at(): number {
    return this.#at
  }

  get failure(): unknown {
    return this.#failure?.cause
  }

  /** Fires when the follower is to stop. */
  protected get stopSignal(): AbortSignal {
    return this.#stopping.signal
  }

  /** Goes along the log until `stopSignal` fires or the log closes. */
  protected abstract follow(): Promise<void>

  /** Puts right what a failure has left behind, before anyone is told of it. */
  protected async recover(_failure: unknown): Promise<void> {}

  protected moveTo(at: number): void {
    this.#at = at
    this.#bell.ring()
  }

  /** Begins to follow. @param signal - stops it, as `stop` does */
  begin(signal: AbortSignal | undefined): void {
    if (signal?.aborted === true) this.#stopping.abort()
    signal?.addEventListener('abort', () => this.#stopping.abort(), {
      once: true,
      signal: this.#over.signal,
    })
    this.#running = this.#run()
  }

  async #run(): Promise<void> {
    try {
      await this.follow()
    } catch (cause) {
      await this.recover(cause)
      this.#failure = { cause }
    } finally {
      this.#bell.close()
      this.#over.abort()
    }
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#running
  }

  async lag(): Promise<Lag> {
    const after = this.#at
    const { position: head } = await this.#log.store.head()
    if (head <= after) return { head, events: 0, since: undefined }
    for await (const [oldest] of this.#log.readAll({ after, limit: 1 })) {
      return { head, events: head - after, since: oldest?.time }
    }
    return { head, events: head - after, since: undefined }
  }

  async waitFor(
    position: number,
    { signal }: { readonly signal?: AbortSignal } = {},
  ): Promise<void> {
    for (;;) {
      checkSignal(signal)
      const seen = this.#bell.count
      if (this.#at >= position) return
      if (this.#failure !== undefined) throw this.#failure.cause
      if (this.#bell.closed) throw this.#stopped(position)
      await this.#bell.wait(seen, signal)
    }
  }

  async ended(): Promise<void> {
    while (!this.#bell.closed) await this.#bell.wait(this.#bell.count, undefined)
    if (this.#failure !== undefined) throw this.#failure.cause
  }

  #stopped(position: number): EventsError {
    return new EventsError(
      EVENTS_CODES.notOpen,
      `${this.#name} was stopped at ${this.#at} and will not come to ${position}`,
      { name: this.#name, at: this.#at, position },
    )
  }
}
