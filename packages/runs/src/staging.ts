/**
 * Staged effects: asked for while the program runs, and carried out once its run has committed.
 *
 * What is staged is an event and nothing else: no intent, no decision, no authority asked. At the
 * commit each is decided anew (`committing.ts`), and after it each is an effect like any other,
 * which the run finishes without its program (`finishing.ts`). So what a program stages is what it
 * says, and what is done with it is what authority says then.
 */

import type { ValueRef } from '@ice/events/ports'
import type { JsonObject, JsonValue } from '@ice/primitives'
import { callLabels } from './call-labels.ts'
import type { Components } from './components.ts'
import { proposalOf, proposerMember } from './denied.ts'
import type { Desk } from './desk.ts'
import { RUNS_CODES, RunsError } from './errors.ts'
import type { Execution } from './execution.ts'
import type { Fact } from './facts.ts'
import type { Payload } from './lifecycle.ts'
import { STAGED_MAX } from './limits.ts'
import type { Staged } from './owed.ts'
import type { AttemptTerms, EffectRequest, Program, RunContext } from './ports.ts'
import { recordedReferences, strayReference } from './references.ts'
import { termsOf } from './retry.ts'
import type { AskOf, EffectAsk, StageAsk, Step } from './steps.ts'
import { asRecorded, openValue, sealValue } from './value.ts'

/** The staging of a context. */
export function createStaging(
  execution: Execution,
  program: Pick<Program, 'retry'>,
  full: (id: unknown) => string,
): Pick<RunContext, 'stage'> {
  return {
    stage: async (id, request) => {
      const { action, grant, proposal: named } = request
      const bound = execution.references.bind(request.arguments)
      if (bound.stray !== null) throw strayReference(bound.stray)
      const { retry = program.retry, ...more } = request
      const stated = statedOf(retry === undefined ? more : { ...more, retry })
      // What is nonsense is thrown where it is asked for, and not at the commit.
      termsOf(stated)
      const proposal = named === undefined ? undefined : execution.proposed(full(named))
      if (!execution.stages(STAGED_MAX)) throw tooMany()
      const own = { ...stated, action, grant, arguments: bound.value as JsonObject }
      const ask: StageAsk = { kind: 'stage', request: own as EffectAsk['request'], bound, proposal }
      await execution.ask(full(id), ask, { stage: own }, () => undefined)
    },
  }
}

function tooMany(): RunsError {
  const message = `A run stages at most ${STAGED_MAX} effects`
  return new RunsError(RUNS_CODES.stagedLimit, message, { stagedMax: STAGED_MAX })
}

/** What a request says beside what it is: how it is to be tried. */
function statedOf(request: Omit<EffectRequest<unknown>, 'arguments'>): JsonObject {
  const {
    action,
    grant,
    arguments: args,
    proposal,
    fold,
    compensation,
    result,
    ...terms
  } = request as EffectRequest<unknown>
  if (fold !== undefined || compensation !== undefined) {
    const message = 'What is staged has no fold, for nobody is given it, and no compensation'
    throw new RunsError(RUNS_CODES.stagedUnsupported, message)
  }
  const said = Object.entries(terms).filter(([, value]) => value !== undefined)
  return asRecorded(Object.fromEntries(said) as JsonObject)
}

/** Records that an effect is staged. */
export async function lookAtStage(desk: Desk, step: Step, ask: AskOf<'stage'>): Promise<void> {
  const { action, grant, arguments: args } = ask.request
  const { journal } = desk
  const sealed = sealValue(args)
  const labels = callLabels(journal.fold.labels, step.askedAt, ask.bound.references)
  const terms = statedOf(ask.request)
  const fact: Fact = {
    type: 'EffectStaged',
    causes: proposalOf(ask),
    blob: sealed.blob,
    data: {
      ...{ effect: step.id, action, grant },
      arguments: sealed.ref as Payload<'EffectStaged'>['arguments'],
      argumentsDigest: sealed.digest,
      labels: labels as Payload<'EffectStaged'>['labels'],
      ...(Object.keys(terms).length === 0 ? {} : { terms }),
      ...proposerMember(ask),
    },
  }
  await desk.deliver(step, fact, { kind: 'done' })
}

/** How what is recorded as staged differs from what the program asks for now. */
export function stageDiffers(ask: AskOf<'stage'>, data: Payload<'EffectStaged'>): string | null {
  const { action, grant, arguments: args } = ask.request
  const isSame =
    data.action === action &&
    data.grant === grant &&
    data.argumentsDigest === sealValue(args).digest &&
    sealValue(data.terms ?? {}).digest === sealValue(statedOf(ask.request)).digest
  return isSame ? null : `it staged ${data.action} with the arguments ${data.argumentsDigest}`
}

/** What was staged, as an effect to be asked for. */
export async function stagedAsk({ log }: Components, staged: Staged): Promise<EffectAsk> {
  const { action, grant, terms, proposal, event } = staged
  const value: JsonValue = await openValue(staged.arguments as ValueRef, log.store.blobs)
  const bound = { value, references: recordedReferences(value), stray: null }
  const request = { ...terms, action, grant, arguments: value as JsonObject }
  const own = { terms: termsOf((terms ?? {}) as AttemptTerms), hold: false, batch: false }
  return { kind: 'effect', request, bound, ...own, proposal, staged: event }
}
