/**
 * Places that may break a rule, by name and with the reason. One that is no longer needed is itself
 * a finding, so this list only ever holds what is true.
 */

/** One rule set aside in one file. */
export interface Exemption {
  readonly rule: string
  readonly path: string
  readonly reason: string
}

/** Every exemption there is. */
export const EXEMPTIONS: readonly Exemption[] = [
  {
    rule: 'ambient',
    path: 'packages/primitives/src/system.ts',
    reason: 'It wraps the clock, the timers and the randomness of the machine for all others.',
  },
  {
    rule: 'host-modules',
    path: 'packages/primitives/src/system.ts',
    reason: 'It wraps the clock, the timers and the randomness of the machine for all others.',
  },
  {
    rule: 'host-modules',
    path: 'packages/primitives/src/hash.ts',
    reason: 'SHA-256 is a pure function, and the only synchronous one is in node:crypto.',
  },
  {
    rule: 'host-modules',
    path: 'packages/runtime/src/principal.ts',
    reason: "Until a transport authenticates one, the principal is the operating system's user.",
  },
]
