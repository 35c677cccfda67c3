/**
 * The network between a process and the store: every call takes its turns on the way, and may be
 * lost, be forgotten, or come twice.
 *
 *     process ── append ──► (turn) ── store ── (turn) ──► acknowledgement
 *                             lose │      │ forget, repeat
 *
 * A process that dies while its append is on the way has written or has not: it depends on whose
 * turn came first.
 */
import type {
  Appended,
  EventStore,
  PreparedUnit,
  ReadAllQuery,
  ReadQuery,
  StoredEvent,
} from '@ice/events/ports'
import { IceError } from '@ice/primitives'
import type { Choices } from './choices.ts'
import type { Scheduler, Turnable } from './scheduler.ts'
import type { Faults } from './simulation-ports.ts'

/** What a network is made of. */
export interface NetworkInit {
  readonly store: EventStore
  readonly scheduler: Scheduler
  readonly choices: Choices
  readonly of: Turnable
  /** What may befall now. */
  readonly faults: () => Faults
  /** A unit is about to reach the store. @returns what to do once it is in the log */
  readonly arriving: (unit: PreparedUnit) => () => void
  /** It has reached it, and was taken or not. */
  readonly arrived: () => Promise<void>
  /** A process is told that its unit is in the log; `null`: it is told anything else. */
  readonly heard: (unit: PreparedUnit, appended: Appended | null) => void
  readonly lost: () => void
}

/** The store, as a process far from it sees it. */
export function networked(init: NetworkInit): EventStore {
  const { store, scheduler, of } = init
  const turn = (what: string): Promise<void> => scheduler.post(of, what)
  const reading = (
    what: string,
    read: () => AsyncIterable<readonly StoredEvent[]>,
  ): AsyncIterable<readonly StoredEvent[]> => readOver(init, what, read)
  return {
    supports: store.supports,
    durability: store.durability,
    incarnation: store.incarnation,
    blobs: store.blobs,
    append: (unit) => appendOver(init, unit),
    read: (query: ReadQuery) => reading(`read ${query.stream}`, () => store.read(query)),
    readAll: (query: ReadAllQuery) => reading('read the log', () => store.readAll(query)),
    subscribe: (query) => store.subscribe(query),
    head: async () => {
      await turn('read the head')
      return store.head()
    },
    check: (options) => store.check(options),
    close: async () => undefined,
  }
}

async function appendOver(init: NetworkInit, unit: PreparedUnit): Promise<Appended> {
  const { store, scheduler, of, choices, faults } = init
  const what = whatOf(unit)
  await scheduler.post(of, `append ${what}`)
  if (choices.chance(faults().lose)) {
    init.lost()
    throw unavailable('none')
  }
  let end: { readonly appended: Appended } | { readonly error: unknown }
  try {
    end = { appended: await reach(init, unit) }
    if (choices.chance(faults().repeat)) end = { appended: await store.append(unit) }
  } catch (error) {
    end = { error }
  }
  await init.arrived()
  const told = 'error' in end ? 'refusal' : 'acknowledgement'
  await scheduler.post(of, `${told} of ${what}`)
  if (choices.chance(faults().forget)) {
    init.lost()
    init.heard(unit, null)
    throw unavailable('unknown')
  }
  init.heard(unit, 'appended' in end ? end.appended : null)
  if ('error' in end) throw end.error
  return end.appended
}

async function reach({ store, arriving }: NetworkInit, unit: PreparedUnit): Promise<Appended> {
  const taken = arriving(unit)
  const appended = await store.append(unit)
  if (!appended.retried) taken()
  return appended
}

async function* readOver(
  { scheduler, of, choices, faults }: NetworkInit,
  what: string,
  read: () => AsyncIterable<readonly StoredEvent[]>,
): AsyncGenerator<readonly StoredEvent[]> {
  await scheduler.post(of, what)
  const batches: (readonly StoredEvent[])[] = []
  for await (const batch of read()) batches.push(batch)
  if (choices.chance(faults().late)) await scheduler.post(of, `${what}, late`)
  yield* batches
}

function unavailable(fate: 'none' | 'unknown'): IceError {
  const message = `The network lost it; fate ${fate}`
  return new IceError({ code: 'ICE_EVENTS_UNAVAILABLE', message, data: { fate }, retryable: true })
}

/** What a unit writes, for people: streams, and the types of events. */
function whatOf({ writes }: PreparedUnit): string {
  return writes
    .map(({ stream, events }) => `${stream}: ${events.map(({ type }) => type).join(' ')}`)
    .join('; ')
}
