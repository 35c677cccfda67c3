/**
 * Who drives what at this moment, as supervisors were let: what the bounds of queues and of keys
 * are held against.
 *
 * Only who lives, and was never silent for as long as a lease, counts: the turns of the others may
 * have been given to somebody else, and what they still do is fenced by the streams of the runs.
 */
import type { RunId } from '@ice/primitives'
import { DEFAULT_QUEUE } from '../index/row.ts'
import type { QueueTerms } from '../supervise/ports.ts'
import type { Observer } from './observer.ts'
import type { Seen } from './witness.ts'

/** A process, as far as its turns are concerned. */
export interface Holder extends Seen {
  readonly isGone: boolean
}

interface Held {
  readonly by: Holder
  readonly run: RunId
  readonly queue: string
  readonly key: string | null
}

/** Watches over turns. */
export class Holders {
  readonly #observer: Observer
  readonly #queues: Readonly<Record<string, QueueTerms>>
  readonly #held = new Set<Held>()
  broken: string | null = null

  constructor(observer: Observer, queues: Readonly<Record<string, QueueTerms>> = {}) {
    this.#observer = observer
    this.#queues = queues
  }

  /** A supervisor drives a run. @returns what to do once it does not any more */
  begin(by: Holder, run: RunId): () => void {
    const { queue = DEFAULT_QUEUE, concurrencyKey: key = null } = this.#startOf(run)
    const held: Held = { by, run, queue, key }
    this.#held.add(held)
    const { concurrency, keyConcurrency = 1 } = this.#queues[queue] ?? {}
    const inQueue = this.#live((one) => one.queue === queue)
    if (concurrency !== undefined && inQueue > concurrency) {
      this.#break(`${by.name} drives ${inQueue} runs of "${queue}" with others, of ${concurrency}`)
    }
    const withKey = key === null ? 0 : this.#live((one) => one.key === key)
    if (withKey > keyConcurrency) {
      this.#break(`${by.name} drives ${withKey} runs of key "${key}" with others`)
    }
    return () => {
      this.#held.delete(held)
    }
  }

  #startOf(run: RunId): { readonly queue?: string; readonly concurrencyKey?: string } {
    const created = this.#observer.event(`run/${run}@1` as never)
    return (created?.data ?? {}) as { readonly queue?: string }
  }

  #live(test: (one: Held) => boolean): number {
    const runs = new Set<RunId>()
    for (const one of this.#held) {
      if (test(one) && !one.by.isDead && !one.by.isGone && !one.by.wasGone) runs.add(one.run)
    }
    return runs.size
  }

  #break(why: string): void {
    this.broken ??= why
  }
}
