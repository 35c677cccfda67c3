/** The projection of these tests, and what is appended for it. */
import type { EventLog, RecordedEvent } from '../../src/ports.ts'
import type { Projection } from '../../src/projection.ts'
import type { SnapshotNotice } from '../../src/projections/snapshots.ts'
import { noted, toStream } from '../fixtures.ts'

export interface Sum {
  sum: number
  seen: string[]
}

/** Changes its state in place, as a fold may. */
export const sums: Projection<Sum> = {
  name: 'sums',
  version: '1',
  initialState: () => ({ sum: 0, seen: [] }),
  evolve(state, event) {
    if (event.type !== 'NumberNoted') return state
    state.sum += numberOf(event)
    state.seen.push(event.id)
    return state
  },
}

export function numberOf(event: Pick<RecordedEvent, 'data'>): number {
  return (event.data as { readonly n: number }).n
}

/** Appends numbers from `from` to `to`, to streams `a` and `b` by turns; even ones as proposals. */
export async function fill(log: EventLog, from: number, to: number): Promise<void> {
  for (let n = from; n <= to; n += 1) {
    const event =
      n % 5 === 0 ? ({ type: 'NumberProposed', data: { n }, origin: 'agent:x' } as const) : noted(n)
    await log.append(toStream(n % 2 === 0 ? 'b' : 'a', event))
  }
}

/** Gathers what is told. */
export function listener(): {
  readonly told: SnapshotNotice[]
  readonly onDiscard: (notice: SnapshotNotice) => void
} {
  const told: SnapshotNotice[] = []
  return { told, onDiscard: (notice) => told.push(notice) }
}
