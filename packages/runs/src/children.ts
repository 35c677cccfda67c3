/**
 * Children of a run: started by an effect of their parent, ended with it.
 *
 *     parent   CapabilityUsed ─► EffectSucceeded { run } … ChildAwaited ─► ChildConcluded
 *     child        RunCreated { parent } ──────────────────► RunTerminated
 *
 * 1. A child is started under the key of the effect that asks for it, so a repeated attempt finds
 *    the one that is there.
 * 2. Its grants hang below its parent's: it can do nothing that its parent may not, and what is
 *    taken from the parent is taken from it.
 * 3. The end of a child is its own event. The parent takes it up by one of its own, which is what
 *    its program is given, on every replay.
 * 4. A run that ends asks its children to abort, but for detached ones. Its owner does; where that
 *    died before it could, whoever drives the child finds that its parent has ended.
 *
 * What a child gives has the label of all that it was given.
 */

import type { StandardPayloads } from '@ice/events/define'
import type { RecordedEvent, ValueRef } from '@ice/events/ports'
import {
  type Clock,
  type GrantId,
  hasCode,
  type JsonObject,
  type JsonValue,
  type PrincipalId,
  type RunId,
} from '@ice/primitives'
import { foldRun, foldRunAt, requestAbort } from './commands.ts'
import type { Components } from './components.ts'
import type { Desk } from './desk.ts'
import { RUNS_CODES, RunsError } from './errors.ts'
import type { Fact } from './facts.ts'
import type { RunFold } from './lifecycle.ts'
import { CHILD_GRANTS_MAX, DEPTH_MAX, LOG_AWAY_MS } from './limits.ts'
import type { EffectHandler, RunResult, SpawnGrant } from './ports.ts'
import type { StepRecord } from './records.ts'
import { resultOf } from './result.ts'
import { startRun } from './start.ts'
import { type AskOf, SPAWN_ACTION, type Step } from './steps.ts'
import { runStream } from './stream.ts'
import { openValue, sealValue } from './value.ts'

/** A run that was started by another. */
export interface ChildRun {
  readonly run: RunId
  readonly step: string
  readonly detached: boolean
}

interface SpawnArguments {
  readonly program: { readonly name: string; readonly version: string }
  readonly input: JsonValue
  readonly grants: Readonly<Record<string, string | SpawnGrant>>
  readonly detached: boolean
  readonly tags: Readonly<Record<string, string>>
}

/** The handler that starts children: the act is the append of their start. */
export function spawnHandler(components: () => Components): EffectHandler {
  return {
    action: SPAWN_ACTION,
    fate: 'idempotent',
    outcome: 'EffectSucceeded',
    arguments: { parse: spawnArguments },
    resource: (args, place) => {
      const { program } = args as unknown as SpawnArguments
      const { depth = 0, children = 0 } = place ?? {}
      return {
        program: program.name,
        version: program.version,
        depth: depth + 1,
        width: children + 1,
      }
    },
    source: () => null,
    perform: async ({ run, arguments: args, idempotencyKey, signal }) => {
      const start = () => startChild(components(), run, idempotencyKey, args as never)
      const child = await onceThere(components().clock, signal, start)
      components().kick(child, run)
      const { detached } = args as unknown as SpawnArguments
      return { value: { run: child }, observed: { run: child, detached } }
    },
  }
}

/**
 * A log that cannot be reached is no failure of a start: it could not be recorded as one either. So
 * it is waited for, as everything else that a run asks of its log is; the key keeps it one start.
 */
async function onceThere<T>(clock: Clock, signal: AbortSignal, ask: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await ask()
    } catch (error) {
      if (!hasCode(error, 'ICE_EVENTS_UNAVAILABLE')) throw error
    }
    await clock.sleep(LOG_AWAY_MS, { signal })
  }
}

function spawnArguments(value: unknown): JsonObject {
  const { program, input, grants, detached, tags } = value as SpawnArguments
  const isProgram = typeof program?.name === 'string' && typeof program.version === 'string'
  const names = Object.keys(grants ?? {})
  const isWhole = isProgram && typeof detached === 'boolean' && names.length <= CHILD_GRANTS_MAX
  if (isWhole) return { program, input, grants, detached, tags } as unknown as JsonObject
  const most = `${CHILD_GRANTS_MAX} grants at most`
  const message = `A child is of a program by name and version, with ${most}`
  throw new RunsError(RUNS_CODES.argumentsInvalid, message)
}

async function startChild(
  components: Components,
  parent: RunId,
  key: string,
  { program: named, input, grants, detached, tags }: SpawnArguments,
): Promise<RunId> {
  // What a child has of its parent stands in the first event of that.
  const fold = await foldRunAt(components, parent, 1)
  const program = components.programNamed(named.name, named.version)
  const depth = (fold.view?.parent?.depth ?? 0) + 1
  if (depth > DEPTH_MAX) {
    const message = `A run lies at most ${DEPTH_MAX} runs below the first`
    throw new RunsError(RUNS_CODES.depthLimit, message, { depth })
  }
  const run = components.ids.nextRunId()
  const step = key.slice(parent.length + 1)
  const bound = await delegated(components, fold, run, grants)
  const { principal, agent, session } = fold.view ?? {}
  const { queue } = fold.placement
  return startRun(components, program, input, {
    key,
    grants: bound,
    tags,
    ...(queue === undefined ? {} : { queue }),
    ...(principal == null ? {} : { principal }),
    ...(agent == null ? {} : { agent }),
    ...(session == null ? {} : { session }),
    line: { run, parent: { run: parent, step, depth, ...(detached ? { detached } : {}) } },
  })
}

/** Grants of the child: each hangs below one that its parent is bound to. */
async function delegated(
  components: Components,
  fold: RunFold,
  child: RunId,
  grants: SpawnArguments['grants'],
): Promise<Record<string, GrantId>> {
  const bound: Record<string, GrantId> = {}
  for (const [name, given] of Object.entries(grants)) {
    const { from, ...narrower } = typeof given === 'string' ? { from: given } : given
    const parent = fold.grants.get(from)
    if (parent === undefined) {
      const message = `The parent has no grant called "${from}" to hand on`
      throw new RunsError(RUNS_CODES.grantUnbound, message, { name: from })
    }
    const principal = fold.view?.principal
    bound[name] = await components.delegate({
      ...narrower,
      parent,
      holder: `run/${child}`,
      ...(principal == null ? {} : { principal: principal as PrincipalId }),
    })
  }
  return bound
}

/** A step that waits for the end of a child, or of who goes on for it. */
export async function lookAtChild(
  desk: Desk,
  step: Step,
  { child }: AskOf<'child'>,
): Promise<void> {
  const { journal, components } = desk
  const end = await endOf(components, child)
  if (end === null) {
    if (journal.fold.waits.has(step.id)) return
    journal.add({ type: 'ChildAwaited', data: { step: step.id, child } })
    return
  }
  const { result, fold } = end
  const common = { step: step.id, child, conclusion: result.conclusion }
  const sealed = result.conclusion === 'committed' ? sealValue(result.value) : null
  const fact: Fact = {
    type: 'ChildConcluded',
    data: {
      ...common,
      ...(sealed === null ? {} : { result: sealed.ref }),
      ...(result.conclusion === 'committed' ? {} : { reason: result.reason.slice(0, 2048) }),
      label: fold.labels.mark as unknown as StandardPayloads['ChildConcluded']['label'],
    },
    blob: sealed?.blob ?? null,
  }
  await desk.deliver(step, fact, { kind: 'ended', result })
}

/** How a run ended, followed along its line; `null` while it has not. */
async function endOf(
  components: Components,
  run: RunId,
): Promise<{ readonly result: RunResult; readonly fold: RunFold } | null> {
  for (let at = run; ; ) {
    // Parents look at all their children whenever one has news: most have not ended.
    if (!(await hasEnded(components, at))) return null
    const fold = await foldRun(components, at)
    if (fold.view?.state !== 'TERMINATED') return null
    const { continuedAs } = fold.view
    if (continuedAs === null) {
      return { result: await resultOf(fold, components.log.store.blobs), fold }
    }
    at = continuedAs
  }
}

/** Why a child is asked to abort. */
export const PARENT_ENDED = 'Its parent has ended'

/** Whether a run is a child that nobody has told of the end of its parent. */
export async function isLeftBehind(
  components: Pick<Components, 'log'>,
  { view, abortRequested }: RunFold,
): Promise<boolean> {
  const parent = view?.parent ?? null
  if (parent === null || parent.detached === true || abortRequested !== null) return false
  return hasEnded(components, parent.run)
}

/** Whether the last event of a run is its end. */
async function hasEnded({ log }: Pick<Components, 'log'>, run: RunId): Promise<boolean> {
  const last = { stream: runStream(run), backwards: true, limit: 1 }
  for await (const [event] of log.read(last)) return event?.type === 'RunTerminated'
  return false
}

/**
 * Asks the children of a run that has ended to abort, but for detached ones: the line of each, as
 * far as it goes. One that has ended is left as it is.
 */
export async function abortChildren(
  components: Components,
  children: Iterable<ChildRun>,
): Promise<void> {
  for (const { run, detached } of children) {
    if (detached) continue
    for (let at: RunId | null = run; at !== null; ) {
      at = await abortOne(components, at)
    }
  }
}

async function abortOne(components: Components, run: RunId): Promise<RunId | null> {
  try {
    const { view, abortRequested } = await foldRun(components, run)
    if (view?.continuedAs != null) return view.continuedAs
    if (view?.conclusion == null && abortRequested === null) {
      await requestAbort(components, run, { reason: PARENT_ENDED })
      components.kick(run, run)
    }
  } catch (error) {
    // It has ended meanwhile: that is all that was wanted.
    if (!hasCode(error, RUNS_CODES.concluded)) throw error
  }
  return null
}

/** What the log says of steps that wait for children. */
export const CHILD_RECORDS: Readonly<Record<string, StepRecord>> = {
  ChildAwaited: {
    kind: 'child',
    step: ({ step }) => step as string,
    settles: false,
    differs: sameChild,
  },
  ChildConcluded: {
    kind: 'child',
    step: ({ step }) => step as string,
    settles: true,
    differs: sameChild,
    gives: async ({ data }, { log }) => {
      const { conclusion, result, reason = '' } = data as StandardPayloads['ChildConcluded']
      if (conclusion !== 'committed') return { kind: 'ended', result: { conclusion, reason } }
      const ref = (result ?? { inline: null }) as ValueRef
      const value = await openValue(ref, log.store.blobs)
      return { kind: 'ended', result: { conclusion, value } }
    },
  },
}

function sameChild(ask: Parameters<NonNullable<StepRecord['differs']>>[0], event: RecordedEvent) {
  const { child } = event.data as StandardPayloads['ChildAwaited']
  return (ask as AskOf<'child'>).child === child ? null : `it waited for the run ${child}`
}
