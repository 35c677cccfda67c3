/** Cases of finding rows by conditions, a page at a time. */

import type { OwnerId } from '@ice/primitives'
import { RUNS_CODES } from '../errors.ts'
import type { RunFilter, RunRows } from '../index-ports.ts'
import type { KitCase } from './case.ts'
import { fill, found, id, refused, row, same, time } from './rows.ts'

const MIXED = [
  row(1, { state: 'CREATED', queue: 'mail', tags: { tenant: 'a', kind: 'x' } }),
  row(2, { standing: 'held', owner: 'bob' as OwnerId, key: 'k', tags: { tenant: 'a' } }),
  row(3, {
    standing: 'asleep',
    program: { name: 'other', version: '2' },
    doubts: ['d'],
    listens: [{ step: 'e', types: ['A', 'AB'], streamPrefix: '', after: 0 }],
  }),
  row(4, { standing: 'quarantined', parent: id(1), line: id(2), deadline: time(50) }),
  row(5, {
    standing: 'ended',
    state: 'TERMINATED',
    deadline: time(10),
    parent: id(1),
    doubts: ['left'],
  }),
  row(6, { standing: 'asleep', deadline: time(20), aborting: true, listens: [] }),
]

/** Each condition alone, and what it finds among `MIXED`. */
const CONDITIONS: readonly (readonly [RunFilter, readonly number[]])[] = [
  [{ runs: [id(2), id(5), id(99)] }, [2, 5]],
  [{ runs: [] }, []],
  [{ lines: [id(2), id(6)] }, [2, 4, 6]],
  [{ lines: [id(4)] }, []],
  [{ states: ['CREATED', 'TERMINATED'] }, [1, 5]],
  [{ standings: ['held', 'quarantined'] }, [2, 4]],
  [{ programs: ['other', 'none'] }, [3]],
  [{ queues: ['mail'] }, [1]],
  [{ tags: { tenant: 'a' } }, [1, 2]],
  [{ tags: { tenant: 'a', kind: 'x' } }, [1]],
  [{ tags: { tenant: 'b' } }, []],
  [{ tags: { toString: 'a' } }, []],
  [{ key: 'k' }, [2]],
  [{ parent: id(1) }, [4, 5]],
  [{ owner: 'bob' as OwnerId }, [2]],
  [{ inDoubt: true }, [3, 5]],
  [{ inDoubt: false }, [1, 2, 4, 6]],
  [{ listensFor: 'A' }, [3]],
  [{ listensFor: 'AB' }, [3]],
  [{ listensFor: 'B' }, []],
  [{ from: time(5) }, [5, 6]],
  [{ before: time(2) }, [1]],
  [{ deadlineBefore: time(51) }, [4]],
  [{ deadlineBefore: time(50) }, []],
  [{ standings: ['asleep'], inDoubt: true, programs: ['other'] }, [3]],
  [{ standings: ['asleep'], inDoubt: true, queues: ['mail'] }, []],
]

const WRONG = [0, -1, 1.5, 1_001, Number.NaN]

export const findCases: readonly KitCase<RunRows>[] = [
  {
    id: 'find-by-conditions',
    name: 'every condition finds what it says, and all of them hold together',
    requirement: 'RUN-R162',
    async run({ subject }) {
      await fill(subject, MIXED)
      const all = await Promise.all(CONDITIONS.map(([filter]) => found(subject, filter)))
      same(
        all.map((numbers, i) => [CONDITIONS[i]?.[0], numbers]),
        CONDITIONS,
      )
    },
  },
  {
    id: 'find-in-order',
    name: 'runs come in the order of their ids, or backwards, from where one left off',
    requirement: 'RUN-R162',
    async run({ subject }) {
      await fill(
        subject,
        [3, 1, 5, 2, 4].map((n) => row(n)),
      )
      same(await found(subject, {}), [1, 2, 3, 4, 5])
      same(await found(subject, { after: id(2), limit: 2 }), [3, 4])
      same(await found(subject, { backwards: true, limit: 2 }), [5, 4])
      same(await found(subject, { after: id(4), backwards: true, limit: 2 }), [3, 2])
      same(await found(subject, { after: id(1), backwards: true }), [])
    },
  },
  {
    id: 'find-refuses',
    name: 'a limit that is none, and a list that is too long, are refused',
    requirement: 'RUN-R162',
    async run({ subject }) {
      await fill(subject, [row(1)])
      const code = RUNS_CODES.indexUnsupported
      for (const limit of WRONG) await refused(subject.find({ limit }), code)
      const runs = Array.from({ length: 2_001 }, (_, n) => id(n))
      await refused(subject.find({ runs }), code)
      for (const perQueue of WRONG) {
        await refused(subject.ready({ now: time(0), programs: [], perQueue }), code)
      }
    },
  },
]
