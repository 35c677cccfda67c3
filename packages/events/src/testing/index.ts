/** What tests of other packages need of this one: faults to order, small types, a seeded clock. */
export { type SeededClock, type SeededClockInit, seededClock } from './clock.ts'
export { type AppendFault, type FaultyStore, faultyStore } from './faulty-store.ts'
export { NumberNoted, NumberProposed, PersonGreeted, testTaxonomy } from './taxonomy.ts'
