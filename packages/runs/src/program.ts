/** The declaration of a program. */

import { invariant } from '@ice/primitives'
import type { Program } from './ports.ts'

const NAME = /^[a-z][a-z0-9._-]{0,127}$/

/**
 * Declares a program. Durable code: it asks for everything it needs through its context, so that
 * the same input and the same outcomes give the same steps and the same result.
 */
export function defineProgram<I, O>(program: Program<I, O>): Program<I, O> {
  invariant(NAME.test(program.name), `a program is named like "survey", not "${program.name}"`)
  invariant(program.version.length > 0 && program.version.length <= 64, 'a program has a version')
  return Object.freeze({ ...program })
}
