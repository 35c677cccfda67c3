/**
 * One execution of a program in memory: the steps it has asked for, and their delivery.
 *
 * The program is run from its beginning every time. What the log holds is delivered to it in the
 * order of the log, one event a turn, so that it takes the same way; what it asks for beyond that
 * is new. It never matters *when* it asks, only under which id.
 *
 * The trap this closes: keying outcomes by call order, which breaks every run in flight as soon as
 * someone adds a call.
 */

import type { RecordedEvent, ValueRef } from '@ice/events/ports'
import { type Hash, type RunId, settled, type Timestamp } from '@ice/primitives'
import { createContext } from './context.ts'
import { RUNS_CODES, RunsError } from './errors.ts'
import { IdSet } from './id-set.ts'
import { INPUT } from './labels.ts'
import { PROPOSALS_MAX, STEP_ID_BYTES_MAX } from './limits.ts'
import { CHECK } from './names.ts'
import type { Program } from './ports.ts'
import { References } from './references.ts'
import type { Ask, Followed, Settlement, Step } from './steps.ts'
import { digestOfRef, sealValue } from './value.ts'

/** How a program ended. */
export type Ending =
  | { readonly value: unknown }
  | { readonly thrown: unknown }
  /** Another run goes on with this input. */
  | { readonly continued: unknown }

/** Runs a program once. */
export class Execution {
  readonly run: RunId
  readonly #ids = new IdSet()
  readonly #steps = new Map<string, Step>()
  readonly #fresh = new Set<Step>()
  /** The latest proposals, by step. */
  readonly #proposals = new Map<string, Followed>()
  /** Scopes whose steps are wanted no longer. */
  readonly #cancelled = new Set<string>()
  readonly references: References = new References()
  #now: Timestamp
  #at: number
  #staged = 0
  ending: Ending | null = null
  /** What the record holds, while it is replayed; `null` once the program goes beyond it. */
  past: { readonly patches: ReadonlySet<string> } | null = null

  /** `opened` is the event that opened the execution window. */
  constructor(run: RunId, opened: Pick<RecordedEvent, 'time' | 'version'>) {
    this.run = run
    this.#now = opened.time
    this.#at = opened.version
  }

  /** Time of the last event delivered to the program. */
  get now(): Timestamp {
    return this.#now
  }

  /** Starts the program and lets it come as far as it can. */
  async begin(program: Program, input: unknown): Promise<void> {
    const context = createContext(this, program, '')
    // Started from a microtask, so that a throw before the first `await` is a rejection too.
    Promise.resolve()
      .then(() => program.run(context, input))
      .then(
        (value) => {
          const stands = this.references.stand(value)
          this.ending ??= stands ? { thrown: referenceInResult() } : { value }
        },
        (thrown: unknown) => {
          this.ending ??= { thrown }
        },
      )
    await settled()
  }

  /** The step of this id, if it was asked for and is not settled. */
  step(id: string): Step | undefined {
    return this.#steps.get(id)
  }

  /** Unsettled steps asked for since the last call, in the order they were asked for. */
  takeFresh(): readonly Step[] {
    const fresh = [...this.#fresh]
    this.#fresh.clear()
    return fresh
  }

  /** All steps that are asked for and not settled. */
  get unsettled(): readonly Step[] {
    return [...this.#steps.values()]
  }

  /** Gives a step what the event says, and lets the program come as far as it can. */
  async deliver(step: Step, event: RecordedEvent, settlement: Settlement): Promise<void> {
    this.#steps.delete(step.id)
    this.#fresh.delete(step)
    this.#now = event.time
    this.#at = event.version
    if (step.ask.kind === 'proposal') {
      this.#remember(step.id, { event: event.id, agent: step.ask.proposal.agent })
    }
    if (step.ask.kind === 'cancel') this.#cancel(step.ask.scopes)
    step.settle(this.#held(step, event, settlement))
    await settled()
  }

  /** Ends the program: another run goes on in its place. Whatever it does further is not seen. */
  continueAs(input: unknown): Promise<never> {
    this.ending ??= { continued: input }
    return new Promise(() => undefined)
  }

  /**
   * Whether the program is to go the patched way: where that is recorded, and where nothing is
   * recorded beyond this point.
   */
  goesPatched(id: string): boolean {
    return this.past === null || this.past.patches.has(id)
  }

  /** Whether a step lies in a scope that was cancelled: nothing is delivered to it any more. */
  isCancelled(id: string): boolean {
    if (this.#cancelled.size === 0) return false
    for (let at = id.indexOf('/'); at >= 0; at = id.indexOf('/', at + 1)) {
      if (this.#cancelled.has(id.slice(0, at))) return true
    }
    return false
  }

  #cancel(scopes: readonly string[]): void {
    for (const scope of scopes) this.#cancelled.add(scope)
    for (const [id, step] of this.#steps) {
      if (!this.isCancelled(id)) continue
      this.#steps.delete(id)
      this.#fresh.delete(step)
    }
  }

  /** Counts an effect that is to be staged. @returns false when there are so many already */
  stages(most: number): boolean {
    this.#staged += 1
    return this.#staged <= most
  }

  #remember(proposal: string, followed: Followed): void {
    this.#proposals.set(proposal, followed)
    if (this.#proposals.size <= PROPOSALS_MAX) return
    for (const oldest of this.#proposals.keys()) {
      this.#proposals.delete(oldest)
      return
    }
  }

  /** A proposal, by the full id of its step. @throws `ICE_RUNS_PROPOSAL_NOT_FOUND` */
  proposed(step: string): Followed {
    const followed = this.#proposals.get(step)
    if (followed !== undefined) return followed
    const message =
      'An effect follows a proposal that was recorded before it was asked for, in the same ' +
      `scope, and is among the latest ${PROPOSALS_MAX}`
    const data = { proposal: step.slice(0, 64) }
    throw new RunsError(RUNS_CODES.proposalNotFound, message, data)
  }

  /** What a step is given: of a held result a reference. */
  #held({ id, ask }: Step, event: RecordedEvent, settlement: Settlement): Settlement {
    if (ask.kind !== 'effect' || !ask.hold || settlement.kind !== 'outcome') return settlement
    const { outcome } = settlement
    if (outcome.kind !== 'succeeded') return settlement
    const { result } = event.data as { readonly result: ValueRef }
    const reference = this.references.issue(id, digestOfRef(result))
    return { kind: 'outcome', outcome: { ...outcome, value: reference } }
  }

  /**
   * Asks for a step, and waits until it is settled. One that lies in a cancelled scope never is.
   *
   * @param id - full, unique in the run
   * @param asked - what its digest is of
   * @throws `ICE_RUNS_VALUE_LIMIT`, `ICE_RUNS_VALUE_UNSUPPORTED`, `ICE_RUNS_STEP_CONFLICT`
   */
  ask<T>(id: string, ask: Ask, asked: unknown, read: (s: Settlement) => T): Promise<T> {
    checkId(id)
    const digest = digestOf(asked)
    if (!this.#ids.add(id)) {
      throw new RunsError(RUNS_CODES.stepConflict, `Two steps of this run are called "${id}"`, {
        step: id,
      })
    }
    return new Promise((resolve, reject) => {
      const settle = (settlement: Settlement): void => {
        try {
          resolve(read(settlement))
        } catch (error) {
          reject(error)
        }
      }
      // What goes on in a scope that nobody waits for is not looked at.
      if (this.isCancelled(id)) return
      const step: Step = { id, ask, digest, askedAt: this.#at, settle }
      this.#steps.set(id, step)
      this.#fresh.add(step)
    })
  }
}

function checkId(id: string): void {
  if (Buffer.byteLength(id) > STEP_ID_BYTES_MAX) {
    const data = { id: `${id.slice(0, 64)}…`, bytesMax: STEP_ID_BYTES_MAX }
    throw new RunsError(RUNS_CODES.valueLimit, 'A step id is longer than an event carries', data)
  }
  if (id === CHECK || id.startsWith(`${CHECK}/`)) {
    const message = `A step is not called "${CHECK}": that are the checks of the result`
    throw new RunsError(RUNS_CODES.stepConflict, message, { step: id })
  }
  if (id === INPUT || id.startsWith(`${INPUT}/`)) {
    const message = `A step is not called "${INPUT}": that is the input of the run`
    throw new RunsError(RUNS_CODES.stepConflict, message, { step: id })
  }
}

/** The digest of what a step asks for: whatever it asks must fit into a value. */
function digestOf(asked: unknown): Hash {
  const { digest } = sealValue(asked)
  return digest
}

function referenceInResult(): RunsError {
  const message =
    'The result holds a reference, which means nothing once the run is over: reveal it first'
  return new RunsError(RUNS_CODES.referenceInResult, message)
}
