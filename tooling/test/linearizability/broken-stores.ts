/** Stores that break one promise each, as real ones do: they look at one time, act at another. */
import {
  EVENTS_CODES,
  type EventStore,
  EventsError,
  memoryEventStore,
  type PreparedUnit,
} from '@ice/events'
import { settled } from '@ice/primitives'

/** What a broken store is made of. */
interface Parts {
  readonly store: EventStore
  readonly clock: { now(): number }
  /** Lets others go first. */
  readonly pause: () => Promise<void>
}

/** A way to append. */
type Append = (unit: PreparedUnit, parts: Parts) => ReturnType<EventStore['append']>

const versionOf = async (store: EventStore, stream: string): Promise<number> => {
  let version = 0
  const query = { stream: stream as PreparedUnit['writes'][number]['stream'] }
  for await (const batch of store.read(query)) version += batch.length
  return version
}

const refuse = (code: typeof EVENTS_CODES.guardConflict | typeof EVENTS_CODES.tooLate): never => {
  throw new EventsError(code, 'as far as it looked')
}

/** Each appends in its own wrong way; the first does it right. */
export const APPENDS = {
  sound: async (unit, { store, pause }) => {
    await pause()
    const appended = await store.append(unit)
    await pause()
    return appended
  },
  'guards judged before the lock': async (unit, { store, pause }) => {
    const { guards = [], ...rest } = unit
    for (const { stream, version } of guards) {
      if ((await versionOf(store, stream)) !== version) refuse(EVENTS_CODES.guardConflict)
    }
    await pause()
    return store.append(rest)
  },
  'the clock read before the lock': async (unit, { store, clock, pause }) => {
    const { notAfter, ...rest } = unit
    if (notAfter !== undefined && clock.now() > notAfter) refuse(EVENTS_CODES.tooLate)
    await pause()
    return store.append(rest)
  },
  'no guards': async (unit, { store, pause }) => {
    await pause()
    return store.append({ ...unit, guards: [] })
  },
  'versions compared before the lock': async (unit, { store, pause }) => {
    const expected = await Promise.all(
      unit.writes.map(async ({ stream, expectedVersion }) =>
        expectedVersion === (await versionOf(store, stream)) ? 'any' : expectedVersion,
      ),
    )
    await pause()
    const writes = unit.writes.map((write, at) => ({
      ...write,
      expectedVersion: expected[at] ?? 'any',
    }))
    return store.append({ ...unit, writes })
  },
  'a unit in two steps': async (unit, { store, pause }) => {
    const [first, ...more] = unit.writes
    const appended = await store.append({
      ...unit,
      writes: [first ?? refuse(EVENTS_CODES.tooLate)],
    })
    await pause()
    if (more.length === 0) return appended
    const rest = await store.append({ writes: more })
    return { ...appended, writes: [...appended.writes, ...rest.writes] }
  },
  'an acknowledgement before the write': async (unit, { store, pause }) => {
    const head = await store.head()
    const versions = await Promise.all(unit.writes.map(({ stream }) => versionOf(store, stream)))
    void pause().then(() => store.append(unit).catch(() => undefined))
    let { position } = head
    const next = (): never => {
      position += 1
      return position as never
    }
    return {
      retried: false,
      writes: unit.writes.map(({ stream, events }, at) => ({
        stream,
        version: ((versions[at] ?? 0) + events.length) as never,
        positions: events.map(next),
        times: [],
      })),
    }
  },
  'withdrawn units that are written all the same': async (unit, { store, pause }) => {
    const { signal, ...rest } = unit
    await pause()
    const appended = await store.append(rest)
    if (signal?.aborted !== true) return appended
    throw new EventsError(EVENTS_CODES.aborted, 'withdrawn, it says')
  },
} as const satisfies Readonly<Record<string, Append>>

/** A store in memory that appends so. */
export const brokenStore = (
  append: Append,
  { clock, random }: { readonly clock: never; readonly random: () => number },
): EventStore => {
  const store = memoryEventStore({ clock })
  const pause = async (): Promise<void> => {
    for (let turns = random() % 4; turns > 0; turns -= 1) await settled()
  }
  return { ...store, append: (unit) => append(unit, { store, clock, pause }) }
}

/** A store whose readers sometimes see what was there a while ago. */
export const staleReader = (store: EventStore, random: () => number): EventStore => ({
  ...store,
  async *read(query) {
    const { position } = await store.head()
    const hidden = random() % 3 === 0 ? 1 : 0
    for await (const batch of store.read(query)) {
      const seen = batch.filter((event) => event.position <= position - hidden)
      if (seen.length > 0) yield seen
    }
  },
})
