/**
 * Denials as they are recorded: the reasons, and what was asked for, so that each can be judged
 * again. What does not fit into an event beside the reasons is left out, labels first.
 */

import type { BudgetShare, Denial, Label } from '@ice/capabilities/ports'
import type { Guard } from '@ice/events/ports'
import { canonicalize, type EventId, errorRecord, type JsonValue } from '@ice/primitives'
import type { CallLabels } from './call-labels.ts'
import type { Call, Denied } from './effects.ts'
import type { Payload } from './lifecycle.ts'
import { DENIAL_BYTES_MAX, UNIT_GUARDS_MAX } from './limits.ts'

/** Units as events carry them: what a handler says beyond them is nonsense, and denied as that. */
const UNIT = /^(?:uses|rate|tokens|bytes|ms|money\/[A-Z]{3})$/

/** The bounds of a call, as events carry them. */
export function boundsMember({ bounds = {} }: Pick<Partial<Call>, 'bounds'>): {
  readonly bounds?: Record<string, number>
} {
  const said = Object.entries(bounds).filter(([unit, most]) => {
    return UNIT.test(unit) && Number.isSafeInteger(most) && (most as number) >= 0
  })
  return said.length === 0 ? {} : { bounds: Object.fromEntries(said) as Record<string, number> }
}

/** The event of the proposal that an effect follows, where its program says so. */
export function proposalOf({ proposal }: Pick<Call, 'proposal'>): readonly EventId[] {
  return proposal === undefined ? [] : [proposal.event]
}

/** The agent who made it. */
export function proposerMember({ proposal }: Pick<Call, 'proposal'>): {
  readonly proposer?: string
} {
  return proposal === undefined ? {} : { proposer: proposal.agent }
}

/** What a denial tells of the question it answers, so that it can be judged again. */
export interface Told {
  readonly labels: CallLabels
  readonly purse?: readonly BudgetShare[]
  readonly basis?: readonly Guard[]
  readonly secret?: string
}

/** As far as one event has room for it beside the reasons: arguments are left out last. */
function toldMembers(
  call: Pick<Call, 'sealed'> & Pick<Partial<Call>, 'bounds'>,
  { labels, purse, secret }: Told,
  room: number,
): Partial<Payload<'CapabilityDenied'>> {
  const fits = purse === undefined || purse.length <= UNIT_GUARDS_MAX
  const parts: readonly Partial<Payload<'CapabilityDenied'>>[] = [
    secret === undefined ? {} : { secret },
    boundsMember(call),
    { arguments: call.sealed.ref as Payload<'CapabilityUsed'>['arguments'] },
    purse === undefined || !fits ? {} : { purse: [...purse] },
    { labels: labels as Payload<'CapabilityUsed'>['labels'] },
  ]
  let left = room
  const kept = parts.filter((part) => {
    const bytes = Buffer.byteLength(canonicalize(part))
    const hasRoom = bytes <= left
    if (hasRoom) left -= bytes
    return hasRoom
  })
  return Object.assign({}, ...kept)
}

/** A denial at the stage of the decision, with what it tells of its question. */
export function denied(
  call: Pick<Call, 'effect' | 'attempt' | 'request' | 'sealed' | 'resource'> & Partial<Call>,
  grant: string,
  denial: Denial,
  {
    causes = [],
    final = true,
    label = null,
    told,
  }: {
    readonly causes?: readonly EventId[]
    readonly final?: boolean
    readonly label?: Label | null
    readonly told?: Told
  },
): Denied {
  const data: Payload<'CapabilityDenied'> = {
    effect: call.effect,
    attempt: call.attempt,
    stage: 'decision',
    action: call.request.action,
    resource: call.resource,
    argumentsDigest: call.sealed.digest,
    grant,
    denial: denial as unknown as Payload<'CapabilityDenied'>['denial'],
    basis: [...(told?.basis ?? [])],
    ...proposerMember({ proposal: call.proposal }),
    ...(label === null ? {} : { label: label as unknown as Payload<'CapabilityDenied'>['label'] }),
  }
  const all = [...proposalOf({ proposal: call.proposal }), ...causes]
  const fact = { type: 'CapabilityDenied', causes: all } as const
  if (told === undefined) return { kind: 'denied', final, fact: { ...fact, data } }
  const more = toldMembers(call, told, DENIAL_BYTES_MAX - Buffer.byteLength(canonicalize(data)))
  const blob = more.arguments === undefined ? null : call.sealed.blob
  return { kind: 'denied', final, fact: { ...fact, data: { ...data, ...more }, blob } }
}

/** A reason that is not authority's. */
export function refusal(code: string, message: string, cause?: unknown): Denial {
  const data = cause === undefined ? {} : { cause: errorRecord(cause) as unknown as JsonValue }
  return { code, message, data, causes: [] }
}
