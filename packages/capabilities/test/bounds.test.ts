/** What one intent has to guard, and to take, fits into one append, whatever was granted. */
import { UNIT_GUARDS_MAX } from '@ice/events'
import type { GrantId } from '@ice/primitives'
import { describe, expect, it } from 'vitest'
import { APPROVE_ACTION, approvalKind, fsKind } from '../src/index.ts'
import { BUDGET_LIMITS_MAX, CHAIN_LINKS_MAX, STANDING_LINKS_MAX } from '../src/limits.ts'
import type { Caveat, Grant, Resource } from '../src/ports.ts'
import { allowed, denied } from './verdicts.ts'
import { alice, World } from './world.ts'

const count: Caveat = { kind: 'count', max: 9 }

/** Budgets of so many currencies, each of its own. */
function money(n: number, first = 0): Caveat[] {
  const letter = (at: number): string => String.fromCharCode(65 + at)
  return Array.from({ length: n }, (_, i) => {
    const code = `${letter(Math.floor((first + i) / 26))}${letter((first + i) % 26)}A`
    return { kind: 'budget', unit: `money/${code}`, max: 100 }
  })
}

const boundsOf = (caveats: readonly Caveat[]): Record<string, number> =>
  Object.fromEntries(caveats.map((caveat) => [(caveat as { unit: string }).unit, 1]))

/** A world in which everybody who can be stopped asks. */
class Room extends World {
  readonly party = { agent: 'a', session: 's', principal: alice }

  constructor() {
    super([fsKind, approvalKind])
  }

  /** A chain of so many links; `caveats` says what each is under, from the root on. */
  chain(links: number, over: Partial<Grant>, caveats: (link: number) => Caveat[]): GrantId {
    let parent: GrantId | null = null
    for (let i = 0; i < links; i += 1) {
      const delegable = Math.min(links - 1 - i, CHAIN_LINKS_MAX - 1)
      const draft = this.draft({ ...over, parent, delegable, caveats: caveats(i) })
      const event = this.event(`grant/${draft.id}`, 'CapabilityGranted', { grant: draft })
      this.fold({ ...event, principal: alice })
      parent = draft.id
    }
    return parent as GrantId
  }

  standing(grant: GrantId, links: number, caveats: (link: number) => Caveat[]): GrantId {
    const resource = { kind: 'approval', grant, actions: ['fs.read'] } as Resource
    return this.chain(links, { actions: [APPROVE_ACTION], resource }, caveats)
  }
}

/** Verifies: CAP-R17, CAP-R65 */
describe('an intent of the longest chains', () => {
  const limited = (from: number, to: number) => (i: number) => (i >= from && i < to ? [count] : [])

  it.each([
    [4, 4],
    [8, 0],
    [0, 8],
  ])('with %i and %i budgets has guards for one append', (mine, its) => {
    const room = new Room()
    const approval: Caveat = { kind: 'approval', by: [alice] }
    const grant = room.chain(CHAIN_LINKS_MAX, {}, (i) => [
      ...(i === 0 ? [approval] : []),
      ...limited(0, mine)(i),
    ])
    const standing = room.standing(grant, STANDING_LINKS_MAX, limited(0, its))
    const ok = allowed(room, room.request(grant, { ...room.party, standing }))
    expect(new Set(ok.guards.map(({ stream }) => stream)).size).toBe(ok.guards.length)
    // Links, standing links, budgets, five switches and the policy.
    expect(ok.guards).toHaveLength(32 + 8 + 8 + 5 + 1)
    expect(ok.guards.length).toBeLessThanOrEqual(UNIT_GUARDS_MAX)
    expect(ok.spends).toHaveLength(8)
  })

  it('is refused with a link, or a budget, more', () => {
    const room = new Room()
    const caveats: Caveat[] = [{ kind: 'approval' }]
    const grant = room.grant({ caveats: [...caveats, count] })
    const request = (standing: GrantId) => room.request(grant, { ...room.party, standing })
    const seven = room.standing(grant, STANDING_LINKS_MAX, limited(0, 7))
    expect(allowed(room, request(seven)).spends).toHaveLength(8)
    const links = room.standing(grant, STANDING_LINKS_MAX + 1, limited(0, 0))
    expect(denied(room, request(links))).toMatchObject({
      code: 'ICE_CAPABILITIES_APPROVAL_REQUIRED',
      data: { reason: 'a standing approval has at most 8 links' },
    })
    const budgets = room.standing(grant, STANDING_LINKS_MAX, limited(0, 8))
    expect(denied(room, request(budgets))).toMatchObject({
      code: 'ICE_CAPABILITIES_APPROVAL_REQUIRED',
      data: { reason: 'one use can take from 8 budgets, and this would be more' },
    })
  })

  it('takes in so many ways as an intent can say, over both chains', () => {
    const room = new Room()
    const mine = money(31)
    const its = money(32, 31)
    const bounds = { ...boundsOf(mine), ...boundsOf(its), ...boundsOf(money(1, 63)) }
    const grant = room.grant({ caveats: [{ kind: 'approval' }, ...mine] })
    const enough = room.standing(grant, 2, (i) => (i === 0 ? its : money(1, 63)))
    const ok = allowed(room, room.request(grant, { standing: enough, bounds }))
    expect([ok.spends.length, ok.allotments.length]).toEqual([64, BUDGET_LIMITS_MAX])
    const more = room.standing(grant, 2, (i) => (i === 0 ? its : [...money(1, 63), count]))
    expect(denied(room, room.request(grant, { standing: more, bounds }))).toMatchObject({
      code: 'ICE_CAPABILITIES_APPROVAL_REQUIRED',
      data: { reason: 'one use can take in 64 ways, and this would be more' },
    })
  })

  it('has no more links than the bound, and as many', () => {
    const room = new Room()
    const whole = room.chain(CHAIN_LINKS_MAX, {}, () => [])
    expect(allowed(room, room.request(whole)).chain).toHaveLength(CHAIN_LINKS_MAX)
    const longer = room.chain(CHAIN_LINKS_MAX + 1, {}, () => [])
    expect(denied(room, room.request(longer)).data['reason']).toBe('too_deep')
  })

  it('is limited at no more links than the bound, and at as many', () => {
    const room = new Room()
    const whole = room.chain(9, {}, limited(0, 8))
    expect(allowed(room, room.request(whole)).spends).toHaveLength(8)
    const wider = room.chain(9, {}, limited(0, 9))
    expect(denied(room, room.request(wider)).data).toMatchObject({
      reason: 'too_many_budgets',
      limited: 9,
      limits: 9,
    })
  })
})
