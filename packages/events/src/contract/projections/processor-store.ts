/** Cases of processor stores: effects and checkpoints are one thing. */

import { fail, rejects } from 'node:assert/strict'
import { sha256Hex } from '@ice/primitives'
import { EVENTS_CODES } from '../../errors.ts'
import type {
  Checkpoint,
  CheckpointMove,
  ProcessorKey,
  ProcessorStore,
} from '../../projections/ports.ts'
import { refused, same } from '../bench.ts'
import type { ContractCase } from '../case.ts'
import { type Opened, openedCase } from './opened.ts'

/**
 * A processor store and a way to have effects on it: a list of notes, as a processor of a user
 * would keep it, read as other readers would.
 */
export interface ProcessorSubject<Tx = unknown> {
  readonly store: ProcessorStore<Tx>
  /** Adds a note. */
  note(transaction: Tx, text: string): void | Promise<void>
  /** All notes, sorted. One that was added twice stands there twice. */
  notes(): Promise<readonly string[]>
}

type Subject = ProcessorSubject

const SUMS: ProcessorKey = { name: 'sums', version: '1' }
const NEXT: ProcessorKey = { name: 'sums', version: '2' }

/** A checkpoint of the kit. */
function at(position: number, incarnation = 'one'): Checkpoint {
  return { position, incarnation, hash: sha256Hex(`${incarnation} ${position}`) }
}

/** A move of a processor of the kit; 0 is where it begins. */
function move(from: number, to: number, processor: ProcessorKey = SUMS): CheckpointMove {
  return { processor, from: from === 0 ? undefined : at(from), to: at(to) }
}

/** Makes a move that leaves a note. */
async function step(subject: Subject, moved: CheckpointMove, note: string): Promise<void> {
  await subject.store.transact(moved, (tx) => subject.note(tx, note))
}

async function standing({ store }: Subject, processor = SUMS): Promise<unknown> {
  const checkpoint = await store.checkpoint(processor)
  return checkpoint === undefined ? undefined : { ...checkpoint }
}

async function conflict(promise: Promise<unknown>, reason: string): Promise<void> {
  const { data } = await refused(promise, EVENTS_CODES.checkpointConflict)
  same((data as { readonly reason: unknown }).reason, reason)
}

interface Init extends Omit<ContractCase<Subject>, 'run'> {
  readonly test: (opened: Opened<Subject>) => Promise<void>
}

const moveCases: readonly Init[] = [
  {
    id: 'processor-unknown',
    name: 'a processor that never moved has no checkpoint, and nothing serves',
    requirement: 'PRJ-R11',
    async test({ subject }) {
      same([await standing(subject), await subject.store.serving('sums')], [undefined, undefined])
      same(await subject.notes(), [])
      await subject.store.forget(SUMS)
    },
  },
  {
    id: 'processor-moves-with-effects',
    name: 'effects and checkpoint are kept together, step by step',
    requirement: 'PRJ-R11',
    async test({ subject }) {
      await step(subject, move(0, 3), 'a')
      same([await standing(subject), await subject.notes()], [at(3), ['a']])
      await step(subject, move(3, Number.MAX_SAFE_INTEGER), 'b')
      same(await standing(subject), at(Number.MAX_SAFE_INTEGER))
      same(await subject.notes(), ['a', 'b'])
    },
  },
  {
    id: 'processor-moves-without-effects',
    name: 'a step without an effect moves the checkpoint',
    requirement: 'PRJ-R11',
    async test({ subject }) {
      await subject.store.transact(move(0, 2), () => undefined)
      same([await standing(subject), await subject.notes()], [at(2), []])
    },
  },
  {
    id: 'processor-work-throws',
    name: 'work that throws leaves neither an effect nor a checkpoint, and its error passes',
    requirement: 'PRJ-R11',
    async test({ subject }) {
      await step(subject, move(0, 1), 'a')
      const mine = new TypeError('mine')
      const { store } = subject
      const failing = store.transact(move(1, 2), (tx) => {
        const pending = subject.note(tx, 'lost')
        if (pending === undefined) throw mine
        return pending.then(() => Promise.reject(mine))
      })
      await rejects(failing, (error) => error === mine)
      same([await standing(subject), await subject.notes()], [at(1), ['a']])
      await step(subject, move(1, 2), 'b')
      same([await standing(subject), await subject.notes()], [at(2), ['a', 'b']])
    },
  },
  {
    id: 'processor-async-work',
    name: 'the transaction lasts until what the work returned has settled',
    requirement: 'PRJ-R11',
    needs: ({ store }) => store.supports.asyncWork,
    async test({ subject }) {
      const { store } = subject
      await store.transact(move(0, 1), async (tx) => {
        await subject.note(tx, 'a')
        await Promise.resolve()
        await subject.note(tx, 'b')
      })
      same([await standing(subject), await subject.notes()], [at(1), ['a', 'b']])
    },
  },
  {
    id: 'processor-sync-work',
    name: 'a promise is refused where transactions are synchronous, and nothing is kept',
    requirement: 'PRJ-R11',
    needs: ({ store }) => !store.supports.asyncWork,
    async test({ subject }) {
      const { store } = subject
      const failing = store.transact(move(0, 1), (tx) => {
        subject.note(tx, 'lost')
        return Promise.resolve()
      })
      await rejects(failing, (error) =>
        String((error as { code?: unknown }).code).startsWith('ICE_'),
      )
      same([await standing(subject), await subject.notes()], [undefined, []])
    },
  },
]

const unwanted = (): never => fail('work ran on a checkpoint that was not the stored one')

const conflictCases: readonly Init[] = [
  {
    id: 'processor-stale-move',
    name: 'a move from where the checkpoint is not is refused, and its work does not run',
    requirement: 'PRJ-R12',
    async test({ subject }) {
      const { store } = subject
      await conflict(store.transact(move(2, 3), unwanted), 'moved')
      await step(subject, move(0, 2), 'a')
      for (const stale of [move(0, 3), move(1, 3), move(3, 4)]) {
        await conflict(store.transact(stale, unwanted), 'moved')
      }
      same([await standing(subject), await subject.notes()], [at(2), ['a']])
    },
  },
  {
    id: 'processor-other-history',
    name: 'a move from the same position of another history is refused',
    requirement: 'PRJ-R12',
    async test({ subject }) {
      const { store } = subject
      await step(subject, move(0, 2), 'a')
      const other = { processor: SUMS, from: at(2, 'two'), to: at(3, 'two') }
      await conflict(store.transact(other, unwanted), 'moved')
      const forged = { ...move(2, 3), from: { ...at(2), hash: sha256Hex('another event') } }
      await conflict(store.transact(forged, unwanted), 'moved')
      same(await standing(subject), at(2))
    },
  },
  {
    id: 'processor-one-of-two-wins',
    name: 'of many moves from one checkpoint one wins, and only its effects are there',
    requirement: 'PRJ-R12',
    async test({ subject }) {
      const all = ['a', 'b', 'c', 'd'].map((note) => step(subject, move(0, 1), note))
      const settled = await Promise.allSettled(all)
      const won = settled.filter(({ status }) => status === 'fulfilled').length
      same([won, (await subject.notes()).length, await standing(subject)], [1, 1, at(1)])
    },
  },
  {
    id: 'processor-keys-apart',
    name: 'names and versions have checkpoints of their own',
    requirement: 'PRJ-R11',
    async test({ subject }) {
      const keys = [SUMS, NEXT, { name: 'sum', version: 's1' }, { name: 'sums', version: '11' }]
      for (const [i, key] of keys.entries()) await step(subject, move(0, i + 1, key), `${i}`)
      for (const [i, key] of keys.entries()) same(await standing(subject, key), at(i + 1))
    },
  },
  {
    id: 'processor-hostile-move',
    name: 'a move that leads back, nowhere or elsewhere is refused, and so is what is no name',
    requirement: 'PRJ-R14',
    async test({ subject }) {
      const { store } = subject
      await step(subject, move(0, 5), 'a')
      const hostile: CheckpointMove[] = [
        move(5, 5),
        move(5, 4),
        { ...move(5, 6), to: at(6, 'two') },
        { ...move(5, 6), to: { ...at(6), position: 6.5 } },
        { ...move(5, 6), to: { ...at(6), hash: 'x' as never } },
        { ...move(5, 6), to: { ...at(6), incarnation: '' } },
        move(0, 1, { name: '', version: '1' }),
        move(0, 1, { name: 'a\0b', version: '1' }),
        move(0, 1, { name: 'a', version: 'x'.repeat(201) }),
      ]
      for (const one of hostile) {
        await refused(store.transact(one, unwanted), EVENTS_CODES.structural)
      }
      await refused(store.checkpoint({ name: '\ud800', version: '1' }), EVENTS_CODES.structural)
      await refused(store.serving(''), EVENTS_CODES.structural)
      same(await standing(subject), at(5))
    },
  },
  {
    id: 'processor-forgotten',
    name: 'a forgotten processor begins anew, its effects and the others are left alone',
    requirement: 'PRJ-R11',
    async test({ subject }) {
      await step(subject, move(0, 5), 'a')
      await step(subject, move(0, 7, NEXT), 'b')
      await subject.store.forget(SUMS)
      same([await standing(subject), await standing(subject, NEXT)], [undefined, at(7)])
      await step(subject, move(0, 1), 'c')
      same([await standing(subject), await subject.notes()], [at(1), ['a', 'b', 'c']])
    },
  },
]

const servingCases: readonly Init[] = [
  {
    id: 'processor-serves',
    name: 'what serves changes from what it was believed to be, and from nothing else',
    requirement: 'PRJ-R13',
    async test({ subject }) {
      const { store } = subject
      await store.serve({ name: 'sums', from: undefined, to: '1' })
      await conflict(store.serve({ name: 'sums', from: undefined, to: '2' }), 'moved')
      await conflict(store.serve({ name: 'sums', from: '3', to: '2' }), 'moved')
      same([await store.serving('sums'), await store.serving('sum')], ['1', undefined])
      await store.serve({ name: 'sums', from: '1', to: '2' })
      same(await store.serving('sums'), '2')
    },
  },
  {
    id: 'processor-serves-not-behind',
    name: 'a version that lies behind the one that serves does not take its place',
    requirement: 'PRJ-R13',
    async test({ subject }) {
      const { store } = subject
      await step(subject, move(0, 5), 'a')
      await store.serve({ name: 'sums', from: undefined, to: '1' })
      const change = { name: 'sums', from: '1', to: '2' }
      await conflict(store.serve(change), 'behind')
      await step(subject, move(0, 4, NEXT), 'b')
      await conflict(store.serve(change), 'behind')
      same(await store.serving('sums'), '1')
      await step(subject, move(4, 5, NEXT), 'c')
      await store.serve(change)
      same(await store.serving('sums'), '2')
    },
  },
  {
    id: 'processor-serves-another-history',
    name: 'a version of another history takes the place of one that is further in the old',
    requirement: 'PRJ-R13',
    async test({ subject }) {
      const { store } = subject
      await step(subject, move(0, 5), 'a')
      await store.serve({ name: 'sums', from: undefined, to: '1' })
      const other = { processor: NEXT, from: undefined, to: at(2, 'two') }
      await step(subject, other, 'b')
      await store.serve({ name: 'sums', from: '1', to: '2' })
      same(await store.serving('sums'), '2')
    },
  },
]

const lifeCases: readonly Init[] = [
  {
    id: 'processor-reopened',
    name: 'checkpoints, effects and what serves are there when the store is opened again',
    requirement: 'PRJ-R11',
    needs: ({ store }) => store.supports.durable,
    async test(opened) {
      await step(opened.subject, move(0, 5), 'a')
      await opened.subject.store.serve({ name: 'sums', from: undefined, to: '1' })
      const again = await opened.reopen()
      same([await standing(again), await again.notes()], [at(5), ['a']])
      same(await again.store.serving('sums'), '1')
      await step(again, move(5, 6), 'b')
      same(await again.notes(), ['a', 'b'])
    },
  },
  {
    id: 'processor-shared',
    name: 'of two connections one moves a checkpoint, and the other sees it at once',
    requirement: 'PRJ-R12',
    needs: ({ store }) => store.supports.sharedByProcesses,
    async test(opened) {
      const { subject } = opened
      const second = await opened.second()
      await step(subject, move(0, 5), 'a')
      same([await standing(second), await second.notes()], [at(5), ['a']])
      await conflict(step(second, move(0, 6), 'b'), 'moved')
      await step(second, move(5, 6), 'c')
      await conflict(step(subject, move(5, 6), 'd'), 'moved')
      same([await standing(subject), await subject.notes()], [at(6), ['a', 'c']])
      await second.store.serve({ name: 'sums', from: undefined, to: '1' })
      same(await subject.store.serving('sums'), '1')
    },
  },
  {
    id: 'processor-closed',
    name: 'everything is refused by a store that is closed, and closing it again does nothing',
    requirement: 'PRJ-R14',
    async test({ subject }) {
      const { store } = subject
      await store.close()
      await store.close()
      const code = EVENTS_CODES.notOpen
      await refused(store.checkpoint(SUMS), code)
      await refused(
        store.transact(move(0, 1), () => undefined),
        code,
      )
      await refused(store.serving('sums'), code)
      await refused(store.serve({ name: 'sums', from: undefined, to: '1' }), code)
      await refused(store.forget(SUMS), code)
    },
  },
]

/** Every case of the `ProcessorStore` contract. */
export const processorStoreCases: readonly ContractCase<ProcessorSubject>[] = [
  ...moveCases,
  ...conflictCases,
  ...servingCases,
  ...lifeCases,
].map((init) => openedCase(init))
