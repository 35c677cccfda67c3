/** Processor stores that each break one requirement; without a flaw, one that keeps them all. */
import type { ProcessorSubject } from '../../src/contract/index.ts'
import {
  checkMove,
  checkProcessorKey,
  checkServing,
  closedError,
  judgeServing,
  moved,
  sameCheckpoint,
} from '../../src/projections/checks.ts'
import type {
  Checkpoint,
  CheckpointMove,
  ProcessorKey,
  ProcessorStore,
  ServingChange,
} from '../../src/projections/ports.ts'

export const PROCESSOR_FLAWS = {
  'begins-at-zero': 'PRJ-R11',
  'counts-in-32-bits': 'PRJ-R11',
  'moves-only-with-effects': 'PRJ-R11',
  'keeps-effects-of-a-failure': 'PRJ-R11',
  'moves-before-the-work': 'PRJ-R11',
  'swallows-the-error': 'PRJ-R11',
  'has-effects-twice': 'PRJ-R11',
  'does-not-wait': 'PRJ-R11',
  'takes-a-promise': 'PRJ-R11',
  'compares-nothing': 'PRJ-R12',
  'compares-positions': 'PRJ-R12',
  'compares-no-hash': 'PRJ-R12',
  'works-before-it-compares': 'PRJ-R12',
  'compares-outside': 'PRJ-R12',
  'caches-checkpoints': 'PRJ-R12',
  'joins-names': 'PRJ-R11',
  'forgets-all-versions': 'PRJ-R11',
  'forgets-nothing': 'PRJ-R11',
  'serves-whoever-asks': 'PRJ-R13',
  'serves-what-is-behind': 'PRJ-R13',
  'compares-histories': 'PRJ-R13',
  'forgets-what-serves': 'PRJ-R11',
  'forgets-when-closed': 'PRJ-R11',
  'checks-nothing': 'PRJ-R14',
  'works-when-closed': 'PRJ-R14',
} as const

export type ProcessorFlaw = keyof typeof PROCESSOR_FLAWS

/** Work that is under way: its effects so far. */
interface Draft {
  notes: string[]
}

/** What connections share. */
export class ProcessorTable {
  notes: string[] = []
  readonly checkpoints = new Map<string, Checkpoint>()
  readonly serving = new Map<string, string>()
  turn: Promise<unknown> = Promise.resolve()
}

/** A connection to a table. */
export function flawedProcessors(
  table: ProcessorTable,
  flaw: ProcessorFlaw | undefined,
  asyncWork: boolean,
): ProcessorSubject<Draft> & { readonly table: ProcessorTable } {
  return {
    table,
    store: new FlawedProcessors(table, flaw, asyncWork),
    note(draft, text) {
      draft.notes.push(text)
    },
    notes: async () => table.notes.toSorted(),
  }
}

class FlawedProcessors implements ProcessorStore<Draft> {
  readonly supports: ProcessorStore<Draft>['supports']
  readonly #table: ProcessorTable
  readonly #flaw: ProcessorFlaw | undefined
  readonly #cache = new Map<string, Checkpoint>()
  #isClosed = false

  constructor(table: ProcessorTable, flaw: ProcessorFlaw | undefined, asyncWork: boolean) {
    this.#table = table
    this.#flaw = flaw
    this.supports = { durable: true, sharedByProcesses: true, asyncWork }
  }

  #is(...flaws: ProcessorFlaw[]): boolean {
    return this.#flaw !== undefined && flaws.includes(this.#flaw)
  }

  #check(check: () => void): void {
    if (this.#isClosed && !this.#is('works-when-closed')) throw closedError()
    if (!this.#is('checks-nothing')) check()
  }

  #keyOf({ name, version }: ProcessorKey): string {
    return this.#is('joins-names') ? name + version : JSON.stringify([name, version])
  }

  #stored(processor: ProcessorKey): Checkpoint | undefined {
    const key = this.#keyOf(processor)
    if (!this.#is('caches-checkpoints')) return this.#table.checkpoints.get(key)
    const known = this.#cache.get(key) ?? this.#table.checkpoints.get(key)
    if (known !== undefined) this.#cache.set(key, known)
    return known
  }

  #isAsBelieved(stored: Checkpoint | undefined, from: Checkpoint | undefined): boolean {
    if (this.#is('compares-nothing')) return true
    if (stored === undefined || from === undefined) return stored === from
    const isNear = stored.position === from.position
    if (this.#is('compares-positions')) return isNear
    if (this.#is('compares-no-hash')) return isNear && stored.incarnation === from.incarnation
    return sameCheckpoint(stored, from)
  }

  async checkpoint(processor: ProcessorKey): Promise<Checkpoint | undefined> {
    this.#check(() => checkProcessorKey(processor))
    const stored = this.#stored(processor)
    if (stored !== undefined || !this.#is('begins-at-zero')) return stored
    return { position: 0, incarnation: 'one', hash: '' as never }
  }

  async transact(
    move: CheckpointMove,
    work: (draft: Draft) => void | Promise<void>,
  ): Promise<void> {
    this.#check(() => checkMove(move))
    if (this.#is('compares-outside')) return this.#outside(move, work)
    const mine = this.#table.turn.then(() => this.#inTurn(move, work))
    this.#table.turn = mine.catch(() => undefined)
    await mine
  }

  async #outside(move: CheckpointMove, work: (draft: Draft) => unknown): Promise<void> {
    const stored = this.#stored(move.processor)
    if (!this.#isAsBelieved(stored, move.from)) throw moved(move, stored)
    await Promise.resolve()
    const draft: Draft = { notes: [] }
    await work(draft)
    this.#keep(move, draft)
  }

  async #inTurn(move: CheckpointMove, work: (draft: Draft) => void | Promise<void>): Promise<void> {
    const draft: Draft = { notes: [] }
    if (this.#is('works-before-it-compares')) await work({ notes: [] })
    const stored = this.#stored(move.processor)
    if (!this.#isAsBelieved(stored, move.from)) throw moved(move, stored)
    if (this.#is('moves-before-the-work')) this.#move(move)
    try {
      const given = work(draft)
      const isRefused = !this.supports.asyncWork && !this.#is('takes-a-promise')
      if (given !== undefined && isRefused) throw closedError()
      if (!this.#is('does-not-wait')) await given
    } catch (error) {
      if (this.#is('keeps-effects-of-a-failure')) this.#table.notes.push(...draft.notes)
      if (this.#is('swallows-the-error')) return
      throw error
    }
    if (this.#is('has-effects-twice')) this.#table.notes.push(...draft.notes.slice(1))
    if (draft.notes.length === 0 && this.#is('moves-only-with-effects')) return
    this.#keep(move, draft)
  }

  #keep(move: CheckpointMove, { notes }: Draft): void {
    this.#table.notes.push(...notes)
    this.#move(move)
  }

  #move({ processor, to }: CheckpointMove): void {
    const position = this.#is('counts-in-32-bits') ? to.position | 0 : to.position
    this.#table.checkpoints.set(this.#keyOf(processor), { ...to, position })
    this.#cache.set(this.#keyOf(processor), { ...to, position })
  }

  async serving(name: string): Promise<string | undefined> {
    this.#check(() => checkProcessorKey({ name, version: 'any' }))
    return this.#table.serving.get(name)
  }

  async serve(change: ServingChange): Promise<void> {
    this.#check(() => checkServing(change))
    const { name, from, to } = change
    const pointOf = (version: string | undefined): Checkpoint | undefined => {
      const stored = version === undefined ? undefined : this.#stored({ name, version })
      if (stored === undefined || !this.#is('compares-histories')) return stored
      return { ...stored, incarnation: 'any' }
    }
    const isBlind = this.#is('serves-what-is-behind')
    judgeServing(change, {
      serving: this.#is('serves-whoever-asks') ? from : this.#table.serving.get(name),
      from: isBlind ? undefined : pointOf(from),
      to: pointOf(to),
    })
    this.#table.serving.set(name, to)
  }

  async forget(processor: ProcessorKey): Promise<void> {
    this.#check(() => checkProcessorKey(processor))
    if (this.#is('forgets-all-versions')) this.#table.checkpoints.clear()
    if (!this.#is('forgets-nothing')) this.#table.checkpoints.delete(this.#keyOf(processor))
  }

  async close(): Promise<void> {
    this.#isClosed = true
    if (this.#is('forgets-when-closed')) this.#table.checkpoints.clear()
    if (this.#is('forgets-what-serves')) this.#table.serving.clear()
  }
}
