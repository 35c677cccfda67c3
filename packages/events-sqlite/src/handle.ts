/**
 * One opened file while it is used: who may touch it, who waits for it, and when it is given up.
 *
 *     open ──close──→ closing ──(queue, holds)──→ closed
 *       └──giveUp──→ lost: a commit failed half-way, or damage was found
 *
 * A lost handle refuses everything and says why, for ever: whoever wants to go on opens anew.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { EVENTS_CODES, EventsError } from '@ice/events'
import { checkSignal, type UnitFate } from '@ice/events/adapter'
import { hasCode } from '@ice/primitives'
import type { ReadGate, WriteGate } from './blobs.ts'
import { EVENTS_SQLITE_CODES, EventsSqliteError } from './errors.ts'
import { failure, isBusy } from './failure.ts'
import { LOCK_PAUSE_MAX_MS, LOCK_PAUSE_MIN_MS } from './limits.ts'
import type { OpenedFile } from './open.ts'
import { type Transact, transactions } from './transaction.ts'
import { CommitLost } from './writer.ts'

/** What a handle is made of. */
export interface HandleInit {
  readonly file: OpenedFile
  /** @units ms */
  readonly lockWaitMs: number
  /** Told when the handle is given up, before the connection is closed. */
  readonly lost: () => void
}

/** The use of one file. */
export class Handle {
  readonly file: OpenedFile
  readonly transact: Transact
  readonly #lockWaitMs: number
  readonly #toldLost: () => void
  readonly #holds = new Set<Promise<unknown>>()
  #isClosing = false
  #lost: { readonly cause: unknown } | undefined
  /** Counts what was asked of the log. */
  activity = 0

  constructor({ file, lockWaitMs, lost }: HandleInit) {
    this.file = file
    this.transact = transactions(file.db)
    this.#lockWaitMs = lockWaitMs
    this.#toldLost = lost
  }

  get isLost(): boolean {
    return this.#lost !== undefined
  }

  /** @throws `ICE_EVENTS_NOT_OPEN`, `ICE_EVENTS_SQLITE_FILE_CORRUPT` */
  mustBeOpen(): void {
    this.mustBeSound()
    if (!this.#isClosing) return
    throw new EventsError(EVENTS_CODES.notOpen, `${this.file.path} is closed`, {
      path: this.file.path,
      reopen: false,
    })
  }

  /** As `mustBeOpen`, for what a closing handle still finishes. */
  mustBeSound(): void {
    if (this.#lost === undefined) return
    const { cause } = this.#lost
    if (cause instanceof EventsSqliteError && hasCode(cause, EVENTS_SQLITE_CODES.corrupt)) {
      throw new EventsSqliteError(cause.code, cause.message, cause.data, cause)
    }
    throw new EventsError(
      EVENTS_CODES.notOpen,
      `${this.file.path} was closed because a commit failed half-way: what is on the disk is ` +
        'unknown to this handle. Open the log again; units whose fate is unknown can then be ' +
        'appended again safely.',
      { path: this.file.path, reopen: true },
      cause,
    )
  }

  /** Runs a read when the store is open; waits, without holding the loop, while it is busy. */
  readonly reading: ReadGate = (read, signal) => {
    this.activity += 1
    return this.#patiently({ doing: 'read', work: read, signal })
  }

  /** Runs a write transaction of its own, as `reading` runs a read. */
  readonly writing: WriteGate = (write, signal) =>
    this.#patiently({ doing: 'write to', work: () => this.#transacted(write), signal })

  #transacted<T>(write: () => T): T {
    try {
      return this.transact(write)
    } catch (error) {
      if (!(error instanceof CommitLost)) throw error
      this.giveUp(error.cause)
      throw this.#failure(error.cause, 'write to', 'unknown')
    }
  }

  async #patiently<T>({ doing, work, signal }: Waiting<T>): Promise<T> {
    let waitedMs = 0
    for (let pauseMs = LOCK_PAUSE_MIN_MS; ; pauseMs = Math.min(pauseMs * 2, LOCK_PAUSE_MAX_MS)) {
      this.mustBeOpen()
      checkSignal(signal)
      try {
        return work()
      } catch (error) {
        const isWaiting = isBusy(error) && waitedMs < this.#lockWaitMs
        if (!isWaiting) throw this.#failure(error, doing, 'none')
      }
      await sleep(pauseMs)
      waitedMs += pauseMs
    }
  }

  #failure(error: unknown, doing: string, fate: UnitFate): unknown {
    return failure(error, { doing, path: this.file.path, fate })
  }

  /** Keeps the connection open until a piece of work is done. */
  async holding<T>(work: Promise<T>): Promise<T> {
    this.#holds.add(work)
    try {
      return await work
    } finally {
      this.#holds.delete(work)
    }
  }

  /** Takes nothing more. */
  beginClose(): void {
    this.#isClosing = true
  }

  /** Closes the connection once nothing holds it. */
  async finishClose(): Promise<void> {
    await Promise.allSettled(this.#holds)
    this.file.db.close()
  }

  /** Closes the connection now. */
  giveUp(cause: unknown): void {
    if (this.#lost !== undefined) return
    this.#lost = { cause }
    this.#isClosing = true
    this.#toldLost()
    try {
      this.file.db.close()
    } catch (error) {
      this.#lost = { cause: new AggregateError([cause, error]) }
    }
  }
}

interface Waiting<T> {
  readonly doing: string
  readonly work: () => T
  readonly signal: AbortSignal | undefined
}
