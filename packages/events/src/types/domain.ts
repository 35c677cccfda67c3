/**
 * The category `domain`: what happened in the world. Only these may become memory.
 *
 * An outcome has one shape whatever the effect, so that it can always be recorded: which effect
 * and attempt, the intent it settles, the value the program is given, and what was observed.
 */

import { z } from 'zod'
import { defineEventType } from '../event-type.ts'
import { count, eventId, label, name, share, text, value } from './shapes.ts'

const category = 'domain'

/** The payload of every outcome of an effect. */
const outcome = z.strictObject({
  effect: name,
  attempt: z.int().min(1),
  intent: eventId,
  result: value,
  /** What the handler saw of the world, for people and auditors: sizes, digests, addresses. */
  observed: z.record(z.string(), z.unknown()),
  /** Where the result came from and who may read it. */
  label: label.optional(),
  /** What its compensation needs; left out: it has none. */
  kept: value.optional(),
  /** What was really spent of what the intent took; left out: all of it. */
  spent: z.array(share).max(64).optional(),
})

export const EffectSucceeded = defineEventType({
  type: 'EffectSucceeded',
  category,
  description: 'An effect that has no type of its own took place. (added)',
  payload: outcome,
})

export const FileRead = defineEventType({
  type: 'FileRead',
  category,
  description: 'A file was read.',
  payload: outcome,
})

export const FileWritten = defineEventType({
  type: 'FileWritten',
  category,
  description: 'A file was written.',
  payload: outcome,
})

export const FileDeleted = defineEventType({
  type: 'FileDeleted',
  category,
  description: 'A file was deleted. (added)',
  payload: outcome,
})

export const DirectoryListed = defineEventType({
  type: 'DirectoryListed',
  category,
  description: 'The names in a directory were read. (added)',
  payload: outcome,
})

export const APIRequestExecuted = defineEventType({
  type: 'APIRequestExecuted',
  category,
  description: 'A request to an interface outside was answered.',
  payload: outcome,
})

export const UserNotificationSent = defineEventType({
  type: 'UserNotificationSent',
  category,
  description: 'A person was told something.',
  payload: outcome,
})

export const TaskStarted = defineEventType({
  type: 'TaskStarted',
  category,
  description: 'A task of a workflow began.',
  payload: z.strictObject({ task: name, description: text.optional() }),
})

export const TaskCompleted = defineEventType({
  type: 'TaskCompleted',
  category,
  description: 'A task of a workflow ended with its result.',
  payload: z.strictObject({ task: name, result: value }),
})

export const WorkflowAdvanced = defineEventType({
  type: 'WorkflowAdvanced',
  category,
  description: 'A workflow moved on to further nodes.',
  payload: z.strictObject({ nodes: z.array(name).max(256), done: count, total: count }),
})

/** All types of the category. */
export const domainTypes = [
  EffectSucceeded,
  FileRead,
  FileWritten,
  FileDeleted,
  DirectoryListed,
  APIRequestExecuted,
  UserNotificationSent,
  TaskStarted,
  TaskCompleted,
  WorkflowAdvanced,
] as const
