/** Cases of what is ready, what lies ahead, and counts. */

import type { OwnerId } from '@ice/primitives'
import type { ReadyQuery, RunRow, RunRows } from '../index-ports.ts'
import type { KitCase } from './case.ts'
import { fill, numbers, row, same, time } from './rows.ts'

const PROGRAMS = [{ name: 'test', version: '1' }]

async function ready(rows: RunRows, query: Partial<ReadyQuery> = {}): Promise<readonly number[]> {
  const all = { now: time(0), programs: PROGRAMS, perQueue: 10, ...query }
  return numbers(await rows.ready(all))
}

const asleep = (n: number, until: number | null, told: Partial<RunRow> = {}): RunRow =>
  row(n, { standing: 'asleep', until: until === null ? null : time(until), ...told })

export const readyCases: readonly KitCase<RunRows>[] = [
  {
    id: 'ready-in-order',
    name: 'ready runs come by priority, then by age, then by id',
    requirement: 'RUN-R163',
    async run({ subject }) {
      await fill(subject, [
        row(1, { since: time(9) }),
        row(2, { since: time(8) }),
        row(3, { since: time(9), priority: 5 }),
        row(4, { since: time(8) }),
        row(5, { since: time(1), priority: -5 }),
      ])
      same(await ready(subject), [3, 2, 4, 1, 5])
    },
  },
  {
    id: 'ready-by-standing',
    name: 'what is held, quarantined, ended or asleep is not ready',
    requirement: 'RUN-R163',
    async run({ subject }) {
      const others = ['held', 'quarantined', 'ended', 'asleep'] as const
      await fill(subject, [...others.map((standing, n) => row(n + 1, { standing })), row(9)])
      same(await ready(subject, { now: time(1_000_000) }), [9])
    },
  },
  {
    id: 'ready-when-due',
    name: 'a sleeper is ready from the millisecond at which it is due, and since then',
    requirement: 'RUN-R163',
    async run({ subject }) {
      await fill(subject, [
        asleep(1, 100),
        asleep(2, 50),
        asleep(3, null),
        row(4, { since: time(70) }),
      ])
      same(await ready(subject, { now: time(49) }), [4])
      same(await ready(subject, { now: time(50) }), [2, 4])
      same(await ready(subject, { now: time(100) }), [2, 4, 1])
      const query = { now: time(60), programs: PROGRAMS, perQueue: 1 }
      same(
        (await subject.ready(query)).map(({ since }) => since),
        [time(50)],
      )
    },
  },
  {
    id: 'ready-for-programs',
    name: 'only runs of the programs that are told, in the versions that are told, are ready',
    requirement: 'RUN-R163',
    async run({ subject }) {
      await fill(subject, [
        row(1),
        row(2, { program: { name: 'test', version: '2' } }),
        row(3, { program: { name: 'other', version: '1' } }),
        asleep(4, 0, { program: { name: 'test', version: '2' } }),
      ])
      same(await ready(subject), [1])
      const programs = [
        { name: 'test', version: '2' },
        { name: 'other', version: '2' },
      ]
      same(await ready(subject, { programs }), [4, 2])
      same(await ready(subject, { programs: [] }), [])
    },
  },
  {
    id: 'ready-of-each-queue',
    name: 'the first of each queue are given, and no long queue hides another',
    requirement: 'RUN-R163',
    async run({ subject }) {
      const long = Array.from({ length: 20 }, (_, n) => row(n + 1, { queue: 'long', priority: 9 }))
      await fill(subject, [...long, row(30, { queue: 'short' }), asleep(31, 0, { queue: 'due' })])
      same(await ready(subject, { perQueue: 2 }), [31, 1, 2, 30])
      same(await ready(subject, { perQueue: 2, queues: ['short', 'none'] }), [30])
      same(await ready(subject, { queues: [] }), [])
    },
  },
  {
    id: 'ready-passes-over',
    name: 'runs with a busy key, and runs that are told, are passed over',
    requirement: 'RUN-R163',
    async run({ subject }) {
      await fill(subject, [
        row(1, { concurrencyKey: 'a' }),
        row(2, { concurrencyKey: 'b' }),
        row(3),
        asleep(4, 0, { concurrencyKey: 'a' }),
        asleep(5, 0),
      ])
      same(await ready(subject, { keysBusy: ['a', 'c'] }), [5, 2, 3])
      same(await ready(subject, { except: [row(3).run, row(5).run] }), [4, 1, 2])
      same(await ready(subject, { perQueue: 1, keysBusy: ['a'], except: [row(5).run] }), [2])
    },
  },
  {
    id: 'outlook',
    name: 'the next due time, the next deadline, owners and awaited types are told',
    requirement: 'RUN-R164',
    async run({ subject }) {
      same(await subject.outlook(time(0)), {
        nextDue: null,
        nextDeadline: null,
        owners: [],
        listenedFor: [],
      })
      const listens = [{ step: 'e', types: ['B', 'A'], streamPrefix: '', after: 0 }]
      await fill(subject, [
        asleep(1, 90),
        asleep(2, 80, { listens }),
        asleep(3, null, { deadline: time(5), aborting: true }),
        row(4, { standing: 'held', owner: 'bob' as OwnerId, deadline: time(70) }),
        row(5, { standing: 'held', owner: 'bob' as OwnerId, until: time(1), listens }),
        row(6, { standing: 'held', listens: [{ ...listens[0], types: ['C'] } as never] }),
        row(7, { standing: 'ended', owner: 'mallory' as OwnerId, deadline: time(1) }),
      ])
      same(await subject.outlook(time(0)), {
        nextDue: time(80),
        nextDeadline: time(70),
        owners: ['alice', 'bob'],
        listenedFor: ['A', 'B'],
      })
      same((await subject.outlook(time(80))).nextDue, time(90))
      same((await subject.outlook(time(90))).nextDue, null)
    },
  },
  {
    id: 'counts',
    name: 'runs that are not ended are counted by queue and standing, with those in doubt or due',
    requirement: 'RUN-R164',
    async run({ subject }) {
      await fill(subject, [
        row(1),
        row(2, { since: time(-5), doubts: ['a', 'b'] }),
        row(3, { queue: 'mail', standing: 'asleep', doubts: ['a'] }),
        row(4, { standing: 'ended', doubts: ['a'] }),
        row(5, { standing: 'held' }),
        asleep(6, 20, { queue: 'mail' }),
        asleep(7, 21, { queue: 'mail' }),
      ])
      same(await subject.counts(time(20)), [
        { queue: 'default', standing: 'held', runs: 1, inDoubt: 0, due: 0, oldest: time(5) },
        { queue: 'default', standing: 'ready', runs: 2, inDoubt: 1, due: 0, oldest: time(-5) },
        { queue: 'mail', standing: 'asleep', runs: 3, inDoubt: 1, due: 1, oldest: time(3) },
      ])
    },
  },
]
