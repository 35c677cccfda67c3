/**
 * A linearizability checker after Wing and Gong, with the memory of Lowe: operations are put in
 * an order one by one, each as soon as nothing that returned before its call is left; when the one
 * that must come next fits nowhere, the last choice is taken back.
 *
 * 1. A choice that leads to a set of operations done and a state seen before is not made again.
 *    Both are compared whole: a hash that is equal by chance would lose an order that fits.
 * 2. Operations that touch each other's objects never are told apart by the model's `partition`,
 *    which is the caller's to prove.
 * 3. A search that takes more steps than allowed has no verdict. It is never "linearizable".
 *
 * @source Lowe, Testing for linearizability (2017); Horn and Kroening, Faster linearizability
 *   checking via P-compositionality (2015)
 */
import type { Model, Operation } from './history.ts'

/** What the checker found. */
export type Verdict<I, O> =
  | { readonly kind: 'linearizable'; readonly steps: number }
  /** In this part no order fits; `stuck` are the operations of which one had to come next. */
  | {
      readonly kind: 'not-linearizable'
      readonly part: readonly Operation<I, O>[]
      /** The longest order that was found, as indices of `part`. */
      readonly longest: readonly number[]
    }
  | { readonly kind: 'undecided'; readonly steps: number }

/** Bounds of a search. */
export interface CheckLimits {
  /** @defaultValue 20 million */
  readonly stepsMax?: number
}

const STEPS_MAX = 20_000_000

/** Whether there is an order of the operations that respects time and the model. */
export const checkLinearizable = <S, I, O>(
  model: Model<S, I, O>,
  history: readonly Operation<I, O>[],
  { stepsMax = STEPS_MAX }: CheckLimits = {},
): Verdict<I, O> => {
  const parts = model.partition?.(history) ?? [history]
  let steps = 0
  for (const part of parts) {
    const search = new Search(model, part, stepsMax - steps)
    const found = search.run()
    steps += search.steps
    if (found === undefined) return { kind: 'undecided', steps }
    if (!found) return { kind: 'not-linearizable', part, longest: search.longest }
  }
  return { kind: 'linearizable', steps }
}

/** A call or a return in the list of what is left, in the order of time. */
interface Entry {
  readonly index: number
  /** The return of a call; `undefined` for a return. */
  readonly match: Entry | undefined
  before: Entry | undefined
  after: Entry | undefined
}

class Search<S, I, O> {
  steps = 0
  longest: readonly number[] = []
  readonly #model: Model<S, I, O>
  readonly #history: readonly Operation<I, O>[]
  readonly #stepsMax: number
  readonly #head: Entry
  readonly #done: Uint16Array
  readonly #seen = new Set<string>()

  constructor(model: Model<S, I, O>, history: readonly Operation<I, O>[], stepsMax: number) {
    this.#model = model
    this.#history = history
    this.#stepsMax = stepsMax
    this.#head = entriesOf(history)
    this.#done = new Uint16Array(Math.ceil(history.length / 16))
  }

  /** `undefined` when the steps are used up. */
  run(): boolean | undefined {
    const taken: { readonly entry: Entry; readonly state: S }[] = []
    let state = this.#model.initial()
    let entry = this.#head.after
    while (this.#head.after !== undefined) {
      if (entry?.match !== undefined) {
        this.steps += 1
        if (this.steps > this.#stepsMax) return undefined
        const next = this.#tried(entry, state)
        if (next === undefined) {
          entry = entry.after
          continue
        }
        taken.push({ entry, state })
        state = next.state
        lift(entry)
        entry = this.#head.after
        continue
      }
      // A return whose call has found no place, or nothing left to try.
      if (taken.length > this.longest.length) this.longest = taken.map((one) => one.entry.index)
      const last = taken.pop()
      if (last === undefined) return false
      state = last.state
      this.#mark(last.entry.index, false)
      unlift(last.entry)
      entry = last.entry.after
    }
    return true
  }

  /** The state behind an operation if it may come next and leads to anything new. */
  #tried(entry: Entry, state: S): { readonly state: S } | undefined {
    const { input, output } = this.#history[entry.index] as Operation<I, O>
    const next = this.#model.step(state, input, output)
    if (next === undefined) return undefined
    this.#mark(entry.index, true)
    const known = `${String.fromCharCode(...this.#done)}${this.#model.key(next)}`
    if (this.#seen.has(known)) {
      this.#mark(entry.index, false)
      return undefined
    }
    this.#seen.add(known)
    return { state: next }
  }

  #mark(index: number, isDone: boolean): void {
    const bit = 1 << (index & 15)
    const word = this.#done[index >> 4] ?? 0
    this.#done[index >> 4] = isDone ? word | bit : word & ~bit
  }
}

/** The list of calls and returns behind a head of its own. At one instant, calls come first. */
const entriesOf = (history: readonly Operation<unknown, unknown>[]): Entry => {
  const returns = history.map(({ returned }, index) => ({
    time: returned,
    rank: 1,
    entry: { index, match: undefined, before: undefined, after: undefined } as Entry,
  }))
  const calls = history.map(({ called }, index) => ({
    time: called,
    rank: 0,
    entry: { index, match: returns[index]?.entry, before: undefined, after: undefined } as Entry,
  }))
  const all = [...calls, ...returns].sort((a, b) =>
    a.time === b.time ? a.rank - b.rank : a.time < b.time ? -1 : 1,
  )
  const head: Entry = { index: -1, match: undefined, before: undefined, after: undefined }
  let last = head
  for (const { entry } of all) {
    last.after = entry
    entry.before = last
    last = entry
  }
  return head
}

/** Takes a call and its return out of the list; both remember where they were. */
const lift = (call: Entry): void => {
  unlink(call)
  if (call.match !== undefined) unlink(call.match)
}

const unlink = (entry: Entry): void => {
  if (entry.before !== undefined) entry.before.after = entry.after
  if (entry.after !== undefined) entry.after.before = entry.before
}

/** Puts them back, in the reverse order. */
const unlift = (call: Entry): void => {
  if (call.match !== undefined) relink(call.match)
  relink(call)
}

const relink = (entry: Entry): void => {
  if (entry.before !== undefined) entry.before.after = entry
  if (entry.after !== undefined) entry.after.before = entry
}
