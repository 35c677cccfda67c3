/**
 * The group commit: units that arrive together share a transaction, and with it one sync.
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
import { QUEUE_BLOB_BYTES_MAX, QUEUE_EVENT_BYTES_MAX, QUEUE_UNITS_MAX } from './limits.ts'
import {
  blobBytesOf,
  countEvents,
  eventBytesOf,
  WaitingUnit,
  WaitingUnits,
} from './waiting-units.ts'

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

/** Units on their way into one log. */
export class CommitQueue<Note = undefined> {
  readonly #options: CommitQueueOptions<Note>
  readonly #units = new WaitingUnits<Note>(() => this.#tellIdle())
  #isRunning = false
  #pauses = 0
  #troubleSince: number | undefined
  #idle: (() => void)[] = []

  constructor(options: CommitQueueOptions<Note>) {
    this.#options = options
  }

  /** Units that wait, or are under way. */
  get size(): number {
    return this.#units.size
  }

  /**
   * Queues a unit; the promise is settled once its transaction is. What is no unit is refused
   * here and never queued: a group must not fail because of one that cannot even be counted.
   *
   * @throws {TypeError} for what is no unit
   */
  add(unit: PreparedUnit, note: Note): Promise<Appended> {
    const events = countEvents(unit)
    const blobBytes = blobBytesOf(unit)
    const eventBytes = eventBytesOf(unit)
    const isFull =
      this.#units.size >= QUEUE_UNITS_MAX ||
      this.#units.eventBytes + eventBytes > QUEUE_EVENT_BYTES_MAX ||
      this.#units.blobBytes + blobBytes > QUEUE_BLOB_BYTES_MAX
    if (isFull) return Promise.reject(this.#overflow())
    return new Promise((resolve, reject) => {
      const entry = new WaitingUnit(unit, note, { resolve, reject })
      entry.events = events
      entry.eventBytes = eventBytes
      entry.blobBytes = blobBytes
      this.#units.add(entry)
      if (this.#isRunning) return
      this.#isRunning = true
      void settled().then(this.#turn)
    })
  }

  /** Resolves when nothing waits any more. */
  idle(): Promise<void> {
    if (this.#units.size === 0) return Promise.resolve()
    return new Promise((resolve) => {
      this.#idle.push(resolve)
    })
  }

  readonly #turn = (): void => {
    const group = this.#units.take()
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

  async #concludeLate(
    group: readonly WaitingUnit<Note>[],
    result: Promise<GroupResult>,
  ): Promise<void> {
    try {
      this.#conclude(group, await result)
    } catch (error) {
      this.#lose(group, { error, fate: 'unknown' })
    }
  }

  #conclude(group: readonly WaitingUnit<Note>[], result: GroupResult): void {
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
  #answer(group: readonly WaitingUnit<Note>[], outcomes: readonly UnitOutcome[]): void {
    invariant(outcomes.length > 0, 'a transaction answers a unit')
    this.#calm()
    this.#units.putBack(group.slice(outcomes.length))
    for (let i = 0; i < outcomes.length; i += 1) {
      const entry = group[i] as WaitingUnit<Note>
      const outcome = outcomes[i] as UnitOutcome
      if ('appended' in outcome) this.#units.resolve(entry, outcome.appended)
      else this.#units.reject(entry, outcome.refused)
    }
  }

  #failed(
    group: readonly WaitingUnit<Note>[],
    { error, mayRetry, concerned }: Extract<GroupResult, { kind: 'failed' }>,
  ): void {
    const isOver = mayRetry && this.#isPatienceOver()
    if (mayRetry && !isOver) {
      this.#units.putBack(group)
      void this.#pause().then(this.#turn)
      return
    }
    this.#calm()
    const refused = this.#options.failure(error, 'none')
    const split = concerned ?? group.length
    this.#units.putBack(group.slice(split))
    for (const entry of group.slice(0, split)) this.#units.reject(entry, refused)
    // Whatever else waits has waited for the same: it would only wait as long again.
    if (isOver) this.#units.rejectAll(refused)
    this.#goOn()
  }

  /** Stays until it is known what became of a group, or nobody can wait any longer. */
  async #settle(
    group: readonly WaitingUnit<Note>[],
    { settle, fates }: GroupUnknown,
  ): Promise<void> {
    for (;;) {
      const settlement = await asked(settle)
      if (settlement.kind === 'kept') {
        this.#acknowledge(group, settlement.outcomes)
        this.#goOn()
        return
      }
      if (settlement.kind === 'absent') {
        this.#units.putBack(group)
        this.#goOn()
        return
      }
      const { error } = settlement
      if (settlement.kind === 'lost' || !settlement.mayRetry || this.#isPatienceOver()) {
        this.#calm()
        group.forEach((entry, i) => {
          this.#units.reject(entry, this.#options.failure(error, fates[i] ?? 'none'))
        })
        this.#units.rejectAll(this.#options.failure(error, 'none'))
        if (settlement.kind === 'lost') this.#options.lost(error)
        this.#goOn()
        return
      }
      await this.#pause()
    }
  }

  #acknowledge(group: readonly WaitingUnit<Note>[], outcomes: readonly UnitOutcome[]): void {
    this.#answer(
      group,
      outcomes.map((outcome, i) => {
        const { unit } = group[i] as WaitingUnit<Note>
        const isOwn = !('appended' in outcome) || !expectsAny(unit)
        return isOwn ? outcome : { refused: this.#lostAnswer() }
      }),
    )
    this.#options.grown()
  }

  /** The handle is done for. */
  #lose(
    group: readonly WaitingUnit<Note>[],
    { error, fate, concerned = group.length }: Omit<Extract<GroupResult, { kind: 'lost' }>, 'kind'>,
  ): void {
    const doubted = this.#options.failure(error, fate)
    for (const entry of group.slice(0, concerned)) this.#units.reject(entry, doubted)
    this.#units.rejectAll(this.#options.failure(error, 'none'))
    this.#options.lost(error)
    this.#goOn()
  }

  #goOn(): void {
    this.#units.compact()
    if (this.#units.size > 0) void settled().then(this.#turn)
    else this.#rest()
  }

  #rest(): void {
    this.#units.tidy()
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

  #tellIdle(): void {
    if (this.#units.size > 0) return
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
    const { size } = this.#units
    return new EventsError(
      EVENTS_CODES.unavailable,
      `${log} has ${size} units waiting; no more are taken. Nothing was written. Append more ` +
        'slowly, and await what was appended.',
      { ...data, reason: 'queue_full', queued: size, fate: 'none' },
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

function expectsAny({ writes }: PreparedUnit): boolean {
  return writes.some(({ expectedVersion }) => expectedVersion === 'any')
}
