/**
 * What tests of other packages need of this one: faults to order, small types, a seeded clock,
 * notes, which the tests of a store append, and segments that are said to be sealed.
 */
export { type SeededClock, type SeededClockInit, seededClock } from './clock.ts'
export { type AppendFault, type FaultyStore, faultyStore } from './faulty-store.ts'
export {
  gather,
  type NoteAcknowledged,
  NoteTaken,
  type NoteWriter,
  notes,
  noteTaxonomy,
  PictureKept,
  positionOf,
  writeNotes,
} from './notes.ts'
export { markOf, SEGMENT_NAME, seal, sealed } from './sealed.ts'
export { NumberNoted, NumberProposed, PersonGreeted, testTaxonomy } from './taxonomy.ts'
