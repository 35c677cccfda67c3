/**
 * The group commit: units that arrive together share a transaction, and with it one sync.
 *
 * Gathered on `setImmediate`: on microtasks the event loop would starve, because a caller that is
 * answered appends again in the same breath. One transaction is under way at a time; what arrives
 * meanwhile is the next group. Units are judged and answered in the order in which they arrived.
 *
 * When the server cannot be reached, units keep their place and wait. A group whose COMMIT was not
 * answered is settled before anything else is done: what was kept is acknowledged, what was not is
 * written again. Only after `lockWaitMs` without any success are all of them given up, each with
 * what is known of its fate.
 *
 * The trap this closes: to send a unit again because its answer was lost.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import {
  type Appended,
  bringsBytes,
  EVENTS_CODES,
  EventsError,
  type PreparedUnit,
} from '@ice/events'
import { invariant } from '@ice/primitives'
import { failure, isTransient, type UnitFate } from './failure.ts'
import type { Outcome } from './judged.ts'
import { streamsOf } from './ledger.ts'
import {
  GROUP_EVENTS_MAX,
  PAUSE_MAX_MS,
  PAUSE_MIN_MS,
  QUEUE_BLOB_BYTES_MAX,
  QUEUE_UNITS_MAX,
} from './limits.ts'
import { type Candidate, type Claim, LogChanged, type Writer } from './writer.ts'

/** A unit that waits for its commit. */
interface Waiting extends Candidate {
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
  /** This process has made the log grow. */
  readonly grown: () => void
  /** The handle must not be used again. */
  readonly lost: (cause: unknown) => void
}

/** Settings of a queue. */
export interface QueueOptions {
  /** As messages name it. */
  readonly log: string
  /** @units ms */
  readonly lockWaitMs: number
}

/** Units on their way into one log. */
export class CommitQueue {
  readonly #writer: Pick<Writer, 'write' | 'settle'>
  readonly #options: QueueOptions
  readonly #events: QueueEvents
  #waiting: Waiting[] = []
  /** Units before this one in `#waiting` have been taken. */
  #first = 0
  #withdrawn = 0
  #taken = 0
  #blobBytes = 0
  #isRunning = false
  #pauses = 0
  #troubleSince: number | undefined
  #idle: (() => void)[] = []

  constructor(
    writer: Pick<Writer, 'write' | 'settle'>,
    events: QueueEvents,
    options: QueueOptions,
  ) {
    this.#writer = writer
    this.#events = events
    this.#options = options
  }

  /** Units that wait, or are under way. */
  get size(): number {
    return this.#waiting.length - this.#first - this.#withdrawn + this.#taken
  }

  /**
   * Queues a unit; the promise is settled once its transaction is. What is no unit is refused
   * here and never queued: a group must not fail because of one that cannot even be counted.
   */
  add(unit: PreparedUnit): Promise<Appended> {
    const events = countEvents(unit)
    const streams = streamsOf(unit)
    const blobBytes = unit.blobs === undefined ? 0 : bytesOf(unit.blobs)
    const isFull =
      this.size >= QUEUE_UNITS_MAX || this.#blobBytes + blobBytes > QUEUE_BLOB_BYTES_MAX
    if (isFull) return Promise.reject(this.#overflow())
    return new Promise((resolve, reject) => {
      const entry: Waiting = {
        unit,
        streams,
        events,
        blobBytes,
        resolve,
        reject,
        release: undefined,
        isWithdrawn: false,
      }
      this.#listen(entry)
      this.#blobBytes += blobBytes
      this.#waiting.push(entry)
      this.#start()
    })
  }

  /** Resolves when nothing waits any more. */
  idle(): Promise<void> {
    if (this.size === 0) return Promise.resolve()
    return new Promise((resolve) => {
      this.#idle.push(resolve)
    })
  }

  #listen(entry: Waiting): void {
    const { signal } = entry.unit
    if (signal === undefined) return
    const withdraw = (): void => {
      entry.isWithdrawn = true
      entry.release?.()
      this.#withdrawn += 1
      this.#blobBytes -= entry.blobBytes
      entry.reject(withdrawn(signal))
      if (this.size === 0) this.#tellIdle()
    }
    entry.release = () => signal.removeEventListener('abort', withdraw)
    signal.addEventListener('abort', withdraw, { once: true })
  }

  #start(): void {
    if (this.#isRunning) return
    this.#isRunning = true
    setImmediate(() => void this.#run())
  }

  async #run(): Promise<void> {
    for (;;) {
      const group = this.#take()
      if (group.length === 0) break
      await this.#commit(group)
      // What was answered appends again, and belongs into the next group.
      await new Promise((resolve) => {
        setImmediate(resolve)
      })
    }
    this.#compact()
    this.#isRunning = false
    this.#tellIdle()
  }

  #take(): readonly Waiting[] {
    const group: Waiting[] = []
    let events = 0
    while (this.#first < this.#waiting.length) {
      const entry = this.#waiting[this.#first] as Waiting
      if (!entry.isWithdrawn) {
        if (group.length > 0 && events + entry.events > GROUP_EVENTS_MAX) break
        events += entry.events
        entry.release?.()
        group.push(entry)
      } else {
        this.#withdrawn -= 1
      }
      this.#first += 1
    }
    this.#compact()
    this.#taken = group.length
    return group
  }

  async #commit(group: readonly Waiting[]): Promise<void> {
    try {
      const written = await this.#writer.write(group)
      if (written.kind === 'unknown') {
        await this.#settle(group, written.claim)
      } else if (written.kind === 'failed') {
        await this.#failed(group, written.error, written.mayRetry)
      } else {
        this.#answer(group, written.outcomes)
        if (written.grown) this.#events.grown()
      }
    } catch (error) {
      this.#giveUp(group, error)
    }
  }

  /** Answers the units that have an outcome; the others go first next time. */
  #answer(group: readonly Waiting[], outcomes: readonly Outcome[]): void {
    this.#troubleSince = undefined
    this.#pauses = 0
    const left = group.slice(outcomes.length)
    this.#putBack(left)
    for (let i = 0; i < outcomes.length; i += 1) {
      const entry = group[i] as Waiting
      const outcome = outcomes[i] as Outcome
      this.#blobBytes -= entry.blobBytes
      if ('appended' in outcome) entry.resolve(outcome.appended)
      else entry.reject(outcome.refused)
    }
  }

  async #failed(group: readonly Waiting[], error: unknown, mayRetry: boolean): Promise<void> {
    if (mayRetry && !this.#isPatienceOver()) {
      this.#putBack(group)
      await this.#pause()
      return
    }
    this.#troubleSince = undefined
    this.#reject(group, this.#failure(error, 'none'))
    // Whatever else waits has waited for the same: it would only wait as long again.
    this.#rejectAll(this.#failure(error, 'none'))
  }

  /** Stays until it is known what became of a group, or nobody can wait any longer. */
  async #settle(group: readonly Waiting[], claim: Claim): Promise<void> {
    for (;;) {
      try {
        const outcomes = await this.#writer.settle(claim)
        if (outcomes === undefined) this.#putBack(group)
        else this.#acknowledge(group, outcomes)
        return
      } catch (error) {
        if (error instanceof LogChanged || !isTransient(error) || this.#isPatienceOver()) {
          this.#doubt(group, claim, error instanceof LogChanged ? error.cause : error)
          if (error instanceof LogChanged) throw error
          return
        }
      }
      await this.#pause()
    }
  }

  /** A unit of any version has no ids of its own: another's might stand there. */
  #acknowledge(group: readonly Waiting[], outcomes: readonly Outcome[]): void {
    this.#answer(
      group,
      outcomes.map((outcome, i) => {
        const { unit } = group[i] as Waiting
        const isOwn = !('appended' in outcome) || !expectsAny(unit)
        return isOwn ? outcome : { refused: this.#lostAnswer() }
      }),
    )
    this.#events.grown()
  }

  /** The units that may have been kept, and those that certainly were not. */
  #doubt(group: readonly Waiting[], { judged }: Claim, error: unknown): void {
    this.#troubleSince = undefined
    const fates = group.map((_, i): UnitFate => {
      const one = judged[i]
      return one === undefined || 'refused' in one ? 'none' : 'unknown'
    })
    group.forEach((entry, i) => {
      this.#reject([entry], this.#failure(error, fates[i] ?? 'none'))
    })
    this.#rejectAll(this.#failure(error, 'none'))
  }

  /** The handle is done for. Units of the group that have no answer yet were not kept. */
  #giveUp(group: readonly Waiting[], error: unknown): void {
    const cause = error instanceof LogChanged ? error.cause : error
    this.#reject(group, this.#failure(cause, 'none'))
    this.#rejectAll(this.#failure(cause, 'none'))
    this.#events.lost(cause)
  }

  #isPatienceOver(): boolean {
    const now = performance.now()
    this.#troubleSince ??= now
    return now - this.#troubleSince >= this.#options.lockWaitMs
  }

  async #pause(): Promise<void> {
    const pauseMs = Math.min(PAUSE_MIN_MS * 2 ** Math.min(this.#pauses, 16), PAUSE_MAX_MS)
    this.#pauses += 1
    await sleep(pauseMs)
  }

  #putBack(group: readonly Waiting[]): void {
    this.#taken = 0
    if (group.length === 0) return
    const again: Waiting[] = []
    for (const entry of group) {
      const { signal } = entry.unit
      if (signal?.aborted === true) {
        this.#reject([entry], withdrawn(signal))
      } else {
        this.#listen(entry)
        again.push(entry)
      }
    }
    this.#waiting.splice(this.#first, 0, ...again)
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

  #reject(group: readonly Waiting[], error: unknown): void {
    this.#taken = 0
    for (const entry of group) {
      this.#blobBytes -= entry.blobBytes
      entry.reject(error)
    }
  }

  #rejectAll(error: unknown): void {
    const left = this.#waiting.slice(this.#first).filter(({ isWithdrawn }) => !isWithdrawn)
    this.#waiting = []
    this.#first = 0
    this.#withdrawn = 0
    for (const entry of left) entry.release?.()
    this.#reject(left, error)
  }

  #tellIdle(): void {
    if (this.size > 0) return
    const told = this.#idle
    this.#idle = []
    for (const tell of told) tell()
  }

  #failure(error: unknown, fate: UnitFate): unknown {
    return failure(error, { doing: 'append to', log: this.#options.log, fate })
  }

  #lostAnswer(): EventsError {
    return new EventsError(
      EVENTS_CODES.unavailable,
      `Could not append to ${this.#options.log}: the connection was lost while it committed. The ` +
        'unit expects any version, so nothing tells it from another. It may have been kept: read ' +
        'the stream before you append it again.',
      { log: this.#options.log, reason: 'connection', fate: 'unknown' },
    )
  }

  #overflow(): EventsError {
    return new EventsError(
      EVENTS_CODES.unavailable,
      `${this.#options.log} has ${this.size} units waiting; no more are taken. Nothing was ` +
        'written. Append more slowly, and await what was appended.',
      { log: this.#options.log, reason: 'queue_full', queued: this.size, fate: 'none' },
    )
  }
}

function withdrawn(signal: AbortSignal): EventsError {
  return new EventsError(
    EVENTS_CODES.aborted,
    'Withdrawn by its caller. Nothing was written.',
    {},
    signal.reason,
  )
}

function expectsAny({ writes }: PreparedUnit): boolean {
  return writes.some(({ expectedVersion }) => expectedVersion === 'any')
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
