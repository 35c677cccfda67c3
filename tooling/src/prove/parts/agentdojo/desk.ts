/**
 * A task under authority: its grants are recorded before anything is read, every call is decided
 * by the kernel on the log, and what is decided is recorded: intents with their guards and slices,
 * denials, and what a person was asked and said.
 */
import { createAuthority, grantedEvent, grantStream } from '@ice/capabilities'
import type { AuthorityRequest, Decision, Denial } from '@ice/capabilities/ports'
import { composeTaxonomy, createEventLog, memoryEventStore, standardTypes } from '@ice/events'
import type { NewEvent } from '@ice/events/ports'
import { seededClock } from '@ice/events/testing'
import {
  canonicalize,
  type EventId,
  type GrantId,
  type Hash,
  type PrincipalId,
  type RunId,
  type StreamId,
  type StreamVersion,
  sha256Hex,
} from '@ice/primitives'
import { seededIds } from '@ice/primitives/testing'
import { type TaskGrantSource, taskGrants, taskToolKind } from '@ice/task-grants'
import type { TaskCall } from '@ice/task-grants/ports'
import { insist } from '../insist.ts'
import type { SuiteCall, SuiteTool } from './suite.ts'

/** What became of a call. */
export interface Verdict {
  /** The source of the grant it was done under; none when it was not done. */
  readonly done: TaskGrantSource | undefined
  /** A person was asked. */
  readonly asked: boolean
  /** Why not, where nobody was asked; the reason of each grant it was tried under. */
  readonly reasons: readonly string[]
  /** The paths that had to be trusted by the grant it was done under. */
  readonly held: readonly string[]
}

/** Who is asked, and says yes or no. */
export type Person = (call: SuiteCall) => boolean

/** A task at work. */
export interface Desk {
  /** Tries a call; the person is asked where the authority says so. */
  attempt(call: SuiteCall, person: Person): Promise<Verdict>
  /** The model has read what a tool came back with. */
  reads(tool: string, content: string): void
  /** Digest of all decisions so far. */
  digest(): string
}

const PERSON = 'os:alice' as PrincipalId
const APPROVAL = 'ICE_CAPABILITIES_APPROVAL_REQUIRED'

/** What a task is made of. */
export interface DeskInit {
  readonly prompt: string
  readonly tools: readonly SuiteTool[]
  readonly naming?: 'targets' | 'everything'
}

/** Declares the grants of a task and records them. */
export const openDesk = async (init: DeskInit): Promise<Desk> => {
  const clock = seededClock({ seed: init.prompt })
  const ids = seededIds(init.prompt)
  const taxonomy = composeTaxonomy(standardTypes)
  const log = createEventLog({ store: memoryEventStore({ clock }), taxonomy, clock })
  const authority = createAuthority({ log, kinds: [taskToolKind] })
  const run = ids.nextRunId()
  const task = taskGrants(init)
  const grants = new Map<string, GrantId>()
  for (const { actions, caveats, key, label, resource } of task.grants) {
    const id = ids.nextGrantId()
    const grant = authority.rootGrant({ id, holder: `run/${run}`, actions, resource, caveats })
    const events = [grantedEvent(grant, { label, principal: PERSON })]
    await log.append({
      writes: [{ stream: grantStream(id), expectedVersion: 'no_stream', events }],
    })
    grants.set(key, id)
  }
  await authority.refresh()
  const room: Room = { authority, log, run, clock, purse: new Map() }
  const sources = new Set<string>()
  const decisions: string[] = []
  let step = 0
  return {
    async attempt(call, person) {
      step += 1
      const context = { sources: [...sources].sort(), readers: null }
      const read = task.call({ tool: call.tool, arguments: call.arguments, context })
      const reasons: string[] = []
      for (const key of read.grants) {
        const grant = grants.get(key)
        const [declared] = task.grants.filter((each) => each.key === key)
        insist(grant !== undefined && declared !== undefined, `no grant ${key} was declared`)
        const tried: Tried = { room, read, grant, step: `call-${step}`, person: () => person(call) }
        const outcome = await tryUnder(tried)
        reasons.push(outcome.reason)
        if (!outcome.done && !outcome.asked) continue
        decisions.push(`${step} ${key} ${outcome.reason} ${outcome.done}`)
        const held = declared.caveats.flatMap((caveat) =>
          caveat.kind === 'trusted' ? caveat.paths : [],
        )
        return {
          done: outcome.done ? declared.source : undefined,
          asked: outcome.asked,
          reasons,
          held,
        }
      }
      decisions.push(`${step} ${reasons.join()}`)
      return { done: undefined, asked: false, reasons, held: [] }
    },
    reads(tool, content) {
      insist(typeof content === 'string', 'content is text')
      sources.add(`tool/${tool}`)
    },
    digest: () => sha256Hex(canonicalize(decisions)),
  }
}

interface Room {
  readonly authority: ReturnType<typeof createAuthority>
  readonly log: ReturnType<typeof createEventLog>
  readonly run: RunId
  readonly clock: ReturnType<typeof seededClock>
  readonly purse: Map<GrantId, number>
}

interface Tried {
  readonly room: Room
  readonly read: TaskCall
  readonly grant: GrantId
  readonly step: string
  readonly person: () => boolean
}

interface Outcome {
  readonly done: boolean
  readonly asked: boolean
  readonly reason: string
}

/** Decides under one grant; asks where only an approval is missing. */
const tryUnder = async (tried: Tried): Promise<Outcome> => {
  const { room } = tried
  const request = requestOf(tried)
  const first = room.authority.decide(request)
  if ('ok' in first) {
    await recordIntent(tried, request, first)
    return { done: true, asked: false, reason: 'ok' }
  }
  const { code, causes } = first.denied
  await recordDenial(tried, request, first.denied)
  if (code !== APPROVAL || causes.length !== 1) return { done: false, asked: false, reason: code }
  const event = await ask(tried, request)
  if (event === undefined) return { done: false, asked: true, reason: code }
  const again = { ...request, approved: { digest: request.callDigest, event, by: PERSON } }
  const second = room.authority.decide(again)
  insist('ok' in second, `an approved call is denied: ${JSON.stringify(second)}`)
  await recordIntent(tried, again, second)
  return { done: true, asked: true, reason: 'approved' }
}

const requestOf = ({ grant, read, room }: Tried): AuthorityRequest => {
  const argumentsDigest: Hash = sha256Hex(canonicalize(read.arguments))
  const { action, labels, resource } = read
  const call = { run: room.run, grant, action, resource, argumentsDigest }
  return {
    ...call,
    arguments: read.arguments,
    labels,
    purse: [...room.purse].map(([id, amount]) => ({ grant: id, unit: 'uses' as const, amount })),
    at: room.clock.now(),
    callDigest: room.authority.callDigest(call),
  }
}

const runStream = ({ run }: Room): StreamId => `run/${run}` as StreamId

/** Appends to the run's stream, together with other streams and under guards. */
const record = async (
  room: Room,
  event: NewEvent,
  more: Partial<Parameters<Room['log']['append']>[0]> = {},
): Promise<EventId> => {
  const { writes = [], ...rest } = more
  const write = { stream: runStream(room), expectedVersion: 'any' as const, events: [event] }
  const appended = await room.log.append({ ...rest, writes: [write, ...writes] })
  const [at] = appended.writes
  insist(at !== undefined, 'an append says where it wrote')
  await room.authority.refresh()
  return `${runStream(room)}@${at.version}` as EventId
}

const recordIntent = async (
  { read, room, step }: Tried,
  request: AuthorityRequest,
  decision: Extract<Decision, { ok: unknown }>,
): Promise<void> => {
  const { allotments, approval, chain, guards, spends } = decision.ok
  const allotted = allotments.map(({ amount, grant, unit }) => ({ grant, unit, amount }))
  const data = {
    effect: step,
    attempt: 1,
    action: read.action,
    resource: read.resource,
    arguments: { inline: read.arguments },
    argumentsDigest: request.argumentsDigest,
    grant: request.grant,
    chain: [...chain],
    basis: guards.map(({ stream, version }) => ({ stream, version })),
    fate: 'irreversible',
    ...(approval === null ? {} : { approval }),
    ...(spends.length === 0 ? {} : { spends }),
    ...(allotted.length === 0 ? {} : { allotted }),
  }
  const writes = allotments.map(({ stream, version }, at) => ({
    stream,
    expectedVersion: version === 0 ? ('no_stream' as const) : (version as StreamVersion),
    events: [{ type: 'BudgetAllotted', data: { ...allotted[at], run: room.run } }],
  }))
  const written = new Set(writes.map(({ stream }) => stream))
  const others = guards.filter(({ stream }) => !written.has(stream))
  await record(room, { type: 'CapabilityUsed', data }, { writes, guards: others })
  for (const { amount, grant } of allotted) room.purse.set(grant, held(room, grant) + amount)
  for (const { amount, grant } of spends) room.purse.set(grant, held(room, grant) - amount)
}

/** Uses of a grant that the run holds: limits of a task are counts, and nothing else. */
const held = ({ purse }: Room, grant: GrantId): number => purse.get(grant) ?? 0

const recordDenial = async (
  { read, room, step }: Tried,
  request: AuthorityRequest,
  denial: Denial,
): Promise<void> => {
  const data = {
    effect: step,
    attempt: 1,
    stage: 'decision',
    action: read.action,
    resource: read.resource,
    argumentsDigest: request.argumentsDigest,
    grant: request.grant,
    denial,
    basis: [],
  }
  await record(room, { type: 'CapabilityDenied', data })
}

/** Asks the person about exactly this call. @returns the event of a yes */
const ask = async (
  { person, read, room, step }: Tried,
  request: AuthorityRequest,
): Promise<EventId | undefined> => {
  const digest = request.callDigest
  const asked = {
    step,
    kind: 'effect',
    digest,
    prompt: `${read.action}?`,
    details: { inline: read.arguments },
    expiresAt: null,
  }
  const question = await record(room, { type: 'ApprovalRequested', data: asked })
  const isYes = person()
  const type = isYes ? 'ApprovalGranted' : 'ApprovalRejected'
  const data = { step, digest, request: question }
  const answer = await record(room, { type, data, principal: PERSON })
  return isYes ? answer : undefined
}
