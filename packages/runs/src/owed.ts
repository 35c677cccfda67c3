/**
 * What a run owes between its conclusion and its end, as its events tell it: one step of
 * `runProjection`.
 *
 *     EffectStaged ──► RunCommitted + intents ──► outcomes ──► RunTerminated
 *     outcomes ──► RunAborted ──► CompensationStarted ──► Succeeded, Abandoned ──► RunTerminated
 *                                        └── Failed { at } ── again, or a person says ──┘
 *
 * 1. An effect that was staged in a branch that lost is owed no more.
 * 2. Of what can be undone only the number is folded: which effects these are is read from the
 *    stream, backwards in time, once the run has aborted (`readOwed`). So a run that changes a
 *    million files holds one number.
 */

import type { StandardPayloads } from '@ice/events/define'
import type { EventLog, RecordedEvent, ValueRef } from '@ice/events/ports'
import type { EventId, JsonObject, RunId, Timestamp } from '@ice/primitives'
import type { Payload, RunFold } from './lifecycle.ts'
import { ABANDONED_TOLD_MAX } from './limits.ts'
import { isOutcome } from './outcome.ts'
import { liesIn } from './scopes.ts'
import type { Followed } from './steps.ts'
import { runStream } from './stream.ts'

/** An effect that waits for the commit, or was released by it and is not settled. */
export interface Staged {
  readonly event: EventId
  readonly version: number
  readonly effect: string
  readonly action: string
  readonly arguments: ValueRef
  /** The name a grant has in the run. */
  readonly grant: string
  readonly terms: JsonObject
  readonly proposal: Followed | undefined
}

type Started = RecordedEvent<'CompensationStarted', StandardPayloads['CompensationStarted']>

/** An effect that is being undone. */
export interface Undoing {
  readonly started: Started
  /** How the last attempt stands: `late` is tried again at `at`, `doubt` waits for a person. */
  readonly standing: 'begun' | 'late' | 'doubt'
  readonly at: Timestamp | null
  /** What a person said of one in doubt. */
  readonly resolution: RecordedEvent<string, Payload<'EffectDoubtResolved'>> | null
}

/** What is owed. Bounded by what is staged and being undone. */
export interface OwedFold {
  readonly staged: Map<string, Staged>
  /** Outcomes that can be undone, and are not. */
  undoable: number
  readonly undoing: Map<string, Undoing>
  undone: number
  /** The first of those that stay as they are. */
  readonly abandoned: string[]
}

/** Nothing. */
export function noneOwed(): OwedFold {
  return { staged: new Map(), undoable: 0, undoing: new Map(), undone: 0, abandoned: [] }
}

/** Whether the run has to do something between this conclusion and its end. */
export function owes(fold: RunFold, conclusion: 'committed' | 'aborted'): boolean {
  const { owed, open } = fold
  if (conclusion === 'committed') return owed.staged.size > 0 || open.size > 0
  return owed.undoable > 0 || [...open.keys()].some((effect) => isHeldByDoubt(fold, effect))
}

/** Whether an effect in doubt is to be undone if it happened. */
export function isHeldByDoubt({ open }: RunFold, effect: string): boolean {
  const { doubt = false, intent } = open.get(effect) ?? {}
  return doubt && intent?.data.compensation !== undefined
}

/** Folds what an event does to what is owed; before the event settles the effect it is about. */
export function evolveOwed(fold: RunFold, event: RecordedEvent): void {
  const { owed } = fold
  const { effect = '' } = event.data as { readonly effect?: string }
  if (isOutcome(event)) {
    const { kept } = event.data
    const named = fold.open.get(effect)?.intent.data.compensation
    const isFinal = fold.view?.conclusion === 'committed'
    if (!isFinal && (kept !== undefined || named !== undefined)) owed.undoable += 1
    owed.staged.delete(effect)
    return
  }
  EVOLVE[event.type]?.(fold, event, effect)
}

function followed(event: EventId | undefined, agent: string | undefined): Followed | undefined {
  return event === undefined || agent === undefined ? undefined : { event, agent }
}

type Evolve = (fold: RunFold, event: RecordedEvent, effect: string) => void

const dropStaged: Evolve = ({ owed }, _event, effect) => {
  owed.staged.delete(effect)
}

const EVOLVE: Readonly<Record<string, Evolve>> = {
  __proto__: null as never,
  EffectStaged: ({ owed }, event, effect) => {
    const data = event.data as Payload<'EffectStaged'>
    owed.staged.set(effect, {
      ...{ event: event.id, version: event.version, effect, action: data.action },
      arguments: data.arguments as ValueRef,
      grant: data.grant,
      terms: (data.terms ?? {}) as JsonObject,
      proposal: followed(event.causes[0], data.proposer),
    })
  },
  ScopeCancelled: ({ owed }, event) => {
    const { scopes } = event.data as Payload<'ScopeCancelled'>
    for (const step of owed.staged.keys()) {
      if (liesIn(step, scopes)) owed.staged.delete(step)
    }
  },
  EffectFailed: dropStaged,
  CapabilityDenied: dropStaged,
  EffectRevoked: dropStaged,
  RunCommitted: ({ owed }) => {
    owed.undoable = 0
  },
  RunAborted: ({ owed }) => owed.staged.clear(),
  RunForciblyTerminated: ({ owed }) => owed.staged.clear(),
  CompensationStarted: (fold, event, effect) => {
    fold.waits.delete(effect)
    const started = event as Started
    fold.owed.undoing.set(effect, { started, standing: 'begun', at: null, resolution: null })
  },
  CompensationFailed: failed,
  EffectDoubtResolved: (fold, event, effect) => {
    const undoing = fold.owed.undoing.get(effect)
    const said = event as RecordedEvent<string, Payload<'EffectDoubtResolved'>>
    if (undoing?.standing !== 'doubt' || undoing.resolution !== null) return
    if (said.data.intent !== undoing.started.id) return
    fold.owed.undoing.set(effect, { ...undoing, resolution: said })
    fold.waiting.delete(effect)
  },
  CompensationSucceeded: (fold, _event, effect) => {
    over(fold, effect)
    fold.owed.undone += 1
  },
  CompensationAbandoned: (fold, _event, effect) => {
    over(fold, effect)
    if (fold.owed.abandoned.length < ABANDONED_TOLD_MAX) fold.owed.abandoned.push(effect)
  },
}

function failed(fold: RunFold, event: RecordedEvent, effect: string): void {
  const { undoing } = fold.owed
  const known = undoing.get(effect)
  if (known === undefined) return
  const { at, error } = event.data as Payload<'CompensationFailed'>
  const due = at as Timestamp | null
  undoing.set(effect, { ...known, standing: due === null ? 'doubt' : 'late', at: due })
  const { id, time: askedAt } = event
  if (due !== null) {
    fold.waits.set(effect, { step: effect, kind: 'compensation', event: id, due })
    return
  }
  const digest = known.started.data.argumentsDigest ?? ''
  const prompt = `Was ${effect} undone, by ${known.started.data.action}? ${error.message}`
  const asked = { step: effect, kind: 'doubt', digest, request: id, askedAt } as const
  const open = { expiresAt: null, approvers: null, escalation: null }
  fold.waiting.set(effect, { ...asked, ...open, prompt: prompt.slice(0, 1_024) })
}

function over({ owed, waits, waiting }: RunFold, effect: string): void {
  owed.undoing.delete(effect)
  owed.undoable = Math.max(0, owed.undoable - 1)
  waits.delete(effect)
  waiting.delete(effect)
}

/** An outcome that is to be undone. */
export interface Owed {
  readonly effect: string
  readonly outcome: EventId
  readonly intent: EventId
  /** By the effect that its request named, or by the handler itself. */
  readonly way: 'named' | 'handler'
}

/** What is to be undone of a run, in the order in which it was done. */
export async function readOwed(log: Pick<EventLog, 'read'>, run: RunId): Promise<readonly Owed[]> {
  const named = new Set<string>()
  const owed = new Map<string, Owed>()
  for await (const batch of log.read({ stream: runStream(run) })) {
    for (const event of batch) {
      const { id, type, data } = event
      const { effect, intent, compensation, kept } = data as Readonly<Record<string, unknown>>
      if (type === 'CapabilityUsed' && compensation !== undefined) named.add(id)
      else if (type === 'CompensationSucceeded' || type === 'CompensationAbandoned') {
        owed.delete(effect as string)
      } else if (isOutcome(event) && (named.has(intent as string) || kept !== undefined)) {
        const way = named.has(intent as string) ? 'named' : 'handler'
        const one = { effect: effect as string, outcome: id, intent: intent as EventId, way }
        owed.set(one.effect, one as Owed)
      }
    }
  }
  return [...owed.values()]
}
