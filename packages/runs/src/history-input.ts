/** The input of a recorded run, as its program is given it once more. */

import type { BlobStore, ValueRef } from '@ice/events/ports'
import { errorRecord } from '@ice/primitives'
import { RUNS_CODES, RunsError } from './errors.ts'
import { openedInput } from './input.ts'
import type { RunFold } from './lifecycle.ts'
import type { Program } from './ports.ts'
import type { References } from './references.ts'
import { openValue } from './value.ts'

/**
 * Opens the recorded input for executions of a program.
 * @throws `ICE_RUNS_INPUT_UNSUPPORTED`, when it is called: the program does not take it
 */
export async function historyInput(
  fold: RunFold,
  program: Program,
  blobs: BlobStore,
): Promise<(references: References) => unknown> {
  const stored = await openValue(fold.input as ValueRef, blobs)
  return (references) => {
    try {
      return program.input.parse(openedInput(stored, fold.labels, references))
    } catch (cause) {
      const { name, version } = program
      const said = errorRecord(cause).message
      const message = `${name} ${version} does not take the recorded input: ${said}`
      throw new RunsError(RUNS_CODES.inputInvalid, message, { program: name, version }, cause)
    }
  }
}
