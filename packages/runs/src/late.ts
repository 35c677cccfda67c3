/**
 * What becomes known of an effect once its run has ended: `effect/<run>/<version of its intent>`.
 *
 * Nothing follows `RunTerminated`. But a run that was ended by force, or whose handler did not stop
 * in its time, has effects with an intent and no outcome; and what their handlers still come back
 * with, or what somebody finds out, is a fact. It stands in a stream of its own, that of the
 * intent, as the event that would have settled the effect in its run.
 *
 * 1. The first who says so is believed: the stream has one event.
 * 2. It changes nothing: not the end of the run, nor what it spent.
 */

import type { BlobDraft, NewEvent } from '@ice/events/ports'
import { type EventId, hasCode, type PrincipalId, type RunId, type StreamId } from '@ice/primitives'
import type { Components } from './components.ts'
import { versionOf } from './recorded.ts'
import { type Completion, settle } from './settle.ts'

/** The stream of what became known of an effect after its run. */
export function effectStream(run: RunId, intent: EventId): StreamId {
  return `effect/${run}/${versionOf(intent)}` as StreamId
}

/** Records what a handler came back with when its run was over. */
export async function recordLate(
  components: Pick<Components, 'log'>,
  run: RunId,
  completion: Completion,
): Promise<void> {
  const { type, data, blobs } = settle(completion)
  // That nobody knows is what the end of the run says already.
  if (type === 'EffectInDoubt') return
  const intent = completion.event.id
  await appendLate(components, { run, intent, event: { type, data }, blobs })
}

/** @returns false when somebody has said it before */
export async function appendLate(
  { log }: Pick<Components, 'log'>,
  init: {
    readonly run: RunId
    readonly intent: EventId
    readonly event: NewEvent
    readonly blobs: readonly BlobDraft[]
    readonly principal?: PrincipalId
  },
): Promise<boolean> {
  const { run, intent, event, blobs, principal } = init
  const by = principal === undefined ? {} : { principal }
  const events = [{ ...event, causes: [intent], ...by }]
  const stream = effectStream(run, intent)
  try {
    await log.append({
      writes: [{ stream, expectedVersion: 'no_stream', events }],
      ...(blobs.length === 0 ? {} : { blobs }),
    })
    return true
  } catch (error) {
    if (hasCode(error, 'ICE_EVENTS_VERSION_CONFLICT')) return false
    throw error
  }
}
