/**
 * Reading a request: from whatever was handed in to what a decision is made on.
 *
 * Each member is read once and the claim is copied, so a request that changes, has getters or is
 * a proxy is judged as it was at this moment, or not at all.
 *
 * Two grammars are not looked at here, because a decision is made often and can know better: ids
 * that equal known ones need no look (`idFaults` takes it for the others), and digests are only
 * read, to the letter, where an approval is needed. Otherwise nothing depends on them here, and
 * the log refuses what is not one.
 */
import {
  type EventId,
  type GrantId,
  type Hash,
  isAgentId,
  isEventId,
  isGrantId,
  isHash,
  isPrincipalId,
  isRunId,
  isSessionId,
  isTimestamp,
  type JsonObject,
  type RunId,
  type Timestamp,
} from '@ice/primitives'
import { isActionName } from './action.ts'
import type { Consent } from './approval.ts'
import type { ArgumentsReading } from './arguments.ts'
import { isAmount } from './budget.ts'
import { REQUEST_CALLS_MAX } from './limits.ts'
import { copyClaim, isRecord } from './plain.ts'
import type { AuthorityRequest } from './ports.ts'
import { type Bounds, type ReadPurse, readBounds, readPurse } from './purse.ts'
import { shown } from './text.ts'
import { isToolName } from './tool.ts'

/** A request that is one. */
export interface ReadRequest {
  readonly run: RunId
  /** What was issued to this run holds for the one that asks, too. */
  readonly line: string | undefined
  readonly agent: string | undefined
  readonly session: string | undefined
  readonly principal: string | undefined
  readonly tool: string | undefined
  readonly proposer: string | undefined
  readonly grant: GrantId
  readonly action: string
  readonly claim: JsonObject
  readonly argumentsDigest: Hash
  readonly bounds: Bounds
  /** How many uses the intent is. */
  readonly calls: number
  readonly purse: ReadPurse
  readonly at: Timestamp
  readonly approvedDigest: Hash | undefined
  readonly approvedBy: EventId | null
  readonly consent: Consent | undefined
  readonly standing: GrantId | undefined
  readonly callDigest: Hash
  /** The arguments as they were handed in; `argumentsOf` reads them where something asks. */
  readonly given: unknown
  /** What they have to have as their digest. */
  readonly givenDigest: Hash
  /** Only looked at where a caveat or a policy asks for them. */
  readonly labels: unknown
  /** What `argumentsOf` made of the arguments, once it was asked. */
  reading: ArgumentsReading | undefined
}

/** A request, or why it is none. */
export type Reading = { readonly ok: ReadRequest } | { readonly faults: readonly string[] }

/** Reads a request; total: what a getter throws is a fault of the request. */
export function readRequest(request: unknown): Reading {
  try {
    return read(request as AuthorityRequest)
  } catch {
    // Whatever a stranger's getter or proxy threw is not ours to show.
    return { faults: ['it cannot be read'] }
  }
}

type AskingParty = Pick<
  ReadRequest,
  'agent' | 'line' | 'principal' | 'proposer' | 'run' | 'session' | 'tool'
>

/** Who asks: each member by its grammar. No more than looks: it stands before every decision. */
function findPartyFaults(asking: AskingParty, faults: string[]): void {
  const { run, line, agent, proposer, session, principal, tool } = asking
  if (typeof run !== 'string') faults.push(`its run is a run id, not ${shown(run)}`)
  if (line !== undefined && !isRunId(line)) {
    faults.push(`its line begins with a run id, not ${shown(line)}`)
  }
  if (agent !== undefined && !isAgentId(agent)) {
    faults.push(`its agent is an agent id, not ${shown(agent)}`)
  }
  if (proposer !== undefined && !isAgentId(proposer)) {
    faults.push(`its proposer is an agent id, not ${shown(proposer)}`)
  }
  if (session !== undefined && !isSessionId(session)) {
    faults.push(`its session is a session id, not ${shown(session)}`)
  }
  if (principal !== undefined && !isPrincipalId(principal)) {
    faults.push(`its principal is a principal id, not ${shown(principal)}`)
  }
  if (tool !== undefined && !isToolName(tool)) {
    faults.push(`its tool is the name of one, not ${shown(tool)}`)
  }
}

function read(request: AuthorityRequest): Reading {
  if (!isRecord(request)) return { faults: [`it is an object, not ${shown(request)}`] }
  const { run, agent, session, principal, grant, action, argumentsDigest, at } = request
  const { approved, callDigest, resource, tool, labels, standing, line, proposer } = request
  const { arguments: given, givenDigest, calls = 1 } = request
  const approvedDigest = approved?.digest
  const approvedBy = approved?.event ?? null
  const consent = consentOf(approved)
  const claim = copyClaim(resource)
  const bounds = readBounds(request.bounds)
  const purse = readPurse(request.purse)
  const faults: string[] = []
  findPartyFaults({ run, line, agent, proposer, session, principal, tool }, faults)
  if (typeof grant !== 'string') faults.push(`its grant is a grant id, not ${shown(grant)}`)
  if (!isActionName(action)) faults.push(`its action is the name of one, not ${shown(action)}`)
  if (claim === undefined) faults.push('its resource is not a plain object of bounded JSON')
  if (!isDigestLong(argumentsDigest)) faults.push('its argumentsDigest is not a SHA-256 in hex')
  if (!isTimestamp(at)) faults.push('its time is not a count of epoch milliseconds')
  if (!isDigestLong(callDigest)) faults.push('its callDigest is not a SHA-256 in hex')
  if (approved !== undefined && !(isHash(approvedDigest) && isEventId(approvedBy))) {
    faults.push('its approval is not the digest and the id of an event')
  }
  if (consent !== undefined && !isConsent(consent)) {
    faults.push('its approval is not by a principal, or not at a time')
  }
  if (standing !== undefined && !isGrantId(standing)) {
    faults.push(`its standing approval is a grant id, not ${shown(standing)}`)
  }
  if (!isAmount(calls) || calls < 1 || calls > REQUEST_CALLS_MAX) {
    faults.push(`it is for 1 to ${REQUEST_CALLS_MAX} calls, not ${shown(calls)}`)
  }
  if (typeof bounds === 'string') return { faults: [...faults, bounds] }
  if (typeof purse === 'string') return { faults: [...faults, purse] }
  if (faults.length > 0 || claim === undefined) return { faults }
  return {
    ok: {
      run,
      line,
      agent,
      session,
      principal,
      tool,
      proposer,
      grant,
      action,
      claim,
      argumentsDigest,
      bounds,
      calls,
      purse,
      at,
      approvedDigest,
      approvedBy,
      consent,
      standing,
      callDigest,
      given,
      givenDigest: givenDigest ?? argumentsDigest,
      labels,
      reading: undefined,
    },
  }
}

/** Members of an approval, each read once. */
function consentOf(approved: AuthorityRequest['approved']): Consent | undefined {
  if (approved === undefined) return undefined
  const { by, askedAt, answeredAt } = approved
  return { by, askedAt, answeredAt }
}

function isConsent({ by, askedAt, answeredAt }: Consent): boolean {
  const isTime = (at: unknown): boolean => at === undefined || isTimestamp(at)
  return (by === undefined || isPrincipalId(by)) && isTime(askedAt) && isTime(answeredAt)
}

function isDigestLong(value: unknown): boolean {
  return typeof value === 'string' && value.length === 64
}

/** Why the ids of a request are none; none when they are. */
export function idFaults({ run, grant }: ReadRequest): readonly string[] {
  const faults: string[] = []
  if (!isRunId(run)) faults.push(`its run is a run id, not ${shown(run)}`)
  if (!isGrantId(grant)) faults.push(`its grant is a grant id, not ${shown(grant)}`)
  return faults
}
