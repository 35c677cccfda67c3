/** Cases of `Turns`: bounds that hold over all who share them. */

import type { OwnerId } from '@ice/primitives'
import type { TurnRequest, Turns } from '../index-ports.ts'
import type { KitCase } from './case.ts'
import { id, same } from './rows.ts'

const ALICE = 'alice' as OwnerId
const BOB = 'bob' as OwnerId

const request = (n: number, told: Partial<TurnRequest> = {}): TurnRequest => ({
  run: id(n),
  owner: ALICE,
  queue: 'default',
  queueMax: null,
  key: null,
  keyMax: 1,
  rate: null,
  ...told,
})

const kinds = async (turns: Turns, ...requests: readonly TurnRequest[]) => {
  const taken: string[] = []
  for (const one of requests) taken.push((await turns.take(one)).kind)
  return taken
}

export const turnsCases: readonly KitCase<Turns>[] = [
  {
    id: 'turns-of-a-key',
    name: 'so many runs with a key have their turn at once, and a run that has it keeps it',
    requirement: 'RUN-R166',
    async run({ subject }) {
      const key = { key: '__proto__', keyMax: 2 }
      const asked = [1, 2, 3, 1].map((n) => request(n, key))
      same(await kinds(subject, ...asked), ['taken', 'taken', 'key', 'taken'])
      same(await kinds(subject, request(4, { key: 'other' })), ['taken'])
      await subject.give(id(1), ALICE)
      same(await kinds(subject, request(3, key), request(1, key)), ['taken', 'key'])
    },
  },
  {
    id: 'turns-of-a-queue',
    name: 'so many runs of a queue have their turn at once, and others are not concerned',
    requirement: 'RUN-R166',
    async run({ subject }) {
      const mail = { queue: 'mail', queueMax: 1 }
      same(await kinds(subject, request(1, mail), request(2, mail), request(3)), [
        'taken',
        'queue',
        'taken',
      ])
      await subject.give(id(1), BOB)
      same(await kinds(subject, request(2, mail)), ['queue'])
      await subject.give(id(1), ALICE)
      same(await kinds(subject, request(2, mail)), ['taken'])
    },
  },
  {
    id: 'turns-of-a-rate',
    name: 'so many starts of a queue lie in a window, and the refusal says when it is over',
    requirement: 'RUN-R166',
    async run({ subject }) {
      const rate = { queue: 'mail', rate: { count: 2, perMs: 3_600_000 } }
      same(await kinds(subject, request(1, rate), request(2, rate)), ['taken', 'taken'])
      const third = await subject.take(request(3, rate))
      same(third.kind, 'rate')
      const until = third.kind === 'rate' ? third.until : 0
      same(Number.isSafeInteger(until) && until > 0, true)
      await subject.give(id(1), ALICE)
      same(await kinds(subject, request(3, rate)), ['rate'])
    },
  },
  {
    id: 'turn-refused-takes-nothing',
    name: 'a turn that is refused for one reason takes nothing of the others',
    requirement: 'RUN-R166',
    async run({ subject }) {
      const both = { key: 'k', queue: 'mail', queueMax: 2, rate: { count: 2, perMs: 3_600_000 } }
      same(await kinds(subject, request(1, both), request(2, both)), ['taken', 'key'])
      same(await kinds(subject, request(3, { ...both, key: null })), ['taken'])
      same(await kinds(subject, request(4, { ...both, key: null })), ['queue'])
    },
  },
  {
    id: 'turns-of-the-dead',
    name: 'the turns of an owner are told, and given back at once',
    requirement: 'RUN-R166',
    async run({ subject }) {
      const key = { key: 'k' }
      await kinds(subject, request(1, { ...key, owner: BOB }), request(2))
      same([...(await subject.owners())].sort(), [ALICE, BOB])
      same(await kinds(subject, request(3, key)), ['key'])
      await subject.drop(BOB)
      same(await subject.owners(), [ALICE])
      same(await kinds(subject, request(3, key)), ['taken'])
    },
  },
  {
    id: 'turn-of-a-run',
    name: 'the turn of a run is one owner’s, also where nothing else bounds it',
    requirement: 'RUN-R166',
    async run({ subject }) {
      const others = { owner: BOB, rate: { count: 1, perMs: 3_600_000 } }
      same(await kinds(subject, request(1), request(1, others)), ['taken', 'run'])
      same(await kinds(subject, request(2, others)), ['taken'])
      await subject.give(id(1), BOB)
      same(await kinds(subject, request(1, others)), ['run'])
    },
  },
  {
    id: 'turns-are-shared',
    name: 'a turn that one worker has, another does not get',
    requirement: 'RUN-R167',
    needs: 'openSecond',
    async run({ subject, second }) {
      const other = await second()
      const key = { key: 'k' }
      same(await kinds(subject, request(1, key)), ['taken'])
      same(await kinds(other, request(2, { ...key, owner: BOB })), ['key'])
      const race = Array.from({ length: 20 }, (_, n) =>
        (n % 2 === 0 ? subject : other).take(request(10 + n, { key: 'race', keyMax: 3 })),
      )
      const taken = (await Promise.all(race)).filter(({ kind }) => kind === 'taken')
      same(taken.length, 3)
    },
  },
]
