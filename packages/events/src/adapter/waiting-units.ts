/**
 * The units that wait, in the order of their arrival, and those that are under way.
 *
 *     add → waiting → taken → settled          waiting → settled: withdrawn by its signal
 *                 ↖─────┘ put back: nothing was kept
 */
import { invariant } from '@ice/primitives'
import { bringsBytes } from '../blob-bytes.ts'
import { EVENTS_CODES, EventsError } from '../errors.ts'
import type { Appended, PreparedUnit } from '../ports.ts'
import { isPrepared } from '../prepare.ts'
import type { QueuedUnit } from './group.ts'
import { GROUP_EVENTS_MAX } from './limits.ts'

/** How a unit is answered. */
export interface Answer {
  readonly resolve: (appended: Appended) => void
  readonly reject: (error: unknown) => void
}

/** A unit on its way. A class for the sake of where it is allocated: `young.ts`. */
export class WaitingUnit<Note> implements QueuedUnit<Note> {
  readonly unit: PreparedUnit
  readonly note: Note
  readonly resolve: Answer['resolve']
  readonly reject: Answer['reject']
  events = 0
  eventBytes = 0
  blobBytes = 0
  /** Stops listening to the caller's signal. */
  release: (() => void) | undefined = undefined
  state: 'waiting' | 'taken' | 'settled' = 'waiting'

  constructor(unit: PreparedUnit, note: Note, { resolve, reject }: Answer) {
    this.unit = unit
    this.note = note
    this.resolve = resolve
    this.reject = reject
  }
}

/** @units settled entries the list may carry beyond twice its live ones before it is tidied. */
const SLACK = GROUP_EVENTS_MAX * 8

/** A list in which everything leaves by being settled. */
export class WaitingUnits<Note> {
  readonly #emptied: () => void
  #entries: WaitingUnit<Note>[] = []
  /** Entries before this one are settled. */
  #first = 0
  /** Units that wait, or are under way. */
  size = 0
  /** @units characters of their events */
  eventBytes = 0
  /** @units bytes of their blobs */
  blobBytes = 0

  /** @param emptied - told when the last unit was withdrawn */
  constructor(emptied: () => void) {
    this.#emptied = emptied
  }

  add(entry: WaitingUnit<Note>): void {
    const { signal } = entry.unit
    if (signal !== undefined) this.#listen(entry, signal)
    this.eventBytes += entry.eventBytes
    this.blobBytes += entry.blobBytes
    this.size += 1
    this.#entries.push(entry)
  }

  #listen(entry: WaitingUnit<Note>, signal: AbortSignal): void {
    const withdraw = (): void => {
      if (entry.state !== 'waiting') return
      this.reject(entry, withdrawn(signal))
      if (this.#entries.length > 2 * this.size + SLACK) this.tidy()
      if (this.size === 0) this.#emptied()
    }
    entry.release = () => signal.removeEventListener('abort', withdraw)
    signal.addEventListener('abort', withdraw, { once: true })
  }

  /** The first units that wait: at most a group of events, at least a unit if there is one. */
  take(): readonly WaitingUnit<Note>[] {
    const group: WaitingUnit<Note>[] = []
    const entries = this.#entries
    let events = 0
    for (let i = this.#first; i < entries.length; i += 1) {
      const entry = entries[i] as WaitingUnit<Note>
      if (entry.state !== 'waiting') continue
      if (group.length > 0 && events + entry.events > GROUP_EVENTS_MAX) break
      events += entry.events
      entry.state = 'taken'
      group.push(entry)
    }
    return group
  }

  /** Nothing was kept of these: they wait where they stood. Who has withdrawn is told so now. */
  putBack(group: readonly WaitingUnit<Note>[]): void {
    for (const entry of group) {
      entry.state = 'waiting'
      const { signal } = entry.unit
      if (signal?.aborted === true) this.reject(entry, withdrawn(signal))
    }
  }

  resolve(entry: WaitingUnit<Note>, appended: Appended): void {
    this.#leave(entry)
    entry.resolve(appended)
  }

  /** Refuses a unit, unless it has been answered. */
  reject(entry: WaitingUnit<Note>, error: unknown): void {
    if (entry.state === 'settled') return
    this.#leave(entry)
    entry.reject(error)
  }

  rejectAll(error: unknown): void {
    for (const entry of this.#entries) this.reject(entry, error)
  }

  #leave(entry: WaitingUnit<Note>): void {
    entry.release?.()
    entry.state = 'settled'
    this.size -= 1
    this.eventBytes -= entry.eventBytes
    this.blobBytes -= entry.blobBytes
  }

  /** Drops what is settled at the front, now and then. */
  compact(): void {
    const entries = this.#entries
    while (this.#first < entries.length && entries[this.#first]?.state === 'settled') {
      this.#first += 1
    }
    if (this.#first === entries.length || this.#first >= SLACK) {
      entries.splice(0, this.#first)
      this.#first = 0
    }
  }

  /** Drops everything that is settled. */
  tidy(): void {
    this.#entries = this.#entries.filter(({ state }) => state !== 'settled')
    this.#first = 0
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

/** @units bytes of blobs that come with a unit */
export function blobBytesOf({ blobs }: PreparedUnit): number {
  if (blobs === undefined) return 0
  return blobs.reduce((sum, blob) => sum + (bringsBytes(blob) ? blob.bytes.byteLength : 0), 0)
}

/** What the gateway did not prepare counts nothing: it is refused when its turn comes.
 * @units characters of the events of a unit */
export function eventBytesOf({ writes }: PreparedUnit): number {
  let bytes = 0
  for (const { events } of writes) {
    for (const event of events) if (isPrepared(event)) bytes += event.size
  }
  return bytes
}

/** @throws {TypeError} for what is no unit */
export function countEvents(unit: PreparedUnit): number {
  let events = 0
  for (const write of unit.writes) events += write.events.length
  invariant(Number.isSafeInteger(events) && events > 0, 'a unit has lists of events')
  return events
}
