/**
 * Replay: what the log holds of a run, delivered to a new execution of its program.
 *
 * Nothing is performed, decided or recorded. An event whose step the program has not asked for by
 * then, or has asked for differently, means that the program is not the one that was recorded:
 * that is reported with both sides, and nothing is written.
 */

import type { EventLog, RecordedEvent } from '@ice/events/ports'
import { invariant, type JsonObject, type RunId } from '@ice/primitives'
import { RUNS_CODES, RunsError } from './errors.ts'
import { Execution } from './execution.ts'
import type { Inbox } from './inbox.ts'
import { runStream } from './journal.ts'
import type { RunLabels } from './labels.ts'
import type { Program } from './ports.ts'
import { ANSWERS, type History, recordOf } from './records.ts'
import type { References } from './references.ts'
import type { Ask, Step } from './steps.ts'
import { sealValue } from './value.ts'

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
  /** Told of the execution, whose steps can be looked at, before anything is delivered to it. */
  readonly onBegin?: (execution: Execution) => void
}

/** Replays a run whose execution window has been opened. */
export async function replay(init: ReplayInit): Promise<Execution> {
  const { log, run, upTo, labels, inbox } = init
  const history: History = { log, labels, inbox, answers: new Map() }
  let execution: Execution | undefined
  for await (const batch of log.read({ stream: runStream(run), limit: upTo })) {
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
  if (execution === undefined) throw diverged('', 'the window was never opened', {}, [])
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
  const recorded = { event: event.id, type: event.type, step: id }
  const step = execution.step(id)
  if (step === undefined) {
    throw diverged(id, 'the program has not asked for it', recorded, execution.unsettled)
  }
  const kinds: readonly Ask['kind'][] = [record.kind].flat()
  if (!kinds.includes(step.ask.kind)) {
    throw diverged(id, `it is recorded as ${kinds.join(' or ')}`, recorded, execution.unsettled)
  }
  const difference = record.differs?.(step.ask, event) ?? null
  if (difference !== null) {
    const why = `it was recorded differently: ${difference}`
    throw diverged(id, why, recorded, execution.unsettled)
  }
  if (!record.settles) return
  invariant(record.gives !== undefined, `${event.type} gives a step something`)
  await execution.deliver(step, event, await record.gives(event, history, step))
}

function diverged(
  step: string,
  why: string,
  recorded: JsonObject,
  unsettled: readonly Step[],
): RunsError {
  const asked = unsettled.slice(0, 16).map(({ id, ask }) => ({
    step: id,
    kind: ask.kind,
    ...(ask.kind === 'effect'
      ? { action: ask.request.action, arguments: sealValue(ask.request.arguments).digest }
      : {}),
  }))
  return new RunsError(
    RUNS_CODES.diverged,
    `The program does not follow its record at "${step}": ${why}. It is not the program that ` +
      'began this run; resume it with that one',
    { step, why, recorded, asked },
  )
}
