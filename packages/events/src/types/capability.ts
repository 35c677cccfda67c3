/**
 * The category `capability`: authority, asked for, given, used, refused and taken back.
 *
 * `CapabilityUsed` is the *intent* of an effect: it is durable before the act and carries the
 * authority the act stands on. Its outcome is an event of the category `domain` (the act
 * happened), an `EffectFailed`, or a `CapabilityDenied` at the stage `handler`.
 */

import { z } from 'zod'
import { defineEventType } from '../event-type.ts'
import {
  bounds,
  count,
  denial,
  digest,
  eventId,
  label,
  name,
  share,
  text,
  time,
  uuid,
  value,
} from './shapes.ts'

const category = 'capability'

/** A policy by its digest. */
const ceiling = z.strictObject({ name, version: z.string().min(1).max(64), digest })

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
    /** The grant that stands for the approval, where one does. */
    standing: uuid.optional(),
    /** The secrets the call carries: names, each with the authority it is taken under. */
    secrets: z
      .array(z.strictObject({ name, grant: uuid, chain: z.array(uuid).min(1).max(32) }))
      .min(1)
      .max(8)
      .optional(),
    /** The policy that was in force and did not refuse. */
    ceiling: ceiling.optional(),
    /** What the call may take at most, out of the run's slices. */
    spends: z.array(share).min(1).max(64).optional(),
    /** The slices that it is the first to take from: drawn before, or allotted in its append. */
    allotted: z.array(share).min(1).max(64).optional(),
    /** Labels of the arguments by JSON pointer; `''` is the whole. */
    labels: z.record(z.string().max(512), label).optional(),
    /** The program is given a reference to the result, and not the result. */
    held: z.literal(true).optional(),
    /** The most the call said that it can take, of every unit it spoke of. */
    bounds: bounds.optional(),
    /** How many calls of the action it is; `arguments` is the list of theirs. */
    batch: z.int().min(1).max(256).optional(),
    /** The `EffectStaged` that it carries out. */
    staged: eventId.optional(),
    /** What undoes it when the run aborts: an effect of its own, whose right is reserved here. */
    compensation: z.strictObject({ action: name, arguments: value, grant: name }).optional(),
    /** The breaker that it was held to. */
    breaker: name.optional(),
    /** The agent whose proposal it follows. */
    proposer: name.optional(),
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
    /** Where what it says comes from: of a decision left out, when the program knew all of it. */
    label: label.optional(),
    /** What was asked for, as an intent has it; of a decision that authority was asked for. */
    arguments: value.optional(),
    labels: z.record(z.string().max(512), label).optional(),
    bounds: bounds.optional(),
    /** What the run held beside intents that waited then; left out where none did. */
    purse: z.array(share).max(64).optional(),
    /** The secret that was refused, of those the call carries: grant and resource are its own. */
    secret: name.optional(),
    /** The agent whose proposal it would have followed. */
    proposer: name.optional(),
  }),
})

export const CapabilityRevoked = defineEventType({
  type: 'CapabilityRevoked',
  category,
  description: 'The grant and all that descends from it authorise nothing from here on.',
  payload: z.strictObject({
    grant: uuid,
    reason: text,
    /** It also ends the rights to compensations that intents under it have reserved. */
    compensations: z.literal(true).optional(),
  }),
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

export const BudgetAllotted = defineEventType({
  type: 'BudgetAllotted',
  category,
  description:
    'A run is given a slice of a budget; with `ifLeft` only where all of it is left, which the ' +
    'events before this one decide. (added)',
  payload: share.extend({ run: uuid, ifLeft: z.literal(true).optional() }),
})

export const BudgetDrawn = defineEventType({
  type: 'BudgetDrawn',
  category,
  description:
    'A run asked budgets for slices, in their streams and in this append; these say what it got. ' +
    '(added)',
  payload: z.strictObject({ shares: z.array(share).min(1).max(64) }),
})

export const BudgetReturned = defineEventType({
  type: 'BudgetReturned',
  category,
  description: 'A run that ends gives back what is left of its slice. (added)',
  payload: share.extend({ run: uuid }),
})

export const AuthorityStopped = defineEventType({
  type: 'AuthorityStopped',
  category,
  description: 'Nothing is authorised in this scope until it is resumed. (added)',
  payload: z.strictObject({ scope: name, reason: text }),
})

export const AuthorityResumed = defineEventType({
  type: 'AuthorityResumed',
  category,
  description: 'The scope is no longer stopped. (added)',
  payload: z.strictObject({ scope: name, reason: text }),
})

export const PolicyAdopted = defineEventType({
  type: 'PolicyAdopted',
  category,
  description: 'From here on every intent is held against this policy too. (added)',
  payload: ceiling.extend({ previous: digest.nullable(), policy: value }),
})

export const ApprovalRequested = defineEventType({
  type: 'ApprovalRequested',
  category,
  description: 'A step waits for a person: for exactly this call, or to answer a question. (added)',
  payload: z.strictObject({
    step: name,
    kind: z.enum(['effect', 'question', 'validation']),
    digest,
    prompt: text,
    details: value,
    grant: uuid.optional(),
    /** When the question lapses. */
    expiresAt: time.nullable(),
    /** Who may answer; left out: any principal. None: nobody, before the question goes on. */
    approvers: z.array(name).max(64).optional(),
    /** When, and to whom, the question goes on if nobody has answered. */
    escalation: z.strictObject({ at: time, to: z.array(name).min(1).max(64) }).optional(),
    /** The agent whose proposal the call follows. */
    proposer: name.optional(),
  }),
})

export const ApprovalEscalated = defineEventType({
  type: 'ApprovalEscalated',
  category,
  description: 'Nobody answered in time; these may answer too. (added)',
  payload: z.strictObject({ step: name, request: eventId, to: z.array(name).min(1).max(64) }),
})

export const ApprovalLapsed = defineEventType({
  type: 'ApprovalLapsed',
  category,
  description:
    'Nobody answered until the question lapsed; an answer after it counts no more. (added)',
  payload: z.strictObject({ step: name, request: eventId }),
})

export const ValueEndorsed = defineEventType({
  type: 'ValueEndorsed',
  category,
  description:
    'The principal of this event vouches for a value: these sources no longer count. (added)',
  payload: z.strictObject({
    /** The step whose outcome is vouched for. */
    step: name,
    /** SHA-256 of the canonical JSON of the value. */
    value: digest,
    sources: z.array(name).min(1).max(32),
    reason: text,
  }),
})

export const ValueDeclassified = defineEventType({
  type: 'ValueDeclassified',
  category,
  description:
    'The principal of this event lets more readers see a value; null is everyone. (added)',
  payload: z.strictObject({
    step: name,
    value: digest,
    readers: z.array(name).max(64).nullable(),
    reason: text,
  }),
})

export const ValueRevealed = defineEventType({
  type: 'ValueRevealed',
  category,
  description:
    'The program was shown what a reference stands for; its label counts from then on. (added)',
  payload: z.strictObject({
    step: name,
    /** The step whose outcome it is, or `$input` and a JSON pointer. */
    reference: name,
    /** SHA-256 of the canonical JSON of all of it. */
    value: digest,
    /** JSON pointer of the part that was shown; left out: all of it. */
    at: z.string().max(512).optional(),
  }),
})

export const AnswerRefused = defineEventType({
  type: 'AnswerRefused',
  category,
  description:
    'The principal of this event answered what it may not answer, or too late: no answer. (added)',
  payload: z.strictObject({
    step: name,
    digest,
    request: eventId,
    approved: z.boolean(),
    code: z.string().max(128),
  }),
})

const verdict = z.strictObject({ step: name, digest, request: eventId, comment: text.optional() })

export const ApprovalGranted = defineEventType({
  type: 'ApprovalGranted',
  category,
  description: 'The principal of this event allowed the step of this digest, once. (added)',
  /** `standing`: a standing approval of such calls, issued in the same append. */
  payload: verdict.extend({ standing: uuid.optional() }),
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
  BudgetAllotted,
  BudgetDrawn,
  BudgetReturned,
  AuthorityStopped,
  AuthorityResumed,
  PolicyAdopted,
  ApprovalRequested,
  ApprovalEscalated,
  ApprovalLapsed,
  AnswerRefused,
  ApprovalGranted,
  ApprovalRejected,
  ApprovalConsumed,
  ValueEndorsed,
  ValueDeclassified,
  ValueRevealed,
] as const
