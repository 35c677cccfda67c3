/**
 * What is recorded of a handler that was aborted because the right to its effect had ended.
 *
 * A result is a result. A code that ends in `_ABORTED` proves that the handler had not acted, and
 * the effect is revoked. Of all others an irreversible effect is in doubt, and one that can be
 * repeated has failed.
 *
 * The trap: taking for a proof what is only the echo of the abort. `fetch` and most of Node reject
 * with the reason of the signal they were given, and do so after they have sent; and a wait of our
 * own that was broken off says nothing of what came before it. Neither is a proof here.
 */

import type { ErrorRecord, EventId } from '@ice/primitives'
import { RUNS_CODES, RunsError } from './errors.ts'
import type { Payload } from './lifecycle.ts'

/** The reason with which such a handler's signal fires: its code proves nothing. */
export function endedRight(by: readonly EventId[]): RunsError {
  const message = `The right to the effect has ended: ${by.join(', ')}`
  return new RunsError(RUNS_CODES.rightEnded, message, { by: [...by] })
}

/** Codes of the ground that handlers stand on, and not of a handler. */
const GROUND = /^ICE_(?:PRIMITIVES|EVENTS|RUNS)_/

/** Whether a code says, of a handler that was to stop, that it had not acted. */
export function isProof(code: string): boolean {
  return code.endsWith('_ABORTED') && !GROUND.test(code)
}

/** What came of an effect whose right had ended; `null` when its error has its own meaning. */
export function afterTheEnd(
  { attempt, fate }: Pick<Payload<'CapabilityUsed'>, 'attempt' | 'fate'>,
  { code }: ErrorRecord,
): 'EffectRevoked' | 'EffectInDoubt' | null {
  if (code.endsWith('_DENIED')) return null
  // An earlier attempt of what is repeated with the same key may have acted, whatever this one did.
  if (isProof(code) && (attempt === 1 || fate !== 'idempotent')) return 'EffectRevoked'
  return fate === 'irreversible' ? 'EffectInDoubt' : null
}
