/** One runtime out of independent parts. */

export { RUNTIME_CODES, type RuntimeCode, RuntimeError } from './errors.ts'
export type * from './ports.ts'
export { systemPrincipal } from './principal.ts'
export { createRuntime, DEFAULT_PATH } from './runtime.ts'
