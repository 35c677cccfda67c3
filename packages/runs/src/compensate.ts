/**
 * Carrying compensations out: one effect of a run that has aborted is undone.
 *
 *     CompensationStarted ──► handler ──┬─► CompensationSucceeded
 *        ▲   (guards its right)         ├─► CompensationFailed { at } ─── later, again ──┐
 *        └──────────────────────────────┼────────────────────────────────────────────────┘
 *                                       ├─► CompensationFailed { at: null }  nobody knows: a person
 *                                       └─► CompensationAbandoned            it stays as it is
 *
 * 1. It is recorded before it begins, at the version of the run and of its right: a former owner,
 *    and whoever has lost the right, begins none.
 * 2. A handler's own compensation is repeated with the same key, also after its owner died. So is a
 *    named effect, but for an irreversible one: of that a person has to say whether it happened.
 * 3. What says that it must not be repeated (`_CONFLICT`, `_DENIED`, `_CORRUPT`) is given up at
 *    once, anything else after as many attempts as the runtime allows. The next one is undone
 *    either way: each looks for itself.
 */

import type { RecordedEvent, ValueRef } from '@ice/events/ports'
import {
  canonicalize,
  type EventId,
  errorRecord,
  type GrantId,
  hasCode,
  type JsonObject,
  type StreamId,
  type StreamVersion,
  type Timestamp,
} from '@ice/primitives'
import { carriedBy } from './carried.ts'
import { type Right, readRight } from './compensation-right.ts'
import type { Desk } from './desk.ts'
import { RUNS_CODES, RunsError } from './errors.ts'
import type { Fact } from './facts.ts'
import { givenArguments } from './given.ts'
import type { Payload } from './lifecycle.ts'
import {
  COMPENSATION_ATTEMPTS,
  COMPENSATION_FACTOR,
  COMPENSATION_FIRST_MS,
  COMPENSATION_MAX_MS,
  COMPENSATION_TIMEOUT_MS,
  CONFLICTS_MAX,
  OBSERVED_BYTES_MAX,
} from './limits.ts'
import type { Owed, Undoing } from './owed.ts'
import type {
  CompensationCall,
  CompensationPolicy,
  EffectCall,
  EffectHandler,
  Fate,
  SecretUse,
} from './ports.ts'
import { versionOf } from './recorded.ts'
import { recordedReferences } from './references.ts'
import type { AskOf, Step } from './steps.ts'
import { mustBeSure } from './sure.ts'
import type { Undone } from './undoings.ts'
import { openValue, sealValue } from './value.ts'

type Intent = RecordedEvent<'CapabilityUsed', Payload<'CapabilityUsed'>>
type Outcome = RecordedEvent<string, Payload<'EffectSucceeded'>>

/** How compensations are tried again where nothing else is said. */
export const COMPENSATION_POLICY: CompensationPolicy = {
  attempts: COMPENSATION_ATTEMPTS,
  firstMs: COMPENSATION_FIRST_MS,
  factor: COMPENSATION_FACTOR,
  maxMs: COMPENSATION_MAX_MS,
  timeoutMs: COMPENSATION_TIMEOUT_MS,
}

/** Goes on with undoing an effect, as far as that can be done now. */
export async function lookAtCompensation(
  desk: Desk,
  step: Step,
  { owed }: AskOf<'compensation'>,
): Promise<void> {
  const { journal, undoings } = desk
  if (undoings.has(step.id)) return
  const known = journal.fold.owed.undoing.get(step.id)
  if (known?.standing === 'doubt') return resolve(desk, step, owed, known)
  if (known?.standing === 'late' && (known.at ?? 0) > journal.now()) return
  if (known?.standing === 'begun' && isOnce(desk, known)) {
    const message = 'Its owner died while it was being undone, and nobody here knows whether it was'
    const error = new RunsError(RUNS_CODES.compensationInDoubt, message)
    journal.add(failedFact(known.started, error, null))
    return
  }
  return begin(desk, step, owed, (known?.started.data.attempt ?? 0) + 1)
}

/** Whether an attempt whose end nobody knows must not be repeated. */
function isOnce({ components }: Desk, { started }: Undoing): boolean {
  const { action, argumentsDigest } = started.data
  // A handler's own compensation has no arguments of its own, and is repeatable by its contract.
  return argumentsDigest !== undefined && components.handlers.get(action)?.fate === 'irreversible'
}

/** A person said whether it was undone. */
async function resolve(
  desk: Desk,
  step: Step,
  owed: Owed,
  { started, resolution }: Undoing,
): Promise<void> {
  if (resolution === null) return
  const { happened, evidence } = resolution.data
  const { effect, attempt } = started.data
  if (!happened) return begin(desk, step, owed, attempt + 1)
  const observed = { resolved: evidence.slice(0, 1_024) }
  const data = { effect, attempt, intent: started.id, observed }
  const fact: Fact = { type: 'CompensationSucceeded', data, causes: [resolution.id] }
  return desk.deliver(step, fact, { kind: 'done' })
}

/** What an attempt is made of. */
interface Prepared {
  readonly action: string
  readonly grant: GrantId
  readonly argumentsDigest: string | null
  readonly fate: Fate
  readonly perform: (
    started: EventId,
    attempt: number,
    signal: AbortSignal,
  ) => Promise<{ readonly observed: JsonObject }>
}

async function begin(desk: Desk, step: Step, owed: Owed, attempt: number): Promise<void> {
  const { journal, components, undoings } = desk
  const { log, compensation } = components
  const intent = (await readEvent(desk, owed.intent)) as Intent
  // Its beginning is appended alone, under guards of its own.
  if (journal.dirty) await journal.flush()
  for (let conflicts = 0; conflicts < CONFLICTS_MAX; conflicts += 1) {
    const right = await readRight(log, intent.data.basis)
    if (right.endedBy.length > 0) return abandon(desk, step, owed, rightEnded(right))
    let prepared: Prepared
    try {
      prepared = await prepare(desk, owed, intent, right)
    } catch (error) {
      if (!isFinal(error)) throw error
      return abandon(desk, step, owed, error)
    }
    const { action, grant, argumentsDigest, fate, perform } = prepared
    const basis = right.guards.map(({ stream, version }) => ({ stream, version }))
    const named = argumentsDigest === null ? {} : { argumentsDigest }
    const data = { effect: step.id, attempt, outcome: owed.outcome, action, grant, basis, ...named }
    const fact: Fact = { type: 'CompensationStarted', data, causes: [owed.outcome] }
    const { position: since } = await log.store.head()
    // A beginning that is recorded and not tried is a doubt for whoever comes next.
    mustBeSure(components, desk.run)
    const started = await journal.appendAlone(fact, right.guards)
    // What it stands on has moved: perhaps by a revocation that it outlives.
    if (started === null) continue
    undoings.start({
      ...{ effect: step.id, started, fate, timeoutMs: compensation.timeoutMs },
      stand: { guards: right.guards, since },
      perform: (signal) => perform(started.id, attempt, signal),
    })
    return
  }
  const message = `The right to undo "${step.id}" keeps moving`
  throw new RunsError(RUNS_CODES.ownershipLost, message, { run: desk.run })
}

async function prepare(desk: Desk, owed: Owed, intent: Intent, right: Right): Promise<Prepared> {
  return owed.way === 'named' ? named(desk, intent, right) : own(desk, owed, intent, right)
}

/** The effect that the request named. */
async function named(desk: Desk, intent: Intent, right: Right): Promise<Prepared> {
  const { journal, run } = desk
  const { compensation, effect } = intent.data
  if (compensation === undefined) throw unsupported('Its intent names no compensation')
  const { action } = compensation
  const handler = handlerOf(desk, action)
  const { grants } = journal.fold
  const stored = (await opened(desk, compensation.arguments as ValueRef)) as JsonObject
  const args = handler.arguments.parse(stored)
  const resource = handler.resource(args)
  const id = grants.get(compensation.grant)
  const grant = id === undefined ? null : right.grantOf(id)
  if (grant === null) throw noRight()
  const secrets = carriedBy(args, resource, grants).map(({ name, grant: of }) =>
    secretOf(right, name, of),
  )
  return {
    ...{ action, grant: grant.id, fate: handler.fate },
    argumentsDigest: sealValue(stored).digest,
    perform: async (started, attempt, signal) => {
      const idempotencyKey = `${run}/${effect}/compensation`
      const call: EffectCall = {
        ...{ run, effect, attempt, idempotencyKey, intent: started, action, resource, signal },
        arguments: args,
        grant,
        ...(secrets.length === 0 ? {} : { secrets }),
      }
      return handler.perform(call)
    },
  }
}

/** What the handler of the effect undoes by itself. */
async function own(desk: Desk, owed: Owed, intent: Intent, right: Right): Promise<Prepared> {
  const { components, journal, run } = desk
  const { data } = intent
  const { action, effect } = data
  const handler = handlerOf(desk, action)
  const { compensate } = handler
  if (compensate === undefined) throw unsupported(`The handler of ${action} here undoes nothing`)
  const outcome = (await readEvent(desk, owed.outcome)) as Outcome
  const value = await opened(desk, data.arguments as ValueRef)
  const bound = { value, references: recordedReferences(value), stray: null }
  const sources = { labels: journal.fold.labels, blobs: components.log.store.blobs }
  const { given, unfilled } = await givenArguments(bound, sources)
  if (unfilled !== null) throw unsupported(unfilled.message)
  const grant = right.grantOf(data.grant as GrantId)
  if (grant === null) throw noRight()
  const secrets = (data.secrets ?? []).map((use) => secretOf(right, use.name, use.grant as GrantId))
  const args = handler.arguments.parse(given)
  const kept = (await opened(desk, outcome.data.kept as ValueRef)) as JsonObject
  const result = await opened(desk, outcome.data.result as ValueRef)
  const observed = outcome.data.observed as JsonObject
  return {
    ...{ action, grant: grant.id, argumentsDigest: null, fate: 'idempotent' },
    perform: (started, attempt, signal) => {
      const call: CompensationCall = {
        ...{ run, effect, attempt, intent: started, action, signal, grant, kept },
        idempotencyKey: `${run}/${effect}/compensation`,
        arguments: args,
        resource: data.resource as JsonObject,
        ...(secrets.length === 0 ? {} : { secrets }),
        outcome: outcome.id,
        report: { value: result, observed },
      }
      return compensate.call(handler, call)
    },
  }
}

function handlerOf({ components }: Desk, action: string): EffectHandler {
  const handler = components.handlers.get(action)
  if (handler !== undefined) return handler
  const message = `No handler here undoes what "${action}" did; go on where there is one`
  throw new RunsError(RUNS_CODES.handlerNotFound, message, { action })
}

function secretOf(right: Right, name: string, id: GrantId): SecretUse {
  const grant = right.grantOf(id)
  if (grant === null) throw noRight()
  return { name, grant, chain: grant.chain }
}

async function opened({ components }: Desk, ref: ValueRef) {
  try {
    return await openValue(ref, components.log.store.blobs)
  } catch (cause) {
    if (!hasCode(cause, 'ICE_EVENTS_BLOB_NOT_FOUND')) throw cause
    throw unsupported('What was kept of it has been forgotten', cause)
  }
}

async function readEvent({ components }: Desk, id: EventId): Promise<RecordedEvent> {
  const version = versionOf(id)
  const stream = id.slice(0, id.lastIndexOf('@')) as StreamId
  const query = { stream, after: (version - 1) as StreamVersion, limit: 1 }
  for await (const [event] of components.log.read(query)) if (event !== undefined) return event
  throw new RunsError(RUNS_CODES.notFound, `The log has no event ${id} any longer`, { event: id })
}

/** Whether an effect stays as it is because of this, however often it is tried. */
function isFinal(error: unknown): boolean {
  const { code } = errorRecord(error)
  if (code === RUNS_CODES.handlerNotFound || code.startsWith('ICE_EVENTS_')) return false
  return true
}

function unsupported(message: string, cause?: unknown): RunsError {
  return new RunsError(RUNS_CODES.compensationUnsupported, message, {}, cause)
}

function noRight(): RunsError {
  const message = 'Its intent did not reserve a right to undo it that can be told'
  return new RunsError(RUNS_CODES.compensationDenied, message)
}

function rightEnded({ endedBy }: Right): RunsError {
  const message = `The right to undo it was ended by ${endedBy.join(', ')}`
  return new RunsError(RUNS_CODES.compensationDenied, message, { endedBy: [...endedBy] })
}

async function abandon(desk: Desk, step: Step, { outcome }: Owed, error: unknown): Promise<void> {
  await desk.deliver(step, abandonedFact(step.id, outcome, error), { kind: 'done' })
}

function abandonedFact(effect: string, outcome: EventId, error: unknown): Fact {
  const data = { effect, outcome, error: errorRecord(error) as never }
  return { type: 'CompensationAbandoned', data, causes: [outcome] }
}

function failedFact(started: Undoing['started'], error: unknown, at: Timestamp | null): Fact {
  const { effect, attempt } = started.data
  const data = { effect, attempt, intent: started.id, error: errorRecord(error) as never, at }
  return { type: 'CompensationFailed', data, causes: [started.id] }
}

/** Records what handlers came back with; what is recorded is forgotten. */
export async function recordUndone(desk: Desk): Promise<void> {
  const { journal, undoings, execution } = desk
  for (const undone of undoings.ended()) {
    const { effect, started } = undone
    const known = journal.fold.owed.undoing.get(effect)
    if (known?.started.id !== started.id || known.standing !== 'begun') {
      // Recorded, or no longer ours; until that is acknowledged a refold may need it again.
      if (!journal.dirty) undoings.forget(effect)
      continue
    }
    const fact = endOf(desk, undone, known)
    const step = execution.step(effect)
    const isOver = fact.type !== 'CompensationFailed'
    if (isOver && step !== undefined) await desk.deliver(step, fact, { kind: 'done' })
    else journal.add(fact)
  }
}

function endOf({ components, journal }: Desk, undone: Undone, { started }: Undoing): Fact {
  const { effect, attempt, outcome } = started.data
  if ('observed' in undone) {
    const data = { effect, attempt, intent: started.id, observed: bounded(undone.observed) }
    return { type: 'CompensationSucceeded', data, causes: [started.id] }
  }
  const { error, endedBy, fate, isStopped } = undone
  const { code } = errorRecord(error)
  const { attempts, firstMs, factor, maxMs } = components.compensation
  const isOnly = fate === 'irreversible'
  // As for any effect: what was told to stop has not acted only if it proves that it has not.
  const isUnknown = code.endsWith('_IN_DOUBT') || (isStopped && !isProof(code))
  if (isOnly && isUnknown) return failedFact(started, error, null)
  const isGivenUp = endedBy.length > 0 || FINAL.some((end) => code.endsWith(end))
  if (isGivenUp || attempt >= attempts) return abandonedFact(effect, outcome as EventId, error)
  const pause = Math.min(maxMs, firstMs * factor ** (attempt - 1))
  return failedFact(started, error, (journal.now() + Math.round(pause)) as Timestamp)
}

/** Ends of codes that say: not this time, and no other. */
const FINAL = ['_CONFLICT', '_DENIED', '_CORRUPT'] as const

/** Whether a handler says, by a code of its own, that it had not acted. */
function isProof(code: string): boolean {
  const isOwn = !OF_THE_GROUND.some((prefix) => code.startsWith(prefix))
  return isOwn && (code.endsWith('_ABORTED') || code.endsWith('_DENIED'))
}

const OF_THE_GROUND = ['ICE_PRIMITIVES_', 'ICE_EVENTS_', 'ICE_RUNS_'] as const

function bounded(observed: JsonObject): JsonObject {
  try {
    const { length } = canonicalize(observed)
    return length <= OBSERVED_BYTES_MAX ? observed : { dropped: 'too large', characters: length }
  } catch {
    return { dropped: 'JSON cannot hold it' }
  }
}
