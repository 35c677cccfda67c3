/** The category `memory`: promoted from validated domain events, never written. */

import { z } from 'zod'
import { defineEventType } from '../event-type.ts'
import { eventId, name, text, value } from './shapes.ts'

const category = 'memory'
const change = z.strictObject({ memory: name, reason: text })

export const MemoryPromoted = defineEventType({
  type: 'MemoryPromoted',
  category,
  description: 'A candidate became a memory record; its sources are domain events.',
  payload: z.strictObject({
    memory: name,
    kind: name,
    content: value,
    sources: z.array(eventId).min(1).max(64),
    confidence: z.number().min(0).max(1),
    policy: z.record(z.string(), z.unknown()),
  }),
})

export const MemoryExpired = defineEventType({
  type: 'MemoryExpired',
  category,
  description: 'The time of a memory record has passed.',
  payload: change,
})

export const MemoryDeprecated = defineEventType({
  type: 'MemoryDeprecated',
  category,
  description: 'A memory record should not be relied on any longer.',
  payload: change,
})

export const MemorySuperseded = defineEventType({
  type: 'MemorySuperseded',
  category,
  description: 'Another memory record took the place of this one.',
  payload: z.strictObject({ memory: name, by: name, reason: text }),
})

export const MemoryInvalidated = defineEventType({
  type: 'MemoryInvalidated',
  category,
  description: 'A memory record turned out to be wrong.',
  payload: change,
})

/** All types of the category. */
export const memoryTypes = [
  MemoryPromoted,
  MemoryExpired,
  MemoryDeprecated,
  MemorySuperseded,
  MemoryInvalidated,
] as const
