/**
 * Branches of a program that go on at the same time, and what becomes of those that lose.
 *
 * Outcomes are delivered in the order of the log, one at a time, so which branch is first is
 * decided by the log and comes out the same on every replay. That the others are wanted no longer
 * is an event of its own (`ScopeCancelled`): their waits are dropped, their handlers at work are
 * asked to stop, and what these still come back with is recorded and given to nobody.
 *
 * The trap this closes: a bare `Promise.race`, whose losers go on, hold the run open, and act.
 */

import { RUNS_CODES, RunsError } from './errors.ts'
import type { Execution } from './execution.ts'
import { BRANCHES_MAX } from './limits.ts'
import type { Branches, RunContext, Won } from './ports.ts'
import type { CancelAsk } from './steps.ts'

type Result<T> = { readonly name: string } & ({ readonly value: T } | { readonly error: unknown })

/** The branching calls of a context. */
export function createBranches(
  execution: Execution,
  full: (id: unknown) => string,
  scope: (name: string) => RunContext,
): Pick<RunContext, 'all' | 'any' | 'map' | 'race'> {
  const cancel = async (id: string, names: readonly string[], reason: string): Promise<void> => {
    if (names.length === 0) return
    const scopes = names.map((name) => `${full(id)}/${name}`)
    const ask: CancelAsk = { kind: 'cancel', scopes, reason }
    await execution.ask(full(id), ask, { cancel: scopes }, () => undefined)
  }
  const begin = <T>(id: string, branches: Branches<T>) => new Fork(scope(id), branches)

  return {
    race: async <T>(id: string, branches: Branches<T>) => {
      const fork = begin(id, branches)
      const first = await fork.next()
      await cancel(id, fork.unsettled, `${first.name} was first`)
      return won(first)
    },
    any: async <T>(id: string, branches: Branches<T>) => {
      const fork = begin(id, branches)
      const errors: unknown[] = []
      for (;;) {
        const next = await fork.next()
        if ('value' in next) {
          await cancel(id, fork.unsettled, `${next.name} succeeded`)
          return won(next)
        }
        errors.push(next.error)
        if (fork.unsettled.length === 0) {
          throw new AggregateError(errors, `None of the branches of "${id}" succeeded`)
        }
      }
    },
    all: async <T>(id: string, branches: Branches<T>) => {
      const fork = begin(id, branches)
      const values = new Map<string, T>()
      while (fork.unsettled.length > 0) {
        const next = await fork.next()
        if ('error' in next) {
          await cancel(id, fork.unsettled, `${next.name} failed`)
          throw next.error
        }
        values.set(next.name, next.value)
      }
      return Object.fromEntries(Object.keys(branches).map((name) => [name, values.get(name) as T]))
    },
    map: (id, items, each, options = {}) => mapped({ id, scope, cancel }, items, each, options),
  }
}

interface Within {
  readonly id: string
  readonly scope: (name: string) => RunContext
  readonly cancel: (id: string, names: readonly string[], reason: string) => Promise<void>
}

async function mapped<I, T>(
  { id, scope, cancel }: Within,
  items: readonly I[],
  each: (context: RunContext, item: I, index: number) => Promise<T>,
  { concurrency = 16 }: { readonly concurrency?: number },
): Promise<readonly T[]> {
  if (!Number.isInteger(concurrency) || concurrency < 1) throw badFork('a concurrency of 1 up')
  const within = scope(id)
  const results: T[] = []
  const going = new Set<number>()
  let at = 0
  let failed = false
  const one = async (index: number): Promise<void> => {
    going.add(index)
    try {
      results[index] = await each(within.scope(`${index}`), items[index] as I, index)
    } catch (error) {
      failed = true
      throw error
    } finally {
      going.delete(index)
    }
  }
  const lane = async (): Promise<void> => {
    while (at < items.length && !failed) {
      at += 1
      await one(at - 1)
    }
  }
  try {
    await Promise.all(Array.from({ length: Math.min(concurrency, items.length) }, lane))
  } catch (error) {
    await cancel(id, [...going].map(String).slice(0, BRANCHES_MAX), 'another failed')
    throw error
  }
  return results
}

/** Branches under way, given back in the order in which they end. */
class Fork<T> {
  readonly #ended: Result<T>[] = []
  readonly #open: Set<string>
  #wake: () => void = () => undefined

  constructor(scope: RunContext, branches: Branches<T>) {
    const entries = Object.entries(branches)
    if (entries.length === 0 || entries.length > BRANCHES_MAX) {
      throw badFork(`1 to ${BRANCHES_MAX} branches`)
    }
    this.#open = new Set(entries.map(([name]) => name))
    for (const [name, branch] of entries) {
      const within = scope.scope(name)
      Promise.resolve()
        .then(() => branch(within))
        .then(
          (value) => this.#end({ name, value }),
          (error: unknown) => this.#end({ name, error }),
        )
    }
  }

  get unsettled(): readonly string[] {
    return [...this.#open]
  }

  #end(result: Result<T>): void {
    this.#ended.push(result)
    this.#wake()
  }

  async next(): Promise<Result<T>> {
    while (this.#ended.length === 0) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    const next = this.#ended.shift() as Result<T>
    this.#open.delete(next.name)
    return next
  }
}

function won<T>(result: Result<T>): Won<T> {
  if ('error' in result) throw result.error
  return { name: result.name, value: result.value }
}

function badFork(needs: string): RunsError {
  return new RunsError(RUNS_CODES.waitInvalid, `Branches need ${needs}`)
}
