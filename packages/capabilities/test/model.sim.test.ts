/**
 * Authority against a naive model of it: random histories of issuing, delegating, revoking,
 * expiring, stopping and using, with requests in between.
 */
import { strictEqual } from 'node:assert/strict'
import { type GrantId, sha256Hex } from '@ice/primitives'
import { seededIds } from '@ice/primitives/testing'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decide } from '../src/index.ts'
import type { AuthorityRequest, Caveat, Decision, Grant } from '../src/ports.ts'
import { approvalOf, Naive } from './naive.ts'
import { expectRecordable } from './recordable.ts'
import { at, fsRoot, World } from './world.ts'

const ACTIONS = ['fs.list', 'fs.read', 'fs.write'] as const
const PREFIXES = ['src', 'src/a', 'src/b', 'docs'] as const
const PATHS = ['src/a/x', 'src/b', 'src/c', 'docs/y', 'srcret', '.'] as const
const TIMES = [0, 10, 20, 30, 40] as const
/** Has the runs that every world of a test has. */
const SAMPLE = new World()

const caveat: fc.Arbitrary<Caveat> = fc.oneof(
  fc.record({ kind: fc.constant('count' as const), max: fc.integer({ min: 1, max: 3 }) }),
  fc.constant({ kind: 'approval' as const }),
  fc.constantFrom<Caveat>(
    { kind: 'same-run', run: SAMPLE.run },
    { kind: 'same-run', run: SAMPLE.otherRun },
    { kind: 'time-window', days: [4], from: 0, to: 1 },
    { kind: 'time-window', days: [3], from: 1_439, to: 1 },
    { kind: 'time-window', from: 1, to: 0 },
  ),
  fc.record({
    kind: fc.constant('approval-for' as const),
    actions: fc.uniqueArray(fc.constantFrom(...ACTIONS), { minLength: 1 }),
  }),
)

/** Which grant, holder or run is meant: an index, taken modulo what there is. */
const index = fc.nat(1_000)
const right = fc.record({
  parent: fc.option(index, { freq: 4 }),
  holder: fc.nat(3),
  actions: fc.uniqueArray(fc.constantFrom(...ACTIONS), { minLength: 1 }),
  within: fc.uniqueArray(fc.constantFrom(...PREFIXES), { maxLength: 2 }),
  isOtherRoot: fc.boolean(),
  caveats: fc.oneof(
    { weight: 3, arbitrary: fc.constant([]) },
    { weight: 1, arbitrary: fc.array(caveat, { maxLength: 2 }) },
  ),
  delegable: fc.nat(4),
  notBefore: fc.constantFrom(0, 0, 0, 10),
  expiresAt: fc.option(fc.constantFrom(20, 30, 40), { freq: 2 }),
})
const question = fc.record({
  grant: index,
  asker: fc.nat(3),
  action: fc.constantFrom(...ACTIONS),
  path: fc.constantFrom(...PATHS),
  at: fc.constantFrom(...TIMES),
  isApproved: fc.boolean(),
  proposer: fc.option(fc.constantFrom('a', 'b'), { nil: undefined, freq: 2 }),
})
type Right = typeof right extends fc.Arbitrary<infer T> ? T : never
type Question = typeof question extends fc.Arbitrary<infer T> ? T : never
type Step =
  | { readonly kind: 'issue'; readonly right: Right }
  | { readonly kind: 'ask'; readonly question: Question }
  | { readonly kind: 'revoke' | 'expire'; readonly grant: number }
  | { readonly kind: 'stop'; readonly scope: number }

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('issue' as const), right }) },
  { weight: 9, arbitrary: fc.record({ kind: fc.constant('ask' as const), question }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constantFrom('revoke' as const, 'expire' as const),
      grant: index,
    }),
  },
)
const stop: fc.Arbitrary<Step> = fc.record({ kind: fc.constant('stop' as const), scope: fc.nat(9) })
const history = fc
  .tuple(fc.array(step, { minLength: 8, maxLength: 30 }), fc.option(stop, { freq: 2 }))
  .map(([steps, last]) => (last === null ? steps : [...steps, last, ...steps.slice(-4)]))

const UNKNOWN = seededIds('nobody').nextGrantId()

/** Real and naive side by side. */
class Pair {
  readonly world = new World()
  readonly naive = new Naive()
  readonly issued: GrantId[] = []

  holder(n: number): Grant['holder'] {
    const holders = [`run/${this.world.run}`, `run/${this.world.otherRun}`, 'agent/a', 'agent/b']
    return holders[n % holders.length] as Grant['holder']
  }

  pick(n: number): GrantId {
    return this.issued[n % this.issued.length] ?? UNKNOWN
  }

  issue(each: Right): void {
    const grant = this.world.draft({
      parent: each.parent === null ? null : this.pick(each.parent),
      holder: this.holder(each.holder),
      actions: each.actions,
      resource: fsRoot(each.isOtherRoot && each.delegable === 0 ? '/etc' : '/repo', ...each.within),
      caveats: each.caveats,
      delegable: each.delegable,
      notBefore: at(each.notBefore),
      expiresAt: each.expiresAt === null ? null : at(each.expiresAt),
    })
    this.world.grant(grant)
    this.naive.grants.set(grant.id, { grant, isOver: false, used: 0 })
    this.issued.push(grant.id)
  }

  request(each: Question): AuthorityRequest {
    const isOther = each.asker % 2 === 1
    const request = this.world.request(this.pick(each.grant), {
      run: isOther ? this.world.otherRun : this.world.run,
      ...(each.asker >= 2 ? { agent: isOther ? 'b' : 'a' } : {}),
      ...(each.proposer === undefined ? {} : { proposer: each.proposer }),
      action: each.action,
      resource: { path: each.path },
      argumentsDigest: sha256Hex(each.path),
      at: at(each.at),
    })
    if (!each.isApproved) return request
    return { ...request, approved: approvalOf(request.callDigest, request.run) }
  }

  end(kind: 'revoke' | 'expire', grant: GrantId): void {
    const known = this.naive.grants.get(grant)
    if (known === undefined) return
    known.isOver = true
    if (kind === 'revoke') this.world.revoke(grant)
    else this.world.record(`grant/${grant}`, 'CapabilityExpired', { grant, expiresAt: 0 })
  }

  /** Decides on both sides, and pays on both for what was allowed. */
  ask(each: Question): Decision {
    const request = this.request(each)
    const decision = decide(this.world.state, request)
    // Asked some hundred thousand times: an `expect` would take longer than what it looks at.
    strictEqual('ok' in decision, this.naive.allows(request))
    if ('ok' in decision) {
      for (const { grant } of decision.ok.spends) {
        this.world.debit(grant)
        const known = this.naive.grants.get(grant)
        if (known !== undefined) known.used += 1
      }
    }
    return decision
  }

  take(each: Step): void {
    if (each.kind === 'issue') this.issue(each.right)
    else if (each.kind === 'ask') this.ask(each.question)
    else if (each.kind === 'stop') {
      const runs = [`run/${this.world.run}`, `run/${this.world.otherRun}`]
      const scopes = ['all', ...runs, 'agent/a', 'agent/b']
      const stream = `stop/${scopes[each.scope % scopes.length]}`
      this.naive.stops.add(stream)
      this.world.record(stream, 'Stopped', {})
    } else this.end(each.kind, this.pick(each.grant))
  }
}

const everyQuestion = (grant: number): readonly Question[] =>
  ACTIONS.flatMap((action) =>
    PATHS.map((path) => ({
      grant,
      asker: 0,
      action,
      path,
      at: 10,
      isApproved: true,
      proposer: undefined,
    })),
  )

/** Verifies: CAP-R04, CAP-R09, CAP-R10 */
describe('decisions', () => {
  it('are those of the naive model, over 10,000 histories', () => {
    let [allowed, denied] = [0, 0]
    fc.assert(
      fc.property(history, (steps) => {
        const pair = new Pair()
        for (const each of steps) pair.take(each)
        for (const [i] of pair.issued.entries()) {
          const decision = pair.ask({ ...everyQuestion(i)[7] } as Question)
          if ('ok' in decision) allowed += 1
          else denied += 1
        }
      }),
      { numRuns: 10_000, seed: 20_250_101 },
    )
    // A model that agrees because both always deny would prove nothing.
    expect(Math.min(allowed, denied)).toBeGreaterThan(1_000)
  })
})

const shortHistory = fc.array(fc.record({ kind: fc.constant('issue' as const), right }), {
  minLength: 4,
  maxLength: 12,
})

/** Verifies: CAP-R04, CAP-R06, CAP-R01 */
describe('a chain', () => {
  it('never allows a child what a link above it denies', () => {
    fc.assert(
      fc.property(shortHistory, fc.nat(100), (steps, n) => {
        const pair = new Pair()
        for (const each of steps) pair.take(each)
        const child = pair.pick(n)
        for (const asked of everyQuestion(pair.issued.indexOf(child))) {
          const request = pair.request(asked)
          const decision = decide(pair.world.state, request)
          if (!('ok' in decision)) continue
          for (const link of decision.ok.chain) {
            const known = pair.naive.grants.get(link)
            // Each link alone, as a root held by who asks, allows what the child was allowed.
            const alone = new World()
            const holder = `run/${alone.run}` as const
            const id = alone.grant({ ...known?.grant, id: link, parent: null, holder, caveats: [] })
            const same = { ...request, run: alone.run, grant: id }
            expect(
              decide(alone.state, alone.request(id, { ...same, callDigest: request.callDigest })),
            ).toHaveProperty('ok')
          }
        }
      }),
      { numRuns: 2_000, seed: 1 },
    )
  })

  it('ends with the revocation of any of its links, whatever was asked before', () => {
    fc.assert(
      fc.property(shortHistory, fc.nat(100), fc.boolean(), (steps, n, isWarm) => {
        const pair = new Pair()
        for (const each of steps) pair.take(each)
        const ask = (i: number): Decision =>
          decide(pair.world.state, pair.request(everyQuestion(i)[7] as Question))
        if (isWarm) pair.issued.forEach((_, i) => void ask(i))
        const revoked = pair.pick(n)
        const below = pair.issued.filter((id) =>
          pair.naive.chain(id)?.some((link) => link.grant.id === revoked),
        )
        pair.end('revoke', revoked)
        for (const id of below) {
          const decision = ask(pair.issued.indexOf(id))
          const codes = 'denied' in decision ? decision.denied.causes.map((each) => each.code) : []
          expect(codes).toContain('ICE_CAPABILITIES_GRANT_REVOKED')
        }
      }),
      { numRuns: 2_000, seed: 2 },
    )
  })

  it('is decided alike by one who saw every step and one who folded the log at the end', () => {
    fc.assert(
      fc.property(history, (steps) => {
        const [warm, cold] = [new Pair(), new Pair()]
        for (const each of steps) {
          warm.take(each)
          if (each.kind !== 'ask') cold.take(each)
        }
        for (const [id, { used }] of warm.naive.grants) {
          for (let i = 0; i < used; i += 1) cold.world.debit(id as GrantId)
        }
        for (const [i] of warm.issued.entries()) {
          const request = warm.request(everyQuestion(i)[7] as Question)
          expect(decide(cold.world.state, request)).toEqual(decide(warm.world.state, request))
        }
      }),
      { numRuns: 1_000, seed: 3 },
    )
  })
})

/** Verifies: CAP-R01, CAP-R02, CAP-R21 */
describe('hostile requests', () => {
  it('of any shape get a recordable decision, the same each time, and leave no trace', () => {
    const world = new World()
    const grants = [
      world.grant(),
      world.grant({ caveats: [{ kind: 'approval' }] }),
      world.grant({ resource: { kind: 'tool', name: 'x' } }),
      world.ids.nextGrantId(),
    ]
    const good = grants.map((grant) => world.request(grant))
    const anything = fc.anything({ withProxy: true, withNullPrototype: true, maxDepth: 4 } as never)
    const mixed = fc
      .tuple(
        fc.constantFrom(...good),
        fc.dictionary(fc.constantFrom(...Object.keys(good[0] ?? {})), anything),
      )
      .map(([request, over]) => ({ ...request, ...over }))
    fc.assert(
      fc.property(fc.oneof(anything, mixed), (request) => {
        const first = decide(world.state, request)
        expect(decide(world.state, request)).toEqual(first)
        if ('denied' in first) expectRecordable(first.denied)
      }),
      { numRuns: 20_000, seed: 4 },
    )
    expect(world.state.grants.size).toBe(3)
    expect(Object.keys(Object.prototype)).toEqual([])
  })
})
