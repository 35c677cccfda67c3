/**
 * The category `runtime`: what the runtime does with a run, and with the log itself.
 *
 * Thirteen types keep their name from RFC-ICE-007. The others are what the lifecycle needs in
 * order to be told honestly; each is marked as added and argued in `docs/rfc/0002-taxonomy.md`.
 */

import { z } from 'zod'
import { defineEventType } from '../event-type.ts'
import {
  blobRef,
  count,
  digest,
  errorRecord,
  eventId,
  label,
  name,
  parentage,
  share,
  succession,
  text,
  time,
  uuid,
  value,
} from './shapes.ts'

const category = 'runtime'
const program = z.strictObject({ name, version: z.string().min(1).max(64) })

export const RunCreated = defineEventType({
  type: 'RunCreated',
  category,
  description: 'A run exists: its program, its input, and the process that owns it first. (added)',
  payload: z.strictObject({
    run: uuid,
    program,
    input: value,
    owner: name,
    epoch: z.int().min(1),
    key: z.string().max(512).optional(),
    grants: z.array(z.strictObject({ name, grant: uuid })).max(256),
    tags: z.record(z.string(), z.string().max(256)).optional(),
    /** Labels of the input by JSON pointer; left out: trusted, and for everyone. */
    labels: z.record(z.string().max(512), label).optional(),
    /** What the program is given references to: `input` has their digests in these places. */
    held: z
      .array(z.strictObject({ path: z.string().min(1).max(480), blob: blobRef }))
      .min(1)
      .max(16)
      .optional(),
    /** For which agent, and in which session, the run acts: their stop switches concern it. */
    agent: z.string().min(1).max(128).optional(),
    session: z.string().min(1).max(128).optional(),
    /** Standing approvals that the run may use. */
    standing: z.array(uuid).min(1).max(16).optional(),
    /** Whose child it is, by which step, and how far below the run that has no parent. */
    parent: parentage.optional(),
    /** The run it goes on for, and the first of that line: the line holds their grants. */
    continues: succession.optional(),
    /** Where it waits for a worker, and what it shares its turns with there. */
    queue: name.optional(),
    concurrencyKey: name.optional(),
    priority: z.int().min(-1000).max(1000).optional(),
    /** The wall time that it may not outlast. */
    deadline: time.optional(),
    /** The schedule that started it. */
    schedule: name.optional(),
  }),
})

export const RunRequested = defineEventType({
  type: 'RunRequested',
  category,
  description: 'An idempotency key stands for a run from now on. (added)',
  payload: z.strictObject({ run: uuid, program, inputDigest: digest }),
})

export const RunClaimed = defineEventType({
  type: 'RunClaimed',
  category,
  description: 'Another process took the run over; appends of earlier epochs conflict. (added)',
  payload: z.strictObject({ owner: name, epoch: z.int().min(1), previous: name }),
})

export const RunProvisioned = defineEventType({
  type: 'RunProvisioned',
  category,
  description: 'The run has a place to run in, under the limits named here.',
  payload: z.strictObject({ limits: z.record(z.string(), count) }),
})

export const ResourcesAllocated = defineEventType({
  type: 'ResourcesAllocated',
  category,
  description: 'What is held for the run until ResourcesReleased.',
  payload: z.strictObject({ resources: z.array(name).max(256) }),
})

export const ContextResolved = defineEventType({
  type: 'ContextResolved',
  category,
  description: 'Who the run acts for and what it can see.',
  payload: z.strictObject({
    agent: z.string().max(128).optional(),
    workspace: z.string().max(1024).optional(),
  }),
})

export const MemoryMounted = defineEventType({
  type: 'MemoryMounted',
  category,
  description: 'The point-in-time memory views the run reads; none is an empty list.',
  payload: z.strictObject({ views: z.array(z.strictObject({ view: name, asOf: count })).max(64) }),
})

export const CapabilitiesBound = defineEventType({
  type: 'CapabilitiesBound',
  category,
  description: 'The grants the run may name, under the names its program uses for them.',
  payload: z.strictObject({
    grants: z.array(z.strictObject({ name, grant: uuid })).max(256),
  }),
})

export const ExecutionWindowOpened = defineEventType({
  type: 'ExecutionWindowOpened',
  category,
  description: 'The program runs from here on. (added)',
  payload: z.strictObject({}),
})

export const RunSuspended = defineEventType({
  type: 'RunSuspended',
  category,
  description: 'The run holds no process: it waits for what is named here. (added)',
  payload: z.strictObject({
    waitingFor: z.array(name).min(1).max(256),
    /** When it is due to go on by itself; left out: never. */
    until: time.optional(),
  }),
})

export const RunResumed = defineEventType({
  type: 'RunResumed',
  category,
  description: 'A suspended run goes on. (added)',
  payload: z.strictObject({}),
})

export const AbortRequested = defineEventType({
  type: 'AbortRequested',
  category,
  description: 'Someone outside the run asked for its abort; the owner carries it out. (added)',
  payload: z.strictObject({ reason: text }),
})

export const EffectFailed = defineEventType({
  type: 'EffectFailed',
  category,
  description: 'An intended effect ended without its result; it is settled. (added)',
  payload: z.strictObject({
    effect: name,
    attempt: z.int().min(1),
    intent: eventId,
    error: errorRecord,
    /** What was spent although it failed; left out: all that the intent took. */
    spent: z.array(share).max(64).optional(),
    /** Where what the error says comes from; left out: unknown. */
    label: label.optional(),
  }),
})

export const EffectRevoked = defineEventType({
  type: 'EffectRevoked',
  category,
  description:
    'The right to an effect ended before it acted, though it was intended; it is settled. (added)',
  payload: z.strictObject({
    effect: name,
    attempt: z.int().min(1),
    intent: eventId,
    /** The revocations or stops that ended the right. */
    by: z.array(eventId).min(1).max(16),
    /** How the handler proved that it had not acted. */
    proof: errorRecord,
  }),
})

export const EffectInDoubt = defineEventType({
  type: 'EffectInDoubt',
  category,
  description:
    'An effect has an intent and no outcome, and nobody knows whether it happened. (added)',
  payload: z.strictObject({
    effect: name,
    attempt: z.int().min(1),
    intent: eventId,
    /** What its handler said, where it lived to say something. */
    error: errorRecord.optional(),
  }),
})

export const EffectDoubtResolved = defineEventType({
  type: 'EffectDoubtResolved',
  category,
  description: 'A probe or a person said what became of an effect in doubt. (added)',
  payload: z.strictObject({
    effect: name,
    intent: eventId,
    happened: z.boolean(),
    result: value.optional(),
    evidence: text,
  }),
})

export const ValidationStarted = defineEventType({
  type: 'ValidationStarted',
  category,
  description: 'The program returned; its result is held against its checks.',
  payload: z.strictObject({ result: value, resultDigest: digest }),
})

export const ValidationPassed = defineEventType({
  type: 'ValidationPassed',
  category,
  description: 'Every check held.',
  payload: z.strictObject({ checks: z.array(name).max(256) }),
})

export const ValidationFailed = defineEventType({
  type: 'ValidationFailed',
  category,
  description: 'A check did not hold; the run aborts.',
  payload: z.strictObject({
    checks: z.array(name).max(256),
    failures: z
      .array(z.strictObject({ check: name, error: errorRecord }))
      .min(1)
      .max(64),
  }),
})

export const RunCommitted = defineEventType({
  type: 'RunCommitted',
  category,
  description: 'The run concluded with the result its ValidationStarted names.',
  payload: z.strictObject({
    resultDigest: digest,
    /** The run that goes on in its place. */
    continuedAs: uuid.optional(),
  }),
})

export const RunAborted = defineEventType({
  type: 'RunAborted',
  category,
  description: 'The run concluded without a result, in the phase named here.',
  payload: z.strictObject({
    phase: z.enum(['provisioning', 'context', 'execution', 'validation', 'commit']),
  }),
})

export const AbortReasonDeclared = defineEventType({
  type: 'AbortReasonDeclared',
  category,
  description: 'Why the run aborted. Follows RunAborted in the same append.',
  payload: z.strictObject({ reason: text, error: errorRecord.optional() }),
})

export const RunForciblyTerminated = defineEventType({
  type: 'RunForciblyTerminated',
  category,
  description: 'The runtime ended the run without the program having a say. (added)',
  payload: z.strictObject({
    reason: text,
    doubts: z.array(name).max(256),
    /** Effects with a compensation that was not carried out, the latest first. */
    uncompensated: z.array(name).max(256).optional(),
  }),
})

export const ResourcesReleased = defineEventType({
  type: 'ResourcesReleased',
  category,
  description: 'What ResourcesAllocated named is held no longer.',
  payload: z.strictObject({ resources: z.array(name).max(256) }),
})

export const RunTerminated = defineEventType({
  type: 'RunTerminated',
  category,
  description: 'The run is over: the last event of its stream.',
  payload: z.strictObject({
    conclusion: z.enum(['committed', 'aborted', 'terminated_by_runtime']),
    doubts: z.array(name).max(256),
  }),
})

export const TaxonomyAdopted = defineEventType({
  type: 'TaxonomyAdopted',
  category,
  description:
    'From here on the log holds events of this taxonomy, whose schemas are kept. (added)',
  payload: z.strictObject({
    digest,
    previous: digest.nullable(),
    types: count,
    schemas: value,
  }),
})

export const LogConfigured = defineEventType({
  type: 'LogConfigured',
  category,
  description: 'What the log promises from here on: its durability and its incarnation. (added)',
  payload: z.strictObject({
    durability: z.enum(['memory', 'process', 'disk']),
    store: name,
    /** As the store names it. */
    incarnation: name,
    since: time,
  }),
})

export const LogRestored = defineEventType({
  type: 'LogRestored',
  category,
  description:
    'Another life of a log began: what it took over, and that what was open is in doubt. (added)',
  payload: z.strictObject({
    how: z.enum(['backup', 'import']),
    /** The incarnation whose events it took over. */
    from: name,
    /** The one that begins. */
    incarnation: name,
    /** Events it took over. */
    head: count,
    /** Their RFC 9162 root; `null` when some stand in an archive that was not at hand. */
    root: digest.nullable(),
    /** Effects that are in doubt, by this or already before. */
    doubts: count,
  }),
})

export const SegmentSealed = defineEventType({
  type: 'SegmentSealed',
  category,
  description:
    'Events named here stand in an archive segment, so a store may let go of them. (added)',
  payload: z.strictObject({
    /** The name of the segment's file. */
    segment: z.string().regex(/^[a-z0-9][a-z0-9.-]{0,126}$/),
    /** SHA-256 of the whole file. */
    digest,
    /** RFC 9162 root over the leaves of its events alone. */
    root: digest,
    incarnation: name,
    bytes: count,
    events: count,
    streams: count,
    blobs: count,
    firstPosition: count,
    lastPosition: count,
    firstTime: time,
    lastTime: time,
  }),
})

/** All types of the category. */
export const runtimeTypes = [
  RunCreated,
  RunRequested,
  RunClaimed,
  RunProvisioned,
  ResourcesAllocated,
  ContextResolved,
  MemoryMounted,
  CapabilitiesBound,
  ExecutionWindowOpened,
  RunSuspended,
  RunResumed,
  AbortRequested,
  EffectFailed,
  EffectRevoked,
  EffectInDoubt,
  EffectDoubtResolved,
  ValidationStarted,
  ValidationPassed,
  ValidationFailed,
  RunCommitted,
  RunAborted,
  AbortReasonDeclared,
  RunForciblyTerminated,
  ResourcesReleased,
  RunTerminated,
  TaxonomyAdopted,
  LogConfigured,
  LogRestored,
  SegmentSealed,
] as const
