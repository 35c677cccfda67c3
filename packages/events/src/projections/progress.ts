/**
 * Progress: how far a follower has come, and who waits for it to come further.
 *
 * A follower ends once: told to stop, or by a failure. Both are told to everyone who waits then
 * and to everyone who asks later.
 */

import { EVENTS_CODES, EventsError } from '../errors.ts'
import { createBell } from '../follow.ts'
import type { EventLog } from '../ports.ts'
import { checkSignal } from '../store-checks.ts'
import type { Lag } from './ports.ts'

/** How far a follower has come. */
export class Progress {
  readonly #log: Pick<EventLog, 'store' | 'readAll'>
  readonly #name: string
  readonly #bell = createBell()
  readonly #stopping = new AbortController()
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
  get stopSignal(): AbortSignal {
    return this.#stopping.signal
  }

  moveTo(at: number): void {
    this.#at = at
    this.#bell.ring()
  }

  askToStop(): void {
    this.#stopping.abort()
  }

  /** Ends without a failure; after a failure it changes nothing. */
  end(): void {
    this.#bell.close()
  }

  fail(cause: unknown): void {
    this.#failure ??= { cause }
    this.#bell.close()
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

  async waitFor(position: number, signal: AbortSignal | undefined): Promise<void> {
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
