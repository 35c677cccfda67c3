/**
 * The category `capability`: authority, asked for, given, used, refused and taken back.
 *
 * `CapabilityUsed` is the *intent* of an effect: it is durable before the act and carries the
 * authority the act stands on. Its outcome is an event of the category `domain` (the act
 * happened), an `EffectFailed`, or a `CapabilityDenied` at the stage `handler`.
 */

import { z } from 'zod'
import { defineEventType } from '../event-type.ts'
import { count, denial, digest, eventId, name, text, time, uuid, value } from './shapes.ts'

const category = 'capability'

/** A grant as it is recorded; `@ice/capabilities` knows what its parts mean. */
const grant = z.strictObject({
  id: uuid,
  holder: name,
  actions: z.array(name).min(1).max(64),
  resource: z.record(z.string(), z.unknown()),
  caveats: z.array(z.record(z.string(), z.unknown())).max(32),
  parent: uuid.nullable(),
  delegable: count,
  notBefore: time,
  expiresAt: time.nullable(),
  revocable: z.boolean(),
})

export const CapabilityRequested = defineEventType({
  type: 'CapabilityRequested',
  category,
  origins: ['agent'],
  description: 'An agent asks for an effect, or for a right it does not have.',
  payload: z.strictObject({
    action: name,
    resource: z.record(z.string(), z.unknown()),
    reason: text,
  }),
})

export const CapabilityGranted = defineEventType({
  type: 'CapabilityGranted',
  category,
  description: 'A grant exists: the first event of its stream.',
  payload: z.strictObject({ grant, label: z.string().max(512).optional() }),
})

export const CapabilityUsed = defineEventType({
  type: 'CapabilityUsed',
  category,
  description: 'The intent of an effect: it is authorised, by this chain, and about to be tried.',
  payload: z.strictObject({
    effect: name,
    attempt: z.int().min(1),
    action: name,
    resource: z.record(z.string(), z.unknown()),
    arguments: value,
    argumentsDigest: digest,
    grant: uuid,
    chain: z.array(uuid).min(1).max(32),
    basis: z.array(z.strictObject({ stream: name, version: count })).max(64),
    fate: z.enum(['observe', 'idempotent', 'irreversible']),
    approval: eventId.optional(),
  }),
})

export const CapabilityDenied = defineEventType({
  type: 'CapabilityDenied',
  category,
  description: 'An effect was refused, with the reasons; it did not act. (added)',
  payload: z.strictObject({
    effect: name,
    attempt: z.int().min(1),
    stage: z.enum(['decision', 'handler']),
    action: name,
    resource: z.record(z.string(), z.unknown()),
    argumentsDigest: digest,
    grant: z.string().max(512),
    denial,
    basis: z.array(z.strictObject({ stream: name, version: count })).max(64),
    intent: eventId.optional(),
  }),
})

export const CapabilityRevoked = defineEventType({
  type: 'CapabilityRevoked',
  category,
  description: 'The grant and all that descends from it authorise nothing from here on.',
  payload: z.strictObject({ grant: uuid, reason: text }),
})

export const CapabilityExpired = defineEventType({
  type: 'CapabilityExpired',
  category,
  description: 'The time of the grant has passed; noted for readers, not needed by decisions.',
  payload: z.strictObject({ grant: uuid, expiresAt: time }),
})

export const CountDebited = defineEventType({
  type: 'CountDebited',
  category,
  description: 'One use of a counted grant, in the append of the intent it pays for. (added)',
  payload: z.strictObject({
    grant: uuid,
    run: uuid,
    effect: name,
    attempt: z.int().min(1),
    count: z.int().min(1),
  }),
})

export const ApprovalRequested = defineEventType({
  type: 'ApprovalRequested',
  category,
  description: 'A step waits for a person: for exactly this call, or to answer a question. (added)',
  payload: z.strictObject({
    step: name,
    kind: z.enum(['effect', 'question']),
    digest,
    prompt: text,
    details: value,
    grant: uuid.optional(),
    expiresAt: time.nullable(),
  }),
})

const verdict = z.strictObject({ step: name, digest, request: eventId, comment: text.optional() })

export const ApprovalGranted = defineEventType({
  type: 'ApprovalGranted',
  category,
  description: 'The principal of this event allowed the step of this digest, once. (added)',
  payload: verdict,
})

export const ApprovalRejected = defineEventType({
  type: 'ApprovalRejected',
  category,
  description: 'The principal of this event refused the step of this digest. (added)',
  payload: verdict,
})

export const ApprovalConsumed = defineEventType({
  type: 'ApprovalConsumed',
  category,
  description: 'The answer to a question was taken up by the run: it is used up. (added)',
  payload: z.strictObject({ step: name, answer: eventId, approved: z.boolean() }),
})

/** All types of the category. */
export const capabilityTypes = [
  CapabilityRequested,
  CapabilityGranted,
  CapabilityUsed,
  CapabilityDenied,
  CapabilityRevoked,
  CapabilityExpired,
  CountDebited,
  ApprovalRequested,
  ApprovalGranted,
  ApprovalRejected,
  ApprovalConsumed,
] as const
