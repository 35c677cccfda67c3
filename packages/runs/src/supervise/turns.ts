/** Turns within one process: the reference, and all that a log on one file needs. */

import type { Clock, OwnerId, RunId, Timestamp } from '@ice/primitives'
import type { Turn, TurnRequest, Turns } from '../index-ports.ts'

/** A turn that somebody has. */
interface Taken {
  readonly owner: OwnerId
  readonly queue: string
  readonly key: string | null
}

/** Turns that are kept in memory, and shared by who is given them. */
export function memoryTurns({ clock }: { readonly clock: Clock }): Turns {
  const taken = new Map<RunId, Taken>()
  /** Times of the latest starts of queues with a rate. */
  const starts = new Map<string, Timestamp[]>()
  const count = (test: (one: Taken) => boolean): number => {
    let many = 0
    for (const one of taken.values()) if (test(one)) many += 1
    return many
  }
  const refusal = ({ queue, queueMax, key, keyMax, rate }: TurnRequest): Turn | null => {
    if (key !== null && count((one) => one.key === key) >= keyMax) return { kind: 'key' }
    if (queueMax !== null && count((one) => one.queue === queue) >= queueMax) {
      return { kind: 'queue' }
    }
    if (rate === null) return null
    const recent = (starts.get(queue) ?? []).filter((at) => at > clock.now() - rate.perMs)
    starts.set(queue, recent)
    const [oldest] = recent
    if (oldest === undefined || recent.length < rate.count) return null
    return { kind: 'rate', until: (oldest + rate.perMs) as Timestamp }
  }
  return {
    async take(request) {
      const { run, owner, queue, key, rate } = request
      const holder = taken.get(run)?.owner
      if (holder !== undefined) return { kind: holder === owner ? 'taken' : 'run' }
      const refused = refusal(request)
      if (refused !== null) return refused
      taken.set(run, { owner, queue, key })
      if (rate !== null) starts.get(queue)?.push(clock.now())
      return { kind: 'taken' }
    },
    async give(run, owner) {
      if (taken.get(run)?.owner === owner) taken.delete(run)
    },
    async drop(owner) {
      for (const [run, one] of taken) if (one.owner === owner) taken.delete(run)
    },
    owners: async () => [...new Set([...taken.values()].map(({ owner }) => owner))].sort(),
    close: async () => undefined,
  }
}
