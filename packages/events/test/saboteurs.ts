/** Every saboteur, and the harness in which one is held to the kit. */
import { setImmediate } from 'node:timers'
import { manualClock } from '@ice/primitives/testing'
import type { Harness } from '../src/contract/index.ts'
import type { EventStore } from '../src/ports.ts'
import { appendingSaboteurs } from './saboteurs/appending.ts'
import { blobSaboteurs } from './saboteurs/blobs.ts'
import { closingSaboteurs } from './saboteurs/closing.ts'
import { filteringSaboteurs } from './saboteurs/filtering.ts'
import { judgingSaboteurs } from './saboteurs/judging.ts'
import { keepingSaboteurs } from './saboteurs/keeping.ts'
import { readingSaboteurs } from './saboteurs/reading.ts'
import { decorate, type Sabotage, type Saboteur } from './saboteurs/saboteur.ts'
import { type SharedLog, sharedLog } from './shared-memory.ts'

export const saboteurs: readonly Saboteur[] = [
  ...appendingSaboteurs,
  ...judgingSaboteurs,
  ...readingSaboteurs,
  ...filteringSaboteurs,
  ...blobSaboteurs,
  ...keepingSaboteurs,
  ...closingSaboteurs,
]

/** Turns of the event loop that no case needs, spoilt or not: hundreds are what some take. */
const TURNS_MAX = 4_000

/**
 * A harness of its own for each case, so that cases may run side by side. Its patience is counted
 * in turns of the event loop: on a busy machine it lasts longer, and nothing fails for that.
 */
export interface SpoiltHarness extends Harness<EventStore> {
  /** Ends the counting of turns. */
  stop(): void
}

export function spoiltHarness(saboteur?: Saboteur): SpoiltHarness {
  const clock = manualClock(0)
  const logs = new WeakMap<EventStore, SharedLog>()
  const connect = (log: SharedLog, role: Sabotage['role']): EventStore => {
    const store = log.connect()
    const another = (): EventStore => sharedLog(clock).connect()
    const sabotage = { store, clock, role, closeLog: () => log.close(), another }
    const spoilt = decorate(store, saboteur?.spoil(sabotage) ?? {})
    logs.set(spoilt, log)
    return spoilt
  }
  const logOf = (store: EventStore): SharedLog => logs.get(store) as SharedLog
  let stopped = false
  let turns = 0
  /** Who waits, in the order in which their patience ends. */
  const waiting: { readonly until: number; readonly controller: AbortController }[] = []
  const turn = (): void => {
    turns += 1
    while ((waiting[0]?.until ?? turns + 1) <= turns) waiting.shift()?.controller.abort()
    if (waiting.length > 0 && !stopped) setImmediate(turn)
  }
  return {
    clock,
    open: async () => connect(sharedLog(clock), 'first'),
    async reopen(store) {
      await store.close()
      return connect(logOf(store), 'reopened')
    },
    openSecond: async (store) => connect(logOf(store), 'second'),
    close: (store) => store.close(),
    damage: async (store, what) => logOf(store).damage(what),
    patience() {
      const controller = new AbortController()
      waiting.push({ until: turns + TURNS_MAX, controller })
      if (waiting.length === 1) setImmediate(turn)
      return controller.signal
    },
    stop() {
      stopped = true
    },
  }
}
