/**
 * The category `runtime`, continued: what a run waits for, tries again, holds back until its
 * commit, and takes back on its abort; and what outlives single runs: breakers and schedules.
 *
 * All of these were added to RFC-ICE-007; each is argued in `docs/rfc/0002-taxonomy.md`.
 */

import { z } from 'zod'
import { defineEventType } from '../event-type.ts'
import {
  count,
  digest,
  errorRecord,
  eventId,
  label,
  name,
  share,
  text,
  time,
  uuid,
  value,
} from './shapes.ts'

const category = 'runtime'
const attempt = z.int().min(1)
const version = z.string().min(1).max(64)
const program = z.strictObject({ name, version })

export const TimerSet = defineEventType({
  type: 'TimerSet',
  category,
  description: 'A step waits until a time. (added)',
  payload: z.strictObject({ step: name, due: time }),
})

export const TimerFired = defineEventType({
  type: 'TimerFired',
  category,
  description: 'The time a step waited for has come. (added)',
  payload: z.strictObject({ step: name, timer: eventId }),
})

export const SignalReceived = defineEventType({
  type: 'SignalReceived',
  category,
  description: 'Somebody outside sent the run a value under a name; it waits to be taken. (added)',
  payload: z.strictObject({
    signal: name,
    payload: value,
    digest,
    /** Of the sender: the same key is the same signal, however often it is sent. */
    key: z.string().min(1).max(512).optional(),
    /** Left out: trusted, and for everyone. */
    label: label.optional(),
  }),
})

export const SignalAwaited = defineEventType({
  type: 'SignalAwaited',
  category,
  description: 'A step waits for a signal of this name, and none was there. (added)',
  payload: z.strictObject({ step: name, signal: name, expiresAt: time.nullable() }),
})

export const SignalConsumed = defineEventType({
  type: 'SignalConsumed',
  category,
  description: 'A step was given a signal: the earliest of its name that none had taken. (added)',
  payload: z.strictObject({
    step: name,
    signal: eventId,
    name,
    /** Of the payload, and what it is labelled with. */
    digest,
    label: label.optional(),
  }),
})

export const EventAwaited = defineEventType({
  type: 'EventAwaited',
  category,
  description: 'A step waits for an event of the log, from a position on. (added)',
  payload: z.strictObject({
    step: name,
    streamPrefix: name.optional(),
    types: z.array(name).min(1).max(64),
    after: count,
    expiresAt: time.nullable(),
  }),
})

export const EventMatched = defineEventType({
  type: 'EventMatched',
  category,
  description: 'The event a step waited for is there: the first that matches. (added)',
  payload: z.strictObject({
    step: name,
    event: eventId,
    position: count,
    label: label.optional(),
  }),
})

export const WaitLapsed = defineEventType({
  type: 'WaitLapsed',
  category,
  description: 'What a step waited for did not come in time. (added)',
  payload: z.strictObject({ step: name, awaited: eventId }),
})

export const ScopeCancelled = defineEventType({
  type: 'ScopeCancelled',
  category,
  description: 'The steps of these scopes are wanted no longer; none of them is settled. (added)',
  payload: z.strictObject({ step: name, scopes: z.array(name).min(1).max(256), reason: text }),
})

export const ChildAwaited = defineEventType({
  type: 'ChildAwaited',
  category,
  description: 'A step waits for the end of a child. (added)',
  payload: z.strictObject({ step: name, child: uuid }),
})

export const ChildConcluded = defineEventType({
  type: 'ChildConcluded',
  category,
  description: 'A child came to its end, and its parent has taken that up. (added)',
  payload: z.strictObject({
    step: name,
    child: uuid,
    conclusion: z.enum(['committed', 'aborted', 'terminated_by_runtime']),
    result: value.optional(),
    reason: text.optional(),
    label,
  }),
})

export const EffectRetryScheduled = defineEventType({
  type: 'EffectRetryScheduled',
  category,
  description: 'An attempt ended without its result, and another comes later. (added)',
  payload: z.strictObject({
    effect: name,
    attempt,
    intent: eventId,
    error: errorRecord,
    at: time,
    spent: z.array(share).max(64).optional(),
    label: label.optional(),
  }),
})

export const EffectDeferred = defineEventType({
  type: 'EffectDeferred',
  category,
  description: 'An attempt was not made, because its breaker is open; it comes later. (added)',
  payload: z.strictObject({ effect: name, attempt, breaker: name, at: time }),
})

export const EffectStaged = defineEventType({
  type: 'EffectStaged',
  category,
  description: 'An effect is to be carried out once the run has committed; not before. (added)',
  payload: z.strictObject({
    effect: name,
    action: name,
    arguments: value,
    argumentsDigest: digest,
    grant: name,
    /** The agent whose proposal it follows. */
    proposer: name.optional(),
    /** How it is to be tried: what else the program said of it. */
    terms: z.record(name, z.unknown()).optional(),
    /** Labels of the arguments by JSON pointer; `''` is the whole. */
    labels: z.record(z.string().max(512), label).optional(),
  }),
})

export const CompensationStarted = defineEventType({
  type: 'CompensationStarted',
  category,
  description: 'An effect is about to be undone, by the right its own intent reserved. (added)',
  payload: z.strictObject({
    effect: name,
    attempt,
    /** The outcome that is undone. */
    outcome: eventId,
    action: name,
    grant: uuid,
    basis: z.array(z.strictObject({ stream: name, version: count })).max(64),
    /** Of an effect that stands for the undoing; left out where the handler undoes its own. */
    arguments: value.optional(),
    argumentsDigest: digest.optional(),
  }),
})

export const CompensationSucceeded = defineEventType({
  type: 'CompensationSucceeded',
  category,
  description: 'An effect is undone. (added)',
  payload: z.strictObject({
    effect: name,
    attempt,
    intent: eventId,
    observed: z.record(z.string(), z.unknown()),
  }),
})

export const CompensationFailed = defineEventType({
  type: 'CompensationFailed',
  category,
  description: 'An undoing ended without success; it is tried again at the time named. (added)',
  payload: z.strictObject({
    effect: name,
    attempt,
    intent: eventId,
    error: errorRecord,
    /** `null`: not by itself. */
    at: time.nullable(),
  }),
})

export const CompensationAbandoned = defineEventType({
  type: 'CompensationAbandoned',
  category,
  description: 'An effect stays as it is: its undoing is not possible, or was given up. (added)',
  payload: z.strictObject({ effect: name, outcome: eventId, error: errorRecord }),
})

export const RunQuarantined = defineEventType({
  type: 'RunQuarantined',
  category,
  description: 'The run is set aside, as it is, until somebody releases it. (added)',
  payload: z.strictObject({ error: errorRecord, program }),
})

export const RunReleased = defineEventType({
  type: 'RunReleased',
  category,
  description: 'The run may go on. (added)',
  payload: z.strictObject({ reason: text }),
})

export const PatchMarked = defineEventType({
  type: 'PatchMarked',
  category,
  description: 'From here on the run goes the way of a patched program. (added)',
  payload: z.strictObject({ step: name }),
})

export const ProgramChanged = defineEventType({
  type: 'ProgramChanged',
  category,
  description: 'Another version of the program, which takes over such runs, drives it. (added)',
  payload: z.strictObject({ from: version, to: version }),
})

export const BreakerFailed = defineEventType({
  type: 'BreakerFailed',
  category,
  description: 'An attempt under a breaker failed. (added)',
  payload: z.strictObject({ breaker: name, run: uuid, effect: name, code: z.string().max(128) }),
})

export const BreakerOpened = defineEventType({
  type: 'BreakerOpened',
  category,
  description: 'Too many attempts failed: none is made until the time named. (added)',
  payload: z.strictObject({ breaker: name, failures: count, until: time }),
})

export const BreakerProbed = defineEventType({
  type: 'BreakerProbed',
  category,
  description: 'One attempt is made to see whether a breaker can be closed. (added)',
  payload: z.strictObject({ breaker: name, run: uuid, effect: name, until: time }),
})

export const BreakerClosed = defineEventType({
  type: 'BreakerClosed',
  category,
  description: 'Attempts under the breaker are made as before. (added)',
  payload: z.strictObject({ breaker: name }),
})

export const ScheduleCreated = defineEventType({
  type: 'ScheduleCreated',
  category,
  description: 'Runs of a program are started again and again, at the times named. (added)',
  payload: z.strictObject({
    schedule: name,
    /** Five or six fields of cron. */
    cron: z.string().min(1).max(256),
    /** IANA name of the time zone the fields are read in. */
    zone: z.string().min(1).max(64),
    program,
    input: value,
    /** How each run is started: grants by id, queue, tags. */
    start: z.record(z.string(), z.unknown()),
    overlap: z.enum(['skip', 'queue', 'all']),
    /** How late a start may be: older times are skipped. */
    catchUpMs: count,
  }),
})

export const ScheduleFired = defineEventType({
  type: 'ScheduleFired',
  category,
  description: 'A time of a schedule was dealt with: by a run, or by none. (added)',
  payload: z.strictObject({
    schedule: name,
    due: time,
    run: uuid.optional(),
    skipped: z.enum(['overlap', 'late', 'paused']).optional(),
  }),
})

export const SchedulePaused = defineEventType({
  type: 'SchedulePaused',
  category,
  description: 'No runs are started by a schedule until it is resumed. (added)',
  payload: z.strictObject({ schedule: name, reason: text }),
})

export const ScheduleResumed = defineEventType({
  type: 'ScheduleResumed',
  category,
  description: 'Runs are started by a schedule again. (added)',
  payload: z.strictObject({ schedule: name, reason: text }),
})

export const ScheduleDeleted = defineEventType({
  type: 'ScheduleDeleted',
  category,
  description: 'A schedule has ended: the last event of its stream. (added)',
  payload: z.strictObject({ schedule: name, reason: text }),
})

/** All types of this part of the category. */
export const durableTypes = [
  TimerSet,
  TimerFired,
  SignalReceived,
  SignalAwaited,
  SignalConsumed,
  EventAwaited,
  EventMatched,
  WaitLapsed,
  ScopeCancelled,
  ChildAwaited,
  ChildConcluded,
  EffectRetryScheduled,
  EffectDeferred,
  EffectStaged,
  CompensationStarted,
  CompensationSucceeded,
  CompensationFailed,
  CompensationAbandoned,
  RunQuarantined,
  RunReleased,
  PatchMarked,
  ProgramChanged,
  BreakerFailed,
  BreakerOpened,
  BreakerProbed,
  BreakerClosed,
  ScheduleCreated,
  ScheduleFired,
  SchedulePaused,
  ScheduleResumed,
  ScheduleDeleted,
] as const
