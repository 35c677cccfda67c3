/**
 * The bench a case works at: a subject that is closed again whatever happens, events of a small
 * taxonomy that the package's own gateway prepares, and assertions that show whole values.
 */

import { deepStrictEqual, fail, ok } from 'node:assert/strict'
import {
  eventId,
  hasCode,
  type StreamId,
  type StreamVersion,
  settled,
  streamId,
  type Timestamp,
} from '@ice/primitives'
import { z } from 'zod'
import { defineEventType } from '../event-type.ts'
import { prepareUnit } from '../gateway.ts'
import type {
  Appended,
  AppendRequest,
  EventStore,
  ExpectedVersion,
  NewEvent,
  PreparedUnit,
  ReadAllQuery,
  ReadQuery,
  StagedBlob,
  StoredEvent,
  StreamWrite,
} from '../ports.ts'
import { composeTaxonomy } from '../taxonomy.ts'
import type { ContractCase, Harness, KitClock } from './case.ts'

const KitNoted = defineEventType({
  type: 'KitNoted',
  category: 'domain',
  description: 'The kit noted a number.',
  payload: z.strictObject({
    n: z.int(),
    texts: z.array(z.string()).optional(),
    blobs: z.array(z.strictObject({ $blob: z.string(), size: z.int() })).optional(),
  }),
})

const KitProposed = defineEventType({
  type: 'KitProposed',
  category: 'cognitive',
  description: 'The kit proposed a number.',
  payload: z.strictObject({ n: z.int() }),
})

const taxonomy = composeTaxonomy([KitNoted, KitProposed])

/** Where the clock of a harness stands when a case begins. */
export const START_MS = 1_767_225_600_000

/** What a case works with. */
export interface Bench {
  readonly store: EventStore
  readonly harness: Harness<EventStore>
  prepare(request: AppendRequest): PreparedUnit
  /** Prepares and appends to `store`. */
  append(request: AppendRequest): Promise<Appended>
  /** Closed with the bench. */
  second(): Promise<EventStore>
  /** Takes the place of `store`. */
  reopen(): Promise<EventStore>
  /** Fires when the patience of the harness ends; the case itself ends after twice as long. */
  patience(): AbortSignal
}

/** What a case is made of. */
export interface StoreCaseInit extends Omit<ContractCase<EventStore>, 'run'> {
  readonly test: (bench: Bench) => Promise<void>
}

/** Makes a case that opens a store, works with it and closes it. */
export function storeCase({ test, ...about }: StoreCaseInit): ContractCase<EventStore> {
  return {
    ...about,
    async run(harness) {
      harness.clock.setWall(START_MS)
      const opened: EventStore[] = []
      const work = async (): Promise<void> => {
        opened.push(await harness.open())
        await test(createBench(harness, opened))
      }
      const closeAll = async (): Promise<void> => {
        for (const store of opened.reverse()) await harness.close(store)
      }
      try {
        await patiently(work(), harness, 'the case')
      } finally {
        await patiently(closeAll(), harness, 'harness.close')
      }
    },
  }
}

/** What hangs fails, wherever it hangs: when the patience with any part of it has ended. */
export async function patiently<T>(
  work: Promise<T>,
  harness: Pick<Harness<EventStore>, 'patience'>,
  what: string,
): Promise<T> {
  const over = new AbortController()
  const hangs = async (): Promise<never> => {
    await fired(patienceOf(harness), over.signal)
    await fired(patienceOf(harness), over.signal)
    return fail(`${what} has come to no end`)
  }
  try {
    return await Promise.race([work, hangs()])
  } finally {
    over.abort()
  }
}

function patienceOf(harness: Pick<Harness<EventStore>, 'patience'>): AbortSignal {
  return harness.patience?.() ?? AbortSignal.timeout(PATIENCE_MS)
}

/** Resolves when `signal` has fired; never, and holding nothing, once `over` has. */
function fired(signal: AbortSignal, over: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true, signal: over })
  })
}

const PATIENCE_MS = 10_000

/** Batches, portions or findings that no case comes near: what gives more has no end. */
const ITEMS_MAX = 5_000

/** Events that no case comes near. */
const EVENTS_MAX = 10_000

/**
 * Whatever is iterated, up to a bound. The turn is given up between two items: a reader that never
 * ends would otherwise keep the patience of the harness from ever being over.
 */
export async function* bounded<T>(items: AsyncIterable<T>): AsyncGenerator<T> {
  let count = 0
  for await (const item of items) {
    count += 1
    ok(count <= ITEMS_MAX, `an iteration has given ${ITEMS_MAX} items and comes to no end`)
    yield item
    await settled()
  }
}

/** `opened` holds the subject, and then every further connection. */
function createBench(harness: Harness<EventStore>, opened: EventStore[]): Bench {
  const store = (): EventStore => opened[0] as EventStore
  const prepare = (request: AppendRequest): PreparedUnit => preparedAt(harness.clock, request)
  return {
    get store() {
      return store()
    },
    harness,
    prepare,
    append: (request) => store().append(prepare(request)),
    async second() {
      ok(harness.openSecond, 'a store that supports.sharedByProcesses needs harness.openSecond')
      const second = await harness.openSecond(store())
      opened.push(second)
      return second
    },
    async reopen() {
      ok(harness.reopen, 'a store that supports.durable needs harness.reopen')
      opened[0] = await harness.reopen(store())
      return opened[0]
    },
    patience: () => patienceOf(harness),
  }
}

/** A unit of the kit's own gateway, prepared by a clock. */
export function preparedAt(clock: KitClock, request: AppendRequest): PreparedUnit {
  return prepareUnit(request, { taxonomy, clock: { now: () => clock.now() as Timestamp } })
}

/** A stream of the kit. */
export function kit(name: string): StreamId {
  return streamId(`kit/${name}`)
}

/** The id of an event of the kit. */
export function idOf(name: string, version: number): ReturnType<typeof eventId> {
  return eventId(kit(name), version as StreamVersion)
}

/** An event that notes a number. */
export function noted(n: number, more: Partial<NewEvent> = {}): NewEvent {
  return { type: 'KitNoted', data: { n }, ...more }
}

/** An event that notes a number, and names blobs. */
export function naming(n: number, ...blobs: readonly StagedBlob[]): NewEvent {
  return noted(n, {
    data: { n, blobs: blobs.map(({ digest, size }) => ({ $blob: digest, size })) },
  })
}

/** An event of an agent. */
export function proposed(n: number, agent = 'alice'): NewEvent {
  return { type: 'KitProposed', data: { n }, origin: `agent:${agent}` }
}

/** What a write may expect; plain numbers are versions. */
export type Expected = number | Exclude<ExpectedVersion, number>

/** One stream's part of a request. */
export function write(name: string, expected: Expected, ...events: NewEvent[]): StreamWrite {
  return { stream: kit(name), expectedVersion: expected as ExpectedVersion, events }
}

/** A request that writes one stream. */
export function toStream(name: string, expected: Expected, ...events: NewEvent[]): AppendRequest {
  return { writes: [write(name, expected, ...events)] }
}

/** Everything a store hands out, in one list. No batch may be empty. */
export async function gather(
  batches: AsyncIterable<readonly StoredEvent[]>,
): Promise<readonly StoredEvent[]> {
  const events: StoredEvent[] = []
  for await (const batch of bounded(batches)) {
    ok(batch.length > 0, 'a batch is empty')
    events.push(...batch)
    ok(events.length <= EVENTS_MAX, `a reading has given ${events.length} events and goes on`)
  }
  return events
}

/** A stored event in one line: `3 kit/a@2 n7`. */
export function line({ position, bytes }: StoredEvent): string {
  const { stream, version, data } = JSON.parse(bytes) as {
    stream: string
    version: number
    data: { n: number }
  }
  return `${position} ${stream}@${version} n${data.n}`
}

/** The whole log, or a part of it, as lines. */
export async function logLines(store: EventStore, query: ReadAllQuery = {}): Promise<string[]> {
  return (await gather(store.readAll(query))).map(line)
}

/** A stream, or a part of it, as lines. */
export async function streamLines(
  store: EventStore,
  name: string,
  query: Omit<ReadQuery, 'stream'> = {},
): Promise<string[]> {
  return (await gather(store.read({ stream: kit(name), ...query }))).map(line)
}

/** Asserts that a promise is rejected with a code; returns the error. */
export async function refused(
  promise: Promise<unknown>,
  code: string,
): Promise<{ readonly data: unknown }> {
  let value: unknown
  try {
    value = await promise
  } catch (error) {
    if (hasCode(error, code)) return error as { readonly data: unknown }
    throw error
  }
  return fail(`fulfilled with ${JSON.stringify(value)} instead of being refused with ${code}`)
}

/** Asserts that iterating is refused with a code. */
export function refusedRead(items: AsyncIterable<unknown>, code: string): Promise<unknown> {
  const drain = async (): Promise<number> => {
    let count = 0
    for await (const _ of bounded(items)) count += 1
    return count
  }
  return refused(drain(), code)
}

/**
 * Asserts that two values are the same, members and all.
 *
 * @param why - what is expected, in a sentence; the difference of the values follows it
 */
export function same(actual: unknown, expected: unknown, why?: string): void {
  try {
    deepStrictEqual(actual, expected)
  } catch (error) {
    if (why !== undefined && error instanceof Error) error.message = `${why}; ${error.message}`
    throw error
  }
}

/** Numbers from `from` to `to`, both included. */
export function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, i) => from + i)
}
