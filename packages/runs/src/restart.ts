/** What a run was started with, for starting another one like it. */

import { projectStream } from '@ice/events/define'
import type { EventLog, RecordedEvent, ValueRef } from '@ice/events/ports'
import { type JsonValue, type RunId, readPointer } from '@ice/primitives'
import { put } from './contents.ts'
import { RUNS_CODES, RunsError } from './errors.ts'
import { runStream } from './journal.ts'
import { INPUT } from './labels.ts'
import { type Payload, runProjection } from './lifecycle.ts'
import type { ProgramName, StartOptions } from './ports.ts'
import { openValue } from './value.ts'

/** A start as it is recorded; no grants: those were that run's. */
export interface RecordedStart {
  readonly program: ProgramName
  readonly input: JsonValue
  readonly options: Pick<StartOptions, 'agent' | 'hold' | 'labels' | 'session' | 'tags'>
}

/** Reads what a run was started with. @throws `ICE_RUNS_NOT_FOUND` */
export async function recordedStart(log: EventLog, run: RunId): Promise<RecordedStart> {
  const stream = runStream(run)
  const { state: fold } = await projectStream(log, runProjection, { stream })
  const created = await first(log, run)
  if (created === undefined || fold.view === null) {
    throw new RunsError(RUNS_CODES.notFound, `No run ${run}`, { run })
  }
  const { program, agent, session, tags, labels, input } = created.data as Payload<'RunCreated'>
  let whole = await openValue(input as ValueRef, log.store.blobs)
  const hold: string[] = []
  for (const [id, { value }] of fold.labels.held) {
    if (!id.startsWith(`${INPUT}/`)) continue
    const path = id.slice(INPUT.length)
    hold.push(path)
    whole = put(whole, readPointer(path) ?? [], await openValue(value, log.store.blobs))
  }
  return {
    program,
    input: whole,
    options: {
      ...(hold.length === 0 ? {} : { hold }),
      ...(labels === undefined ? {} : { labels: labels as NonNullable<StartOptions['labels']> }),
      ...(agent === undefined ? {} : { agent }),
      ...(session === undefined ? {} : { session }),
      ...(tags === undefined ? {} : { tags }),
    },
  }
}

async function first(log: EventLog, run: RunId): Promise<RecordedEvent | undefined> {
  for await (const [event] of log.read({ stream: runStream(run), limit: 1 })) return event
  return undefined
}
