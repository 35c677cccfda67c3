/// <reference lib="es2024.string" />
/**
 * Adopting a policy: one event, after which every intent is held against it.
 *
 * What was in force once and was replaced is not adopted again by default: of two programs that
 * start in turn, each with its own policy, the older one would lift the newer one's.
 */
import { projectStream } from '@ice/events/define'
import type { EventLog, NewEvent, ValueRef } from '@ice/events/ports'
import {
  type BlobDigest,
  canonicalize,
  type EventId,
  type Hash,
  type PrincipalId,
  type StreamVersion,
  sha256Hex,
} from '@ice/primitives'
import { sealVersion } from './ceiling.ts'
import { CAPABILITIES_CODES, CapabilitiesError } from './errors.ts'
import { POLICY_INLINE_BYTES_MAX, POLICY_TEXT_BYTES_MAX } from './limits.ts'
import { createPolicy, evolvePolicy, POLICY_STREAM, type PolicyState } from './policy.ts'
import type { CeilingVersion } from './ports.ts'
import { retried } from './retried.ts'

/** Who adopts a policy, and what it says. */
export interface AdoptCeilingCommand {
  /** What people read: kept in the log beside the digest. At most 1 MiB of UTF-8. */
  readonly policyText: string
  readonly principal?: PrincipalId
  /** Adopt it also when it was in force before and was replaced. @defaultValue false */
  readonly again?: boolean
}

/** What came of it. */
export interface AdoptedCeiling {
  /** The event that adopted it; `null`: nothing was recorded. */
  readonly event: EventId | null
  /** The policy in force now: another one when this one had been replaced. */
  readonly inForce: CeilingVersion
}

/**
 * Puts a policy in force, unless it is, in one append; decided anew when another one is adopted
 * meanwhile.
 *
 * @throws {CapabilitiesError} `ICE_CAPABILITIES_CEILING_UNSUPPORTED` — no ceiling, or its text is
 *   too long or not well-formed Unicode
 * @throws what the log throws; its conflict, after 8 tries
 */
export async function adoptCeiling(
  log: Pick<EventLog, 'append' | 'read'>,
  ceiling: CeilingVersion,
  command: AdoptCeilingCommand,
): Promise<AdoptedCeiling> {
  const wanted = sealVersion(ceiling)
  const text = policyValue(command.policyText)
  let adopted: AdoptedCeiling | undefined
  await retried(async () => {
    const { state } = await projectStream(log, history, { stream: POLICY_STREAM })
    const { inForce, fault, guard } = state.policy
    const isKept = fault === undefined && inForce !== null
    const isOld = command.again !== true && state.digests.has(wanted.digest)
    if (isKept && (inForce.digest === wanted.digest || isOld)) {
      adopted = { event: null, inForce }
      return
    }
    const previous = inForce?.digest ?? null
    const expectedVersion = guard.version as StreamVersion
    const event: NewEvent = {
      type: 'PolicyAdopted',
      data: { ...wanted, previous, policy: text.ref },
      ...(command.principal === undefined ? {} : { principal: command.principal }),
    }
    await log.append({
      writes: [{ stream: POLICY_STREAM, expectedVersion, events: [event] }],
      ...(text.blob === null ? {} : { blobs: [text.blob] }),
    })
    const id = `${POLICY_STREAM}@${guard.version + 1}` as EventId
    adopted = { event: id, inForce: wanted }
  })
  return adopted as AdoptedCeiling
}

/** Which policy is in force, and which ones ever were. */
interface History {
  readonly policy: PolicyState
  readonly digests: Set<Hash>
}

const history = {
  name: 'policy',
  initialState: (): History => ({ policy: createPolicy(null), digests: new Set() }),
  evolve(state: History, event: Parameters<typeof evolvePolicy>[1]): History {
    evolvePolicy(state.policy, event)
    if (state.policy.inForce !== null) state.digests.add(state.policy.inForce.digest)
    return state
  },
}

function policyValue(text: string) {
  const bytes = typeof text === 'string' ? Buffer.from(text) : undefined
  if (bytes === undefined || bytes.byteLength > POLICY_TEXT_BYTES_MAX || !text.isWellFormed()) {
    throw new CapabilitiesError(
      CAPABILITIES_CODES.ceilingUnsupported,
      `The text of a policy is at most ${POLICY_TEXT_BYTES_MAX} bytes of well-formed Unicode`,
      { bytesMax: POLICY_TEXT_BYTES_MAX },
    )
  }
  if (bytes.byteLength <= POLICY_INLINE_BYTES_MAX) {
    return { ref: { inline: text } satisfies ValueRef, blob: null }
  }
  // A blob holds the JSON of a value, here a text.
  const json = Buffer.from(canonicalize(text))
  const digest = sha256Hex(json) as unknown as BlobDigest
  const ref: ValueRef = { blob: { $blob: digest, size: json.byteLength } }
  return { ref, blob: { digest, bytes: json } }
}
