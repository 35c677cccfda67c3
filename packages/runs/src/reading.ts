/**
 * A run as it is taken up: its fold, and its events, which its program is then held against.
 *
 * The trap this closes: a stream that is read twice, for the state of a run and for its replay.
 * Most runs are short when they go on, so what was read is kept until then. A long one is read
 * anew, page by page: memory stays bounded however long it is.
 */

import { fold } from '@ice/events/define'
import type { EventLog, RecordedEvent } from '@ice/events/ports'
import type { RunId } from '@ice/primitives'
import { runStream } from './journal.ts'
import { type RunFold, runProjection } from './lifecycle.ts'
import { KEPT_EVENTS_MAX } from './limits.ts'

/** A stream, read once. */
export class Reading {
  #fold: RunFold = runProjection.initialState()
  #version = 0
  #events: RecordedEvent[] | null = []

  /** Reads a run up to its end. */
  static async of(log: Pick<EventLog, 'read'>, run: RunId): Promise<Reading> {
    const reading = new Reading()
    for await (const batch of log.read({ stream: runStream(run) })) {
      reading.#fold = fold(runProjection, reading.#fold, batch)
      for (const event of batch) reading.add(event)
    }
    return reading
  }

  /** The run at the end of what was read; whoever goes on with it folds on in place. */
  get fold(): RunFold {
    return this.#fold
  }

  /** Version of the last event; 0: there is no such run. */
  get version(): number {
    return this.#version
  }

  /** Takes in what is recorded of the run, in its order, before its program goes on. */
  add(event: RecordedEvent): void {
    this.#version = event.version
    if (this.#events === null) return
    this.#events.push(event)
    if (this.#events.length > KEPT_EVENTS_MAX) this.#events = null
  }

  /** Hands over the events, and keeps none from here on; `null`: they are too many. */
  take(): readonly RecordedEvent[] | null {
    const events = this.#events
    this.#events = null
    return events
  }
}
