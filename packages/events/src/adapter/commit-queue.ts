/**
 * The group commit: units that arrive together share a transaction, and with it one sync.
 *
 *     add → waiting → taken → settled          waiting → settled: withdrawn by its signal
 *                 ↖─────┘ nothing was kept, and another try may do better
 *
 * 1. Gathered on a turn of the event loop: on microtasks the loop would starve, because a caller
 *    that is answered appends again in the same breath.
 * 2. One transaction is under way at a time; what arrives meanwhile is the next group. Units are
 *    judged and answered in the order in which they arrived, and none overtakes.
 * 3. While a lock is held or a server is away, units keep their place and wait, for as long as
 *    `waitMs` without any success; then all of them are given up, each with what is known of it.
 * 4. A transaction whose answer was lost is settled before anything else is done: what was kept is
 *    acknowledged, what was not is written again. A unit of any version is the exception: nothing
 *    tells it from another of the same content, so it is told that it may have been kept.
 *
 * The trap this closes: to send a unit again because its answer was lost.
 */
import { type Clock, invariant, type JsonObject, settled } from '@ice/primitives'
import { bringsBytes } from '../blob-bytes.ts'
import { EVENTS_CODES, EventsError } from '../errors.ts'
import type { Appended, PreparedUnit } from '../ports.ts'
import type {
  GroupResult,
  GroupUnknown,
  QueuedUnit,
  Settlement,
  UnitFate,
  UnitOutcome,
} from './group.ts'
import { GROUP_EVENTS_MAX, QUEUE_BLOB_BYTES_MAX, QUEUE_UNITS_MAX } from './limits.ts'

/** What a queue needs of its store. */
export interface CommitQueueOptions<Note = undefined> {
  /**
   * Writes one transaction: judges the units in order and keeps what fits. What is answered
   * without a promise is concluded in the same turn.
   */
  readonly write: (group: readonly QueuedUnit<Note>[]) => GroupResult | Promise<GroupResult>
  /** Says in the codes of the port what the store was told while it appended. */
  readonly failure: (error: unknown, fate: UnitFate) => unknown
  /** The log has grown. */
  readonly grown: () => void
  /** The handle must not be used again. Called once every unit has been answered. */
  readonly lost: (cause: unknown) => void
  readonly clock: Pick<Clock, 'monotonicMs' | 'sleep'>
  /** The log, as messages name it. */
  readonly log: string
  /** Stands in the data of every error of the queue. */
  readonly data: JsonObject
  /** How long units wait for a first success. @units ms */
  readonly waitMs: number
  /** The first pause between two tries, and the longest; each is twice the one before. @units ms */
  readonly pauseMs: { readonly min: number; readonly max: number }
}

/** A unit on its way. */
interface Entry<Note> extends QueuedUnit<Note> {
  readonly events: number
  readonly blobBytes: number
  readonly resolve: (appended: Appended) => void
  readonly reject: (error: unknown) => void
  /** Stops listening to the caller's signal. */
  release: (() => void) | undefined
  state: 'waiting' | 'taken' | 'settled'
}

/** @units settled entries the list may carry beyond twice its live ones before it is tidied. */
const SLACK = GROUP_EVENTS_MAX * 8

/** Units on their way into one log. */
export class CommitQueue<Note = undefined> {
  readonly #options: CommitQueueOptions<Note>
  /** In the order of arrival; what is settled leaves when its turn comes. */
  #entries: Entry<Note>[] = []
  /** Entries before this one are settled. */
  #first = 0
  #size = 0
  #blobBytes = 0
  #isRunning = false
  #pauses = 0
  #troubleSince: number | undefined
  #idle: (() => void)[] = []

  constructor(options: CommitQueueOptions<Note>) {
    this.#options = options
  }

  /** Units that wait, or are under way. */
  get size(): number {
    return this.#size
  }

  /**
   * Queues a unit; the promise is settled once its transaction is. What is no unit is refused
   * here and never queued: a group must not fail because of one that cannot even be counted.
   *
   * @throws {TypeError} for what is no unit
   */
  add(unit: PreparedUnit, note: Note): Promise<Appended> {
    const events = countEvents(unit)
    const blobBytes = unit.blobs === undefined ? 0 : bytesOf(unit.blobs)
    const isFull =
      this.#size >= QUEUE_UNITS_MAX || this.#blobBytes + blobBytes > QUEUE_BLOB_BYTES_MAX
    if (isFull) return Promise.reject(this.#overflow())
    return new Promise((resolve, reject) => {
      const entry: Entry<Note> = {
        unit,
        note,
        events,
        blobBytes,
        resolve,
        reject,
        release: undefined,
        state: 'waiting',
      }
      if (unit.signal !== undefined) this.#listen(entry, unit.signal)
      this.#blobBytes += blobBytes
      this.#size += 1
      this.#entries.push(entry)
      if (this.#isRunning) return
      this.#isRunning = true
      void settled().then(this.#turn)
    })
  }

  /** Resolves when nothing waits any more. */
  idle(): Promise<void> {
    if (this.#size === 0) return Promise.resolve()
    return new Promise((resolve) => {
      this.#idle.push(resolve)
    })
  }

  #listen(entry: Entry<Note>, signal: AbortSignal): void {
    const withdraw = (): void => {
      if (entry.state !== 'waiting') return
      this.#reject(entry, withdrawn(signal))
      if (this.#entries.length > 2 * this.#size + SLACK) this.#tidy()
      if (this.#size === 0) this.#tellIdle()
    }
    entry.release = () => signal.removeEventListener('abort', withdraw)
    signal.addEventListener('abort', withdraw, { once: true })
  }

  readonly #turn = (): void => {
    const group = this.#take()
    if (group.length === 0) {
      this.#rest()
      return
    }
    try {
      const result = this.#options.write(group)
      if ('kind' in result) this.#conclude(group, result)
      else void this.#concludeLate(group, result)
    } catch (error) {
      this.#lose(group, { error, fate: 'unknown' })
    }
  }

  async #concludeLate(group: readonly Entry<Note>[], result: Promise<GroupResult>): Promise<void> {
    try {
      this.#conclude(group, await result)
    } catch (error) {
      this.#lose(group, { error, fate: 'unknown' })
    }
  }

  #take(): readonly Entry<Note>[] {
    const group: Entry<Note>[] = []
    const entries = this.#entries
    let events = 0
    for (let i = this.#first; i < entries.length; i += 1) {
      const entry = entries[i] as Entry<Note>
      if (entry.state === 'settled') continue
      if (group.length > 0 && events + entry.events > GROUP_EVENTS_MAX) break
      events += entry.events
      entry.state = 'taken'
      group.push(entry)
    }
    return group
  }

  #conclude(group: readonly Entry<Note>[], result: GroupResult): void {
    switch (result.kind) {
      case 'done':
        this.#answer(group, result.outcomes)
        if (result.grown) this.#options.grown()
        this.#goOn()
        return
      case 'failed':
        this.#failed(group, result)
        return
      case 'unknown':
        void this.#settle(group, result)
        return
      case 'lost':
        this.#lose(group, result)
    }
  }

  /** Answers the units that have an outcome; the others go first next time. */
  #answer(group: readonly Entry<Note>[], outcomes: readonly UnitOutcome[]): void {
    invariant(outcomes.length > 0, 'a transaction answers a unit')
    this.#calm()
    this.#putBack(group.slice(outcomes.length))
    for (let i = 0; i < outcomes.length; i += 1) {
      const entry = group[i] as Entry<Note>
      const outcome = outcomes[i] as UnitOutcome
      this.#leave(entry)
      if ('appended' in outcome) entry.resolve(outcome.appended)
      else entry.reject(outcome.refused)
    }
  }

  #failed(
    group: readonly Entry<Note>[],
    { error, mayRetry, concerned }: Extract<GroupResult, { kind: 'failed' }>,
  ): void {
    const isOver = mayRetry && this.#isPatienceOver()
    if (mayRetry && !isOver) {
      this.#putBack(group)
      void this.#pause().then(this.#turn)
      return
    }
    this.#calm()
    const refused = this.#options.failure(error, 'none')
    const split = concerned ?? group.length
    this.#putBack(group.slice(split))
    for (const entry of group.slice(0, split)) this.#reject(entry, refused)
    // Whatever else waits has waited for the same: it would only wait as long again.
    if (isOver) this.#rejectAll(refused)
    this.#goOn()
  }

  /** Stays until it is known what became of a group, or nobody can wait any longer. */
  async #settle(group: readonly Entry<Note>[], { settle, fates }: GroupUnknown): Promise<void> {
    for (;;) {
      const settlement = await asked(settle)
      if (settlement.kind === 'kept') {
        this.#acknowledge(group, settlement.outcomes)
        this.#goOn()
        return
      }
      if (settlement.kind === 'absent') {
        this.#putBack(group)
        this.#goOn()
        return
      }
      const { error } = settlement
      if (settlement.kind === 'lost' || !settlement.mayRetry || this.#isPatienceOver()) {
        this.#calm()
        group.forEach((entry, i) => {
          this.#reject(entry, this.#options.failure(error, fates[i] ?? 'none'))
        })
        this.#rejectAll(this.#options.failure(error, 'none'))
        if (settlement.kind === 'lost') this.#options.lost(error)
        this.#goOn()
        return
      }
      await this.#pause()
    }
  }

  #acknowledge(group: readonly Entry<Note>[], outcomes: readonly UnitOutcome[]): void {
    this.#answer(
      group,
      outcomes.map((outcome, i) => {
        const { unit } = group[i] as Entry<Note>
        const isOwn = !('appended' in outcome) || !expectsAny(unit)
        return isOwn ? outcome : { refused: this.#lostAnswer() }
      }),
    )
    this.#options.grown()
  }

  /** The handle is done for. */
  #lose(
    group: readonly Entry<Note>[],
    { error, fate, concerned = group.length }: Omit<Extract<GroupResult, { kind: 'lost' }>, 'kind'>,
  ): void {
    const doubted = this.#options.failure(error, fate)
    for (const entry of group.slice(0, concerned)) this.#reject(entry, doubted)
    this.#rejectAll(this.#options.failure(error, 'none'))
    this.#options.lost(error)
    this.#goOn()
  }

  #goOn(): void {
    this.#compact()
    if (this.#size > 0) void settled().then(this.#turn)
    else this.#rest()
  }

  #rest(): void {
    this.#tidy()
    this.#isRunning = false
    this.#tellIdle()
  }

  #calm(): void {
    this.#troubleSince = undefined
    this.#pauses = 0
  }

  #isPatienceOver(): boolean {
    const now = this.#options.clock.monotonicMs()
    this.#troubleSince ??= now
    return now - this.#troubleSince >= this.#options.waitMs
  }

  /** Lets the event loop go on, a little longer each time. */
  #pause(): Promise<void> {
    const { clock, pauseMs } = this.#options
    const ms = Math.min(pauseMs.min * 2 ** Math.min(this.#pauses, 16), pauseMs.max)
    this.#pauses += 1
    return clock.sleep(ms)
  }

  /** Who has withdrawn meanwhile is told so now. */
  #putBack(group: readonly Entry<Note>[]): void {
    for (const entry of group) {
      entry.state = 'waiting'
      const { signal } = entry.unit
      if (signal?.aborted === true) this.#reject(entry, withdrawn(signal))
    }
  }

  #leave(entry: Entry<Note>): void {
    entry.release?.()
    entry.state = 'settled'
    this.#size -= 1
    this.#blobBytes -= entry.blobBytes
  }

  #reject(entry: Entry<Note>, error: unknown): void {
    if (entry.state === 'settled') return
    this.#leave(entry)
    entry.reject(error)
  }

  #rejectAll(error: unknown): void {
    for (const entry of this.#entries) this.#reject(entry, error)
  }

  #compact(): void {
    const entries = this.#entries
    while (this.#first < entries.length && entries[this.#first]?.state === 'settled') {
      this.#first += 1
    }
    if (this.#first === entries.length || this.#first >= SLACK) {
      entries.splice(0, this.#first)
      this.#first = 0
    }
  }

  #tidy(): void {
    this.#entries = this.#entries.filter(({ state }) => state !== 'settled')
    this.#first = 0
  }

  #tellIdle(): void {
    if (this.#size > 0) return
    const told = this.#idle
    this.#idle = []
    for (const tell of told) tell()
  }

  #lostAnswer(): EventsError {
    const { log, data } = this.#options
    return new EventsError(
      EVENTS_CODES.unavailable,
      `Could not append to ${log}: the connection was lost while it committed. The unit expects ` +
        'any version, so nothing tells it from another. It may have been kept: read the stream ' +
        'before you append it again.',
      { ...data, reason: 'connection', fate: 'unknown' },
    )
  }

  #overflow(): EventsError {
    const { log, data } = this.#options
    return new EventsError(
      EVENTS_CODES.unavailable,
      `${log} has ${this.#size} units waiting; no more are taken. Nothing was written. Append ` +
        'more slowly, and await what was appended.',
      { ...data, reason: 'queue_full', queued: this.#size, fate: 'none' },
    )
  }
}

async function asked(settle: GroupUnknown['settle']): Promise<Settlement> {
  try {
    return await settle()
  } catch (error) {
    return { kind: 'unknown', error, mayRetry: false }
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
