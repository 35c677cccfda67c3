/** Cases of `Ownership`: who is alive, who is dead, and who may be sure of itself. */

import { notDeepStrictEqual } from 'node:assert/strict'
import type { OwnerId } from '@ice/primitives'
import type { Ownership } from '../ports.ts'
import type { KitCase } from './case.ts'
import { same } from './rows.ts'

/** Names that nobody has ever had, and that are no names of files, tables or members. */
const NOBODY = [
  '00000000-0000-4000-8000-000000000000',
  'nobody',
  '__proto__',
  '../../etc/passwd',
  "x'; DROP TABLE owners; --",
  'a'.repeat(512),
]

export const ownershipCases: readonly KitCase<Ownership>[] = [
  {
    id: 'self-is-alive',
    name: 'an owner is alive, and sure of it',
    requirement: 'RUN-R165',
    async run({ subject }) {
      same(await subject.status(subject.self), 'alive')
      same(subject.isSure(), true)
    },
  },
  {
    id: 'nobody-is-dead',
    name: 'a name that nobody has is dead, whatever it is made of',
    requirement: 'RUN-R165',
    async run({ subject }) {
      for (const name of NOBODY) same(await subject.status(name as OwnerId), 'dead')
    },
  },
  {
    id: 'owners-see-each-other',
    name: 'two owners have two names and see that the other is alive, until it closes',
    requirement: 'RUN-R165',
    needs: 'openSecond',
    async run({ subject, second }) {
      const other = await second()
      notDeepStrictEqual(other.self, subject.self)
      same(await subject.status(other.self), 'alive')
      same(await other.status(subject.self), 'alive')
      await other.close()
      same(await subject.status(other.self), 'dead')
      same(await subject.status(subject.self), 'alive')
    },
  },
  {
    id: 'closed-is-not-sure',
    name: 'an owner that has closed is not sure of anything, and may close again',
    requirement: 'RUN-R165',
    async run({ subject }) {
      await subject.close()
      same(subject.isSure(), false)
      await subject.close()
    },
  },
]
