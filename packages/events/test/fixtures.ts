/** What several tests of this package need. */
import { hasCode, type StreamId, streamId, timestamp } from '@ice/primitives'
import { type ManualClock, manualClock } from '@ice/primitives/testing'
import { createEventLog } from '../src/log.ts'
import { memoryEventStore } from '../src/memory.ts'
import type { AppendRequest, EventLog, EventStore, NewEvent, StoredEvent } from '../src/ports.ts'
import type { Taxonomy } from '../src/taxonomy.ts'
import { testTaxonomy } from '../src/testing/index.ts'

export const NOON = 1_767_268_800_000

export interface Room {
  readonly clock: ManualClock
  readonly store: EventStore
  readonly log: EventLog
}

export function memoryRoom(taxonomy: Taxonomy = testTaxonomy()): Room {
  const clock = manualClock(NOON)
  const store = memoryEventStore({ clock })
  return { clock, store, log: createEventLog({ store, taxonomy, clock }) }
}

export const at = timestamp
export const stream = (name: string): StreamId => streamId(`test/${name}`)

export function noted(n: number, more: Partial<NewEvent> = {}): NewEvent {
  return { type: 'NumberNoted', data: { n }, ...more }
}

/** A request for one stream at whatever version it has. */
export function toStream(name: string, ...events: NewEvent[]): AppendRequest {
  return { writes: [{ stream: stream(name), expectedVersion: 'any', events }] }
}

/** The code a promise is rejected with; `fulfilled` when it is not. */
export async function codeOf(promise: Promise<unknown>): Promise<string> {
  return (await errorOf(promise)).code
}

export interface Refusal {
  readonly code: string
  readonly data?: unknown
  readonly message?: string
}

export async function errorOf(promise: Promise<unknown>): Promise<Refusal> {
  try {
    await promise
    return { code: 'fulfilled' }
  } catch (error) {
    return error as Refusal
  }
}

export async function storedEvents(store: Pick<EventStore, 'readAll'>): Promise<StoredEvent[]> {
  const events: StoredEvent[] = []
  for await (const batch of store.readAll({})) events.push(...batch)
  return events
}

/** Asserts nothing; tells whether an error has a code, for `expect(...).toSatisfy`. */
export const withCode =
  (code: string) =>
  (error: unknown): boolean =>
    hasCode(error, code)
