/**
 * A request as a question to Cedar: who, what, on what, in which circumstances.
 *
 *     principal   Ice::Run::"<run>"        in Ice::Agent, Ice::Session, Ice::Principal, Ice::Tool
 *     action      Ice::Action::"<action>"
 *     resource    Ice::Resource::"<kind> <claim as canonical JSON>"      in Ice::Kind::"<kind>"
 *     context     claim, arguments, labels, at, day, minute, grant, root, holder, links, chain,
 *                 agent, session, principal, tool
 *
 * 1. Who stands behind a run is above it, so `principal in Ice::Agent::"writer"` holds for every
 *    run of the agent, and for a group of agents that the organisation's entities make.
 * 2. Arguments and labels are only shown where a policy looks at them: what is large and looked
 *    at by nobody refuses nothing.
 */
import type { AuthorityRequest, CeilingRequest, Label } from '@ice/capabilities/ports'
import { canonicalize, type JsonObject } from '@ice/primitives'
import { CONTEXT_CHARS_MAX } from './limits.ts'
import type { CedarEntity, CedarUid } from './ports.ts'
import { type CedarRecord, type CedarValue, recordOf, Unjudgeable } from './values.ts'

/** A question to Cedar, but for the policies. */
export interface CedarCall {
  readonly principal: CedarUid
  readonly action: CedarUid
  readonly resource: CedarUid
  readonly context: CedarRecord
  /** The two entities that are of this request alone. */
  readonly entities: readonly CedarEntity[]
}

/** What of a request is only shown to policies that look at it. */
export type Costly = 'arguments' | 'labels'

const DAY_MS = 86_400_000
const MINUTE_MS = 60_000
/** The epoch began on a Thursday. */
const EPOCH_DAY = 4

const uid = (type: string, id: string): CedarUid => ({ type: `Ice::${type}`, id })

/** @throws {Unjudgeable} something that is shown is none of Cedar's values, or is too large */
export function callOf({ request, chain }: CeilingRequest, shown: ReadonlySet<Costly>): CedarCall {
  const kind = chain[0]?.resource.kind ?? ''
  const principal = uid('Run', request.run)
  const resource = uid('Resource', `${kind} ${canonicalize(request.resource)}`)
  const context = contextOf({ request, chain }, shown)
  if (JSON.stringify(context).length > CONTEXT_CHARS_MAX) {
    throw new Unjudgeable(`it has more than ${CONTEXT_CHARS_MAX} characters`)
  }
  return {
    principal,
    action: uid('Action', request.action),
    resource,
    context,
    entities: [
      { uid: principal, attrs: {}, parents: behind(request).map(([, each]) => each) },
      { uid: resource, attrs: {}, parents: [uid('Kind', kind)] },
    ],
  }
}

/** Who stands behind a run, by the name that the context has for them. */
function behind(request: AuthorityRequest): readonly (readonly [name: string, uid: CedarUid])[] {
  const named = [
    ['agent', 'Agent', request.agent],
    ['session', 'Session', request.session],
    ['principal', 'Principal', request.principal],
    ['tool', 'Tool', request.tool],
  ] as const
  return named.flatMap(([name, type, id]) => (id === undefined ? [] : [[name, uid(type, id)]]))
}

function contextOf(asked: CeilingRequest, shown: ReadonlySet<Costly>): CedarRecord {
  const { request, chain } = asked
  const { at } = request
  const entities = behind(request).map(([name, each]) => [name, { __entity: { ...each } }])
  return {
    claim: recordOf(request.resource),
    ...(shown.has('arguments') ? { arguments: argumentsOf(request) } : {}),
    ...(shown.has('labels') ? { labels: labelsOf(request.labels ?? {}) } : {}),
    at,
    day: (Math.floor(at / DAY_MS) + EPOCH_DAY) % 7,
    minute: Math.floor((at % DAY_MS) / MINUTE_MS),
    grant: request.grant,
    root: chain.at(-1)?.id ?? '',
    holder: chain[0]?.holder ?? '',
    links: chain.length,
    chain: chain.map(({ id }) => id),
    ...(Object.fromEntries(entities) as Record<string, CedarValue>),
  }
}

function argumentsOf(request: AuthorityRequest): CedarRecord {
  const given = request.arguments
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw new Unjudgeable('the arguments are no object')
  }
  return recordOf(given as JsonObject)
}

/** All labels of the arguments as one: every source there is, and who may read everything. */
function labelsOf(labels: Readonly<Record<string, Label>>): CedarRecord {
  const all = Object.values(labels)
  if (!all.every(isLabel)) throw new Unjudgeable('a label is none')
  const closed = all.flatMap(({ readers }) => (readers === null ? [] : [readers]))
  const everyone = all.length > 0 && closed.length === 0
  const [first = [], ...rest] = closed
  return {
    trusted: all.length > 0 && all.every(({ sources }) => sources.length === 0),
    sources: [...new Set(all.flatMap(({ sources }) => sources))].sort(),
    everyone,
    readers: first.filter((reader) => rest.every((readers) => readers.includes(reader))),
  }
}

function isLabel(value: unknown): value is Label {
  if (typeof value !== 'object' || value === null) return false
  const { sources, readers } = value as { readonly sources?: unknown; readonly readers?: unknown }
  return isTextList(sources) && (readers === null || isTextList(readers))
}

function isTextList(value: unknown): boolean {
  return Array.isArray(value) && value.every((item) => typeof item === 'string')
}
