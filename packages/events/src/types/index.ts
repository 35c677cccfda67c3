/** The standard vocabulary: RFC-ICE-007's 35 types, and what was added to them. */

import type { PayloadOf } from '../event-type.ts'
import { capabilityTypes } from './capability.ts'
import { cognitiveTypes } from './cognitive.ts'
import { domainTypes } from './domain.ts'
import { durableTypes } from './durable.ts'
import { memoryTypes } from './memory.ts'
import { runtimeTypes } from './runtime.ts'

/** Every standard type: what a taxonomy is usually composed from. */
export const standardTypes = [
  ...runtimeTypes,
  ...durableTypes,
  ...cognitiveTypes,
  ...domainTypes,
  ...memoryTypes,
  ...capabilityTypes,
] as const

type Standard = (typeof standardTypes)[number]

/** The payload of each standard type, by its name. */
export type StandardPayloads = { [E in Standard as E['type']]: PayloadOf<E> }

/** The name of a standard type. */
export type StandardTypeName = keyof StandardPayloads
