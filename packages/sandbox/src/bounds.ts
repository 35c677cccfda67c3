/** The limits of one guest: what was asked for, held against the bounds, defaults filled in. */
import { Buffer } from 'node:buffer'
import { SANDBOX_CODES, SandboxError } from './errors.ts'
import {
  FUEL_DEFAULT,
  FUEL_MAX,
  MEMORY_BYTES_DEFAULT,
  MEMORY_BYTES_MAX,
  MEMORY_BYTES_MIN,
  PENDING_DEFAULT,
  PENDING_MAX,
  SOURCE_BYTES_DEFAULT,
  SOURCE_BYTES_MAX,
  VALUE_BYTES_DEFAULT,
  VALUE_BYTES_MAX,
} from './limits.ts'
import type { GuestLimits } from './ports.ts'

/** Every limit of a guest. */
export type Bounds = Readonly<Required<GuestLimits>>

interface Bound {
  readonly standard: number
  readonly min: number
  readonly max: number
}

const BOUNDS: Readonly<Record<keyof GuestLimits, Bound>> = {
  sourceBytes: { standard: SOURCE_BYTES_DEFAULT, min: 1, max: SOURCE_BYTES_MAX },
  fuel: { standard: FUEL_DEFAULT, min: 1, max: FUEL_MAX },
  memoryBytes: { standard: MEMORY_BYTES_DEFAULT, min: MEMORY_BYTES_MIN, max: MEMORY_BYTES_MAX },
  valueBytes: { standard: VALUE_BYTES_DEFAULT, min: 1, max: VALUE_BYTES_MAX },
  pending: { standard: PENDING_DEFAULT, min: 1, max: PENDING_MAX },
}

/** @throws `ICE_SANDBOX_LIMITS_UNSUPPORTED` — unknown, no integer, or out of bounds */
export function boundsOf(limits: GuestLimits = {}): Bounds {
  const unknown = Object.keys(limits).find((name) => !Object.hasOwn(BOUNDS, name))
  if (unknown !== undefined) throw outOfBounds(unknown, 'there is no such limit')
  const bound = (name: keyof GuestLimits): number => {
    const { standard, min, max } = BOUNDS[name]
    const value = (Object.hasOwn(limits, name) ? limits[name] : undefined) ?? standard
    if (Number.isSafeInteger(value) && value >= min && value <= max) return value
    throw outOfBounds(name, `it is an integer from ${min} to ${max}`)
  }
  return {
    sourceBytes: bound('sourceBytes'),
    fuel: bound('fuel'),
    memoryBytes: bound('memoryBytes'),
    valueBytes: bound('valueBytes'),
    pending: bound('pending'),
  }
}

/** @throws `ICE_SANDBOX_SOURCE_LIMIT` — too long, or no text that has UTF-8 bytes */
export function checkSource(source: string, { sourceBytes }: Bounds): void {
  const fits = typeof source === 'string' && source.length <= sourceBytes
  if (fits && source.isWellFormed() && Buffer.byteLength(source) <= sourceBytes) return
  const message = `A source is well-formed text of at most ${sourceBytes} bytes`
  throw new SandboxError(SANDBOX_CODES.sourceLimit, message, { sourceBytes })
}

function outOfBounds(name: string, why: string): SandboxError {
  const limit = name.slice(0, 64)
  const message = `The limit "${limit}" cannot be what was asked for: ${why}`
  return new SandboxError(SANDBOX_CODES.limitsUnsupported, message, { limit })
}
