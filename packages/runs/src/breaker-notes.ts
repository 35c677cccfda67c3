/**
 * What one run has to write to breakers in its next append: of attempts that failed, and of those
 * that did not where that is news.
 *
 * It is worked out when the append is made, on the version that the breaker is known at, and again
 * when that has moved. So the failure that makes a count full is one, and opens. An outcome can
 * always be recorded: who meets others too often writes at any version in the end.
 */

import type { RecordedEvent, StreamWrite } from '@ice/events/ports'
import type { RunId, StreamVersion, Timestamp } from '@ice/primitives'
import { isNoted, type Notes } from './beside.ts'
import {
  afterFailure,
  afterSuccess,
  type BreakerFold,
  breakerStream,
  evolveBreaker,
  NEW_BREAKER,
} from './breaker.ts'
import type { Breakers } from './breakers.ts'
import { BREAKER_CONFLICTS_MAX, UNIT_BREAKERS_MAX } from './limits.ts'
import { isOutcome } from './outcome.ts'
import type { Breaker } from './ports.ts'
import type { Completion, Settled } from './settle.ts'

interface Note {
  readonly effect: string
  readonly at: Timestamp
  /** Of the error; `null` of a success. */
  readonly code: string | null
}

/** Notes of one run, for the next append of its journal. */
export class BreakerNotes implements Notes {
  readonly #breakers: Breakers
  readonly #run: RunId
  readonly #notes = new Map<Breaker, Note[]>()
  #conflicts = 0

  constructor(breakers: Breakers, run: RunId) {
    this.#breakers = breakers
    this.#run = run
  }

  /** Whether as many breakers wait to be written to as one append should carry. */
  get full(): boolean {
    return this.#notes.size >= UNIT_BREAKERS_MAX
  }

  /** Notes how an attempt ended. One that was told to stop says nothing of what it called. */
  note({ intent, stopped, endedBy = [] }: Completion, end: Settled, at: Timestamp): void {
    const { breaker: name, effect } = intent.data
    const breaker = name === undefined ? null : this.#breakers.named(name)
    if (breaker === null || stopped === true || endedBy.length > 0) return
    const isFailure = FAILURES.has(end.type) && end.acted !== true
    if (!isFailure && end.acted !== true && !isOutcome(end as unknown as RecordedEvent)) return
    const { error } = end.data as { readonly error?: { readonly code: string } }
    const note: Note = { effect, at, code: isFailure ? (error?.code ?? '') : null }
    const fold = this.stands(breaker)
    if (note.code === null && this.#eventsOf(breaker, fold, [note]).length === 0) return
    this.#notes.set(breaker, [...(this.#notes.get(breaker) ?? []), note])
  }

  /** How a breaker will stand once what waits here is written. */
  stands(breaker: Breaker): BreakerFold {
    const fold = this.#breakers.known(breaker) ?? NEW_BREAKER
    const notes = this.#notes.get(breaker)
    if (notes === undefined) return fold
    return this.#eventsOf(breaker, fold, notes).reduce((at, { event, time }) => {
      const { type, data } = event
      return evolveBreaker(at, { type, data, time, version: at.version + 1 } as never, breaker)
    }, fold)
  }

  /** The writes of the next append, each stream once. */
  writes(): readonly StreamWrite[] {
    return [...this.#notes].flatMap(([breaker, notes]) => {
      const fold = this.#breakers.known(breaker) ?? NEW_BREAKER
      const events = this.#eventsOf(breaker, fold, notes).map(({ event }) => event)
      if (events.length === 0) return []
      const isLate = this.#conflicts > BREAKER_CONFLICTS_MAX
      const expectedVersion = isLate ? 'any' : (fold.version as StreamVersion)
      return [{ stream: breakerStream(breaker.name), expectedVersion, events }]
    })
  }

  #eventsOf(breaker: Breaker, known: BreakerFold, notes: readonly Note[]) {
    let fold = known
    return notes.flatMap(({ effect, at, code }) => {
      const attempt = { run: this.#run, effect, at }
      const events =
        code === null
          ? afterSuccess(fold, breaker, attempt)
          : afterFailure(fold, breaker, { ...attempt, code })
      return events.map((event) => {
        const { type, data } = event
        const version = fold.version + 1
        fold = evolveBreaker(fold, { type, data, time: at, version } as never, breaker)
        return { event, time: at }
      })
    })
  }

  /** What waited is recorded. */
  acknowledged(): void {
    this.#notes.clear()
    this.#conflicts = 0
  }

  /** A stream that was written to, or that an intent stands on, has moved. */
  async moved(stream: string | null): Promise<void> {
    if (!isNoted(stream)) return
    this.#conflicts += 1
    await this.#breakers.refresh(stream)
  }
}

/** Ends of an attempt that count against what it called; a doubt is one: nothing came back. */
const FAILURES: ReadonlySet<string> = new Set([
  'EffectFailed',
  'EffectRetryScheduled',
  'EffectInDoubt',
])
