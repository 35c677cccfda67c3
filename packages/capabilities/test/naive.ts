/**
 * Authority as one would write it down first: lists, loops, no memo, no cause. What the real one
 * allows and denies has to be what this one does.
 */
import type { EventId, Hash } from '@ice/primitives'
import { callDigest } from '../src/call.ts'
import type { AuthorityRequest, Caveat, Grant } from '../src/ports.ts'

interface Known {
  readonly grant: Grant
  isOver: boolean
  used: number
}

export class Naive {
  readonly grants = new Map<string, Known>()
  readonly stops = new Set<string>()

  /** The grant and all above it, or nothing where the way does not end at a root. */
  chain(id: string): readonly Known[] | undefined {
    const links: Known[] = []
    for (let next: string | null = id; next !== null; ) {
      const known = this.grants.get(next)
      if (known === undefined || links.includes(known) || links.length === 32) return undefined
      if (known.grant.delegable < links.length) return undefined
      links.push(known)
      next = known.grant.parent
    }
    return links
  }

  allows(request: AuthorityRequest): boolean {
    const links = this.chain(request.grant)
    const [named] = links ?? []
    if (links === undefined || named === undefined) return false
    const { run, agent, proposer } = request
    const own = ['all', `run/${run}`, `agent/${agent}`, `agent/${proposer}`]
    const handed = links.map(({ grant }) => grant.holder)
    if ([...own, ...handed].some((scope) => this.stops.has(`stop/${scope}`))) return false
    const holders = [`run/${request.run}`, `agent/${request.agent}`]
    if (!holders.includes(named.grant.holder)) return false
    return links.every((link, i) => this.#within(link, links[i + 1], request))
  }

  #within(
    { grant, isOver, used }: Known,
    above: Known | undefined,
    asked: AuthorityRequest,
  ): boolean {
    const path = String(asked.resource['path']).split('/')
    const begins = (prefix: string): boolean =>
      prefix.split('/').every((segment, i) => segment === path[i])
    const within = grant.resource['within'] as readonly string[] | undefined
    const isInside = within === undefined || within.some(begins)
    const isRooted = above === undefined || above.grant.resource['root'] === grant.resource['root']
    // A child that names a prefix outside its parent's allows nothing, not even the common part.
    const held = above?.grant.resource['within'] as readonly string[] | undefined
    const isNarrower =
      held === undefined ||
      (within?.every((inner) => held.some((outer) => `${inner}/`.startsWith(`${outer}/`))) ?? false)
    const ends = grant.expiresAt ?? Number.POSITIVE_INFINITY
    const isTimely = grant.notBefore <= asked.at && asked.at < ends
    const isFulfilled = grant.caveats.every((each) => fulfils(each, asked))
    const isPaid = grant.caveats.every((each) => each.kind !== 'count' || used < each.max)
    const needs = grant.caveats.some(
      (each) =>
        each.kind === 'approval' ||
        (each.kind === 'approval-for' && each.actions.includes(asked.action)),
    )
    const isApproved = !needs || asked.approved?.digest === callDigest(asked)
    const isRight = grant.actions.includes(asked.action) && isInside && isRooted && isNarrower
    return !isOver && isTimely && isFulfilled && isPaid && isApproved && isRight
  }
}

/** Whether a request is of the run, or of the time, that a caveat names. */
function fulfils(caveat: Caveat, { run, at }: AuthorityRequest): boolean {
  if (caveat.kind === 'same-run') return caveat.run === run
  if (caveat.kind !== 'time-window') return true
  const { from, to, days = [0, 1, 2, 3, 4, 5, 6] } = caveat
  const now = new Date(at)
  const minute = now.getUTCHours() * 60 + now.getUTCMinutes()
  const isToday = days.includes(now.getUTCDay())
  if (from < to) return isToday && from <= minute && minute < to
  const isYesterday = days.includes((now.getUTCDay() + 6) % 7)
  return (isToday && minute >= from) || (isYesterday && minute < to)
}

/** What an approval of exactly this call is recorded as. */
export function approvalOf(digest: Hash, run: string): { digest: Hash; event: EventId } {
  return { digest, event: `run/${run}@7` as EventId }
}
