/** Saboteurs of retries, of the order of judgement, of times, of causes and of concurrency. */
import { setImmediate } from 'node:timers/promises'
import { sha256Hex } from '@ice/primitives'
import { bringsBytes } from '../../src/blob-bytes.ts'
import type { Appended, EventStore, PreparedEvent, PreparedUnit } from '../../src/ports.ts'
import { isPrepared } from '../../src/prepare.ts'
import {
  acknowledging,
  asRetry,
  before,
  EVENTS_CODES,
  endOf,
  eventsOf,
  expectedOf,
  forgiving,
  lie,
  parsed,
  refusal,
  type Saboteur,
  streamOf,
} from './saboteur.ts'

const { versionConflict, guardConflict, tooLate, temporal, causality } = EVENTS_CODES

async function checkVersions(store: EventStore, unit: PreparedUnit): Promise<void> {
  for (const write of unit.writes) {
    if (write.expectedVersion === 'any') continue
    const { version } = await endOf(store, write.stream)
    if (expectedOf(write) !== version) throw refusal(versionConflict)
  }
}

async function checkGuards(store: EventStore, unit: PreparedUnit): Promise<void> {
  for (const { stream, version } of unit.guards ?? []) {
    if ((await endOf(store, stream)).version !== version) throw refusal(guardConflict)
  }
}

async function checkTimes(
  store: EventStore,
  unit: PreparedUnit,
  isWrong: (time: number, last: number) => boolean,
): Promise<void> {
  for (const { stream, events } of unit.writes) {
    const { time } = await endOf(store, stream)
    const wrong = events.some(({ fixedTime }) => fixedTime !== null && isWrong(fixedTime, time))
    if (wrong) throw refusal(temporal)
  }
}

const isIn = (cause: string, events: readonly { readonly id: string }[]): boolean =>
  events.some(({ id }) => id === cause)

/** The ids a unit's events will have. */
async function idsOf(store: EventStore, unit: PreparedUnit): Promise<{ id: string }[]> {
  const ids: { id: string }[] = []
  for (const { stream, events } of unit.writes) {
    const { version } = await endOf(store, stream)
    ids.push(...events.map((_, i) => ({ id: `${stream}@${version + i + 1}` })))
  }
  return ids
}

const dataOf = (event: PreparedEvent, version: number): string =>
  JSON.stringify((JSON.parse(event.seal(version, 0).bytes) as { data: unknown }).data)

const withoutTime = (bytes: string): string => bytes.replace(/"time":\d+/, '')

const retries: readonly Saboteur[] = [
  {
    id: 'takes a retry for a conflict',
    breaks: 'EVT-R16',
    spoil: ({ store }) => ({
      async append(unit) {
        const appended = await store.append(unit)
        if (appended.retried) throw refusal(versionConflict)
        return appended
      },
    }),
  },
  {
    id: 'knows a retry only at the end of its stream',
    breaks: 'EVT-R16',
    spoil: ({ store }) => ({
      async append(unit) {
        const appended = await store.append(unit)
        for (const { stream, version } of appended.retried ? appended.writes : []) {
          if ((await endOf(store, stream)).version !== version) throw refusal(versionConflict)
        }
        return appended
      },
    }),
  },
  {
    id: 'answers a retry with new times',
    breaks: 'EVT-R16',
    spoil: ({ store }) =>
      acknowledging(store, (appended, unit) => ({
        ...appended,
        writes: appended.writes.map((write, i) =>
          appended.retried
            ? { ...write, times: unit.writes[i]?.events.map((event) => event.timeAfter(0)) ?? [] }
            : write,
        ),
      })),
  },
  {
    id: 'answers a retry with its first stream',
    breaks: 'EVT-R16',
    spoil: ({ store }) =>
      acknowledging(store, (appended) => ({
        ...appended,
        writes: appended.retried ? appended.writes.slice(0, 1) : appended.writes,
      })),
  },
  {
    id: 'knows a retry by its payload alone',
    breaks: 'EVT-R17',
    spoil: ({ store }) =>
      forgiving(store, versionConflict, (unit) =>
        asRetry(
          store,
          unit,
          (stored, event, version, i) =>
            (i === 0 || unit.writes.length > 1) &&
            JSON.stringify(parsed(stored).data) === dataOf(event, version),
        ),
      ),
  },
  {
    id: 'knows a retry whatever its given time',
    breaks: 'EVT-R17',
    spoil: ({ store }) =>
      forgiving(store, versionConflict, (unit) =>
        asRetry(
          store,
          unit,
          (stored, event, version) =>
            event.fixedTime !== null &&
            withoutTime(event.seal(version, 0).bytes) === withoutTime(stored.bytes),
        ),
      ),
  },
  {
    id: 'knows a retry by its first event',
    breaks: 'EVT-R17',
    spoil: ({ store }) =>
      forgiving(store, versionConflict, (unit) =>
        asRetry(
          store,
          unit,
          (stored, event, version, i) => i > 0 || event.matches(version, stored.bytes),
        ),
      ),
  },
  {
    id: 'takes any version for a retry beside one',
    breaks: 'EVT-R17',
    spoil: ({ store }) =>
      forgiving(store, versionConflict, async (unit) => {
        if (unit.writes.every(({ expectedVersion }) => expectedVersion !== 'any')) return undefined
        const writes = unit.writes.filter(({ expectedVersion }) => expectedVersion !== 'any')
        return asRetry(store, { ...unit, writes }, (stored, event, version) =>
          event.matches(version, stored.bytes),
        )
      }),
  },
]

const order: readonly Saboteur[] = [
  {
    id: 'judges conditions before retries',
    breaks: 'EVT-R18',
    spoil: ({ store, clock }) =>
      before(store, async (unit) => {
        await checkGuards(store, unit)
        if (clock.now() > (unit.notAfter ?? Number.POSITIVE_INFINITY)) throw refusal(tooLate)
      }),
  },
  {
    id: 'judges versions before blobs',
    breaks: 'EVT-R18',
    spoil: ({ store }) =>
      before(store, async (unit) => {
        const blobs = (unit.blobs ?? []).filter(bringsBytes)
        const wrong = blobs.some(({ digest, bytes }) => sha256Hex(bytes) !== (digest as string))
        if (wrong) await checkVersions(store, unit)
      }),
  },
  {
    id: 'judges times first',
    breaks: 'EVT-R18',
    spoil: ({ store }) =>
      before(store, (unit) => checkTimes(store, unit, (time, last) => time < last)),
  },
  {
    id: 'judges notAfter first',
    breaks: 'EVT-R18',
    spoil: ({ store, clock }) =>
      before(store, async ({ notAfter = Number.POSITIVE_INFINITY }) => {
        if (clock.now() > notAfter) throw refusal(tooLate)
      }),
  },
  {
    id: 'judges causes before times',
    breaks: 'EVT-R18',
    spoil: ({ store }) =>
      forgiving(store, temporal, async (unit) => {
        for (const cause of eventsOf(unit).flatMap(({ causes }) => causes)) {
          const rows = await streamOf(store, cause.split('@')[0] ?? '')
          if (!isIn(cause, rows.map(parsed))) throw refusal(causality)
        }
        return undefined
      }),
  },
]

const times: readonly Saboteur[] = [
  {
    id: 'acknowledges with the time of the append',
    breaks: 'EVT-R19',
    spoil: ({ store, clock }) =>
      acknowledging(store, (appended) => ({
        ...appended,
        writes: appended.writes.map((write) => ({
          ...write,
          times: write.times.map(() => clock.now() as never),
        })),
      })),
  },
  {
    id: 'swallows events that are too early',
    breaks: 'EVT-R19',
    spoil: ({ store }) => forgiving(store, temporal, async (unit) => lie(unit)),
  },
  {
    id: 'holds times against the stream alone',
    breaks: 'EVT-R19',
    spoil: ({ store }) =>
      forgiving(store, temporal, async (unit) => {
        for (const { stream, events } of unit.writes) {
          const { time } = await endOf(store, stream)
          if (events.some(({ fixedTime }) => fixedTime !== null && fixedTime < time))
            return undefined
        }
        return lie(unit)
      }),
  },
  {
    id: 'wants times that increase',
    breaks: 'EVT-R19',
    spoil: ({ store }) =>
      before(store, (unit) => checkTimes(store, unit, (time, last) => time === last)),
  },
  {
    id: 'holds times against the whole log',
    breaks: 'EVT-R19',
    spoil: ({ store }) => {
      let last = 0
      return before(store, async (unit) => {
        const given = eventsOf(unit).flatMap(({ fixedTime }) => fixedTime ?? [])
        if (given.some((time) => time < last)) throw refusal(temporal)
        last = Math.max(last, ...given)
      })
    },
  },
]

const causes: readonly Saboteur[] = [
  {
    id: 'takes causes of the same stream only',
    breaks: 'EVT-R20',
    spoil: ({ store }) =>
      before(store, async (unit) => {
        const foreign = eventsOf(unit).some((event) =>
          event.causes.some((cause) => !cause.startsWith(`${event.stream}@`)),
        )
        if (foreign) throw refusal(causality)
      }),
  },
  {
    id: 'swallows events with unknown causes',
    breaks: 'EVT-R20',
    spoil: ({ store }) => forgiving(store, causality, async (unit) => lie(unit)),
  },
  {
    id: 'takes the causes of a unit from all of it',
    breaks: 'EVT-R20',
    spoil: ({ store }) =>
      forgiving(store, causality, async (unit) => {
        const ids = await idsOf(store, unit)
        const named = eventsOf(unit).flatMap((event) => event.causes)
        return named.every((cause) => isIn(cause, ids)) ? lie(unit) : undefined
      }),
  },
  {
    id: 'takes causes from the log alone',
    breaks: 'EVT-R20',
    spoil: ({ store }) =>
      before(store, async (unit) => {
        const ids = await idsOf(store, unit)
        const named = eventsOf(unit).flatMap((event) => event.causes)
        if (named.some((cause) => isIn(cause, ids))) throw refusal(causality)
      }),
  },
]

/** Units that arrive in one turn, handled together. */
function gathered(
  handle: (units: readonly PreparedUnit[]) => Promise<PromiseSettledResult<Appended>[]>,
): Pick<EventStore, 'append'> {
  let units: PreparedUnit[] = []
  let batch: Promise<PromiseSettledResult<Appended>[]> | undefined
  return {
    async append(unit) {
      const at = units.push(unit) - 1
      batch ??= setImmediate().then(() => {
        const taken = units
        units = []
        batch = undefined
        return handle(taken)
      })
      const result = (await batch)[at]
      if (result?.status !== 'fulfilled') throw result?.reason
      return result.value
    },
  }
}

/** What tells a unit from others, for units that expect a version. */
const keyOf = ({ writes }: PreparedUnit): string =>
  JSON.stringify(
    writes.map((write) => [
      write.stream,
      write.expectedVersion,
      write.events.map((event, i) => dataOf(event, expectedOf(write) + i + 1)),
    ]),
  )

const together: readonly Saboteur[] = [
  {
    id: 'answers a unit that is under way for the one that comes after it',
    breaks: 'EVT-R16',
    spoil: ({ store }) => {
      const underWay = new Map<string, Promise<Appended>>()
      return {
        append(unit) {
          const isAny = unit.writes?.some(({ expectedVersion }) => expectedVersion === 'any')
          if (isAny !== false || unit.blobs !== undefined) return store.append(unit)
          if (!eventsOf(unit).every(isPrepared)) return store.append(unit)
          const key = keyOf(unit)
          const answer = underWay.get(key) ?? store.append(unit)
          underWay.set(key, answer)
          const end = (): boolean => underWay.delete(key)
          answer.then(end, end)
          return answer
        },
      }
    },
  },
  {
    id: 'serves the last unit first',
    breaks: 'EVT-R21',
    spoil: ({ store }) =>
      gathered(async (units) =>
        (
          await Promise.allSettled(units.toReversed().map((unit) => store.append(unit)))
        ).toReversed(),
      ),
  },
  {
    id: 'fails a batch as one',
    breaks: 'EVT-R21',
    spoil: ({ store }) =>
      gathered(async (units) => {
        const results = await Promise.allSettled(units.map((unit) => store.append(unit)))
        const failed = results.find(({ status }) => status === 'rejected')
        return failed === undefined ? results : results.map(() => failed)
      }),
  },
  {
    id: 'looks at versions and writes later',
    breaks: 'EVT-R22',
    spoil: ({ store }) => ({
      async append(unit) {
        for (const write of unit.writes) {
          const { version } = await endOf(store, write.stream)
          if (expectedOf(write) !== version) return store.append(unit)
        }
        await Promise.resolve()
        const writes = unit.writes.map((write) => ({ ...write, expectedVersion: 'any' as const }))
        return store.append({ ...unit, writes })
      },
    }),
  },
  {
    id: 'loses one of two units for any version',
    breaks: 'EVT-R22',
    spoil: ({ store }) => {
      let busy = false
      return {
        async append(unit) {
          if (unit.writes[0]?.expectedVersion !== 'any') return store.append(unit)
          if (busy) return lie(unit)
          busy = true
          await Promise.resolve()
          busy = false
          return store.append(unit)
        },
      }
    },
  },
]

export const judgingSaboteurs: readonly Saboteur[] = [
  ...retries,
  ...order,
  ...times,
  ...causes,
  ...together,
]
