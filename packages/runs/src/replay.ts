/**
 * Replay: what the log holds of a run, delivered to a new execution of its program.
 *
 * Nothing is performed, decided or recorded. An event whose step the program has not asked for by
 * then, or has asked for differently, means that the program is not the one that was recorded:
 * that is told with both sides (see `divergence.ts`), and the run is set aside.
 */

import type { EventLog, RecordedEvent } from '@ice/events/ports'
import { invariant, type RunId } from '@ice/primitives'
import { divergence } from './divergence.ts'
import type { RunsError } from './errors.ts'
import { Execution } from './execution.ts'
import type { Inbox } from './inbox.ts'
import { runStream } from './journal.ts'
import type { RunLabels } from './labels.ts'
import type { Program } from './ports.ts'
import { ANSWERS, type History, recordOf } from './records.ts'
import type { References } from './references.ts'
import type { Ask } from './steps.ts'

/** What a replay needs. */
export interface ReplayInit {
  readonly log: EventLog
  readonly run: RunId
  readonly program: Program
  /** The input as the program takes it, with references of its execution. */
  readonly input: (references: References) => unknown
  /** Labels of the run at `upTo`: what it holds, by name. */
  readonly labels: RunLabels
  readonly inbox: Inbox
  /** The patches whose ways the run has taken. */
  readonly patches: ReadonlySet<string>
  /** The version of the last event that is about a step. */
  readonly progress: number
  /** The version up to which the run was folded: later events are news, not history. */
  readonly upTo: number
  readonly onEvent: (event: RecordedEvent) => void
  /** Its events up to `upTo`, where they were read already. @defaultValue read from the log */
  readonly events?: readonly RecordedEvent[] | null
  /** Told of the execution, whose steps can be looked at, before anything is delivered to it. */
  readonly onBegin?: (execution: Execution) => void
}

/** Replays a run whose execution window has been opened. */
export async function replay(init: ReplayInit): Promise<Execution> {
  const { log, run, upTo, labels, inbox } = init
  const history: History = { log, labels, inbox, answers: new Map(), staged: new Set() }
  let execution: Execution | undefined
  const { events = null } = init
  const batches = events === null ? log.read({ stream: runStream(run), limit: upTo }) : [events]
  for await (const batch of batches) {
    for (const event of batch) {
      init.onEvent(event)
      if (event.type === 'ExecutionWindowOpened') {
        execution = new Execution(run, event)
        execution.past = pastAt(event, init)
        init.onBegin?.(execution)
        await execution.begin(init.program, init.input(execution.references))
      } else if (execution !== undefined) {
        if (ANSWERS.has(event.type)) history.answers.set(event.id, event)
        execution.past = pastAt(event, init)
        await feed(execution, event, history)
      }
    }
  }
  if (execution === undefined) {
    throw divergence({ step: '', why: 'the window was never opened', event: null, asked: [] })
  }
  return execution
}

/** What a program asks for once nothing more is recorded of its steps is beyond the record. */
function pastAt({ version }: RecordedEvent, { patches, progress }: ReplayInit): Execution['past'] {
  return version < progress ? { patches } : null
}

/** Holds one recorded event against the program, and delivers it if it settles a step. */
async function feed(execution: Execution, event: RecordedEvent, history: History): Promise<void> {
  const record = recordOf(event)
  if (record === undefined) return
  const id = record.step(event.data as Readonly<Record<string, unknown>>)
  // What a branch that lost still came back with.
  if (execution.isCancelled(id)) return
  // What became of an effect that was staged is not given to the program: it is over by then.
  if (event.type === 'EffectStaged') history.staged.add(id)
  else if (history.staged.has(id)) return
  const leaves = (why: string): RunsError => {
    return divergence({ step: id, why, event, asked: execution.unsettled })
  }
  const step = execution.step(id)
  if (step === undefined) throw leaves('the program has not asked for it')
  const kinds: readonly Ask['kind'][] = [record.kind].flat()
  if (!kinds.includes(step.ask.kind)) throw leaves(`it is recorded as ${kinds.join(' or ')}`)
  const difference = record.differs?.(step.ask, event) ?? null
  if (difference !== null) throw leaves(`it was recorded differently: ${difference}`)
  if (!record.settles) return
  invariant(record.gives !== undefined, `${event.type} gives a step something`)
  await execution.deliver(step, event, await record.gives(event, history, step))
}
