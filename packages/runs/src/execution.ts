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

import type { Denial } from '@ice/capabilities/ports'
import type { RecordedEvent, ValueRef } from '@ice/events/ports'
import {
  agentId,
  type ErrorRecord,
  type EventId,
  type Hash,
  invariant,
  type JsonObject,
  type JsonValue,
  type Random,
  type RunId,
  seededRandom,
  settled,
  type Timestamp,
} from '@ice/primitives'
import { RUNS_CODES, RunsError } from './errors.ts'
import { IdSet } from './id-set.ts'
import { INPUT } from './labels.ts'
import { PROPOSALS_MAX, PROSE_CHARACTERS_MAX, STEP_ID_BYTES_MAX } from './limits.ts'
import type {
  Answer,
  EffectOutcome,
  EffectRequest,
  Program,
  Proposal,
  Question,
  Reference,
  RunContext,
} from './ports.ts'
import { type Bound, References, strayReference } from './references.ts'
import { asRecorded, digestOfRef, sealValue } from './value.ts'

/** A proposal that an effect follows: its event, and the agent who made it. */
export interface Followed {
  readonly event: EventId
  readonly agent: string
}

/** What a step asks for. */
export type Ask =
  | {
      readonly kind: 'effect'
      /** A copy: its arguments are bound, and nothing the program does later changes them. */
      readonly request: EffectRequest<unknown> & { readonly arguments: JsonObject }
      readonly bound: Bound
      readonly hold: boolean
      /** The proposal it follows. */
      readonly proposal?: Followed | undefined
    }
  | { readonly kind: 'reveal'; readonly id: string; readonly digest: Hash; readonly at: string }
  | { readonly kind: 'proposal'; readonly proposal: Proposal }
  | { readonly kind: 'question'; readonly question: Question; readonly bound: Bound }

/** What a step is given in the end. */
export type Settlement =
  | { readonly kind: 'outcome'; readonly outcome: EffectOutcome }
  | { readonly kind: 'answer'; readonly answer: Answer }
  | { readonly kind: 'proposed' }
  | { readonly kind: 'revealed'; readonly value: JsonValue }

/** A step that was asked for and is not settled. */
export interface Step {
  readonly id: string
  readonly ask: Ask
  /** Of what was asked: a recorded step must have the same. */
  readonly digest: Hash
  /** Version of the run's last event that the program knew of when it asked. */
  readonly askedAt: number
  readonly settle: (settlement: Settlement) => void
}

/** How a program ended. */
export type Ending = { readonly value: unknown } | { readonly thrown: unknown }

/** Runs a program once. */
export class Execution {
  readonly #run: RunId
  readonly #ids = new IdSet()
  readonly #steps = new Map<string, Step>()
  readonly #fresh = new Set<Step>()
  /** The latest proposals, by step. */
  readonly #proposals = new Map<string, Followed>()
  readonly references: References = new References()
  #now: Timestamp
  #at: number
  ending: Ending | null = null

  /** `opened` is the event that opened the execution window. */
  constructor(run: RunId, opened: RecordedEvent) {
    this.#run = run
    this.#now = opened.time
    this.#at = opened.version
  }

  /** Starts the program and lets it come as far as it can. */
  async begin(program: Program, input: unknown): Promise<void> {
    const context = this.#context('')
    // Started from a microtask, so that a throw before the first `await` is a rejection too.
    Promise.resolve()
      .then(() => program.run(context, input))
      .then(
        (value) => {
          const stands = this.references.stand(value)
          this.ending = stands ? { thrown: referenceInResult() } : { value }
        },
        (thrown: unknown) => {
          this.ending = { thrown }
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
    step.settle(this.#held(step, event, settlement))
    await settled()
  }

  #remember(proposal: string, followed: Followed): void {
    this.#proposals.set(proposal, followed)
    if (this.#proposals.size <= PROPOSALS_MAX) return
    for (const oldest of this.#proposals.keys()) {
      this.#proposals.delete(oldest)
      return
    }
  }

  /** A proposal of this scope. @throws `ICE_RUNS_PROPOSAL_NOT_FOUND` */
  #proposed(prefix: string, proposal: unknown): Followed {
    const followed = this.#proposals.get(prefix + checkName(proposal))
    if (followed !== undefined) return followed
    const message =
      'An effect follows a proposal that was recorded before it was asked for, in the same ' +
      `scope, and is among the latest ${PROPOSALS_MAX}`
    const data = { proposal: `${String(proposal).slice(0, 64)}` }
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

  #ask<T>(id: string, ask: Ask, asked: unknown, read: (s: Settlement) => T): Promise<T> {
    if (Buffer.byteLength(id) > STEP_ID_BYTES_MAX) {
      const data = { id: `${id.slice(0, 64)}…`, bytesMax: STEP_ID_BYTES_MAX }
      throw new RunsError(RUNS_CODES.valueLimit, 'A step id is longer than an event carries', data)
    }
    if (id === INPUT || id.startsWith(`${INPUT}/`)) {
      const message = `A step is not called "${INPUT}": that is the input of the run`
      throw new RunsError(RUNS_CODES.stepConflict, message, { step: id })
    }
    const digest = digestOf(asked)
    if (!this.#ids.add(id)) {
      throw new RunsError(RUNS_CODES.stepConflict, `Two steps of this run are called "${id}"`, {
        step: id,
      })
    }
    return new Promise((resolve) => {
      const settle = (settlement: Settlement): void => resolve(read(settlement))
      const step: Step = { id, ask, digest, askedAt: this.#at, settle }
      this.#steps.set(id, step)
      this.#fresh.add(step)
    })
  }

  #context(prefix: string): RunContext {
    const execution = this
    const effect = async <R>(
      id: string,
      request: EffectRequest<R>,
      hold: boolean,
    ): Promise<EffectOutcome<R>> => {
      const bound = this.references.bind(request.arguments)
      const own = { ...request, arguments: bound.value as JsonObject }
      const { proposal: named } = request
      const proposal = named === undefined ? undefined : this.#proposed(prefix, named)
      const ask: Ask = { kind: 'effect', request: own, bound, hold, proposal }
      return this.#ask(prefix + checkName(id), ask, askedOf(own), (given) => {
        invariant(given.kind === 'outcome', 'an effect is settled by its outcome')
        return given.outcome as EffectOutcome<R>
      })
    }
    let random: Random | undefined
    return {
      run: this.#run,
      get now() {
        return execution.#now
      },
      get random() {
        random ??= seededRandom(`${execution.#run}/${prefix}`)
        return random
      },
      attempt: (id, request) => effect(id, request, false),
      effect: async (id, request) => unwrap(id, await effect(id, request, false)),
      hold: async <R>(id: string, request: EffectRequest<R>) =>
        unwrap(id, await effect(id, request, true)) as Reference<R>,
      part: <R>(reference: Reference<unknown>, pointer: string) =>
        this.references.part(reference, pointer) as Reference<R>,
      reveal: async <R>(id: string, reference: Reference<R>) =>
        (await this.#reveal(prefix + checkName(id), reference)) as R,
      propose: async (id, proposal) => {
        const { agent, reason } = proposal
        checkProse(reason)
        const content = this.#bound(proposal.content).value
        const asked = { agent: agentId(agent), content, reason }
        const ask: Ask = { kind: 'proposal', proposal: { ...proposal, content } }
        await this.#ask(prefix + checkName(id), ask, asked, () => null)
      },
      approval: async (id, question) => {
        checkProse(question.prompt)
        const bound = this.#bound(question.details ?? null)
        const shown = { ...question, details: bound.value }
        const ask: Ask = { kind: 'question', question: shown, bound }
        return this.#ask(prefix + checkName(id), ask, askedOfPerson(shown), (given) => {
          invariant(given.kind === 'answer', 'a question is settled by its answer')
          return given.answer
        })
      },
      scope: (name) => this.#context(`${prefix}${checkName(name)}/`),
    }
  }

  #bound(given: unknown): Bound {
    const bound = this.references.bind(given)
    if (bound.stray !== null) throw strayReference(bound.stray)
    return bound
  }

  #reveal(id: string, reference: unknown): Promise<JsonValue> {
    const known = this.references.read(reference)
    if (known === undefined) throw strayReference('')
    const ask: Ask = { kind: 'reveal', ...known }
    return this.#ask(id, ask, { reveal: { ...known } }, (given) => {
      invariant(given.kind === 'revealed', 'a reference is revealed by its content')
      return given.value
    })
  }
}

function referenceInResult(): RunsError {
  const message =
    'The result holds a reference, which means nothing once the run is over: reveal it first'
  return new RunsError(RUNS_CODES.referenceInResult, message)
}

/** Terms count only where there are any: questions without had this digest before. */
function askedOfPerson({ prompt, details = null, ...terms }: Question): unknown {
  const { by, timeoutMs, escalateAfterMs, escalateTo } = terms
  const given = Object.entries({ by, timeoutMs, escalateAfterMs, escalateTo })
  return { prompt, details, ...Object.fromEntries(given.filter(([, each]) => each !== undefined)) }
}

function askedOf({ action, grant, arguments: args }: EffectRequest<unknown>): unknown {
  return { action, grant, arguments: args }
}

/** The digest of what a step asks for: whatever it asks must fit into a value. */
function digestOf(asked: unknown): Hash {
  const { digest } = sealValue(asked)
  return digest
}

function checkName(name: unknown): string {
  if (typeof name === 'string' && name.length > 0 && name.isWellFormed()) return name
  throw new RunsError(RUNS_CODES.stepConflict, 'A step id is a string that is not empty')
}

function checkProse(text: unknown): void {
  if (typeof text === 'string' && text.length <= PROSE_CHARACTERS_MAX && text.isWellFormed()) return
  const data = { charactersMax: PROSE_CHARACTERS_MAX }
  throw new RunsError(RUNS_CODES.valueLimit, 'A reason or prompt is a text of bounded length', data)
}

function unwrap<R>(id: string, outcome: EffectOutcome<R>): R {
  if (outcome.kind === 'succeeded') return outcome.value
  if (outcome.kind === 'denied') throw deniedError(id, outcome.denial)
  throw failedError(id, outcome.error)
}

function deniedError(step: string, denial: Denial): RunsError {
  const data = { step, denial: denial as unknown as JsonValue }
  return new RunsError(RUNS_CODES.effectDenied, `"${step}" was denied: ${denial.message}`, data)
}

function failedError(step: string, error: ErrorRecord): RunsError {
  const data = { step, error: error as unknown as JsonValue }
  return new RunsError(RUNS_CODES.effectFailed, `"${step}" failed: ${error.message}`, data)
}

function revocation({ by, proof }: Readonly<Record<string, unknown>>): Denial {
  const message = 'The right to the effect ended before its handler had acted'
  const data = { by, proof } as JsonObject
  return { code: RUNS_CODES.effectRevoked, message, data, causes: [] }
}

/** The settlement that a recorded event holds for a step. */
export function settlementOf(
  event: RecordedEvent,
  value: JsonValue,
  answeredBy: Omit<Answer, 'approved'> | null,
): Settlement {
  const id: EventId = event.id
  const data = event.data as Readonly<Record<string, unknown>>
  switch (event.type) {
    case 'DecisionProposed':
      return { kind: 'proposed' }
    case 'ValueRevealed':
      return { kind: 'revealed', value }
    case 'ApprovalConsumed': {
      const { by = null, comment = null, ...lapsed } = answeredBy ?? {}
      const approved = data['approved'] === true
      return { kind: 'answer', answer: { approved, by, comment, ...lapsed } }
    }
    case 'CapabilityDenied': {
      const denial = asRecorded(data['denial'] as Denial)
      return { kind: 'outcome', outcome: { kind: 'denied', denial, event: id } }
    }
    case 'EffectRevoked': {
      const denial = asRecorded(revocation(data))
      return { kind: 'outcome', outcome: { kind: 'denied', denial, event: id } }
    }
    case 'EffectFailed': {
      const error = asRecorded(data['error'] as ErrorRecord)
      return { kind: 'outcome', outcome: { kind: 'failed', error, event: id } }
    }
    default:
      return { kind: 'outcome', outcome: { kind: 'succeeded', value, event: id } }
  }
}
