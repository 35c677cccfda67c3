/** The desk at which a driven run is worked on: everything that becomes of its steps needs. */

import type { RunId } from '@ice/primitives'
import type { Acts } from './acts.ts'
import type { BreakerNotes } from './breaker-notes.ts'
import type { Components } from './components.ts'
import type { EffectIntent } from './effects.ts'
import type { Execution } from './execution.ts'
import type { Fact, ForeignFact } from './facts.ts'
import type { Inbox } from './inbox.ts'
import type { Journal } from './journal.ts'
import type { Wait } from './ports.ts'
import type { Settlement, Step } from './steps.ts'
import type { Undoings } from './undoings.ts'

export interface Desk {
  readonly components: Components
  readonly journal: Journal<EffectIntent>
  readonly execution: Execution
  readonly run: RunId
  readonly acts: Acts
  readonly undoings: Undoings
  readonly inbox: Inbox
  readonly breakers: BreakerNotes
  /** Waits for a next attempt whose time has come, and that were looked at for it. */
  readonly woken: WeakSet<Wait>
  /** Queues steps to be looked at once more. */
  again(steps: readonly Step[]): void
  /** Records what settles a step, and gives the step that. */
  deliver(step: Step, fact: Fact | ForeignFact, settlement: Settlement): Promise<void>
}
