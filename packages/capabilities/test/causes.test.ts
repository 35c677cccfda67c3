/** What causes say in words: what would have been enough, and what it was that stood against it. */
import { sha256Hex } from '@ice/primitives'
import { describe, expect, it } from 'vitest'
import { createIntern } from '../src/intern.ts'
import { CHAIN_LINKS_MAX } from '../src/limits.ts'
import { lineage } from '../src/lineage.ts'
import type { GrantState } from '../src/ports.ts'
import { denied } from './verdicts.ts'
import { at, World } from './world.ts'

/** Verifies: CAP-R03 */
describe('a cause in words', () => {
  it('says until when a grant held, where it had an end, and that its end was recorded', () => {
    const world = new World()
    const timed = world.grant({ expiresAt: at(5_000) })
    const { message, data } = denied(world, world.request(timed))
    const now = 'it is 1970-01-01T00:00:05.000Z'
    expect(message).toBe(`The grant ${timed} expired at 1970-01-01T00:00:05.000Z; ${now}`)
    expect(data).toEqual({ grant: timed, expiresAt: 5_000, at: 5_000, recorded: false })
    const ended = world.grant()
    world.record(`grant/${ended}`, 'CapabilityExpired', { grant: ended, expiresAt: 1_000 })
    expect(denied(world, world.request(ended))).toMatchObject({
      message: `The grant ${ended} expired; ${now}`,
      data: { expiresAt: null, recorded: true },
    })
  })

  it('says what was stopped, and why where that was told', () => {
    const told = (scope: string, data: unknown): string => {
      const world = new World()
      world.record(`stop/${scope}`, 'AuthorityStopped', data)
      const request = world.request(world.grant(), { agent: 'helper' })
      return denied(world, request).message
    }
    expect(told('all', { scope: 'all', reason: 'fire' })).toBe('Everything was stopped: fire')
    expect(told('all', {})).toBe('Everything was stopped')
    expect(told('agent/helper', { scope: 'agent/helper', reason: 'odd' })).toBe(
      '"agent/helper" was stopped: odd',
    )
  })

  it('says who holds a grant, and who asked', () => {
    const world = new World()
    const grant = world.grant({ holder: 'agent/other' })
    const asked = denied(world, world.request(grant, { agent: 'helper' }))
    expect(asked.message).toBe(`The grant ${grant} is held by "agent/other", not by who asks`)
    const { run } = world
    expect(asked.data).toEqual({ grant, holder: 'agent/other', run, agent: 'helper' })
    expect(denied(world, world.request(grant)).data['agent']).toBeNull()
  })

  it('says whether nobody has approved, or something else was approved', () => {
    const world = new World()
    const grant = world.grant({ caveats: [{ kind: 'approval' }] })
    const request = world.request(grant)
    expect(denied(world, request)).toMatchObject({
      message: 'A person has to approve this call of "fs.read"',
      data: { digest: request.callDigest },
    })
    const digest = sha256Hex('another')
    const approved = { digest, event: 'run/x@7' as never }
    const other = denied(world, { ...request, approved })
    expect(other.message).toBe(
      'The approval is for another call; this one of "fs.read" needs its own',
    )
    expect(other.data).toEqual({ digest: request.callDigest, approved: digest })
  })
})

/** Verifies: CAP-R22 */
describe('what grants have in common', () => {
  it('is one frozen copy, of so many at most', () => {
    const intern = createIntern(2)
    const [first, second] = [intern({ a: [1] }), intern({ b: 2 })]
    expect(first).toEqual({ a: [1] })
    expect(intern({ a: [1] })).toBe(first)
    expect(Object.isFrozen(first.a)).toBe(true)
    const third = intern({ c: 3 })
    expect(intern({ c: 3 })).toBe(third)
    expect(intern({ b: 2 })).not.toBe(second)
    expect(intern({ a: [1] })).not.toBe(first)
  })
})

/** Verifies: CAP-R05 */
describe('the grants above a grant', () => {
  it('end at a root, at what is not known, at a loop, and after 32', () => {
    const world = new World()
    const ids = Array.from({ length: 40 }, () => world.ids.nextGrantId())
    const above = (parentOf: (i: number) => number | undefined): number => {
      const states = ids.map((id, i): [string, GrantState] => {
        const parent = ids[parentOf(i) ?? -1] ?? null
        const grant = world.draft({ id, parent })
        return [
          id,
          { grant, label: null, issuedBy: null, issuedAt: at(0), revokedBy: null, version: 1 },
        ]
      })
      const known = new Map(states)
      const [first] = ids as [(typeof ids)[0] & string]
      return lineage(
        { grant: (id) => (id === ids[35] ? undefined : known.get(id)) },
        first as never,
      ).length
    }
    expect(above((i) => i + 1)).toBe(CHAIN_LINKS_MAX)
    expect(above((i) => (i === 3 ? undefined : i + 1))).toBe(4)
    expect(above((i) => (i === 3 ? 35 : i + 1))).toBe(4)
    expect(above((i) => (i === 3 ? 1 : i + 1))).toBe(4)
  })
})
