/** Cases of keeping rows: what was moved in is there, whole, with its mark. */

import { RUNS_CODES } from '../errors.ts'
import type { RunRow, RunRows } from '../index-ports.ts'
import type { KitCase } from './case.ts'
import { fill, found, id, refused, row, same, time } from './rows.ts'

const mark = (position: number, incarnation = 'one') => ({ incarnation, position })

/** A row with something in every member, and names that are no names of ours. */
const FULL: RunRow = row(7, {
  program: { name: 'a "program"; --', version: "1.0'0" },
  state: 'VALIDATING',
  standing: 'asleep',
  queue: '__proto__',
  concurrencyKey: 'constructor',
  priority: -1000,
  parent: id(3),
  line: id(2),
  continuedAs: id(9),
  key: 'key\u2028%_\\',
  tags: Object.fromEntries([
    ['__proto__', '1'],
    ['toString', ''],
    ['tenant', 'ä\u{1f9ca}'],
  ]),
  until: time(9),
  deadline: time(10),
  aborting: true,
  doubts: ['mail/1', 'mail/2'],
  listens: [
    { step: 's', signal: 'go' },
    { step: 'c', child: id(4) },
    { step: 'e', types: ['A', 'B'], streamPrefix: 'run/', after: 5 },
  ],
  crashes: 3,
  crashedAt: 12,
})

export const keepingCases: readonly KitCase<RunRows>[] = [
  {
    id: 'rows-begin-empty',
    name: 'new rows stand nowhere and hold nothing',
    requirement: 'RUN-R160',
    async run({ subject }) {
      same(await subject.mark(), null)
      same(await subject.find({}), [])
      same(await subject.counts(time(0)), [])
    },
  },
  {
    id: 'rows-are-kept-whole',
    name: 'a row is handed out as it was moved in, whatever its names are',
    requirement: 'RUN-R160',
    async run({ subject }) {
      await fill(subject, [FULL, row(8)])
      same(await subject.find({}), [FULL, row(8)])
      same(await subject.find({ tags: FULL.tags }), [FULL])
    },
  },
  {
    id: 'rows-are-replaced',
    name: 'a row that is moved in again takes the place of the one before, in every respect',
    requirement: 'RUN-R160',
    async run({ subject }) {
      await fill(subject, [FULL])
      const plain = row(7)
      await subject.move({ from: mark(1), to: mark(2), rows: [plain] })
      same(await subject.find({}), [plain])
      same(await found(subject, { tags: { tenant: 'ä\u{1f9ca}' } }), [])
      same(await found(subject, { listensFor: 'A' }), [])
      same(await found(subject, { inDoubt: true }), [])
    },
  },
  {
    id: 'rows-are-copied',
    name: 'what the caller does to its rows afterwards changes nothing',
    requirement: 'RUN-R160',
    async run({ subject }) {
      const given = { ...row(1) }
      await fill(subject, [given])
      Object.assign(given, { standing: 'ended' })
      same(await subject.find({}), [row(1)])
    },
  },
  {
    id: 'move-is-marked',
    name: 'rows and mark move together, also without a row',
    requirement: 'RUN-R160',
    async run({ subject }) {
      await fill(subject, [])
      same(await subject.mark(), mark(1))
      await subject.move({ from: mark(1), to: mark(5), rows: [row(1)] })
      same(await subject.mark(), mark(5))
      same(await found(subject, {}), [1])
    },
  },
  {
    id: 'stale-move-is-refused',
    name: 'a move from where the rows do not stand is refused, and changes nothing',
    requirement: 'RUN-R160',
    async run({ subject }) {
      await fill(subject, [row(1)])
      const to = mark(9)
      for (const from of [null, mark(2), mark(1, 'other')]) {
        const move = subject.move({ from, to, rows: [row(2)], reset: true })
        await refused(move, RUNS_CODES.indexConflict)
      }
      same(await subject.mark(), mark(1))
      same(await found(subject, {}), [1])
    },
  },
  {
    id: 'reset-throws-away',
    name: 'a move with reset leaves only what it brings',
    requirement: 'RUN-R160',
    async run({ subject }) {
      await fill(subject, [FULL, row(1)])
      const to = mark(0, 'two')
      await subject.move({ from: mark(1), to, rows: [row(2)], reset: true })
      same(await subject.mark(), to)
      same(await found(subject, {}), [2])
      same(await found(subject, { tags: { tenant: 'ä\u{1f9ca}' } }), [])
      same((await subject.outlook(time(0))).listenedFor, [])
    },
  },
  {
    id: 'rows-are-many',
    name: 'a move takes thousands of rows',
    requirement: 'RUN-R160',
    async run({ subject }) {
      const many = Array.from({ length: 2_500 }, (_, n) => row(n + 1))
      await fill(subject, many)
      same(await found(subject, { after: id(2_000), limit: 1_000 }), [
        ...Array.from({ length: 500 }, (_, n) => 2_001 + n),
      ])
    },
  },
  {
    id: 'rows-outlive-closing',
    name: 'rows and mark are there when they are opened again',
    requirement: 'RUN-R161',
    needs: 'reopen',
    async run({ subject, reopen }) {
      await fill(subject, [FULL])
      const again = await reopen()
      same(await again.mark(), mark(1))
      same(await again.find({}), [FULL])
    },
  },
  {
    id: 'rows-are-shared',
    name: 'two users see the same rows, and the one that is behind is refused',
    requirement: 'RUN-R161',
    needs: 'openSecond',
    async run({ subject, second }) {
      await fill(subject, [row(1)])
      const other = await second()
      await other.move({ from: mark(1), to: mark(2), rows: [row(2)] })
      await refused(
        subject.move({ from: mark(1), to: mark(3), rows: [row(3)] }),
        RUNS_CODES.indexConflict,
      )
      same(await found(subject, {}), [1, 2])
      same(await subject.mark(), mark(2))
    },
  },
]
