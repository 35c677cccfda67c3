/**
 * A store with faults to order: an append that fails before or after it commits, or that waits.
 *
 * An append that fails *after* it has committed is the one every caller gets wrong: the caller
 * sees `ICE_EVENTS_UNAVAILABLE` with `data.fate = 'unknown'` and the unit is in the log. Sending it
 * again must find it there.
 *
 * 1. Faults are addressed by the number of the append, from 1, in the order of the calls; each
 *    strikes once.
 * 2. Everything else is the inner store's own doing.
 */

import type { Clock } from '@ice/primitives'
import { EVENTS_CODES, EventsError } from '../errors.ts'
import type { Appended, EventStore, PreparedUnit } from '../ports.ts'

/** What happens to one append. */
export type AppendFault =
  /** Refused as unavailable, `data.fate` is `none`: nothing was written. */
  | { readonly kind: 'fail-before' }
  /** Written, then refused as unavailable with `data.fate` `unknown`. */
  | { readonly kind: 'fail-after' }
  /** Handed to the store only when so much time has passed. @units milliseconds */
  | { readonly kind: 'delay'; readonly ms: number }

/** A store whose appends can be made to fail. */
export interface FaultyStore extends EventStore {
  /** How many appends have been called. */
  readonly appends: number
  /** Orders a fault for append number `n`, counted from 1 over the life of the store. */
  strike(n: number, fault: AppendFault): void
}

/** Wraps a store. `clock` is what a delay waits on. */
export function faultyStore(store: EventStore, clock: Pick<Clock, 'sleep'>): FaultyStore {
  const faults = new Map<number, AppendFault>()
  let appends = 0
  return {
    supports: store.supports,
    durability: store.durability,
    incarnation: store.incarnation,
    blobs: store.blobs,
    get appends() {
      return appends
    },
    strike(n, fault) {
      faults.set(n, fault)
    },
    append(unit) {
      appends += 1
      const fault = faults.get(appends)
      faults.delete(appends)
      return fault === undefined ? store.append(unit) : struck({ store, clock, unit, fault })
    },
    read: (query) => store.read(query),
    readAll: (query) => store.readAll(query),
    subscribe: (query) => store.subscribe(query),
    head: () => store.head(),
    check: (options) => store.check(options),
    close: () => store.close(),
  }
}

interface Strike {
  readonly store: EventStore
  readonly clock: Pick<Clock, 'sleep'>
  readonly unit: PreparedUnit
  readonly fault: AppendFault
}

async function struck({ store, clock, unit, fault }: Strike): Promise<Appended> {
  if (fault.kind === 'fail-before') throw unavailable('none')
  if (fault.kind === 'delay') await clock.sleep(fault.ms)
  const appended = await store.append(unit)
  if (fault.kind === 'fail-after') throw unavailable('unknown')
  return appended
}

function unavailable(fate: 'none' | 'unknown'): EventsError {
  return new EventsError(EVENTS_CODES.unavailable, `An ordered fault; fate ${fate}`, { fate })
}
