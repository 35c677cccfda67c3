/**
 * The entry for rooms that declare event types and fold them: the only values that a sibling of
 * this layer may import.
 */

export {
  defineEventType,
  type EventType,
  type EventTypeInit,
  type PayloadOf,
  type Upcaster,
} from './event-type.ts'
export {
  fold,
  type Projected,
  type Projection,
  projectLog,
  projectStream,
} from './projection.ts'
export { type StandardPayloads, type StandardTypeName, standardTypes } from './types/index.ts'
