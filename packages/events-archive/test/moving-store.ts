/**
 * An archived log of which everything is moved to segments after each append, as if nothing were:
 * the events that say so are left out, and positions are counted without them. So the contract,
 * which knows of positions, can be held against it.
 */
import {
  type CheckOptions,
  composeTaxonomy,
  createEventLog,
  EVENTS_CODES,
  type EventStore,
  EventsError,
  type StoredEvent,
  standardTypes,
} from '@ice/events'
import { type Clock, errorRecord, hasCode, type Position, settled } from '@ice/primitives'
import { Batch } from '../src/batch.ts'
import { SegmentFolder } from '../src/folder.ts'
import type { ArchivedEventStore } from '../src/index.ts'
import { sealBatch } from '../src/seal.ts'

const taxonomy = composeTaxonomy(standardTypes)

/** @units appends after each of which everything is moved; later ones take turns */
const OFTEN = 40

/** What the connections to one log share. */
export interface Shared {
  /** Positions of the events that say what was sealed, in order. */
  readonly seals: number[]
  /** Moves one after another. */
  moving: Promise<void>
  appends: number
  /** Someone counts how far behind it is: what says that more was moved would count, too. */
  isCounted: boolean
}

/** Moves everything that is still in the store. */
async function moveAll(archive: ArchivedEventStore, clock: Clock, shared: Shared): Promise<void> {
  const { eviction } = archive.live
  const { position: upTo } = await archive.live.head()
  const events: StoredEvent[] = []
  for (let after = 0; ; ) {
    const page = await eviction.live({ after, upTo })
    events.push(...page.events)
    after = page.upTo
    if (page.end) break
  }
  const batch = new Batch()
  for (const event of events) if (!isSeal(event)) batch.add(event)
  if (batch.size === 0) return
  const log = createEventLog({ store: archive, taxonomy, clock })
  const folder = new SegmentFolder(archive.directory)
  const known = (await archive.segments()).length
  const sealed = await sealBatch({ log, archive, folder }, batch, known)
  shared.seals.push(sealed.sealed)
  const segment = await folder.use(sealed)
  await eviction.evict({
    sealed: sealed.sealed,
    segment: sealed.segment,
    events: segment.events(),
    blobs: [...segment.blobs].map(({ digest }) => digest),
  })
  folder.close()
}

function isSeal({ bytes }: StoredEvent): boolean {
  return bytes.includes('"stream":"archive/segments"')
}

/** Positions as they would be without the events that say what was sealed. */
class Renumbering {
  readonly #shared: Shared

  constructor(shared: Shared) {
    this.#shared = shared
  }

  shown(position: number): Position {
    const before = this.#shared.seals.filter((seal) => seal < position).length
    return (position - before) as Position
  }

  actual(position: number): number {
    let at = position
    for (const seal of this.#shared.seals) if (seal <= at) at += 1
    return at
  }

  async *events(batches: AsyncIterable<readonly StoredEvent[]>, limit = Infinity) {
    let left = limit
    if (left === 0) return
    for await (const batch of batches) {
      const events = batch
        .filter((event) => !isSeal(event))
        .slice(0, left)
        .map((event) => ({ ...event, position: this.shown(event.position) }))
      left -= events.length
      if (events.length > 0) yield events
      if (left <= 0) return
    }
  }

  /** The same options, with progress in positions as they are shown. */
  telling<T extends CheckOptions>(options?: T): T | undefined {
    const { onProgress } = options ?? {}
    if (options === undefined || onProgress === undefined) return options
    const isAt = (position: number) => (seal: number) => seal <= position
    return {
      ...options,
      onProgress: (position: number) =>
        onProgress(position - this.#shared.seals.filter(isAt(position)).length),
    }
  }

  async *subscribed(batches: AsyncIterable<readonly StoredEvent[]>) {
    try {
      yield* this.events(batches)
    } catch (error) {
      if (!hasCode(error, EVENTS_CODES.lagLimit)) throw error
      const { message, data } = errorRecord(error)
      const [position, head] = [data?.['position'], data?.['head']].map(Number)
      throw new EventsError(EVENTS_CODES.lagLimit, message, {
        ...data,
        position: this.shown(position ?? 0),
        head: this.shown(head ?? 0),
      })
    }
  }
}

/** Moves everything when it is due, one call after another. */
async function moveInTurn(
  archive: ArchivedEventStore,
  clock: Clock,
  shared: Shared,
): Promise<void> {
  shared.appends += 1
  const isTurn = shared.appends <= OFTEN || shared.appends % OFTEN === 0
  const isDue = isTurn && !shared.isCounted
  shared.moving = shared.moving.then(async () => {
    if (!isDue) return
    try {
      await moveAll(archive, clock, shared)
    } catch (error) {
      if (!hasCode(error, EVENTS_CODES.notOpen)) throw error
    }
  })
  await shared.moving
  await settled()
}

/** Wraps a connection. */
export function movingStore(archive: ArchivedEventStore, clock: Clock, shared: Shared): EventStore {
  const numbers = new Renumbering(shared)
  return {
    supports: archive.supports,
    durability: archive.durability,
    incarnation: archive.incarnation,
    blobs: {
      ...archive.blobs,
      collect: (options) => archive.blobs.collect(numbers.telling(options)),
    },
    async append(unit) {
      const appended = await archive.append(unit)
      await moveInTurn(archive, clock, shared)
      const writes = appended.writes.map((write) => ({
        ...write,
        positions: write.positions.map((position) => numbers.shown(position)),
      }))
      return { ...appended, writes }
    },
    read: (query) => numbers.events(archive.read(query)),
    readAll(query) {
      const { limit, after, ...rest } = query
      if (!isCountOrNone(limit) || !isCountOrNone(after)) return archive.readAll(query)
      return numbers.events(archive.readAll({ ...rest, after: numbers.actual(after ?? 0) }), limit)
    },
    subscribe(query) {
      if (!isCountOrNone(query.after)) return archive.subscribe(query)
      shared.isCounted ||= query.lagMax !== undefined
      const after = numbers.actual(query.after ?? 0)
      return numbers.subscribed(archive.subscribe({ ...query, after }))
    },
    async head() {
      const { position } = await archive.head()
      return { position: position - shared.seals.length }
    },
    check: (options) => archive.check(numbers.telling(options)),
    close: () => archive.close(),
  }
}

function isCountOrNone(value: unknown): boolean {
  return value === undefined || (Number.isSafeInteger(value) && Number(value) >= 0)
}
