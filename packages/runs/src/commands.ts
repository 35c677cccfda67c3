/**
 * What people do to a run from outside: answer (in `answering.ts`), resolve, abort. Each is one
 * append on the run's own stream, at the version it was decided on, so that it cannot meet another
 * run state than the one the person saw; the owner, wherever it is, conflicts and refolds.
 */

import { fold, projectStream } from '@ice/events/define'
import type { BlobDraft, Guard, NewEvent, StreamWrite } from '@ice/events/ports'
import { hasCode, type PrincipalId, type RunId, type StreamVersion } from '@ice/primitives'
import { returnWrites } from './budget-writes.ts'
import type { Components } from './components.ts'
import { terminationFacts } from './conclude.ts'
import { RUNS_CODES, RunsError } from './errors.ts'
import { handOf } from './hand.ts'
import { runStream } from './journal.ts'
import { type RunFold, runProjection, unanswered } from './lifecycle.ts'
import { CONFLICTS_MAX } from './limits.ts'
import type { AbortCommand, DoubtCommand } from './ports.ts'
import { sealValue } from './value.ts'

/** Folds a run. @throws `ICE_RUNS_NOT_FOUND` */
export async function foldRun({ log }: Pick<Components, 'log'>, run: RunId): Promise<RunFold> {
  const { state, at } = await projectStream(log, runProjection, { stream: runStream(run) })
  if (at === 0) throw new RunsError(RUNS_CODES.notFound, `No run ${run}`, { run })
  return state
}

/**
 * Folds a run as it was at a version.
 * @throws `ICE_RUNS_NOT_FOUND`, `ICE_RUNS_VERSION_NOT_FOUND`
 */
export async function foldRunAt(
  { log }: Pick<Components, 'log'>,
  run: RunId,
  version: number,
): Promise<RunFold> {
  const state = runProjection.initialState()
  let at = 0
  const isVersion = Number.isSafeInteger(version) && version >= 1
  const limit = isVersion ? version : 1
  for await (const batch of log.read({ stream: runStream(run), limit })) {
    fold(runProjection, state, batch)
    at += batch.length
  }
  if (at === 0) throw new RunsError(RUNS_CODES.notFound, `No run ${run}`, { run })
  if (isVersion && at === version) return state
  const message = `Run ${run} has no version ${version}${isVersion ? `; its last is ${at}` : ''}`
  throw new RunsError(RUNS_CODES.versionNotFound, message, { run })
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

/** Decides on the run as it stands and appends; decides anew when it moved in between. */
export async function command(
  components: Components,
  run: RunId,
  principal: PrincipalId | undefined,
  decide: (fold: RunFold) => Command | Promise<Command>,
): Promise<void> {
  for (let conflicts = 0; ; conflicts += 1) {
    const fold = await foldRun(components, run)
    if (fold.view?.conclusion != null) {
      const message = `Run ${run} has ${fold.view.conclusion}; nothing about it can be changed`
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

export function resolveEffect(
  components: Components,
  run: RunId,
  { effect, happened, result, evidence, principal }: DoubtCommand,
): Promise<void> {
  return command(components, run, principal, (fold) => {
    const open = fold.open.get(effect)
    const isAnswered = fold.resolutions.has(effect)
    if (open === undefined || !open.doubt || isAnswered) throw notWaiting(run, effect, fold)
    const sealed = happened ? sealValue(result ?? null) : null
    const data = {
      effect,
      intent: open.intent.id,
      happened,
      evidence,
      ...(sealed === null ? {} : { result: sealed.ref }),
    }
    return { events: [{ type: 'EffectDoubtResolved', data }], blob: sealed?.blob ?? null }
  })
}

export function requestAbort(
  components: Components,
  run: RunId,
  { reason, force, principal }: AbortCommand,
): Promise<void> {
  return command(components, run, principal, async (fold) => {
    if (force === true) {
      const facts = terminationFacts(fold, reason)
      const hand = await handOf(components.authority, run, fold.purse)
      const writes = returnWrites(run, fold.purse, hand)
      return { events: facts.map(({ type, data }) => ({ type, data })), writes }
    }
    return { events: [{ type: 'AbortRequested', data: { reason } }] }
  })
}
