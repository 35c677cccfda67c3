/**
 * The chain of a grant: from the grant that is named, link by link, to its root.
 *
 * What depends on the grants alone is worked out once and kept with the named grant: issued grants
 * do not change. A memo is kept only while every link lives and knows the link below it as its
 * child, so that the end of any link, which ends all below it, drops the memo (see `state.ts`).
 *
 * The trap: following parents without a bound, into a loop that someone recorded.
 */
import type { Guard } from '@ice/events/ports'
import {
  canonicalize,
  type GrantId,
  type JsonObject,
  type StreamId,
  type Timestamp,
} from '@ice/primitives'
import { type CaveatRules, caveatRules } from './caveat.ts'
import { type HolderKind, holderParts } from './holder.ts'
import {
  BUDGET_LIMITS_MAX,
  CHAIN_BUDGETS_MAX,
  CHAIN_GUARDS_MAX,
  CHAIN_LINKS_MAX,
} from './limits.ts'
import type { Grant, Party, Resource, ResourceKind } from './ports.ts'
import type { AuthorityState, GrantEntry } from './state.ts'
import { type StopSwitches, stopGuards, stopsOfHolder } from './stops.ts'
import { shown } from './text.ts'

/** One grant of a chain, with what its parts come to. */
export interface Link {
  readonly entry: GrantEntry
  readonly grant: Grant
  readonly caveats: CaveatRules
  /** `undefined` when the kind is not registered. */
  readonly kind: ResourceKind | undefined
  /** Why its resource allows nothing: malformed, or more than its parent's. */
  readonly resourceFault: string | undefined
  /** Its resource is that of the link below: what was said of a claim there holds here. */
  readonly sameAsBelow: boolean
}

/** Why a chain does not reach a root. */
export interface Breakage {
  readonly reason:
    | 'missing_parent'
    | 'malformed'
    | 'cycle'
    | 'too_deep'
    | 'not_delegable'
    | 'too_many_budgets'
    | 'too_many_holders'
  readonly message: string
  readonly data: JsonObject
}

/** Guards with that of the policy, and what they were made of. */
export interface Governed {
  readonly from: readonly Guard[]
  readonly guard: Guard
  readonly guards: readonly Guard[]
}

/** A chain as far as it can be followed. */
export interface Chain {
  /**
   * The kind of an ordinary chain: nothing broken, dead or unknown, no limits and no approvals.
   * Then `actions`, `notBefore`, `until` and `claims` say what all links allow together, in one
   * place in memory instead of several for each link. `undefined` for any other chain.
   */
  readonly plainKind: ResourceKind | undefined
  /** Who may use it: the holder of the named grant. */
  readonly holderKind: HolderKind
  readonly holderId: string
  /** Actions that every link has. */
  readonly actions: readonly string[]
  readonly notBefore: number
  /** The first instant after the last; `Infinity` without an end. */
  readonly until: number
  /** Each link's resource, but for those equal to the one before. */
  readonly claims: readonly Resource[]
  readonly ids: readonly GrantId[]
  readonly resources: readonly Resource[]
  /** The earliest end of all links. */
  readonly expiresAt: Timestamp | null
  /** Whether some link is counted in some unit. */
  readonly isLimited: boolean
  /** The stop switches of the holders of all links, nearest first; each once. */
  readonly stops: readonly StreamId[]
  /** Guards of an intent, but for budgets, and whom they are for: who asked last. */
  guards: readonly Guard[]
  guardsParty: Party | undefined
  /** The same with the guard of the policy, as they were asked for last. */
  governed: Governed | undefined
  /** From the named grant on; empty when that grant itself is malformed. */
  readonly links: readonly Link[]
  readonly breakage: Breakage | undefined
}

/** The chain of a grant that is known. */
export function chainOf(state: AuthorityState, entry: GrantEntry): Chain {
  if (entry.chain !== undefined) return entry.chain
  const chain = follow(state, entry)
  // A broken chain may be whole later, when its missing link comes; a dead one may be forgotten.
  const isKept = chain.breakage === undefined && chain.links.every((link) => !link.entry.dead)
  if (!isKept) return chain
  adoptLinks(chain)
  entry.chain = chain
  return chain
}

/** Events can arrive child first: then the parent did not know of the child until now. */
function adoptLinks({ links }: Chain): void {
  for (let i = 1; i < links.length; i += 1) {
    const { entry: parent } = links[i] as Link
    parent.children ??= new Set()
    parent.children.add((links[i - 1] as Link).entry)
  }
}

function follow(state: AuthorityState, first: GrantEntry): Chain {
  const grants: Grant[] = []
  const entries: GrantEntry[] = []
  let breakage: Breakage | undefined
  for (let at: GrantEntry | undefined = first; at !== undefined; ) {
    breakage = stepFault(entries, at)
    if (at.grant === undefined || breakage !== undefined) break
    entries.push(at)
    grants.push(at.grant)
    const { parent }: Grant = at.grant
    if (parent === null) break
    const above = state.grants.get(parent)
    if (above === undefined) breakage = missing(at.id, parent)
    at = above
  }
  const links = entries.map((entry, i) => linkOf(state, grants, entry, i))
  const stops = [...new Set(grants.flatMap(({ holder }) => stopsOfHolder(holderParts(holder))))]
  return assemble(links, stops, breakage ?? tooManyBudgets(links) ?? tooManyHolders(links, stops))
}

/** Why `next` cannot be the link after those before it. */
function stepFault(before: readonly GrantEntry[], next: GrantEntry): Breakage | undefined {
  const { id, grant, fault } = next
  const data = { grant: id, links: before.length }
  if (grant === undefined || fault !== undefined) {
    return { reason: 'malformed', message: `The grant ${id} is unusable: ${fault}`, data }
  }
  if (before.includes(next)) {
    return { reason: 'cycle', message: `The grant ${id} stands above itself`, data }
  }
  if (before.length >= CHAIN_LINKS_MAX) {
    const message = `The chain has more than ${CHAIN_LINKS_MAX} links; a shorter one is enough`
    return { reason: 'too_deep', message, data }
  }
  const { delegable } = grant
  if (delegable >= before.length) return undefined
  const message = `The grant ${id} allows ${delegable} links below it, not ${before.length}`
  return { reason: 'not_delegable', message, data: { ...data, delegable } }
}

function missing(grant: GrantId, parent: GrantId): Breakage {
  const message = `The grant ${grant} hangs below ${parent}, which is not known`
  return { reason: 'missing_parent', message, data: { grant, parent } }
}

function tooManyBudgets(links: readonly Link[]): Breakage | undefined {
  const limited = links.filter((link) => link.caveats.limits.length > 0).length
  const limits = links.reduce((sum, link) => sum + link.caveats.limits.length, 0)
  if (limited <= CHAIN_BUDGETS_MAX && limits <= BUDGET_LIMITS_MAX) return undefined
  const message =
    `${limited} links are limited, in ${limits} ways; one use can take from ` +
    `${CHAIN_BUDGETS_MAX} and in ${BUDGET_LIMITS_MAX}`
  return { reason: 'too_many_budgets', message, data: { limited, limits } }
}

/** An intent guards every link and every switch, and an append guards so many streams. */
function tooManyHolders(links: readonly Link[], stops: readonly StreamId[]): Breakage | undefined {
  if (guardsNeeded([{ links, stops }]) <= CHAIN_GUARDS_MAX) return undefined
  const message =
    `${links.length} links came through the hands of ${stops.length} holders; their switches ` +
    'are more than one append can guard'
  const data = { links: links.length, holders: stops.length }
  return { reason: 'too_many_holders', message, data }
}

/** The policy, and the switches of whoever asks. */
const OWN_GUARDS = 7

/** How many streams an intent under these chains guards at most. */
export function guardsNeeded(chains: readonly Pick<Chain, 'links' | 'stops'>[]): number {
  const links = chains.flatMap((chain) => chain.links)
  const limited = links.filter((link) => link.caveats.limits.length > 0).length
  const stops = new Set(chains.flatMap((chain) => chain.stops))
  return links.length + limited + stops.size + OWN_GUARDS
}

function linkOf(
  state: AuthorityState,
  grants: readonly Grant[],
  entry: GrantEntry,
  i: number,
): Link {
  const grant = grants[i] as Grant
  const kind = state.kinds.get(grant.resource.kind)
  const below = grants[i - 1]?.resource
  return {
    entry,
    grant,
    caveats: caveatRules(grant.caveats),
    kind,
    resourceFault: linkResourceFault(kind, grant.resource, grants[i + 1]?.resource),
    sameAsBelow: below !== undefined && canonicalize(below) === canonicalize(grant.resource),
  }
}

function linkResourceFault(
  kind: ResourceKind | undefined,
  resource: Resource,
  above: Resource | undefined,
): string | undefined {
  if (kind === undefined) return undefined
  const fault = kind.checkResource(resource)
  if (fault !== undefined || above === undefined) return fault
  if (above.kind !== resource.kind) {
    return `it hangs below a grant of the kind ${shown(above.kind)}, not ${shown(resource.kind)}`
  }
  // A parent that is malformed says so itself.
  return kind.checkResource(above) === undefined ? kind.exceeds(above, resource) : undefined
}

function assemble(
  links: readonly Link[],
  stops: readonly StreamId[],
  breakage: Breakage | undefined,
): Chain {
  const grants = links.map((link) => link.grant)
  const holder = holderParts(grants[0]?.holder)
  return {
    plainKind: breakage === undefined && links.every(isPlain) ? links[0]?.kind : undefined,
    holderKind: holder?.kind ?? 'run',
    holderId: holder?.id ?? '',
    actions: actionsOf(grants),
    notBefore: Math.max(...grants.map((grant) => grant.notBefore)),
    until: Math.min(...grants.map((grant) => grant.expiresAt ?? Number.POSITIVE_INFINITY)),
    claims: links.filter((link) => !link.sameAsBelow).map((link) => link.grant.resource),
    ids: Object.freeze(links.map((link) => link.entry.id)),
    resources: Object.freeze(grants.map((grant) => grant.resource)),
    expiresAt: grants.reduce<Timestamp | null>(
      (soonest, grant) => earlier(soonest, grant.expiresAt),
      null,
    ),
    stops: Object.freeze(stops),
    isLimited: links.some((link) => link.caveats.limits.length > 0),
    guards: links.map(guardOf),
    guardsParty: undefined,
    governed: undefined,
    links,
    breakage,
  }
}

function isPlain({ entry, grant, kind, resourceFault }: Link): boolean {
  const isWhole = kind !== undefined && resourceFault === undefined
  return isWhole && !entry.dead && grant.caveats.length === 0
}

/** The list of the named grant itself, where it can be shared. */
function actionsOf([first, ...above]: readonly Grant[]): readonly string[] {
  const all = first?.actions ?? []
  const isCommon = (action: string): boolean =>
    above.every((grant) => grant.actions.includes(action))
  return all.every(isCommon) ? all : all.filter(isCommon)
}

function guardOf({ entry }: Link): Guard {
  return Object.freeze({ stream: `grant/${entry.id}` as StreamId, version: entry.version })
}

/** The earlier of two ends. */
export function earlier(a: Timestamp | null, b: Timestamp | null): Timestamp | null {
  if (a === null) return b
  return b === null || a <= b ? a : b
}

/**
 * What an intent of this party guards: each link, nearest first, then the stop switches of whoever
 * asks, and those of the holders.
 */
export function guardsFor(chain: Chain, party: Party, stops: StopSwitches): readonly Guard[] {
  const isKept = stops.size === 0 && isSame(chain.guardsParty, party)
  if (isKept) return chain.guards
  const links = chain.guards.slice(0, chain.links.length)
  const guards = Object.freeze([...links, ...stopGuards(stops, party, chain.stops)])
  const { run, agent, session, principal, proposer } = party
  chain.guards = guards
  // Switches that were thrown once move: what was made of them is not kept.
  const isKeptNow = stops.size === 0
  chain.guardsParty = isKeptNow ? { run, agent, session, principal, proposer } : undefined
  return guards
}

function isSame(kept: Party | undefined, party: Party): boolean {
  const { run, agent, session, principal, proposer } = party
  if (kept?.run !== run || kept.agent !== agent || kept.proposer !== proposer) return false
  return kept.session === session && kept.principal === principal
}
