/** Saboteurs of what a unit leaves behind, of its versions and its conditions. */
import type { Appended, PreparedUnit } from '../../src/ports.ts'
import {
  acknowledging,
  before,
  changing,
  EVENTS_CODES,
  endOf,
  eventsOf,
  expectedOf,
  forgiving,
  handing,
  inTurn,
  lie,
  parsed,
  refusal,
  type Saboteur,
  without,
} from './saboteur.ts'

const anyVersion = (unit: PreparedUnit): PreparedUnit => ({
  ...unit,
  writes: unit.writes.map((write) => ({ ...write, expectedVersion: 'any' })),
})

export const appendingSaboteurs: readonly Saboteur[] = [
  {
    id: 'acknowledges without times',
    breaks: 'EVT-R10',
    spoil: ({ store }) =>
      acknowledging(store, (appended) => ({
        ...appended,
        writes: appended.writes.map((write) => ({ ...write, times: [] })),
      })),
  },
  {
    id: 'sorts the writes of a unit',
    breaks: 'EVT-R10',
    spoil: ({ store }) =>
      changing(store, (unit) => ({
        ...unit,
        writes: unit.writes.toSorted((a, b) => (a.stream < b.stream ? -1 : 1)),
      })),
  },
  {
    id: 'commits write by write',
    breaks: 'EVT-R13',
    spoil: ({ store }) =>
      inTurn(store, async (unit) => {
        const parts: Appended[] = []
        for (const write of unit.writes)
          parts.push(await store.append({ ...unit, writes: [write] }))
        return {
          retried: parts.every(({ retried }) => retried),
          writes: parts.flatMap(({ writes }) => writes),
        }
      }),
  },
  {
    id: 'serialises events anew when read',
    breaks: 'EVT-R06',
    spoil: ({ store }) =>
      handing(
        store,
        (batch) =>
          batch.map((event) => {
            const { v, ...rest } = JSON.parse(event.bytes) as { v: number }
            return { ...event, bytes: JSON.stringify({ v, ...rest }) }
          }),
        'read',
        'readAll',
      ),
  },
  {
    id: 'leaves a gap where a unit was refused',
    breaks: 'EVT-R12',
    spoil: ({ store }) => {
      const refusals: number[] = []
      const moved = (position: number): never =>
        (position + refusals.filter((at) => at < position).length) as never
      return {
        ...inTurn(store, async (unit) => {
          try {
            return await store.append(unit)
          } catch (error) {
            refusals.push((await store.head()).position)
            throw error
          }
        }),
        ...handing(
          store,
          (batch) => batch.map((event) => ({ ...event, position: moved(event.position) })),
          'readAll',
        ),
      }
    },
  },
  {
    id: 'leaves agents out of streams',
    breaks: 'EVT-R12',
    spoil: ({ store }) =>
      handing(
        store,
        (batch) => batch.filter((event) => parsed(event).type !== 'KitProposed'),
        'read',
      ),
  },
  {
    id: 'swallows what is not prepared',
    breaks: 'EVT-R08',
    spoil: ({ store }) => forgiving(store, EVENTS_CODES.structural, async (unit) => lie(unit)),
  },
  {
    id: 'does not look at the signal of a unit',
    breaks: 'EVT-R24',
    spoil: ({ store }) => changing(store, (unit) => without(unit, 'signal')),
  },
  {
    id: 'says withdrawn of what it has written',
    breaks: 'EVT-R24',
    spoil: ({ store }) => ({
      async append(unit) {
        const appended = await store.append(unit)
        if (unit.signal?.aborted === true) throw refusal(EVENTS_CODES.aborted)
        return appended
      },
    }),
  },
  {
    id: 'reads a stream one event short',
    breaks: 'EVT-R30',
    spoil: ({ store }) => ({
      async *read(query) {
        const { version } = await endOf(store, query.stream)
        for await (const batch of store.read(query)) {
          const seen = batch.filter((event) => version < 3 || parsed(event).version < version)
          if (seen.length > 0) yield seen
        }
      },
    }),
  },
  {
    id: 'takes stale versions',
    breaks: 'EVT-R11',
    spoil: ({ store }) =>
      forgiving(store, EVENTS_CODES.versionConflict, async (unit) => {
        for (const write of unit.writes) {
          if (expectedOf(write) > (await endOf(store, write.stream)).version) return undefined
        }
        return store.append(anyVersion(unit))
      }),
  },
  {
    id: 'takes versions that are ahead',
    breaks: 'EVT-R11',
    spoil: ({ store }) =>
      forgiving(store, EVENTS_CODES.versionConflict, async (unit) => {
        for (const write of unit.writes) {
          if (expectedOf(write) <= (await endOf(store, write.stream)).version) return undefined
        }
        return store.append(anyVersion(unit))
      }),
  },
  {
    id: 'takes no stream for any version',
    breaks: 'EVT-R11',
    spoil: ({ store }) =>
      changing(store, (unit) => ({
        ...unit,
        writes: unit.writes.map((write) =>
          write.expectedVersion === 'no_stream' ? { ...write, expectedVersion: 'any' } : write,
        ),
      })),
  },
  {
    id: 'appends with any version only once',
    breaks: 'EVT-R11',
    spoil: ({ store }) => {
      const seen = new WeakSet<object>()
      return {
        async append(unit) {
          const known = eventsOf(unit).every((event) => seen.has(event))
          for (const event of eventsOf(unit)) seen.add(event)
          const isAny = unit.writes.every(({ expectedVersion }) => expectedVersion === 'any')
          return known && isAny ? lie(unit, true) : store.append(unit)
        },
      }
    },
  },
  {
    id: 'holds guards against positions',
    breaks: 'EVT-R14',
    spoil: ({ store }) =>
      inTurn(store, async (unit) => {
        for (const { stream, version } of unit.guards ?? []) {
          const { position } = await endOf(store, stream)
          if (position !== version) throw refusal(EVENTS_CODES.guardConflict)
        }
        return store.append(without(unit, 'guards'))
      }),
  },
  {
    id: 'ignores guards',
    breaks: 'EVT-R14',
    spoil: ({ store }) => changing(store, (unit) => without(unit, 'guards')),
  },
  {
    id: 'ignores guards of empty streams',
    breaks: 'EVT-R14',
    spoil: ({ store }) =>
      changing(store, (unit) => ({
        ...unit,
        guards: (unit.guards ?? []).filter(({ version }) => version > 0),
      })),
  },
  {
    id: 'lets a guard pass that is ahead',
    breaks: 'EVT-R14',
    spoil: ({ store }) =>
      forgiving(store, EVENTS_CODES.guardConflict, async (unit) => {
        for (const { stream, version } of unit.guards ?? []) {
          if ((await endOf(store, stream)).version > version) return undefined
        }
        return store.append(without(unit, 'guards'))
      }),
  },
  {
    id: 'looks at the first guard alone',
    breaks: 'EVT-R14',
    spoil: ({ store }) =>
      changing(store, (unit) => ({ ...unit, guards: (unit.guards ?? []).slice(0, 1) })),
  },
  {
    id: 'takes notAfter for the first instant too late',
    breaks: 'EVT-R15',
    spoil: ({ store, clock }) =>
      before(store, async ({ notAfter }) => {
        if (notAfter === clock.now()) throw refusal(EVENTS_CODES.tooLate)
      }),
  },
  {
    id: 'ignores notAfter',
    breaks: 'EVT-R15',
    spoil: ({ store }) => changing(store, (unit) => without(unit, 'notAfter')),
  },
  {
    id: 'holds notAfter against the time of preparation',
    breaks: 'EVT-R15',
    spoil: ({ store }) => ({
      async append(unit) {
        const prepared = Math.max(...eventsOf(unit).map((event) => event.timeAfter(0)))
        const late = unit.notAfter !== undefined && prepared > unit.notAfter
        return store.append(late ? unit : without(unit, 'notAfter'))
      },
    }),
  },
  {
    id: 'takes at most 500 events',
    breaks: 'EVT-R23',
    spoil: ({ store }) =>
      before(store, async (unit) => {
        if (eventsOf(unit).length > 500) throw refusal(EVENTS_CODES.unitLimit)
      }),
  },
  {
    id: 'takes at most 63 guards',
    breaks: 'EVT-R23',
    spoil: ({ store }) =>
      before(store, async (unit) => {
        if ((unit.guards ?? []).length > 63) throw refusal(EVENTS_CODES.unitLimit)
      }),
  },
  {
    id: 'keeps text as ASCII',
    breaks: 'EVT-R07',
    spoil: ({ store }) =>
      handing(
        store,
        (batch) =>
          batch.map((event) => ({
            ...event,
            bytes: event.bytes.replace(/[^\u0020-\u007e]/gu, '?'),
          })),
        'read',
        'readAll',
      ),
  },
]
