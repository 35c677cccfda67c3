/**
 * What becomes of the steps a program asks for: proposals are recorded, questions are put to
 * people, effects are decided; and what a crash left open is taken up again.
 */

import type { ValueRef } from '@ice/events/ports'
import { invariant } from '@ice/primitives'
import { putToPerson, termsOfQuestion } from './asking.ts'
import { isOver, overdue } from './attempts.ts'
import { holdToBreaker } from './breaker-hold.ts'
import { lookAtCancel } from './cancel.ts'
import { lookAtChild } from './children.ts'
import { lookAtCompensation } from './compensate.ts'
import { partAt, shownReferences } from './contents.ts'
import type { Desk } from './desk.ts'
import { type Call, catchUp, type EffectIntent, partyOf } from './effects.ts'
import type { Fact, ForeignFact } from './facts.ts'
import { givenArguments, type Sources } from './given.ts'
import { ruleCall } from './items.ts'
import type { OpenEffect, Payload } from './lifecycle.ts'
import type { RunPlace } from './ports.ts'
import { prepareCall } from './prepare.ts'
import { versionOf } from './recorded.ts'
import { answered, effectEnd } from './records.ts'
import { resolvedOutcome } from './resolved.ts'
import { lookAtStage } from './staging.ts'
import { type AskOf, SPAWN_ACTION, type Step } from './steps.ts'
import { openValue, sealValue } from './value.ts'
import { lookAtPatch } from './versions.ts'
import { lookAtEvent, lookAtSignal, lookAtTimer } from './waits.ts'

/** Settles or forwards every step that is asked for. */
export class Rulings {
  readonly #init: Desk
  #queue: Step[] = []
  /** Steps whose calls take more than the run holds: decided anew once slices were drawn. */
  #lacking: Step[] = []

  constructor(desk: Omit<Desk, 'again' | 'deliver' | 'woken'>) {
    const { journal, execution } = desk
    this.#init = {
      ...desk,
      woken: new WeakSet(),
      again: (steps) => this.again(steps),
      deliver: (step, fact, settlement) => execution.deliver(step, journal.add(fact), settlement),
    }
  }

  /** Where the run is worked on. */
  get desk(): Desk {
    return this.#init
  }

  /** Queues steps to be looked at, once more or for the first time. */
  again(steps: readonly Step[]): void {
    this.#queue.push(...steps)
  }

  /** Queues the steps that slices were drawn for: these are in hand now, or were not left. */
  afterDraw(): void {
    this.#queue.push(...this.#lacking)
    this.#lacking = []
  }

  /** Works until nothing is asked that could be settled, recorded or tried now. */
  async settleAsked(): Promise<void> {
    const { execution, journal, components } = this.#init
    for (;;) {
      this.#queue.push(...execution.takeFresh())
      if (this.#queue.length === 0 || journal.full) return
      // Each once: of two looks at an attempt that is due, both would begin it.
      const steps = new Set(this.#queue)
      this.#queue = []
      const unsure: { readonly step: Step; readonly call: Call }[] = []
      for (const step of steps) await this.#look(step, unsure)
      if (unsure.length === 0) continue
      // A denial, and a question to a person, must stand on the newest state of authority.
      const { fold } = journal
      const grants = [...unsure.flatMap(({ call }) => grantsOf(call)), ...fold.standing]
      const party = partyOf(fold, this.#init.run)
      const proposers = unsure.map(({ call }) => call.proposal?.agent)
      await catchUp(components.authority, party, grants, proposers)
      for (const { step, call } of unsure) await this.#decide(step, call, true)
    }
  }

  async #look(step: Step, unsure: { step: Step; call: Call }[]): Promise<void> {
    if (this.#init.execution.step(step.id) !== step) return
    const { ask } = step
    switch (ask.kind) {
      case 'proposal':
        return this.#propose(step, ask)
      case 'question':
        return this.#question(step, ask)
      case 'reveal':
        return this.#reveal(step, ask)
      case 'timer':
        return lookAtTimer(this.#init, step, ask)
      case 'signal':
        return lookAtSignal(this.#init, step, ask)
      case 'event':
        return lookAtEvent(this.#init, step, ask)
      case 'child':
        return lookAtChild(this.#init, step, ask)
      case 'patch':
        return lookAtPatch(this.#init, step)
      case 'stage':
        return lookAtStage(this.#init, step, ask)
      case 'compensation':
        return lookAtCompensation(this.#init, step, ask)
      case 'cancel':
        return lookAtCancel(this.#init, step, ask)
      default:
        return this.#effect(step, ask, unsure)
    }
  }

  async #propose(step: Step, { proposal }: AskOf<'proposal'>): Promise<void> {
    const { agent, content, reason } = proposal
    const sealed = sealValue(content)
    const data = { step: step.id, proposal: sealed.ref, reason }
    const fact: ForeignFact = { type: 'DecisionProposed', origin: `agent:${agent}`, data }
    return this.#init.deliver(step, { ...fact, blob: sealed.blob }, { kind: 'done' })
  }

  async #effect(
    step: Step,
    ask: AskOf<'effect'>,
    unsure: { step: Step; call: Call }[],
  ): Promise<void> {
    const attempt = await this.#attemptOf(step, ask)
    if (attempt === null) return
    const { run, journal, components } = this.#init
    const { request, bound, terms, hold, batch } = ask
    const { askedAt, id: effect } = step
    const { proposal } = ask
    const { given, unfilled } = await givenArguments(bound, this.#sources())
    const { staged } = ask
    const since = staged === undefined ? askedAt : versionOf(staged)
    const own = { request, terms, bound, hold, batch, proposal, staged }
    const asked = { run, effect, attempt, ...own, askedAt: since }
    const init = { ...asked, given, unfilled, place: this.#place() }
    const call = prepareCall(init, journal.fold, components.handlers)
    if ('kind' in call) return this.#deny(step, call.fact)
    if (!(await this.#decide(step, call, false))) unsure.push({ step, call })
  }

  /** Where the run stands among others; children that wait to be intended count. */
  #place(): RunPlace {
    const { journal } = this.#init
    const { fold } = journal
    const children = fold.spawned + journal.intentsOf(SPAWN_ACTION)
    return { depth: fold.view?.parent?.depth ?? 0, children }
  }

  #sources(): Sources {
    const { journal, components } = this.#init
    return { labels: journal.fold.labels, blobs: components.log.store.blobs }
  }

  /** The content is given in its turn, like an outcome: what follows is labelled with it. */
  async #reveal(step: Step, ask: AskOf<'reveal'>): Promise<void> {
    const { labels, blobs } = this.#sources()
    const held = labels.held.get(ask.id)
    invariant(held !== undefined, 'a reference of this run stands for a value that is held')
    const value = partAt(await openValue(held.value, blobs), ask.at) ?? null
    const part = ask.at === '' ? {} : { at: ask.at }
    const data = { step: step.id, reference: ask.id, value: held.digest, ...part }
    const fact: Fact = { type: 'ValueRevealed', data }
    await this.#init.deliver(step, fact, { kind: 'revealed', value })
  }

  /** @returns false when authority has to catch up before the answer can be final */
  async #decide(step: Step, call: Call, fresh: boolean): Promise<boolean> {
    const { journal, components } = this.#init
    const at = journal.now()
    const { fold } = journal
    const init = { fold, authority: components.authority, purse: journal.purse() }
    const ruling = ruleCall(call, { ...init, at, fresh, ahead: journal.isAhead })
    if (ruling.kind === 'denied' && !ruling.final) return false
    // The time it was decided for, and no later one, is what it can be judged again by.
    if (ruling.kind === 'denied') await this.#deny(step, { ...ruling.fact, at })
    else if (ruling.kind === 'intent' && ruling.lacks.length > 0) {
      this.#lacking.push(step)
      journal.draw(ruling.lacks)
    } else if (ruling.kind === 'intent') await this.#intend(step, call, ruling.intent)
    else await putToPerson(journal, ruling, this.#sources())
    return true
  }

  /** What is allowed is still held to the breaker that covers it. */
  async #intend(step: Step, call: Call, intent: EffectIntent): Promise<void> {
    const held = await holdToBreaker(this.#init, call, intent)
    if (held.kind === 'intent') this.#init.journal.addIntent(held.intent)
    else if (held.kind === 'denied') await this.#deny(step, held.fact)
    else this.#init.journal.add(held.fact)
  }

  async #question(step: Step, { question, bound }: AskOf<'question'>): Promise<void> {
    const { journal } = this.#init
    const answer = journal.fold.answers.get(step.id)
    if (answer !== undefined) {
      const { approved, event } = answer
      const data = { step: step.id, answer: event.id, approved }
      const fact: Fact = { type: 'ApprovalConsumed', data, causes: [event.id] }
      return this.#init.deliver(step, fact, answered(approved, event))
    }
    const lapsed = journal.fold.lapsed.get(step.id)
    if (lapsed !== undefined) {
      const { id } = lapsed.event
      const data = { step: step.id, answer: id, approved: false }
      const fact: Fact = { type: 'ApprovalConsumed', data, causes: [id] }
      return this.#init.deliver(step, fact, answered(false, lapsed.event))
    }
    if (journal.fold.waiting.has(step.id)) return
    const references = await shownReferences(bound.references, this.#sources())
    const asked = question.details ?? null
    const sealed = sealValue(references.length > 0 ? { details: asked, references } : asked)
    const at = journal.now()
    journal.add({
      type: 'ApprovalRequested',
      blob: sealed.blob,
      at,
      data: {
        ...termsOfQuestion(question, at),
        step: step.id,
        kind: 'question',
        digest: step.digest,
        prompt: question.prompt,
        details: sealed.ref as Payload<'ApprovalRequested'>['details'],
      },
    })
  }

  /** Which attempt an effect is at, or `null` when it cannot be tried now. */
  async #attemptOf(step: Step, { terms }: AskOf<'effect'>): Promise<number | null> {
    const { journal, acts } = this.#init
    const open = journal.fold.open.get(step.id)
    if (acts.has(step.id)) return null
    const wait = journal.fold.waits.get(step.id)
    if (wait?.due != null && wait.due > journal.now()) return null
    if (wait !== undefined && journal.intends(step.id)) return null
    if (open?.doubt === true) return this.#resolve(step, open)
    const tried = journal.fold.tried.get(step.id)
    if (open?.intent.data.fate !== 'irreversible') {
      if (tried?.intent == null || !isOver(terms, tried, journal.now())) {
        return (tried?.attempt ?? 0) + 1
      }
      const data = overdue(step.id, terms, tried)
      const event = journal.add({ type: 'EffectFailed', data, causes: [tried.intent] })
      await this.#init.execution.deliver(step, event, effectEnd(event, null))
      return null
    }
    const { data, id } = open.intent
    // Its owner died between intent and outcome, and nobody here knows whether it happened.
    const { attempt } = data
    journal.add({ type: 'EffectInDoubt', data: { effect: step.id, attempt, intent: id } })
    return null
  }

  async #resolve(step: Step, { intent }: OpenEffect): Promise<number | null> {
    const { journal, components } = this.#init
    const resolution = journal.fold.resolutions.get(step.id)
    if (resolution === undefined) return null
    if (!resolution.data.happened) return intent.data.attempt + 1
    const event = journal.add(resolvedOutcome(intent, resolution))
    const { result } = event.data as Payload<'EffectSucceeded'>
    const value = await openValue(result as ValueRef, components.log.store.blobs)
    await this.#init.execution.deliver(step, event, effectEnd(event, value))
    return null
  }

  async #deny(step: Step, fact: Fact): Promise<void> {
    const { journal, execution } = this.#init
    const event = journal.add(fact)
    await execution.deliver(step, event, effectEnd(event, null))
  }
}

/** The grants a call names: its own, and those of the secrets it carries. */
function grantsOf({ grant, secrets }: Call): readonly Call['grant'][] {
  return [grant, ...secrets.map((secret) => secret.grant)]
}
