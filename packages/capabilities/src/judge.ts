/**
 * Judging again: authority as a log had it at each of its positions, with or without a change.
 *
 * 1. One pass: every event is fed once, in the order of the log, and the state between two events
 *    is that on which what follows was decided.
 * 2. A change is made where authority is folded, and nowhere else: another grant in the place of
 *    the recorded one, another policy in the place of all. Decisions are those of `decide`.
 * 3. What the budget of a changed grant gave was decided under the grant as it was. So its recorded
 *    slices are left out, and those that the changed decisions take are put in their place.
 *
 * The trap: judging all of a log on the state at its end, where every right has ended.
 */
import type { RecordedEvent } from '@ice/events/ports'
import type { EventId, GrantId, Position, RunId, StreamId, Timestamp } from '@ice/primitives'
import { basisOf } from './basis.ts'
import { budgetStream } from './budget.ts'
import { callDigest } from './call.ts'
import { sealCeiling } from './ceiling.ts'
import { decide } from './decide.ts'
import { CAPABILITIES_CODES, CapabilitiesError } from './errors.ts'
import { structuralFaults } from './grant.ts'
import { composeKinds } from './kinds.ts'
import { POLICY_STREAM } from './policy.ts'
import type { AuthorityChange, BudgetShare, Ceiling, Grant, Judge, ResourceKind } from './ports.ts'
import { type AuthorityState, authorityProjection } from './state.ts'

/** What a judge is made of. */
export interface JudgeComponents {
  readonly kinds: Iterable<ResourceKind>
  /** @defaultValue none: decisions come out as they were recorded */
  readonly change?: AuthorityChange
}

/**
 * Makes a judge that knows nothing yet.
 *
 * @throws {CapabilitiesError} `ICE_CAPABILITIES_GRANT_UNSUPPORTED` — the changed grant is none
 * @throws {CapabilitiesError} `ICE_CAPABILITIES_CEILING_UNSUPPORTED` — the policy is none
 */
export function createJudge({ kinds, change = NO_CHANGE }: JudgeComponents): Judge {
  const policy = 'policy' in change ? sealCeiling(change.policy) : null
  const replaced = 'grant' in change ? checked(change.grant) : null
  const revoked = 'revoke' in change ? change.revoke : null
  const projection = authorityProjection({
    kinds: composeKinds(kinds),
    // A log is judged to its end: nothing that ended on the way may be forgotten.
    deadMax: Number.MAX_SAFE_INTEGER,
    ...(policy === null ? {} : { ceiling: policy }),
  })
  const state = projection.initialState()
  const evolve = (event: RecordedEvent): void => void projection.evolve(state, event)
  if (policy !== null) evolve(madeUp(POLICY_STREAM, 1, 'PolicyAdopted', policy))
  const budget = replaced === null ? null : budgetStream(replaced.id)
  const told = (type: string, run: RunId, shares: readonly BudgetShare[]): void => {
    for (const share of shares) {
      if (share.grant !== replaced?.id || budget === null) continue
      evolve(madeUp(budget, versionOf(state, budget) + 1, type, { ...share, run }))
    }
  }
  return {
    recounts: replaced?.id ?? null,
    decide: (request) => decide(state, request),
    basis: (request) => basisOf(state, request),
    callDigest,
    versionOf: (stream) => versionOf(state, stream),
    load(ceiling: Ceiling | null) {
      if (policy === null) state.policy.loaded = ceiling === null ? null : sealCeiling(ceiling)
    },
    observe(event) {
      const { stream } = event
      if (stream === budget || (policy !== null && stream === POLICY_STREAM)) return
      if (replaced !== null && stream === `grant/${replaced.id}` && event.version === 1) {
        return evolve({ ...event, data: { ...(event.data as object), grant: replaced } })
      }
      const isRevoked = revoked !== null && stream === `grant/${revoked}`
      if (isRevoked && event.version > 1) return
      evolve(event)
      if (isRevoked) evolve(madeUp(stream, 2, 'CapabilityRevoked', {}))
    },
    allot: (run, shares) => told('BudgetAllotted', run, shares),
    giveBack: (run, shares) => told('BudgetReturned', run, shares),
  }
}

const NO_CHANGE = {} as Readonly<Record<never, never>> as AuthorityChange

function checked(grant: Grant): Grant {
  const faults = structuralFaults(grant)
  if (faults.length === 0) return grant
  const message = `The changed grant is none: ${faults.join('; ')}`
  throw new CapabilitiesError(CAPABILITIES_CODES.grantUnsupported, message, {
    reasons: [...faults],
  })
}

function versionOf(state: AuthorityState, stream: StreamId): number {
  if (stream === POLICY_STREAM) return state.policy.guard.version
  if (stream.startsWith('stop/')) return state.stops.get(stream)?.version ?? 0
  const entry = state.grants.get(stream.slice(stream.indexOf('/') + 1) as GrantId)
  return (stream.startsWith('budget/') ? entry?.budget?.version : entry?.version) ?? 0
}

/** An event that stands in no log. */
function madeUp(stream: StreamId, version: number, type: string, data: object): RecordedEvent {
  return {
    v: 1,
    stream,
    version: version as RecordedEvent['version'],
    type,
    schema: 1,
    time: 0 as Timestamp,
    origin: 'runtime',
    causes: [],
    data: { ...data },
    id: `${stream}@${version}` as EventId,
    position: 1 as Position,
    hash: '' as RecordedEvent['hash'],
  }
}
