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

const STORED =
  'Bytes the log stored itself, after the strict parser or the gateway let them in: a hot path.'
const COPIED = 'Text that `canonicalize` has just written, read back as a copy of its own.'
const KIT = 'The kit reads back what its own case has appended.'

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
  {
    rule: 'ingress',
    path: 'packages/primitives/src/parse.ts',
    reason: 'It is the strict parser: the text has passed the scanner.',
  },
  {
    rule: 'ingress',
    path: 'packages/primitives/src/scan.ts',
    reason: 'One string of a text that the scanner has passed, to name a duplicate key.',
  },
  {
    rule: 'direction',
    path: 'packages/runs/src/testing/ground.ts',
    reason: 'The kit puts together what it tries; nothing but `@ice/runs/testing` reaches it.',
  },
  { rule: 'ingress', path: 'packages/events/src/decode.ts', reason: STORED },
  { rule: 'ingress', path: 'packages/events/src/judge.ts', reason: STORED },
  { rule: 'ingress', path: 'packages/events/src/adapter/log-check.ts', reason: STORED },
  { rule: 'ingress', path: 'packages/runs/src/watch.ts', reason: STORED },
  { rule: 'ingress', path: 'packages/events/src/prepare-stored.ts', reason: COPIED },
  { rule: 'ingress', path: 'packages/capabilities/src/intern.ts', reason: COPIED },
  { rule: 'ingress', path: 'packages/capabilities/src/grant.ts', reason: COPIED },
  { rule: 'ingress', path: 'packages/runs/src/value.ts', reason: COPIED },
  { rule: 'ingress', path: 'packages/events/src/contract/limits.ts', reason: KIT },
  { rule: 'ingress', path: 'packages/events/src/contract/bench.ts', reason: KIT },
]
