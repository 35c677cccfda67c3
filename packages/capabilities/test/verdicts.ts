/** Decisions as tests want them: allowed, or denied and why. */
import { decide } from '../src/index.ts'
import type { Authorization, Denial } from '../src/ports.ts'
import type { World } from './world.ts'

export function allowed(world: World, request: unknown): Authorization {
  const decision = decide(world.state, request)
  if (!('ok' in decision)) throw new TypeError(`denied: ${decision.denied.message}`)
  return decision.ok
}

export function denied(world: World, request: unknown): Denial {
  const decision = decide(world.state, request)
  if (!('denied' in decision)) throw new TypeError('allowed')
  return decision.denied
}

/** Codes of the first level, in their order. */
export const codes = (denial: Denial): readonly string[] => denial.causes.map((cause) => cause.code)
