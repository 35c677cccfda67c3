/**
 * The policy above all grants: which ceiling is in force, whether it is the one loaded here, and
 * what it says.
 *
 *     policy/ceiling    PolicyAdopted …       the last one is in force
 *
 *     in the log     loaded here     a request that its chain allows
 *     none           none            is allowed
 *     none           A               is denied: `not-adopted`
 *     A              none            is denied: `not-loaded`
 *     A              A               is put to A
 *     A              B               is denied: `stale`
 *     not understood any             is denied: `unreadable`
 *
 * 1. Every intent guards the stream at the version it was decided on, also where nobody ever
 *    adopted a policy: else a runtime that knows of none would go on without it.
 * 2. A ceiling can only refuse. It is asked when nothing else stands against a request, but before
 *    a person is. What it throws, and whatever is no verdict, refuses.
 * 3. A policy is replaced by the next one, and never lifted: one that permits everything is one.
 *
 * The trap: asking the policy first. What a policy permits nobody has granted.
 */
import type { Guard, RecordedEvent } from '@ice/events/ports'
import { isHash, type StreamId } from '@ice/primitives'
import { malformed } from './causes.ts'
import { type Asked, askCeiling } from './ceiling.ts'
import type { Chain } from './chain.ts'
import type { FoundCause } from './denial.ts'
import { CAPABILITIES_CODES } from './errors.ts'
import { isRecord, own } from './plain.ts'
import type { Ceiling, CeilingVersion } from './ports.ts'
import { clip, shown } from './text.ts'

/** The stream that says which policy is in force. */
export const POLICY_STREAM: StreamId = 'policy/ceiling' as StreamId

/** What is known of the policy. Changes in place as its stream is folded. */
export interface PolicyState {
  /** The one loaded here, as it was when the authority was composed; a judge loads others. */
  loaded: Ceiling | null
  /** The one in force; `null`: none was adopted. */
  inForce: CeilingVersion | null
  /** Why nobody can say which one is in force. */
  fault: string | undefined
  /** What an intent guards; replaced with each event. */
  guard: Guard
}

/** The state before any event. */
export function createPolicy(loaded: Ceiling | null): PolicyState {
  return { loaded, inForce: null, fault: undefined, guard: guardAt(0) }
}

function guardAt(version: number): Guard {
  return Object.freeze({ stream: POLICY_STREAM, version })
}

/** Folds one event of the stream: only as the next of it. */
export function evolvePolicy(policy: PolicyState, event: RecordedEvent): void {
  if (event.stream !== POLICY_STREAM || event.version !== policy.guard.version + 1) return
  policy.guard = guardAt(event.version)
  const adopted = event.type === 'PolicyAdopted' ? versionOf(event.data) : undefined
  policy.inForce = adopted ?? policy.inForce
  policy.fault = adopted === undefined ? `it holds ${shown(event.type)}` : undefined
}

/** The policy an event names, as a copy; `undefined` when it names none. */
export function versionOf(data: unknown): CeilingVersion | undefined {
  if (!isRecord(data)) return undefined
  const [name, version, digest] = [own(data, 'name'), own(data, 'version'), own(data, 'digest')]
  if (typeof name !== 'string' || typeof version !== 'string' || !isHash(digest)) return undefined
  return Object.freeze({ name, version, digest })
}

/** Whether there is no policy, neither here nor in the log: then nothing is asked. */
export function isUngoverned({ loaded, inForce, fault }: PolicyState): boolean {
  return loaded === null && inForce === null && fault === undefined
}

/** Guards with that of the policy behind those of the links; kept until either changes. */
export function policyGuards(
  chain: Chain,
  guards: readonly Guard[],
  { guard }: PolicyState,
): readonly Guard[] {
  const { governed } = chain
  if (governed?.from === guards && governed.guard === guard) return governed.guards
  const links = chain.links.length
  const all = Object.freeze([...guards.slice(0, links), guard, ...guards.slice(links)])
  chain.governed = { from: guards, guard, guards: all }
  return all
}

/** Finds what the policy has against a request; it is only asked when nothing else has. */
export function findRefusal(policy: PolicyState, asked: Asked, causes: FoundCause[]): void {
  if (isUngoverned(policy)) return
  const mismatch = mismatchOf(policy)
  if (mismatch !== undefined) causes.push(mismatch)
  const { loaded } = policy
  if (causes.length > 0 || loaded === null) return
  const refusal = askCeiling(loaded, asked)
  const { reading } = asked.asked
  // Where the arguments could not be read, the ceiling is not what is wrong.
  if (reading !== undefined && 'fault' in reading) causes.push(malformed([reading.fault]))
  else if (refusal !== undefined) causes.push(refusal)
}

/** Why the ceiling that is loaded here is not to be asked, or `undefined`. */
function mismatchOf({ loaded, inForce, fault }: PolicyState): FoundCause | undefined {
  if (fault !== undefined) return unusable('unreadable', `${POLICY_STREAM} is unusable: ${fault}`)
  if (inForce === null) {
    const message = `The policy ${titleOf(loaded)} is not adopted: the log has none in force`
    return unusable('not-adopted', message, { loaded: shownVersion(loaded) })
  }
  const { digest } = inForce
  const force = `The policy in force is ${titleOf(inForce)}`
  if (loaded === null) {
    return unusable('not-loaded', `${force}, and none is loaded here`, {
      inForce: shownVersion(inForce),
    })
  }
  if (loaded.digest === digest) return undefined
  return unusable('stale', `${force}; here ${titleOf(loaded)} is loaded`, {
    inForce: shownVersion(inForce),
    loaded: shownVersion(loaded),
  })
}

function unusable(reason: string, message: string, data: FoundCause['data'] = {}): FoundCause {
  return { code: CAPABILITIES_CODES.ceilingRefused, message, data: { reason, ...data } }
}

function titleOf(policy: CeilingVersion | null): string {
  return policy === null ? 'none' : `${shown(policy.name)} ${clip(policy.version)}`
}

function shownVersion(policy: CeilingVersion | null): FoundCause['data'] {
  if (policy === null) return {}
  const { name, version, digest } = policy
  return { name: clip(name), version: clip(version), digest }
}
