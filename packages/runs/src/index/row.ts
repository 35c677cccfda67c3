/**
 * One row of the index as a fold of the events that concern the run: who should drive it, when.
 *
 *     RunCreated ── in a queue ──► ready ──► held ──► asleep ─── what it waits for ──► ready
 *         └──────── without ─────────────────► │ ▲       └────── its time ───────────► (due)
 *                                              │ └── RunClaimed, RunResumed
 *                        RunQuarantined ◄──────┴──► RunTerminated: ended
 *
 * 1. A row is a fold of few types: steps and effects of a run at work are not even read.
 * 2. Time moves no row. One that is due is found by its `until`.
 * 3. A wake-up too many costs a replay; one too few is a run that never goes on. So what cannot be
 *    told for sure wakes.
 */

import type { StandardPayloads } from '@ice/events/define'
import type { RecordedEvent } from '@ice/events/ports'
import type { OwnerId, RunId, Timestamp } from '@ice/primitives'
import type { Listening, RunRow, Standing } from '../index-ports.ts'
import type { RunState } from '../ports.ts'
import { liesIn } from '../scopes.ts'

/** The queue of a run whose start named none. */
export const DEFAULT_QUEUE = 'default'

type Payload<T extends keyof StandardPayloads> = StandardPayloads[T]

/** A row while it is folded. */
export type DraftRow = { -readonly [K in keyof RunRow]: RunRow[K] }

type Evolve = (row: DraftRow, event: RecordedEvent) => void

function on<T extends keyof StandardPayloads>(
  evolve: (row: DraftRow, data: Payload<T>, event: RecordedEvent) => void,
): Evolve {
  return (row, event) => evolve(row, event.data as Payload<T>, event)
}

/** What is kept of the event that brings a row to a standing. */
type Woke = Pick<RecordedEvent, 'position' | 'time'>

/** Brings a row to a standing, as of an event. */
function stand(row: DraftRow, standing: Standing, event: Woke): void {
  row.standing = standing
  row.since = event.time
  row.at = event.position
  row.until = null
}

/** Makes a sleeper ready: what it may have waited for is there. */
export function wake(row: DraftRow, event: Woke): void {
  if (row.standing === 'asleep') stand(row, 'ready', event)
}

function state(to: RunState): Evolve {
  return (row) => {
    row.state = to
  }
}

function forget(row: DraftRow, isOver: (listening: Listening) => boolean): void {
  if (row.listens.length > 0) row.listens = row.listens.filter((one) => !isOver(one))
}

const stopListening = on<'SignalConsumed'>((row, { step }) => {
  forget(row, (one) => one.step === step)
})

/** What an event of the run's own stream makes of its row. */
const EVOLVE = {
  RunClaimed: on<'RunClaimed'>((row, { owner }, event) => {
    // Whoever was to drive it did not come to an end with it.
    if (row.standing === 'held') {
      row.crashes += 1
      if (row.crashedAt === 0) row.crashedAt = event.version
    }
    row.owner = owner as OwnerId
    stand(row, 'held', event)
  }),
  ExecutionWindowOpened: (row, event) => {
    row.state = 'EXECUTING'
    if (row.standing === 'ready') stand(row, 'held', event)
  },
  RunSuspended: on<'RunSuspended'>((row, { until }, event) => {
    stand(row, 'asleep', event)
    row.until = (until ?? null) as Timestamp | null
    row.crashes = 0
    row.crashedAt = 0
  }),
  RunResumed: (row, event) => stand(row, 'held', event),
  SignalAwaited: on<'SignalAwaited'>((row, { step, signal }) => {
    row.listens = [...row.listens, { step, signal }]
  }),
  EventAwaited: on<'EventAwaited'>((row, { step, types, streamPrefix = '', after }) => {
    row.listens = [...row.listens, { step, types, streamPrefix, after }]
  }),
  ChildAwaited: on<'ChildAwaited'>((row, { step, child }) => {
    row.listens = [...row.listens, { step, child: child as RunId }]
  }),
  ChildConcluded: stopListening,
  SignalConsumed: stopListening,
  EventMatched: stopListening,
  WaitLapsed: stopListening,
  ScopeCancelled: on<'ScopeCancelled'>((row, { scopes }) => {
    forget(row, ({ step }) => liesIn(step, scopes))
  }),
  EffectInDoubt: on<'EffectInDoubt'>((row, { effect }) => {
    if (!row.doubts.includes(effect)) row.doubts = [...row.doubts, effect]
  }),
  EffectDoubtResolved: on<'EffectDoubtResolved'>((row, { effect }, event) => {
    row.doubts = row.doubts.filter((one) => one !== effect)
    wake(row, event)
  }),
  ApprovalGranted: wake,
  ApprovalRejected: wake,
  ApprovalLapsed: wake,
  AbortRequested: (row, event) => {
    row.aborting = true
    wake(row, event)
  },
  RunQuarantined: (row, event) => stand(row, 'quarantined', event),
  RunReleased: (row, event) => {
    row.crashes = 0
    row.crashedAt = 0
    if (row.standing === 'quarantined') stand(row, 'ready', event)
  },
  ProgramChanged: on<'ProgramChanged'>((row, { to }) => {
    row.program = { name: row.program.name, version: to }
  }),
  ValidationStarted: state('VALIDATING'),
  RunCommitted: on<'RunCommitted'>((row, { continuedAs }) => {
    row.state = 'COMMITTED'
    row.continuedAs = (continuedAs ?? null) as RunId | null
  }),
  RunAborted: state('ABORTED'),
  RunForciblyTerminated: state('TERMINATED_BY_RUNTIME'),
  RunTerminated: (row, event) => {
    row.state = 'TERMINATED'
    row.listens = []
    stand(row, 'ended', event)
  },
} satisfies Readonly<Record<string, Evolve>>

const BY_TYPE: ReadonlyMap<string, Evolve> = new Map<string, Evolve>(Object.entries(EVOLVE))

/** The types that are read, beside those that somebody listens for. */
export const ROW_TYPES: readonly string[] = ['RunCreated', 'SignalReceived', ...BY_TYPE.keys()]

/** The row of a run that begins. */
export function createRow(event: RecordedEvent): DraftRow {
  const data = event.data as Payload<'RunCreated'>
  return {
    run: data.run as RunId,
    program: { name: data.program.name, version: data.program.version },
    state: 'CREATED',
    // Without a queue it is driven by whoever started it, as long as that lives.
    standing: data.queue === undefined ? 'held' : 'ready',
    owner: data.owner as OwnerId,
    queue: data.queue ?? DEFAULT_QUEUE,
    concurrencyKey: data.concurrencyKey ?? null,
    priority: data.priority ?? 0,
    parent: (data.parent?.run ?? null) as RunId | null,
    line: (data.continues?.first ?? data.run) as RunId,
    continuedAs: null,
    key: data.key ?? null,
    tags: data.tags ?? {},
    createdAt: event.time,
    since: event.time,
    at: event.position,
    until: null,
    deadline: (data.deadline ?? null) as Timestamp | null,
    aborting: false,
    doubts: [],
    listens: [],
    crashes: 0,
    crashedAt: 0,
  }
}

/** Folds an event of the run's stream into its row. */
export function evolveRow(row: DraftRow, event: RecordedEvent): void {
  if (row.standing !== 'ended') BY_TYPE.get(event.type)?.(row, event)
}

/** Folds a signal that was sent to the run: it wakes who listens for its name. */
export function receiveSignal(row: DraftRow, event: RecordedEvent): void {
  const { signal } = event.data as Payload<'SignalReceived'>
  if (row.listens.some((one) => 'signal' in one && one.signal === signal)) wake(row, event)
}

/** The end of a run: it wakes the parent that listens for it, unless another goes on for it. */
export function takeUpEnd(parent: DraftRow, child: RunRow, event: RecordedEvent): void {
  if (child.continuedAs !== null) return
  if (parent.listens.some((one) => 'child' in one && one.child === child.line)) wake(parent, event)
}

/** Whether somebody who listens so is told of an event of this type in this stream. */
export function hears(listening: Listening, type: string, stream: string): boolean {
  if (!('types' in listening)) return false
  return listening.types.includes(type) && stream.startsWith(listening.streamPrefix)
}
