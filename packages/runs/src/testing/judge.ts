/** What must be true of a log once a simulation is over, judged with what the witness has. */
import type { EventLog, EventStore, RecordedEvent, ValueRef } from '@ice/events/ports'
import type { EventId, RunId } from '@ice/primitives'
import { Inbox } from '../inbox.ts'
import { openedInput } from '../input.ts'
import { type RunFold, runProjection } from '../lifecycle.ts'
import type { Breaker, Program } from '../ports.ts'
import { replay } from '../replay.ts'
import { digestOfRef, openValue, sealValue } from '../value.ts'
import { headerOf } from '../watch.ts'
import { heldByBreakers } from './judge-breakers.ts'
import { outcomes } from './judge-outcomes.ts'
import { firedOnce } from './judge-schedules.ts'
import type { Observer } from './observer.ts'
import type { ScriptedEffect } from './simulation-ports.ts'
import type { SimulatedSchedule } from './supervision-ports.ts'
import type { Witness } from './witness.ts'

/** What is judged. */
export interface JudgeInit {
  readonly observer: Observer
  readonly witness: Witness
  readonly store: EventStore
  readonly log: EventLog
  readonly programs: ReadonlyMap<string, Program>
  readonly effects: readonly ScriptedEffect[]
  readonly breakers: readonly Breaker[]
  readonly schedules: readonly SimulatedSchedule[]
}

const CONCLUSIONS: ReadonlySet<string> = new Set([
  'RunCommitted',
  'RunAborted',
  'RunForciblyTerminated',
])

/** What tells of an intent, and is no outcome of it. */
const NO_OUTCOMES: ReadonlySet<string> = new Set([
  'CapabilityUsed',
  'EffectInDoubt',
  'EffectDoubtResolved',
  'EffectRetryScheduled',
  'CompensationStarted',
  'CompensationSucceeded',
  'CompensationFailed',
  'CompensationAbandoned',
])

interface Told {
  readonly effect?: string
  readonly intent?: string
  readonly doubts?: readonly string[]
  readonly attempt?: number
}

/** @returns what is wrong, and how many runs were replayed */
export async function judge(init: JudgeInit): Promise<{ broken: string | null; replays: number }> {
  const { observer } = init
  let replays = 0
  const lost = await lostOf(init)
  if (lost !== null) return { broken: lost, replays }
  const { witness, effects, store } = init
  const whole =
    heldByBreakers(observer.events, init.breakers) ?? firedOnce(observer.events, init.schedules)
  if (whole !== null) return { broken: whole, replays }
  for (const [run, fold] of observer.folds) {
    const events = observer.events.filter(({ stream }) => stream === `run/${run}`)
    const broken =
      ended(run, events) ??
      settledOnce(run, events) ??
      (await outcomes({ events, witness, effects, blobs: store.blobs })) ??
      (await replayed(init, run, fold))
    if (broken !== null) return { broken, replays }
    replays += 1
  }
  return { broken: null, replays }
}

/** What a process was told is in the log, and is not. */
async function lostOf({ store, witness }: JudgeInit): Promise<string | null> {
  const kept = new Map<EventId, { readonly version: number; readonly bytes: string }>()
  for await (const batch of store.readAll({})) {
    for (const { bytes } of batch) {
      const { stream, version } = headerOf(bytes)
      kept.set(`${stream}@${version}` as EventId, { version, bytes })
    }
  }
  for (const [id, event] of witness.acknowledged) {
    const found = kept.get(id)
    if (found === undefined || !event.matches(found.version, found.bytes))
      return `${id} was acknowledged, and is not in the log as it was`
  }
  return null
}

/** One conclusion, and `RunTerminated` last, once. */
function ended(run: RunId, events: readonly RecordedEvent[]): string | null {
  const conclusions = events.filter(({ type }) => CONCLUSIONS.has(type)).map(({ type }) => type)
  if (conclusions.length !== 1) return `run ${run} has the conclusions: ${conclusions.join()}`
  const ends = events.filter(({ type }) => type === 'RunTerminated').length
  if (ends !== 1) return `run ${run} has ended ${ends} times`
  const last = events.at(-1)?.type
  return last === 'RunTerminated' ? null : `the last event of run ${run} is ${last}`
}

/** Each effect that was intended has one outcome, or its doubt is told by the end of the run. */
function settledOnce(run: RunId, events: readonly RecordedEvent[]): string | null {
  const outcomes = new Map<string, string>()
  const open = new Map<string, number>()
  const tried = new Map<string, number>()
  let doubts: readonly string[] = []
  for (const { id, type, data } of events) {
    const { effect = '', intent, attempt = 0, ...told } = data as Told
    if (type === 'RunTerminated') doubts = told.doubts ?? []
    // The end of an attempt that another is to follow, or was: it settles its intent.
    if (type === 'EffectRetryScheduled') open.delete(effect)
    const isIntent = type === 'CapabilityUsed'
    // An attempt that follows another may be denied: that settles the effect too.
    const isDenial = type === 'CapabilityDenied' && (intent !== undefined || open.has(effect))
    const isEnd = isDenial || (intent !== undefined && !NO_OUTCOMES.has(type))
    if (!isIntent && !isEnd) continue
    const before = outcomes.get(effect)
    if (before !== undefined)
      return `${id} is a ${type} of "${effect}", which ${before} has settled`
    if (isIntent) {
      if (attempt <= (tried.get(effect) ?? 0)) return `${id} is attempt ${attempt} once more`
      open.set(effect, attempt)
      tried.set(effect, attempt)
    } else if (tried.has(effect)) {
      outcomes.set(effect, id)
      open.delete(effect)
    } else return `${id} is an outcome of "${effect}", which was never intended`
  }
  const isCommitted = events.some(({ type }) => type === 'RunCommitted')
  for (const effect of open.keys()) {
    if (isCommitted) return `run ${run} has committed over "${effect}", which has no outcome`
    if (!doubts.includes(effect)) return `run ${run} ends without a word of "${effect}"`
  }
  return null
}

/** The record is followed by its program, to the same result. */
async function replayed(
  { log, programs }: JudgeInit,
  run: RunId,
  { view }: RunFold,
): Promise<string | null> {
  const { name = '', version = '' } = view?.program ?? {}
  const program = programs.get(`${name} ${version}`)
  if (program === undefined) return null
  const stream = `run/${run}` as RecordedEvent['stream']
  const fold = runProjection.initialState()
  let isOpened = false
  /** What follows the conclusion is finished without the program. */
  let upTo = 0
  for await (const batch of log.read({ stream })) {
    for (const event of batch) {
      runProjection.evolve(fold, event)
      isOpened ||= event.type === 'ExecutionWindowOpened'
      if (upTo === 0 && CONCLUSIONS.has(event.type)) upTo = event.version
    }
  }
  if (!isOpened || fold.view === null) return null
  const { blobs } = log.store
  const input = await openValue(fold.input as ValueRef, blobs)
  try {
    const { ending } = await replay({
      log,
      run,
      program,
      input: (references) => program.input.parse(openedInput(input, fold.labels, references)),
      labels: fold.labels,
      inbox: new Inbox(log, fold.view.line, fold.signals.taken),
      patches: fold.patches,
      progress: fold.progress,
      upTo,
      onEvent: () => undefined,
    })
    if (fold.view.conclusion !== 'committed' || fold.view.continuedAs !== null) return null
    if (ending === null || !('value' in ending)) return `a replay of run ${run} comes to no result`
    const { digest } = sealValue(program.output.parse(ending.value))
    const isSame = fold.result !== null && digestOfRef(fold.result) === digest
    return isSame ? null : `a replay of run ${run} comes to another result`
  } catch (error) {
    return `run ${run} cannot be replayed: ${String(error)}`
  }
}
