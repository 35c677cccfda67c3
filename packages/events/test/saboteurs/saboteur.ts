/** What a saboteur is: a store that breaks one requirement and keeps the others. */
import { eventId, type StreamVersion } from '@ice/primitives'
import { bringsBytes } from '../../src/blob-bytes.ts'
import type { KitClock } from '../../src/contract/index.ts'
import { EVENTS_CODES, type EventsCode, EventsError } from '../../src/errors.ts'
import type {
  Appended,
  EventStore,
  PreparedEvent,
  PreparedUnit,
  PreparedWrite,
  ReadAllQuery,
  ReadQuery,
  StoredEvent,
  SubscribeQuery,
} from '../../src/ports.ts'

/** One connection to be spoilt. */
export interface Sabotage {
  readonly store: EventStore
  readonly clock: KitClock
  /** Whether it is the first connection, the same opened again, or a second one beside it. */
  readonly role: 'first' | 'reopened' | 'second'
  /** Closes the log below all connections. */
  readonly closeLog: () => Promise<void>
  /** A connection to an empty log. */
  readonly another: () => EventStore
}

export interface Saboteur {
  readonly id: string
  /** The requirement it breaks. */
  readonly breaks: string
  spoil(sabotage: Sabotage): Partial<EventStore>
}

/** A store whose every operation is the inner one's but for those that are given. */
export function decorate(store: EventStore, spoilt: Partial<EventStore>): EventStore {
  return {
    supports: store.supports,
    durability: store.durability,
    incarnation: store.incarnation,
    blobs: store.blobs,
    append: (unit) => store.append(unit),
    read: (query) => store.read(query),
    readAll: (query) => store.readAll(query),
    subscribe: (query) => store.subscribe(query),
    head: () => store.head(),
    check: (options) => store.check(options),
    close: () => store.close(),
    ...spoilt,
  }
}

/** What a spoilt append does with a unit whose turn it is. */
export type Handler = (unit: PreparedUnit) => Promise<Appended>

/** Units one after the other in the order of arrival, their blobs copied when they arrive. */
export function inTurn(store: EventStore, handle: Handler): Pick<EventStore, 'append' | 'close'> {
  let last: Promise<unknown> = Promise.resolve()
  return {
    append(unit) {
      const blobs = unit.blobs?.map((blob) =>
        bringsBytes(blob) ? { ...blob, bytes: blob.bytes.slice() } : blob,
      )
      const turn = last.then(() => handle(blobs === undefined ? unit : { ...unit, blobs }))
      last = turn.catch(() => undefined)
      return turn
    },
    async close() {
      await last
      await store.close()
    },
  }
}

/** Changes units on their way in. */
export function changing(
  store: EventStore,
  change: (unit: PreparedUnit) => PreparedUnit,
): Partial<EventStore> {
  return { append: (unit) => store.append(change(unit)) }
}

/** Changes acknowledgements on their way out. */
export function acknowledging(
  store: EventStore,
  change: (appended: Appended, unit: PreparedUnit) => Appended,
): Partial<EventStore> {
  return { append: async (unit) => change(await store.append(unit), unit) }
}

/** Answers some refusals in another way; `undefined` lets them stand. */
export function forgiving(
  store: EventStore,
  code: EventsCode,
  answer: (unit: PreparedUnit) => Promise<Appended | undefined>,
): Partial<EventStore> {
  return inTurn(store, async (unit) => {
    try {
      return await store.append(unit)
    } catch (error) {
      if ((error as EventsError).code !== code) throw error
      const instead = await answer(unit)
      if (instead === undefined) throw error
      return instead
    }
  })
}

/** Looks at units before the store does; what it throws is the answer. */
export function before(
  store: EventStore,
  look: (unit: PreparedUnit) => Promise<void>,
): Partial<EventStore> {
  return inTurn(store, async (unit) => {
    await look(unit)
    return store.append(unit)
  })
}

/** A unit without some of its conditions. */
export function without(unit: PreparedUnit, ...keys: (keyof PreparedUnit)[]): PreparedUnit {
  const rest: Partial<Record<keyof PreparedUnit, unknown>> = { ...unit }
  for (const key of keys) delete rest[key]
  return rest as unknown as PreparedUnit
}

export function refusal(code: EventsCode): EventsError {
  return new EventsError(code, 'sabotage')
}

/** An acknowledgement of what was never written. */
export function lie(unit: PreparedUnit, retried = false): Appended {
  return {
    retried,
    writes: unit.writes.map(({ stream, events }) => ({
      stream,
      version: events.length as StreamVersion,
      positions: [],
      times: [],
    })),
  }
}

export function eventsOf(unit: PreparedUnit): readonly PreparedEvent[] {
  return unit.writes.flatMap(({ events }) => events)
}

export function expectedOf({ expectedVersion }: PreparedWrite): number {
  return typeof expectedVersion === 'number' ? expectedVersion : 0
}

export async function gatherAll(
  batches: AsyncIterable<readonly StoredEvent[]>,
): Promise<StoredEvent[]> {
  const events: StoredEvent[] = []
  for await (const batch of batches) events.push(...batch)
  return events
}

export interface Stored {
  readonly id: string
  readonly stream: string
  readonly version: number
  readonly time: number
  readonly type: string
  readonly origin: string
  readonly data: unknown
}

export function parsed({ bytes }: StoredEvent): Stored {
  const event = JSON.parse(bytes) as Omit<Stored, 'id'>
  return { ...event, id: eventId(event.stream as never, event.version as never) }
}

/** The stored events of a stream, from the first. */
export function streamOf(store: EventStore, stream: string): Promise<StoredEvent[]> {
  return gatherAll(store.read({ stream: stream as never }))
}

/** The end of a stream. */
export async function endOf(
  store: EventStore,
  stream: string,
): Promise<{ version: number; time: number; position: number }> {
  const last = (await streamOf(store, stream)).at(-1)
  if (last === undefined) return { version: 0, time: 0, position: 0 }
  return { version: parsed(last).version, time: parsed(last).time, position: last.position }
}

/** The acknowledgement of a unit if every stored event in its places satisfies `alike`. */
export async function asRetry(
  store: EventStore,
  unit: PreparedUnit,
  alike: (stored: StoredEvent, event: PreparedEvent, version: number, i: number) => boolean,
): Promise<Appended | undefined> {
  for (const write of unit.writes) {
    const rows = await streamOf(store, write.stream)
    for (const [i, event] of write.events.entries()) {
      const version = expectedOf(write) + i + 1
      const row = rows[version - 1]
      if (i > 0 && row === undefined) continue
      if (row === undefined || !alike(row, event, version, i)) return undefined
    }
  }
  return lie(unit, true)
}

type Batches = AsyncIterable<readonly StoredEvent[]>

/** Changes what the three ways of reading hand out, batch by batch. */
export function handing(
  store: EventStore,
  change: (batch: readonly StoredEvent[]) => readonly StoredEvent[],
  ...ways: ('read' | 'readAll' | 'subscribe')[]
): Partial<EventStore> {
  const through = async function* (batches: Batches): AsyncGenerator<readonly StoredEvent[]> {
    for await (const batch of batches) {
      const changed = change(batch)
      if (changed.length > 0) yield changed
    }
  }
  const all: Partial<EventStore> = {
    read: (query: ReadQuery) => through(store.read(query)),
    readAll: (query: ReadAllQuery) => through(store.readAll(query)),
    subscribe: (query: SubscribeQuery) => through(store.subscribe(query)),
  }
  return Object.fromEntries(ways.map((way) => [way, all[way]]))
}

export { EVENTS_CODES }
