/**
 * What people do to a run from outside: answer (in `answering.ts`), resolve, abort. Each is one
 * append on the run's own stream, at the version it was decided on, so that it cannot meet another
 * run state than the one the person saw; the owner, wherever it is, conflicts and refolds.
 */

import { projectStream } from '@ice/events/define'
import type { BlobDraft, Guard, NewEvent, StreamWrite } from '@ice/events/ports'
import {
  type EventId,
  hasCode,
  type PrincipalId,
  type RunId,
  type StreamVersion,
} from '@ice/primitives'
import { returnWrites } from './budget-writes.ts'
import type { Components } from './components.ts'
import { terminationFacts } from './conclude.ts'
import { RUNS_CODES, RunsError } from './errors.ts'
import { handOf } from './hand.ts'
import { runStream } from './journal.ts'
import { appendLate } from './late.ts'
import { type RunFold, runProjection, unanswered } from './lifecycle.ts'
import { CONFLICTS_MAX } from './limits.ts'
import { readOwed } from './owed.ts'
import type { AbortCommand, DoubtCommand } from './ports.ts'
import { released } from './quarantine-events.ts'
import { sealValue } from './value.ts'

/** Folds a run. @throws `ICE_RUNS_NOT_FOUND` */
export async function foldRun({ log }: Pick<Components, 'log'>, run: RunId): Promise<RunFold> {
  const { state, at } = await projectStream(log, runProjection, { stream: runStream(run) })
  if (at === 0) throw new RunsError(RUNS_CODES.notFound, `No run ${run}`, { run })
  return state
}

/** What a command comes to. */
export interface Command {
  readonly events: readonly NewEvent[]
  readonly blob?: BlobDraft | null
  /** What the unit writes beside the run. */
  readonly writes?: readonly StreamWrite[]
  /** What must not have moved when it is recorded. */
  readonly guards?: readonly Guard[]
  /** What is thrown once the events are recorded. */
  readonly failure?: RunsError
}

/** The run, or what the command was decided on, is another than it was. */
const MOVED = ['ICE_EVENTS_VERSION_CONFLICT', 'ICE_EVENTS_GUARD_CONFLICT'] as const

/** To which run, on whose command, and how long in its life it is possible. */
export interface CommandInit {
  readonly run: RunId
  readonly principal: PrincipalId | undefined
  /** A run that has concluded may still finish what it owes, until its end. */
  readonly until: 'conclusion' | 'end'
}

/** Decides on the run as it stands and appends; decides anew when it moved in between. */
export async function command(
  components: Components,
  { run, principal, until }: CommandInit,
  decide: (fold: RunFold) => Command | Promise<Command>,
): Promise<void> {
  for (let conflicts = 0; ; conflicts += 1) {
    const fold = await foldRun(components, run)
    const { conclusion = null, state } = fold.view ?? {}
    if (conclusion !== null && (until === 'conclusion' || state === 'TERMINATED')) {
      const message = `Run ${run} has ${conclusion}; nothing about it can be changed`
      throw new RunsError(RUNS_CODES.concluded, message, { run })
    }
    const { events, blob = null, writes = [], guards = [], failure } = await decide(fold)
    if (events.length === 0) {
      if (failure !== undefined) throw failure
      return
    }
    const expectedVersion = (fold.view?.version ?? 0) as StreamVersion
    const signed = events.map((event) => ({
      ...event,
      principal: principal ?? components.principal,
    }))
    try {
      await components.log.append({
        writes: [{ stream: runStream(run), expectedVersion, events: signed }, ...writes],
        ...(guards.length === 0 ? {} : { guards }),
        ...(blob === null ? {} : { blobs: [blob] }),
      })
    } catch (error) {
      const moved = MOVED.some((code) => hasCode(error, code))
      if (!moved || conflicts >= CONFLICTS_MAX) throw error
      continue
    }
    if (failure !== undefined) throw failure
    return
  }
}

export function notWaiting(run: RunId, step: string, fold: RunFold): RunsError {
  const steps = unanswered(fold).map((waiting) => `"${waiting.step}"`)
  const waiting = steps.join(', ') || 'none'
  const message = `No step "${step}" of this run waits for that; waiting: ${waiting}`
  return new RunsError(RUNS_CODES.stepNotFound, message, { run, step })
}

/** Says what became of an effect in doubt; of a run that is over in the stream of its intent. */
export async function resolveEffect(
  components: Components,
  run: RunId,
  said: DoubtCommand,
): Promise<void> {
  const { effect, principal } = said
  const now = await foldRun(components, run)
  if (now.view?.state === 'TERMINATED') {
    const intent = now.open.get(effect)?.intent.id
    if (intent === undefined) throw notWaiting(run, effect, now)
    const { data, blob } = resolutionOf(said, intent)
    const event = { type: 'EffectDoubtResolved', data }
    const blobs = blob === null ? [] : [blob]
    const by = principal ?? components.principal
    const isFirst = await appendLate(components, { run, intent, event, blobs, principal: by })
    if (!isFirst) throw notWaiting(run, effect, now)
    return
  }
  await command(components, { run, principal, until: 'end' }, (fold) => {
    const intent = doubtful(fold, effect)
    if (intent === null) throw notWaiting(run, effect, fold)
    const { data, blob } = resolutionOf(said, intent)
    return { events: [{ type: 'EffectDoubtResolved', data }], blob }
  })
}

function resolutionOf(
  { effect, happened, result, evidence }: DoubtCommand,
  intent: EventId,
): { readonly data: object; readonly blob: BlobDraft | null } {
  const sealed = happened ? sealValue(result ?? null) : null
  const given = sealed === null ? {} : { result: sealed.ref }
  return { data: { effect, intent, happened, evidence, ...given }, blob: sealed?.blob ?? null }
}

/** What is in doubt of an effect: that it happened, or that it was undone. */
function doubtful({ open, resolutions, owed }: RunFold, effect: string): EventId | null {
  const known = open.get(effect)
  if (known?.doubt === true) return resolutions.has(effect) ? null : known.intent.id
  const undoing = owed.undoing.get(effect)
  const isOpen = undoing?.standing === 'doubt' && undoing.resolution === null
  return isOpen ? undoing.started.id : null
}

export async function requestAbort(
  components: Components,
  run: RunId,
  { reason, force, principal }: AbortCommand,
): Promise<void> {
  const owed = force === true ? await readOwed(components.log, run) : []
  const left = owed.map(({ effect }) => effect).toReversed()
  return command(components, { run, principal, until: 'conclusion' }, async (fold) => {
    if (force === true) {
      const facts = terminationFacts(fold, reason, left)
      const hand = await handOf(components.authority, run, fold.purse)
      const writes = returnWrites(run, fold.purse, hand)
      return { events: facts.map(({ type, data }) => ({ type, data })), writes }
    }
    const asked: NewEvent = { type: 'AbortRequested', data: { reason } }
    const { quarantine = null } = fold.view ?? {}
    // An abort needs no program: it is a way out of a quarantine.
    return { events: quarantine === null ? [asked] : [released(quarantine, reason), asked] }
  })
}
