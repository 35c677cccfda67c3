/**
 * What becomes of the steps a program asks for: proposals are recorded, questions are put to
 * people, effects are decided; and what a crash left open is taken up again.
 */

import type { BlobStore, ValueRef } from '@ice/events/ports'
import {
  invariant,
  type JsonObject,
  joinLabels,
  type RunId,
  sourceLabel,
  TRUSTED_LABEL,
} from '@ice/primitives'
import type { Acts } from './acts.ts'
import { wholeLabel } from './call-labels.ts'
import type { Components } from './components.ts'
import { filled, partAt, shownReferences } from './contents.ts'
import { type Call, type EffectIntent, prepareCall, type Ruling, rule } from './effects.ts'
import { RunsError } from './errors.ts'
import { type Ask, type Execution, type Step, settlementOf } from './execution.ts'
import type { Fact, ForeignFact, Journal } from './journal.ts'
import type { RunLabels } from './labels.ts'
import type { OpenEffect, Payload } from './lifecycle.ts'
import { type Bound, strayReference } from './references.ts'
import { openValue, sealValue } from './value.ts'

/** What rulings are made with. */
export interface RulingsInit {
  readonly components: Components
  readonly journal: Journal<EffectIntent>
  readonly execution: Execution
  readonly run: RunId
  readonly acts: Acts
}

/** Settles or forwards every step that is asked for. */
export class Rulings {
  readonly #init: RulingsInit
  #queue: Step[] = []

  constructor(init: RulingsInit) {
    this.#init = init
  }

  /** Queues steps to be looked at, once more or for the first time. */
  again(steps: readonly Step[]): void {
    this.#queue.push(...steps)
  }

  /** Works until nothing is asked that could be settled, recorded or tried now. */
  async settleAsked(): Promise<void> {
    const { execution, journal, components } = this.#init
    for (;;) {
      this.#queue.push(...execution.takeFresh())
      if (this.#queue.length === 0 || journal.full) return
      const steps = this.#queue
      this.#queue = []
      const unsure: { readonly step: Step; readonly call: Call }[] = []
      for (const step of steps) await this.#look(step, unsure)
      if (unsure.length === 0) continue
      // A denial, and a question to a person, must stand on the newest state of authority.
      await components.authority.refresh(unsure.map(({ call }) => call.grant))
      for (const { step, call } of unsure) await this.#decide(step, call, true)
    }
  }

  async #look(step: Step, unsure: { step: Step; call: Call }[]): Promise<void> {
    if (this.#init.execution.step(step.id) !== step) return
    const { ask } = step
    if (ask.kind === 'proposal') {
      const { agent, content, reason } = ask.proposal
      const sealed = sealValue(content)
      return this.#deliver(step, {
        type: 'DecisionProposed',
        origin: `agent:${agent}`,
        data: { step: step.id, proposal: sealed.ref, reason },
        blob: sealed.blob,
      })
    }
    if (ask.kind === 'question') return this.#question(step, ask)
    if (ask.kind === 'reveal') return this.#reveal(step, ask)
    const attempt = await this.#attemptOf(step)
    if (attempt === null) return
    const { run, journal, components } = this.#init
    const { request, bound, hold } = ask
    const { askedAt, id: effect } = step
    const { given, unfilled } = await this.#filled(bound)
    const init = { run, effect, attempt, request, bound, hold, askedAt, given, unfilled }
    const call = prepareCall(init, journal.fold, components.handlers)
    if ('kind' in call) return this.#apply(step, call)
    if (!(await this.#decide(step, call, false))) unsure.push({ step, call })
  }

  /** Arguments as the handler is to have them, or why there are none. */
  async #filled({ value, references, stray }: Bound): Promise<Pick<Call, 'given' | 'unfilled'>> {
    if (stray !== null) return { given: {}, unfilled: strayReference(stray) }
    try {
      const given = await filled(value as JsonObject, references, this.#sources())
      return { given, unfilled: null }
    } catch (error) {
      if (error instanceof RunsError) return { given: {}, unfilled: error }
      throw error
    }
  }

  #sources(): { readonly labels: RunLabels; readonly blobs: BlobStore } {
    const { journal, components } = this.#init
    return { labels: journal.fold.labels, blobs: components.log.store.blobs }
  }

  /** The content is given in its turn, like an outcome: what follows is labelled with it. */
  async #reveal(step: Step, ask: Extract<Ask, { readonly kind: 'reveal' }>): Promise<void> {
    const { journal, execution } = this.#init
    const { labels, blobs } = this.#sources()
    const held = labels.held.get(ask.id)
    invariant(held !== undefined, 'a reference of this run stands for a value that is held')
    const value = partAt(await openValue(held.value, blobs), ask.at) ?? null
    const part = ask.at === '' ? {} : { at: ask.at }
    const data = { step: step.id, reference: ask.id, value: held.digest, ...part }
    const event = journal.add({ type: 'ValueRevealed', data })
    await execution.deliver(step, event, settlementOf(event, value, null))
  }

  /** @returns false when authority has to catch up before the answer can be final */
  async #decide(step: Step, call: Call, fresh: boolean): Promise<boolean> {
    const { journal, components } = this.#init
    const at = journal.now()
    const ruling = rule(call, { fold: journal.fold, authority: components.authority, at, fresh })
    if (ruling.kind === 'denied' && !ruling.final) return false
    await this.#apply(step, ruling)
    return true
  }

  async #apply(step: Step, ruling: Ruling): Promise<void> {
    const { journal } = this.#init
    if (ruling.kind === 'intent') return journal.addIntent(ruling.intent)
    if (ruling.kind === 'denied') return this.#deliver(step, ruling.fact)
    const waiting = journal.fold.waiting.get(step.id)
    if (waiting?.digest === ruling.digest) return
    const { call, digest } = ruling
    const references = await shownReferences(call.bound.references, this.#sources())
    const details = {
      action: call.request.action,
      resource: call.resource,
      ...(references.length > 0 ? { references } : {}),
    }
    const sealed = sealValue(details)
    journal.add({
      type: 'ApprovalRequested',
      blob: sealed.blob,
      data: {
        step: step.id,
        kind: 'effect',
        digest,
        prompt: `Allow ${call.request.action}${placeOf(call.resource)}?`.slice(0, 2048),
        details: sealed.ref as Payload<'ApprovalRequested'>['details'],
        grant: call.grant,
        expiresAt: null,
      },
    })
  }

  async #question(
    step: Step,
    { question, bound }: Extract<Ask, { readonly kind: 'question' }>,
  ): Promise<void> {
    const { journal } = this.#init
    const answer = journal.fold.answers.get(step.id)
    if (answer !== undefined) {
      const { approved, event, comment } = answer
      const data = { step: step.id, answer: event.id, approved }
      const fact: Fact = { type: 'ApprovalConsumed', data, causes: [event.id] }
      return this.#deliver(step, fact, { by: event.principal ?? null, comment })
    }
    if (journal.fold.waiting.has(step.id)) return
    const references = await shownReferences(bound.references, this.#sources())
    const asked = question.details ?? null
    const sealed = sealValue(references.length > 0 ? { details: asked, references } : asked)
    journal.add({
      type: 'ApprovalRequested',
      blob: sealed.blob,
      data: {
        step: step.id,
        kind: 'question',
        digest: step.digest,
        prompt: question.prompt,
        details: sealed.ref as Payload<'ApprovalRequested'>['details'],
        expiresAt: null,
      },
    })
  }

  /** Which attempt an effect is at, or `null` when it cannot be tried now. */
  async #attemptOf(step: Step): Promise<number | null> {
    const { journal, acts } = this.#init
    const open = journal.fold.open.get(step.id)
    if (open === undefined) return 1
    if (acts.has(step.id)) return null
    const { data, id } = open.intent
    if (open.doubt) return this.#resolve(step, open)
    if (data.fate !== 'irreversible') return data.attempt + 1
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
    const result = resolution.data.result ?? { inline: null }
    const { attempt } = intent.data
    const observed = { resolved: resolution.data.evidence.slice(0, 1024) }
    // Who says that it happened vouches for that, and not for what came back.
    const said =
      resolution.data.result === undefined ? TRUSTED_LABEL : sourceLabel(intent.data.action)
    const label = joinLabels(wholeLabel(intent.data.labels), said)
    const recorded = label as unknown as Payload<'EffectSucceeded'>['label']
    const data = { effect: step.id, attempt, intent: intent.id, result, observed, label: recorded }
    const fact: Fact = { type: 'EffectSucceeded', data, causes: [resolution.id] }
    const event = journal.add(fact)
    const value = await openValue(result as ValueRef, components.log.store.blobs)
    await this.#init.execution.deliver(step, event, settlementOf(event, value, null))
    return null
  }

  async #deliver(
    step: Step,
    fact: Fact | ForeignFact,
    answeredBy: Parameters<typeof settlementOf>[2] = null,
  ): Promise<void> {
    const { journal, execution } = this.#init
    const event = journal.add(fact)
    await execution.deliver(step, event, settlementOf(event, null, answeredBy))
  }
}

/** Where a call acts, for a person who is asked: a path, or a method and a place on the network. */
function placeOf({ method, scheme, host, port, path }: JsonObject): string {
  if (typeof path !== 'string') return ''
  return typeof host === 'string' ? ` ${method} ${scheme}://${host}:${port}${path}` : ` ${path}`
}
