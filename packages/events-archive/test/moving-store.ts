/**
 * An archived log of which everything is moved to segments after each append, as if nothing were:
 * the events that say so are left out, and positions are counted without them. So the contract,
 * which knows of positions, can be held against it.
 */
import {
  composeTaxonomy,
  createEventLog,
  EVENTS_CODES,
  type EventStore,
  EventsError,
  type StoredEvent,
  type SubscribeQuery,
  standardTypes,
} from '@ice/events'
import { type Clock, hasCode, IceError, type Position, settled } from '@ice/primitives'
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

/** Wraps a connection. */
export function movingStore(archive: ArchivedEventStore, clock: Clock, shared: Shared): EventStore {
  const shown = (position: number): number =>
    position - shared.seals.filter((seal) => seal < position).length
  const actual = (position: number): number => {
    let at = position
    for (const seal of shared.seals) if (seal <= at) at += 1
    return at
  }
  const renumbered = (event: StoredEvent): StoredEvent => ({
    ...event,
    position: shown(event.position) as Position,
  })
  async function* shownOnly(batches: AsyncIterable<readonly StoredEvent[]>, limit = Infinity) {
    let left = limit
    if (left === 0) return
    for await (const batch of batches) {
      const events = batch
        .filter((event) => !isSeal(event))
        .slice(0, left)
        .map(renumbered)
      left -= events.length
      if (events.length > 0) yield events
      if (left <= 0) return
    }
  }
  async function* toldAsShown(query: SubscribeQuery) {
    try {
      yield* shownOnly(archive.subscribe(query))
    } catch (error) {
      if (!hasCode(error, EVENTS_CODES.lagLimit) || !(error instanceof IceError)) throw error
      const [position, head] = [error.data['position'], error.data['head']].map(Number)
      throw new EventsError(EVENTS_CODES.lagLimit, error.message, {
        ...error.data,
        position: shown(position ?? 0),
        head: shown(head ?? 0),
      })
    }
  }
  const closed = (error: unknown): boolean => hasCode(error, EVENTS_CODES.notOpen)
  return {
    supports: archive.supports,
    durability: archive.durability,
    incarnation: archive.incarnation,
    blobs: archive.blobs,
    async append(unit) {
      const appended = await archive.append(unit)
      shared.appends += 1
      const isTurn = shared.appends <= OFTEN || shared.appends % OFTEN === 0
      const isDue = isTurn && !shared.isCounted
      const moved = shared.moving.then(async () => {
        if (!isDue) return
        try {
          await moveAll(archive, clock, shared)
        } catch (error) {
          if (!closed(error)) throw error
        }
      })
      shared.moving = moved
      await moved
      await settled()
      const writes = appended.writes.map((write) => ({
        ...write,
        positions: write.positions.map((position) => shown(position) as Position),
      }))
      return { ...appended, writes }
    },
    read: (query) => shownOnly(archive.read(query)),
    readAll(query) {
      const { limit, ...rest } = query
      const isCount = limit === undefined || (Number.isSafeInteger(limit) && limit >= 0)
      if (!isCount || !isCountOrNone(query.after)) return archive.readAll(query)
      const after = query.after === undefined ? 0 : actual(query.after)
      return shownOnly(archive.readAll({ ...rest, after: Math.max(0, after) }), limit)
    },
    subscribe(query) {
      if (!isCountOrNone(query.after)) return archive.subscribe(query)
      shared.isCounted ||= query.lagMax !== undefined
      return toldAsShown({ ...query, after: actual(query.after ?? 0) })
    },
    async head() {
      const { position } = await archive.head()
      return { position: position - shared.seals.length }
    },
    check: (options) => archive.check(options),
    close: () => archive.close(),
  }
}

function isCountOrNone(value: unknown): boolean {
  return value === undefined || (Number.isSafeInteger(value) && Number(value) >= 0)
}
