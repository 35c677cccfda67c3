import { type StreamId, streamId } from '@ice/primitives'
import { describe, expect, it } from 'vitest'
import {
  CommitQueue,
  GROUP_EVENTS_MAX,
  type GroupResult,
  QUEUE_EVENT_BYTES_MAX,
  QUEUE_UNITS_MAX,
  type QueuedUnit,
  type Settlement,
  type UnitOutcome,
} from '../../src/adapter/index.ts'
import { EVENTS_CODES, EventsError } from '../../src/errors.ts'
import { prepareUnit } from '../../src/gateway.ts'
import type { Appended, ExpectedVersion, PreparedUnit } from '../../src/ports.ts'
import { testTaxonomy } from '../../src/testing/index.ts'
import { memoryRoom, toStream } from '../fixtures.ts'

const alice: StreamId = streamId('note/alice')

/** The queue looks at nothing of a unit but how many events it has and what it expects. */
function unit(init: {
  expectedVersion?: ExpectedVersion
  events?: number
  signal?: AbortSignal
}): PreparedUnit {
  const { expectedVersion = 'no_stream', events = 1, signal } = init
  const list = Array.from({ length: events }, () => ({}))
  return {
    writes: [{ stream: alice, expectedVersion, events: list }],
    ...(signal === undefined ? {} : { signal }),
  } as unknown as PreparedUnit
}

const yes: Appended = { writes: [], retried: false }
const done = (group: readonly unknown[]): GroupResult => ({
  kind: 'done',
  outcomes: group.map((): UnitOutcome => ({ appended: yes })),
  grown: true,
})

type Group = readonly QueuedUnit<string>[]

/** A queue over what the test says, on a clock that a pause moves on. */
function queueOver(write: (group: Group) => GroupResult | Promise<GroupResult>) {
  const seen: (readonly string[])[] = []
  const told = { grown: 0, lost: [] as unknown[], pauses: [] as number[] }
  let now = 0
  const queue = new CommitQueue<string>({
    write: (group) => {
      seen.push(group.map(({ note }) => note))
      return write(group)
    },
    failure: (error, fate) =>
      new EventsError(EVENTS_CODES.unavailable, String(error), { fate }, error),
    grown: () => {
      told.grown += 1
    },
    lost: (cause) => told.lost.push(cause),
    clock: {
      monotonicMs: () => now,
      sleep: async (ms) => {
        told.pauses.push(ms)
        now += ms
      },
    },
    log: 'the log',
    data: { log: 'the log' },
    waitMs: 100,
    pauseMs: { min: 8, max: 32 },
  })
  return { queue, seen, told }
}

async function fateOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => 'appended',
    (error: EventsError) => [error.code, error.data['fate'] ?? error.data['reason']],
  )
}

const UNKNOWN = [EVENTS_CODES.unavailable, 'unknown']
const NONE = [EVENTS_CODES.unavailable, 'none']

/** Verifies: EVT-R80 */
describe('a group', () => {
  it('holds what arrived together, in the order of arrival, up to its bound', async () => {
    const { queue, seen, told } = queueOver(done)
    const half = unit({ events: GROUP_EVENTS_MAX / 2 })
    await Promise.all(['a', 'b', 'c'].map((note) => queue.add(half, note)))
    expect(seen).toEqual([['a', 'b'], ['c']])
    expect([told.grown, queue.size]).toEqual([2, 0])
  })

  it('waits for the one before it, however long that takes', async () => {
    let finish: (result: GroupResult) => void = () => undefined
    const { queue, seen } = queueOver((group) =>
      seen.length > 1 ? done(group) : new Promise((resolve) => (finish = resolve)),
    )
    const first = queue.add(unit({}), 'a')
    await new Promise((resolve) => setImmediate(resolve))
    await new Promise((resolve) => setImmediate(resolve))
    const second = queue.add(unit({}), 'b')
    await new Promise((resolve) => setImmediate(resolve))
    expect(seen).toEqual([['a']])
    finish(done(['a']))
    await Promise.all([first, second])
    expect(seen).toEqual([['a'], ['b']])
  })

  it('of which only a part was written puts the rest first into the next', async () => {
    const { queue, seen } = queueOver((group) => done(group.slice(0, 2)))
    await Promise.all(['a', 'b', 'c'].map((note) => queue.add(unit({}), note)))
    expect(seen).toEqual([['a', 'b', 'c'], ['c']])
  })

  it('answers nobody twice when its store is at fault, and gives the store up', async () => {
    const fault = new TypeError('a bug')
    const { queue, told } = queueOver(() => Promise.reject(fault))
    expect(await fateOf(queue.add(unit({}), 'a'))).toEqual(UNKNOWN)
    expect(told.lost).toEqual([fault])
    const empty = queueOver(() => ({ kind: 'done', outcomes: [], grown: false }))
    expect(await fateOf(empty.queue.add(unit({}), 'a'))).toEqual(UNKNOWN)
  })
})

/** Verifies: EVT-R81 */
describe('a transaction that fails', () => {
  it('is tried again in longer and longer pauses, and then given up for all', async () => {
    const error = 'busy'
    const { queue, told } = queueOver(() => ({ kind: 'failed', error, mayRetry: true }))
    const units = ['a', 'b'].map((note) => fateOf(queue.add(unit({}), note)))
    expect(await Promise.all(units)).toEqual([NONE, NONE])
    expect(told.pauses).toEqual([8, 16, 32, 32, 32])
    expect(told.lost).toEqual([])
  })

  it('for good concerns the units that were in it, and no other', async () => {
    let isFirst = true
    const { queue, seen } = queueOver((group) => {
      if (!isFirst) return done(group)
      isFirst = false
      return { kind: 'failed', error: 'full', mayRetry: false, concerned: 1 }
    })
    const units = ['a', 'b'].map((note) => fateOf(queue.add(unit({}), note)))
    expect(await Promise.all(units)).toEqual([NONE, 'appended'])
    expect(seen).toEqual([['a', 'b'], ['b']])
  })

  it('and takes the store with it leaves nobody waiting', async () => {
    const { queue, told } = queueOver(() => ({
      kind: 'lost',
      error: 'io',
      fate: 'unknown',
      concerned: 1,
    }))
    const units = ['a', 'b'].map((note) => fateOf(queue.add(unit({}), note)))
    expect(await Promise.all(units)).toEqual([UNKNOWN, NONE])
    expect(told.lost).toEqual(['io'])
    await queue.idle()
  })
})

/** A queue whose first transaction loses its answer. */
function doubtful(settlements: readonly Settlement[]) {
  const left = [...settlements]
  let isFirst = true
  return queueOver((group) => {
    if (!isFirst) return done(group)
    isFirst = false
    return {
      kind: 'unknown',
      error: 'cut',
      fates: ['unknown', 'none'],
      settle: async () => left.shift() ?? { kind: 'absent' },
    }
  })
}

/** Verifies: EVT-R82 */
describe('a commit whose answer is lost', () => {
  const away: Settlement = { kind: 'unknown', error: 'away', mayRetry: true }
  const kept: Settlement = { kind: 'kept', outcomes: [{ appended: yes }] }

  it('is acknowledged when it stands in the log, and nothing is sent again', async () => {
    const { queue, seen } = doubtful([away, kept])
    expect(await queue.add(unit({}), 'a')).toBe(yes)
    expect(seen).toEqual([['a']])
  })

  it('is written again when it does not stand there', async () => {
    const { queue, seen } = doubtful([away, { kind: 'absent' }])
    expect(await queue.add(unit({}), 'a')).toBe(yes)
    expect(seen).toEqual([['a'], ['a']])
  })

  it('stays unknown for a unit of any version, which nothing tells from another', async () => {
    const { queue } = doubtful([kept])
    expect(await fateOf(queue.add(unit({ expectedVersion: 'any' }), 'a'))).toEqual(UNKNOWN)
  })

  it('is given up in time, each unit with what is known of it', async () => {
    const { queue, told } = doubtful(Array.from({ length: 50 }, () => away))
    const units = ['a', 'b'].map((note) => fateOf(queue.add(unit({}), note)))
    expect(await Promise.all(units)).toEqual([UNKNOWN, NONE])
    expect(told.lost).toEqual([])
    expect(await queue.add(unit({}), 'c')).toBe(yes)
  })

  it('gives the store up when the log is another one', async () => {
    const { queue, told } = doubtful([{ kind: 'lost', error: 'rewound' }])
    expect(await fateOf(queue.add(unit({}), 'a'))).toEqual(UNKNOWN)
    expect(told.lost).toEqual(['rewound'])
  })
})

/** Verifies: EVT-R83 */
describe('a unit that waits', () => {
  it('is withdrawn by its signal, unless it is under way', async () => {
    const waits = new AbortController()
    const goes = new AbortController()
    const { queue, seen } = queueOver((group) => {
      goes.abort()
      return done(group)
    })
    const first = fateOf(queue.add(unit({ signal: waits.signal }), 'a'))
    const second = fateOf(queue.add(unit({ signal: goes.signal }), 'b'))
    waits.abort()
    expect(await first).toEqual([EVENTS_CODES.aborted, undefined])
    expect(await second).toBe('appended')
    expect(seen).toEqual([['b']])
  })

  it('and was withdrawn while its transaction failed is told so, and not written', async () => {
    const controller = new AbortController()
    const { queue, seen } = queueOver(() => {
      controller.abort()
      return { kind: 'failed', error: 'busy', mayRetry: true }
    })
    const withdrawn = await fateOf(queue.add(unit({ signal: controller.signal }), 'a'))
    expect(withdrawn).toEqual([EVENTS_CODES.aborted, undefined])
    expect(seen).toEqual([['a']])
  })

  it('is refused at once when too many wait, and when it is no unit', async () => {
    const { queue } = queueOver(() => new Promise<GroupResult>(() => undefined))
    const one = unit({})
    for (let i = 0; i < QUEUE_UNITS_MAX; i += 1) void queue.add(one, 'a')
    await expect(queue.add(one, 'b')).rejects.toMatchObject({
      code: EVENTS_CODES.unavailable,
      data: { reason: 'queue_full', fate: 'none', queued: QUEUE_UNITS_MAX },
    })
    expect(() => queue.add({} as PreparedUnit, 'c')).toThrow(TypeError)
    expect(() => queue.add(unit({ events: 0 }), 'd')).toThrow(TypeError)
  })

  it('is refused at once when the events that wait are too large, however few', async () => {
    const { queue } = queueOver(() => new Promise<GroupResult>(() => undefined))
    const name = 'x'.repeat(8_000)
    const { clock } = memoryRoom()
    const data = { first: name, last: name, language: name }
    const request = toStream('large', { type: 'PersonGreeted', data })
    const large = prepareUnit(request, { taxonomy: testTaxonomy(), clock })
    const events = Math.floor(QUEUE_EVENT_BYTES_MAX / (large.writes[0]?.events[0]?.size ?? 0))
    for (let i = 0; i < events; i += 1) void queue.add(large, 'a')
    await expect(queue.add(large, 'b')).rejects.toMatchObject({
      code: EVENTS_CODES.unavailable,
      data: { reason: 'queue_full', fate: 'none', queued: events },
    })
    expect(events).toBeLessThan(QUEUE_UNITS_MAX / 20)
  })

  it('leaves no trace when it is withdrawn again and again', async () => {
    const { queue } = queueOver(() => new Promise<GroupResult>(() => undefined))
    const stays = fateOf(queue.add(unit({}), 'a'))
    for (let i = 0; i < 20_000; i += 1) {
      const controller = new AbortController()
      const gone = fateOf(queue.add(unit({ signal: controller.signal }), 'b'))
      controller.abort()
      if (i % 5_000 === 0) await gone
    }
    expect(queue.size).toBe(1)
    void stays
  })
})
