/**
 * What tests of programs need: simulations in virtual time, on one seeded scheduler, with scripted
 * effects and every fault, judged by a witness outside of the log.
 */
export { simulate } from './simulate.ts'
export type {
  Act,
  Faults,
  Invariant,
  ScriptedEffect,
  ScriptedEnd,
  Simulated,
  SimulatedParts,
  SimulatedStart,
  SimulateOptions,
  SimulationCounts,
  SimulationInit,
  SimulationReport,
} from './simulation-ports.ts'
export type {
  SimulatedSchedule,
  SimulatedSupervision,
  SupervisedParts,
} from './supervision-ports.ts'
