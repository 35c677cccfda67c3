import {
  type GrantId,
  type PrincipalId,
  type StreamId,
  sha256Hex,
  systemClock,
} from '@ice/primitives'
import { seededIds } from '@ice/primitives/testing'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CAPABILITIES_CODES as C } from '../src/errors.ts'
import {
  createAuthority,
  createGrants,
  fsKind,
  grantedEvent,
  isStopScope,
  stopStream,
} from '../src/index.ts'
import type { Grants, StopScope } from '../src/ports.ts'
import { allowed, denied } from './verdicts.ts'
import { alice, memoryLog, World } from './world.ts'

const OPERATOR = 'key:bob/1@home'

/** Verifies: CAP-R60 */
describe('a stop switch', () => {
  const who = { agent: 'helper', session: 's1', principal: OPERATOR }

  it.each(['all', 'run', 'agent', 'session', 'operator'])(
    'of the kind %s stops and lifts',
    (kind) => {
      const world = new World()
      const id = { run: world.run, agent: 'helper', session: 's1', operator: OPERATOR }[kind]
      const scope = (id === undefined ? 'all' : `${kind}/${id}`) as StopScope
      const stream = stopStream(scope)
      const grant = world.grant()
      const request = world.request(grant, who)
      expect(allowed(world, request).guards).toContainEqual({ stream, version: 0 })
      world.record(stream, 'AuthorityStopped', { scope, reason: 'enough' })
      expect(denied(world, request)).toMatchObject({
        code: C.stopped,
        data: { stream, version: 1 },
      })
      world.record(stream, 'AuthorityResumed', { scope, reason: 'looked at' })
      expect(allowed(world, request).guards).toContainEqual({ stream, version: 2 })
      world.record(stream, 'AuthorityStopped', { scope, reason: 'again' })
      expect(denied(world, request)).toMatchObject({ code: C.stopped, data: { version: 3 } })
    },
  )

  it.each([
    ['os:alice', 'os:alice'],
    ['key:bob/1@home', 'key:bob~2f1~40home'],
    ['~', '~7e'],
    ['..', '~2e~2e'],
    ['x'.repeat(192), 'x'.repeat(192)],
    [`${'x'.repeat(189)}/`, `${'x'.repeat(189)}~2f`],
    [`${'x'.repeat(190)}/`, `~~${sha256Hex(`${'x'.repeat(190)}/`)}`],
    ['x'.repeat(193), `~~${sha256Hex('x'.repeat(193))}`],
  ])('of the operator %s has a stream of its own', (principal, segment) => {
    expect(stopStream(`operator/${principal}` as StopScope)).toBe(`stop/operator/${segment}`)
  })

  it('that is not understood is told by its stream, and by nobody where none is named', () => {
    const world = new World()
    world.record('stop/agent/a', 'AuthorityStopped', { scope: 'all', reason: 7 })
    expect(world.state.stops.get('stop/agent/a')).toMatchObject({
      ...{ scope: 'agent/a', stopped: true, by: null, reason: null },
    })
    world.record('stop/operator/key:bob~2f1', 'AuthorityStopped', { scope: 'operator/key:bob/1' })
    expect(world.state.stops.get('stop/operator/key:bob~2f1')?.scope).toBe('operator/key:bob/1')
  })

  it('concerns nobody else', () => {
    const world = new World()
    const grant = world.grant()
    for (const scope of ['agent/other', 'session/s2', 'operator/key:bob'] as const) {
      world.record(stopStream(scope), 'AuthorityStopped', { scope, reason: 'enough' })
    }
    expect(allowed(world, world.request(grant, who)).grant).toBe(grant)
    expect(allowed(world, world.request(grant)).guards.map(({ stream }) => stream)).toEqual([
      `grant/${grant}`,
      'policy/ceiling',
      'stop/all',
      `stop/run/${world.run}`,
    ])
  })

  it.each([
    ['another type', 'Whatever', { scope: 'all', reason: '' }],
    ['a lift of another scope', 'AuthorityResumed', { scope: 'agent/helper', reason: '' }],
    ['a lift of no scope', 'AuthorityResumed', null],
    ['a lift whose scope is inherited', 'AuthorityResumed', Object.create({ scope: 'all' })],
  ])('is thrown by %s', (_what, type, data) => {
    const world = new World()
    const grant = world.grant()
    world.record('stop/all', type, data)
    expect(denied(world, world.request(grant)).code).toBe(C.stopped)
  })

  it('has one stream for each scope, and a stream id for any principal', () => {
    const principal = fc
      .string({ unit: fc.integer({ min: 0x21, max: 0x7e }).map((c) => String.fromCharCode(c)) })
      .filter((text) => text.length > 0)
      .map((text) => text.slice(0, 128))
    fc.assert(
      fc.property(principal, principal, (a, b) => {
        const [x, y] = [a, b].map((each) => stopStream(`operator/${each}`))
        expect(x).toMatch(/^stop\/operator\/(?!\.{1,2}$)[A-Za-z0-9._:+~-]{1,240}$/)
        expect(x === y).toBe(a === b)
      }),
      {
        examples: [
          ['.', '..'],
          ['~', '~7e'],
          ['@'.repeat(128), `${'@'.repeat(127)}!`],
        ],
      },
    )
  })

  it.each(['', 'all/', 'run/x', 'agent/', 'agent/..', 'operator/a b', '__proto__/x', 'tool/x', 7])(
    'has no scope %j',
    (scope) => {
      expect(isStopScope(scope)).toBe(false)
    },
  )
})

/** Verifies: CAP-R61, CAP-R62 */
describe('commands', () => {
  async function office() {
    const clock = systemClock
    const log = memoryLog(clock)
    const kinds = [fsKind]
    const ids = seededIds('stops')
    const authority = createAuthority({ log, kinds })
    const grants: Grants = createGrants({ log, authority, kinds, clock, ids, principal: alice })
    const run = ids.nextRunId()
    const root = async (holder: string, delegable = 0): Promise<GrantId> => {
      const id = ids.nextGrantId()
      const spec = { id, holder: holder as never, actions: ['fs.read'], delegable }
      const grant = authority.rootGrant({ ...spec, resource: { kind: 'fs', root: '/repo' } })
      const stream = `grant/${id}` as StreamId
      const events = [grantedEvent(grant)]
      await log.append({ writes: [{ stream, expectedVersion: 'no_stream', events }] })
      return id
    }
    return { log, grants, ids, run, root, authority }
  }

  it('throw and lift a switch once, and say by whom and why', async () => {
    const { grants, log } = await office()
    expect(await grants.resume('all', { reason: 'nothing to lift' })).toBeNull()
    const stop = await grants.stop('all', { reason: 'fire' })
    expect(stop).toMatchObject({ stopped: true, version: 1, by: alice, reason: 'fire' })
    expect(await grants.stop('all', { reason: 'again' })).toEqual(stop)
    const bob = 'os:bob' as PrincipalId
    const lifted = await grants.resume('all', { reason: 'out', principal: bob })
    expect(lifted).toMatchObject({ stopped: false, version: 2, by: bob })
    await grants.stop('agent/helper', { reason: 'odd' })
    expect((await grants.stops()).map(({ scope, stopped }) => [scope, stopped])).toEqual([
      ['all', false],
      ['agent/helper', true],
    ])
    expect((await log.store.head()).position).toBe(3)
  })

  it('read no stream but those of switches to tell them', async () => {
    const { grants, log, authority, ids } = await office()
    await grants.stop('all', { reason: 'fire' })
    const read: unknown[] = []
    const readAll: typeof log.readAll = (query) => {
      read.push(query.filter)
      return log.readAll(query)
    }
    const parts = { authority, ids, kinds: [fsKind], clock: systemClock }
    const stops = await createGrants({ ...parts, log: { ...log, readAll } }).stops()
    expect(stops.map(({ scope }) => scope)).toEqual(['all'])
    expect(read).toEqual([{ streamPrefix: 'stop/' }])
  })

  it('given at once come to one event', async () => {
    const { grants, log } = await office()
    const told = await Promise.all(
      Array.from({ length: 6 }, () => grants.stop('session/s', { reason: 'now' })),
    )
    expect(new Set(told.map(({ version }) => version))).toEqual(new Set([1]))
    expect((await log.store.head()).position).toBe(1)
  })

  it('refuse what is no scope', async () => {
    const { grants } = await office()
    const refused = { code: C.scopeUnsupported }
    const scope = 'everything' as StopScope
    await expect(grants.stop(scope, { reason: '' })).rejects.toMatchObject(refused)
    await expect(grants.resume(scope, { reason: '' })).rejects.toMatchObject(refused)
    await expect(grants.preview({ scope })).rejects.toMatchObject(refused)
  })

  it('show what they would affect, and record nothing', async () => {
    const { grants, log, run, root } = await office()
    const mine = await root(`run/${run}`, 1)
    const other = await root('agent/helper')
    const child = await grants.delegate({ parent: mine, holder: 'agent/helper' })
    const stream = `run/${run}` as StreamId
    const program = { name: 'p', version: '1' }
    const created = {
      ...{ run, program, input: { inline: null }, owner: 'me', epoch: 1, agent: 'helper' },
      grants: [{ name: 'g', grant: mine }],
    }
    const digest = '0'.repeat(64)
    const inline = { inline: {} }
    const used = {
      ...{ effect: 'e', attempt: 1, action: 'fs.read', resource: {}, arguments: inline },
      ...{ argumentsDigest: digest, grant: mine, chain: [mine], basis: [], fate: 'observe' },
    } as const
    const asked = {
      ...{ step: 'q', kind: 'effect', digest, prompt: 'May I?', details: inline },
      ...{ grant: mine, expiresAt: null },
    } as const
    const events = [
      { type: 'RunCreated', data: created, principal: alice },
      { type: 'CapabilityUsed', data: used },
      { type: 'ApprovalRequested', data: asked },
    ]
    await log.append({ writes: [{ stream, expectedVersion: 'no_stream', events }] })
    const { position } = await log.store.head()
    const effects = [
      { run, effect: 'e', action: 'fs.read', fate: 'observe', intent: `${stream}@2` },
    ]
    const approvals = [{ run, step: 'q', prompt: 'May I?', request: `${stream}@3` }]
    const all = { runs: [run], effects, approvals }
    expect(await grants.preview({ grant: mine })).toEqual({ ...all, grants: [mine, child] })
    expect(await grants.preview({ grant: other })).toEqual({
      ...{ grants: [other], runs: [], effects: [], approvals: [] },
    })
    expect(await grants.preview({ scope: 'all' })).toEqual({ ...all, grants: [mine, other, child] })
    const handed = await grants.preview({ scope: `run/${run}` })
    expect(handed).toEqual({ ...all, grants: [mine, child] })
    expect(await grants.preview({ scope: 'operator/os:alice' })).toEqual({ ...all, grants: [mine] })
    const agent = await grants.preview({ scope: 'agent/helper' })
    expect(agent).toEqual({ ...all, grants: [mine, other, child] })
    expect((await log.store.head()).position).toBe(position)
    const end = { conclusion: 'committed', doubts: [] } as const
    const over = [{ type: 'RunTerminated', data: end }]
    await log.append({ writes: [{ stream, expectedVersion: 'any', events: over }] })
    expect((await grants.preview({ scope: 'all' })).runs).toEqual([])
  })

  it('are known to an authority that is asked for the party they concern', async () => {
    const { grants, authority, ids, run, root } = await office()
    const id = await root(`run/${run}`)
    await grants.stop('session/s1', { reason: 'odd' })
    const world = new World()
    const request = world.request(id, { run, session: 's1' })
    await authority.refresh([id])
    const stale = authority.decide(request)
    expect('ok' in stale && stale.ok.guards).toContainEqual({
      stream: 'stop/session/s1',
      version: 0,
    })
    await authority.refresh([id], { run, session: 's1' })
    expect(authority.decide(request)).toMatchObject({ denied: { code: C.stopped } })
    expect(ids.nextRunId()).not.toBe(run)
  })
})
