/**
 * What tests of other packages need of this one: a clock that is moved by hand, ids that repeat.
 */
export { type ManualClock, manualClock } from './clock.ts'
export { seededIds } from './ids.ts'
