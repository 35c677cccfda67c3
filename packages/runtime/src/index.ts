/** One runtime out of independent parts. */

export { RUNTIME_CODES, type RuntimeCode, RuntimeError } from './errors.ts'
export { beginIncarnation, type IncarnationInit, type NewIncarnation } from './incarnation.ts'
export type * from './ports.ts'
export { systemPrincipal } from './principal.ts'
export { createRuntime, DEFAULT_PATH, STANDARD_KINDS } from './runtime.ts'
