/**
 * The group commit: units that arrive together share a transaction, and with it one sync.
 *
 * Gathered on `setImmediate`: on microtasks the event loop would starve, because a caller that is
 * answered appends again in the same breath. What does not fit into one transaction stays for the
 * next turn. Units are judged and answered in the order in which they arrived; when the write
 * lock is held by another process, all of them wait, and none overtakes.
 */
import {
  type Appended,
  bringsBytes,
  EVENTS_CODES,
  EventsError,
  type PreparedUnit,
} from '@ice/events'
import { invariant } from '@ice/primitives'
import { failure, isBusy } from './failure.ts'
import {
  GROUP_BYTES_MAX,
  GROUP_EVENTS_MAX,
  LOCK_PAUSE_MAX_MS,
  QUEUE_BLOB_BYTES_MAX,
  QUEUE_UNITS_MAX,
} from './limits.ts'
import { CommitLost, type Outcome, type Writer } from './writer.ts'

/** A unit that waits for its commit. */
interface Waiting {
  readonly unit: PreparedUnit
  readonly events: number
  readonly blobBytes: number
  readonly resolve: (appended: Appended) => void
  readonly reject: (error: unknown) => void
  /** Stops listening to the caller's signal. */
  release: (() => void) | undefined
  isWithdrawn: boolean
}

/** What the queue tells the store. */
export interface QueueEvents {
  /** The log has grown, by this process or another. */
  readonly grown: () => void
  /** The handle must not be used again. */
  readonly lost: (cause: unknown) => void
}

/** What a queue needs of a writer. */
export type GroupWriter = Pick<Writer, 'begin' | 'take' | 'commit' | 'rollback'>

/** Settings of a queue. */
export interface QueueOptions {
  readonly path: string
  /** @units ms */
  readonly lockWaitMs: number
}

/** Units on their way into one file. */
export class CommitQueue {
  readonly #writer: GroupWriter
  readonly #options: QueueOptions
  readonly #events: QueueEvents
  #waiting: Waiting[] = []
  /** Units before this one in `#waiting` have been taken. */
  #first = 0
  #withdrawn = 0
  #blobBytes = 0
  #isScheduled = false
  #pauses = 0
  #busySince: number | undefined
  #idle: (() => void)[] = []

  constructor(writer: GroupWriter, events: QueueEvents, options: QueueOptions) {
    this.#writer = writer
    this.#events = events
    this.#options = options
  }

  /** Units that wait. */
  get size(): number {
    return this.#waiting.length - this.#first - this.#withdrawn
  }

  /**
   * Queues a unit; the promise is settled once its transaction is. What is no unit is refused
   * here and never queued: a group must not fail because of one that cannot even be counted.
   */
  add(unit: PreparedUnit): Promise<Appended> {
    const events = countEvents(unit)
    const blobBytes = unit.blobs === undefined ? 0 : bytesOf(unit.blobs)
    const isFull =
      this.size >= QUEUE_UNITS_MAX || this.#blobBytes + blobBytes > QUEUE_BLOB_BYTES_MAX
    if (isFull) return Promise.reject(this.#overflow())
    return new Promise((resolve, reject) => {
      const entry: Waiting = {
        unit,
        events,
        blobBytes,
        resolve,
        reject,
        release: undefined,
        isWithdrawn: false,
      }
      if (unit.signal !== undefined) this.#listen(entry, unit.signal)
      this.#blobBytes += blobBytes
      this.#waiting.push(entry)
      this.#schedule()
    })
  }

  /** Resolves when nothing waits any more. */
  idle(): Promise<void> {
    if (this.size === 0) return Promise.resolve()
    return new Promise((resolve) => {
      this.#idle.push(resolve)
    })
  }

  #listen(entry: Waiting, signal: AbortSignal): void {
    const withdraw = (): void => {
      entry.isWithdrawn = true
      entry.release?.()
      this.#withdrawn += 1
      this.#blobBytes -= entry.blobBytes
      const error = new EventsError(
        EVENTS_CODES.aborted,
        'Withdrawn by its caller. Nothing was written.',
        {},
        signal.reason,
      )
      entry.reject(error)
      if (this.size === 0) this.#tellIdle()
    }
    entry.release = () => signal.removeEventListener('abort', withdraw)
    signal.addEventListener('abort', withdraw, { once: true })
  }

  #schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    setImmediate(this.#flush)
  }

  readonly #flush = (): void => {
    this.#isScheduled = false
    if (this.size === 0) {
      this.#compact()
      return
    }
    if (!this.#begin()) return
    const taken: Waiting[] = []
    const outcomes: Outcome[] = []
    try {
      this.#takeAll(taken, outcomes)
      this.#writer.commit()
    } catch (error) {
      this.#undo(error, taken)
      return
    }
    this.#answer(taken, outcomes)
    this.#goOn()
  }

  /** @returns whether a transaction is open; otherwise what is to be done has been done */
  #begin(): boolean {
    try {
      if (this.#writer.begin()) this.#events.grown()
    } catch (error) {
      if (isBusy(error) && !this.#isPatienceOver()) {
        this.#pause()
        return false
      }
      this.#busySince = undefined
      const reason = error instanceof CommitLost ? error.cause : error
      this.#rejectAll(this.#failure(reason, 'none'))
      if (error instanceof CommitLost) this.#events.lost(error.cause)
      return false
    }
    this.#busySince = undefined
    this.#pauses = 0
    return true
  }

  #isPatienceOver(): boolean {
    const now = performance.now()
    this.#busySince ??= now
    return now - this.#busySince >= this.#options.lockWaitMs
  }

  /** Lets the event loop go on, a little longer each time. */
  #pause(): void {
    this.#isScheduled = true
    setTimeout(this.#flush, Math.min(2 ** this.#pauses, LOCK_PAUSE_MAX_MS))
    this.#pauses += 1
  }

  #takeAll(taken: Waiting[], outcomes: Outcome[]): void {
    let events = 0
    let bytes = 0
    while (this.#first < this.#waiting.length) {
      const entry = this.#waiting[this.#first] as Waiting
      if (entry.isWithdrawn) {
        this.#withdrawn -= 1
        this.#first += 1
        continue
      }
      if (taken.length > 0 && events + entry.events > GROUP_EVENTS_MAX) return
      this.#first += 1
      entry.release?.()
      this.#blobBytes -= entry.blobBytes
      taken.push(entry)
      const outcome = this.#writer.take(entry.unit)
      outcomes.push(outcome)
      events += entry.events
      if ('appended' in outcome) bytes += outcome.bytes + entry.blobBytes
      if (bytes >= GROUP_BYTES_MAX) return
    }
  }

  #answer(taken: readonly Waiting[], outcomes: readonly Outcome[]): void {
    let events = 0
    for (let i = 0; i < taken.length; i += 1) {
      const entry = taken[i] as Waiting
      const outcome = outcomes[i] as Outcome
      if ('appended' in outcome) {
        events += outcome.events
        entry.resolve(outcome.appended)
      } else {
        entry.reject(outcome.refused)
      }
    }
    if (events > 0) this.#events.grown()
  }

  #undo(error: unknown, taken: readonly Waiting[]): void {
    let lost = error instanceof CommitLost ? error : undefined
    if (lost === undefined) {
      try {
        this.#writer.rollback()
      } catch (second) {
        lost = second instanceof CommitLost ? second : new CommitLost(second)
      }
    }
    const reported = this.#failure(
      error instanceof CommitLost ? error.cause : error,
      error instanceof CommitLost ? 'unknown' : 'none',
    )
    for (const entry of taken) entry.reject(reported)
    if (lost === undefined) {
      this.#goOn()
      return
    }
    this.#rejectAll(this.#failure(lost.cause, 'none'))
    this.#events.lost(lost.cause)
  }

  #goOn(): void {
    this.#compact()
    if (this.size > 0) this.#schedule()
    else this.#tellIdle()
  }

  #compact(): void {
    if (this.#first === this.#waiting.length) {
      this.#waiting = []
      this.#first = 0
    } else if (this.#first >= GROUP_EVENTS_MAX * 8) {
      this.#waiting.splice(0, this.#first)
      this.#first = 0
    }
  }

  #rejectAll(error: unknown): void {
    const left = this.#waiting.slice(this.#first)
    this.#waiting = []
    this.#first = 0
    this.#withdrawn = 0
    this.#blobBytes = 0
    for (const entry of left) {
      entry.release?.()
      entry.reject(error)
    }
    this.#tellIdle()
  }

  #tellIdle(): void {
    const told = this.#idle
    this.#idle = []
    for (const tell of told) tell()
  }

  #failure(error: unknown, fate: 'none' | 'unknown'): unknown {
    return failure(error, { doing: 'append to', path: this.#options.path, fate })
  }

  #overflow(): EventsError {
    return new EventsError(
      EVENTS_CODES.unavailable,
      `${this.#options.path} has ${this.size} units waiting; no more are taken. Nothing was ` +
        'written. Append more slowly, and await what was appended.',
      { path: this.#options.path, reason: 'queue_full', queued: this.size, fate: 'none' },
    )
  }
}

function bytesOf(blobs: NonNullable<PreparedUnit['blobs']>): number {
  return blobs.reduce((sum, blob) => sum + (bringsBytes(blob) ? blob.bytes.byteLength : 0), 0)
}

function countEvents(unit: PreparedUnit): number {
  let events = 0
  for (const write of unit.writes) events += write.events.length
  invariant(Number.isSafeInteger(events) && events > 0, 'a unit has lists of events')
  return events
}
