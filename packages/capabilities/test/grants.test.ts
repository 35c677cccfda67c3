import type { EventLog } from '@ice/events/ports'
import type { GrantId, StreamId, Timestamp } from '@ice/primitives'
import { type ManualClock, manualClock, seededIds } from '@ice/primitives/testing'
import { describe, expect, it } from 'vitest'
import { createAuthority, createGrants, fsKind, grantedEvent, grantStream } from '../src/index.ts'
import type { Authority, DelegateCommand, Grant, Grants, RootGrantSpec } from '../src/ports.ts'
import { alice, fsRoot, mallory, memoryLog } from './world.ts'

const kinds = [fsKind]
const ids = seededIds('grants')
const run = ids.nextRunId()

class Office {
  readonly clock: ManualClock = manualClock(1_000)
  readonly log: EventLog
  readonly authority: Authority
  readonly grants: Grants
  /** Called before each append that a command makes. */
  meanwhile: (() => Promise<void>) | undefined

  constructor() {
    this.log = memoryLog(this.clock)
    this.authority = createAuthority({ log: this.log, kinds })
    const log: EventLog = {
      ...this.log,
      append: async (request) => {
        await this.meanwhile?.()
        return this.log.append(request)
      },
    }
    const { authority, clock } = this
    this.grants = createGrants({ log, authority, kinds, clock, ids, principal: alice })
  }

  async root(over: Partial<RootGrantSpec> = {}): Promise<GrantId> {
    const grant = this.authority.rootGrant({
      id: ids.nextGrantId(),
      holder: `run/${run}`,
      actions: ['fs.list', 'fs.read'],
      resource: fsRoot(),
      delegable: 3,
      ...over,
    })
    const events = [grantedEvent(grant, { label: 'root', principal: alice })]
    const write = { stream: grantStream(grant.id), expectedVersion: 'no_stream', events } as const
    await this.log.append({ writes: [write] })
    return grant.id
  }

  delegate(parent: GrantId, over: Partial<DelegateCommand> = {}): Promise<GrantId> {
    return this.grants.delegate({ parent, holder: 'agent/helper', ...over })
  }

  /** Ends a grant by the hand of another process. */
  async end(grant: GrantId, type = 'CapabilityRevoked'): Promise<void> {
    const data =
      type === 'CapabilityRevoked' ? { grant, reason: 'other' } : { grant, expiresAt: 1_000 }
    const events = [{ type, data }]
    await this.log.append({
      writes: [{ stream: grantStream(grant), expectedVersion: 'any', events }],
    })
  }
}

const escalation = (...reasons: string[]): object => ({
  code: 'ICE_CAPABILITIES_ESCALATION_DENIED',
  data: expect.objectContaining({ reasons }),
})

/** Verifies: CAP-R20 */
describe('delegate', () => {
  it('records a narrower grant below its parent, on the command of a principal', async () => {
    const office = new Office()
    const root = await office.root({ expiresAt: 9_000 as Timestamp })
    const inherits = await office.delegate(root)
    const narrower = await office.delegate(root, {
      actions: ['fs.read'],
      resource: fsRoot('/repo', 'src'),
      caveats: [{ kind: 'count', max: 3 }],
      expiresAt: 5_000 as Timestamp,
      delegable: 2,
      principal: mallory,
    })
    expect(office.authority.grant(inherits)?.grant).toEqual({
      id: inherits,
      holder: 'agent/helper',
      actions: ['fs.list', 'fs.read'],
      resource: fsRoot(),
      caveats: [],
      parent: root,
      delegable: 0,
      notBefore: 0,
      expiresAt: 9_000,
      revocable: true,
    })
    expect(office.authority.grant(narrower)).toMatchObject({
      issuedBy: mallory,
      grant: { delegable: 2, expiresAt: 5_000, caveats: [{ kind: 'count', max: 3 }] },
    })
    const event = await office.log.event(`grant/${inherits}@1` as never)
    expect(event).toMatchObject({ principal: alice, causes: [`grant/${root}@1`] })
  })

  it('refuses what is more than the parent, with every reason', async () => {
    const office = new Office()
    const root = await office.root({ resource: fsRoot('/repo', 'src') })
    await expect(
      office.delegate(root, { actions: ['fs.write'], resource: fsRoot(), delegable: 3 }),
    ).rejects.toMatchObject(
      escalation(
        'delegable 3 is more than the 2 that are left',
        'the actions "fs.write" are not among "fs.list", "fs.read"',
        'the whole root is more than "src"',
      ),
    )
    const last = await office.delegate(root)
    await expect(office.delegate(last)).rejects.toMatchObject(
      escalation(`the grant ${last} cannot be delegated`),
    )
    expect(await office.grants.list()).toHaveLength(2)
  })

  it('refuses what is malformed, and what has no parent', async () => {
    const office = new Office()
    const root = await office.root()
    await expect(office.delegate(root, { holder: 'agent/' })).rejects.toMatchObject({
      code: 'ICE_CAPABILITIES_GRANT_UNSUPPORTED',
    })
    const unknown = ids.nextGrantId()
    await expect(office.delegate(unknown)).rejects.toMatchObject({
      code: 'ICE_CAPABILITIES_GRANT_NOT_FOUND',
      data: { grant: unknown },
    })
  })

  it('makes nothing of a grant that is over, or hangs below one that is', async () => {
    const office = new Office()
    const root = await office.root()
    const middle = await office.delegate(root, { delegable: 1, expiresAt: 5_000 as Timestamp })
    office.clock.setWall(5_000)
    await expect(office.delegate(middle)).rejects.toMatchObject(
      escalation(`the grant ${middle} has expired`),
    )
    office.clock.setWall(4_000)
    await office.end(root)
    await expect(office.delegate(middle)).rejects.toMatchObject(
      escalation(`the grant ${root} was revoked by grant/${root}@2`),
    )
    const noted = await office.root()
    await office.end(noted, 'CapabilityExpired')
    await expect(office.delegate(noted)).rejects.toMatchObject(
      escalation(`the grant ${noted} has expired`),
    )
    const orphan = {
      ...office.authority.rootGrant({
        id: ids.nextGrantId(),
        holder: 'agent/helper',
        actions: ['fs.read'],
        resource: fsRoot(),
        delegable: 1,
      }),
      parent: ids.nextGrantId(),
    }
    const events = [grantedEvent(orphan)]
    await office.log.append({
      writes: [{ stream: grantStream(orphan.id), expectedVersion: 'no_stream', events }],
    })
    await expect(office.delegate(orphan.id)).rejects.toMatchObject(
      escalation(`the chain above ${orphan.id} is broken`),
    )
  })

  it('is decided anew when its parent ends meanwhile, and leaves no child behind', async () => {
    const office = new Office()
    const root = await office.root()
    office.meanwhile = async () => {
      office.meanwhile = undefined
      await office.end(root)
    }
    await expect(office.delegate(root)).rejects.toMatchObject(
      escalation(`the grant ${root} was revoked by grant/${root}@2`),
    )
    expect(await office.grants.list()).toHaveLength(1)
  })

  it('does not outrun the first end above it, and may come up to it', async () => {
    const office = new Office()
    const root = await office.root({ expiresAt: 9_000 as Timestamp })
    const middle = await office.delegate(root, { delegable: 1, expiresAt: 5_000 as Timestamp })
    office.meanwhile = async () => office.clock.setWall(4_999)
    const child = await office.delegate(middle)
    expect(office.authority.grant(child)?.issuedAt).toBe(4_999)
    office.meanwhile = async () => office.clock.setWall(5_000)
    await expect(office.delegate(middle)).rejects.toMatchObject(
      escalation(`the grant ${middle} has expired`),
    )
  })

  it('does not outrun the end of its parent', async () => {
    const office = new Office()
    const root = await office.root({ expiresAt: 5_000 as Timestamp })
    office.meanwhile = async () => office.clock.setWall(5_000)
    await expect(office.delegate(root)).rejects.toMatchObject(
      escalation(`the grant ${root} has expired`),
    )
  })

  it('is refused while everything is stopped', async () => {
    const office = new Office()
    const root = await office.root()
    const events = [{ type: 'CapabilityRevoked', data: { grant: root, reason: 'stop' } }]
    await office.log.append({
      writes: [{ stream: 'stop/all' as StreamId, expectedVersion: 'no_stream', events }],
    })
    await expect(office.delegate(root)).rejects.toMatchObject(escalation('everything is stopped'))
  })

  it('goes on when a stop of everything is lifted', async () => {
    const office = new Office()
    const root = await office.root()
    await office.grants.stop('all', { reason: 'fire' })
    await expect(office.delegate(root)).rejects.toMatchObject(escalation('everything is stopped'))
    await office.grants.resume('all', { reason: 'out' })
    expect(office.authority.grant(await office.delegate(root))?.grant.parent).toBe(root)
  })

  it('makes chains of 32 links and no longer ones', async () => {
    const office = new Office()
    let grant = await office.root({ delegable: 31 })
    for (let delegable = 30; delegable >= 0; delegable -= 1) {
      grant = await office.delegate(grant, { delegable })
    }
    await expect(office.delegate(grant)).rejects.toMatchObject(
      escalation('a chain has at most 32 links', `the grant ${grant} cannot be delegated`),
    )
  })
})

/** Verifies: CAP-R20, CAP-R06 */
describe('revoke', () => {
  it('ends a grant and all below it, and tells which', async () => {
    const office = new Office()
    const root = await office.root()
    const middle = await office.delegate(root, { delegable: 1 })
    const cut = await office.delegate(root, { delegable: 1 })
    const leaf = await office.delegate(middle)
    await office.delegate(cut)
    expect(await office.grants.revoke(cut, { reason: 'first' })).toHaveLength(2)
    const reached = await office.grants.revoke(root, { reason: 'over', principal: mallory })
    expect(reached).toEqual([root, middle, leaf])
    const event = await office.log.event(`grant/${root}@2` as never)
    expect(event).toMatchObject({ principal: mallory, data: { grant: root, reason: 'over' } })
    expect(office.authority.grant(root)?.revokedBy).toBe(event.id)
  })

  it('changes nothing when repeated, and says the same', async () => {
    const office = new Office()
    const root = await office.root()
    const child = await office.delegate(root)
    await office.grants.revoke(root, { reason: 'once' })
    const { position } = await office.log.store.head()
    expect(await office.grants.revoke(root, { reason: 'twice' })).toEqual([root, child])
    expect((await office.log.store.head()).position).toBe(position)
  })

  /** Verifies: CAP-R69 */
  it('leaves compensations, and ends them once where it says so, at once or later', async () => {
    for (const first of [{}, { compensations: true }]) {
      const office = new Office()
      const root = await office.root()
      await office.grants.revoke(root, { reason: 'over', ...first })
      await office.grants.revoke(root, { reason: 'again' })
      await office.grants.revoke(root, { reason: 'leave it', compensations: true })
      await office.grants.revoke(root, { reason: 'again', compensations: true })
      const said: unknown[] = []
      for await (const batch of office.log.read({ stream: grantStream(root), after: 1 as never })) {
        said.push(...batch.map(({ data }) => data))
      }
      const whole = { grant: root, reason: 'leave it', compensations: true }
      const once = [{ grant: root, reason: 'over', ...first }]
      expect(said).toEqual('compensations' in first ? once : [...once, whole])
      expect(office.authority.grant(root)?.revokedBy).toBe(`grant/${root}@2`)
    }
  })

  it('refuses what is not known, and what cannot be revoked', async () => {
    const office = new Office()
    const unknown = ids.nextGrantId()
    await expect(office.grants.revoke(unknown, { reason: 'x' })).rejects.toMatchObject({
      code: 'ICE_CAPABILITIES_GRANT_NOT_FOUND',
    })
    const fixed = await office.root({ revocable: false })
    await expect(office.grants.revoke(fixed, { reason: 'x' })).rejects.toMatchObject({
      code: 'ICE_CAPABILITIES_NOT_REVOCABLE',
      data: { grant: fixed },
    })
  })

  it('is decided anew when another process was first', async () => {
    const office = new Office()
    const root = await office.root()
    office.meanwhile = async () => {
      office.meanwhile = undefined
      await office.end(root)
    }
    expect(await office.grants.revoke(root, { reason: 'mine' })).toEqual([root])
    const event = await office.log.event(`grant/${root}@2` as never)
    expect(event.data).toEqual({ grant: root, reason: 'other' })
  })

  it('gives up after a bounded number of conflicts', async () => {
    const office = new Office()
    const root = await office.root()
    let tries = 0
    office.meanwhile = async () => {
      tries += 1
      const id = ids.nextGrantId()
      const events = [{ type: 'CapabilityExpired', data: { grant: id, expiresAt: 1 } }]
      await office.log.append({
        writes: [{ stream: grantStream(root), expectedVersion: 'any', events }],
      })
    }
    await expect(office.grants.revoke(root, { reason: 'x' })).rejects.toMatchObject({
      code: 'ICE_EVENTS_VERSION_CONFLICT',
    })
    expect(tries).toBe(8)
  })

  it('records no principal when none is known', async () => {
    const office = new Office()
    const { log, authority, clock } = office
    const anonymous = createGrants({ log, authority, kinds, clock, ids })
    const root = await office.root()
    const child = await anonymous.delegate({ parent: root, holder: 'agent/helper' })
    await anonymous.revoke(child, { reason: 'x' })
    for (const version of [1, 2]) {
      expect(await log.event(`grant/${child}@${version}` as never)).not.toHaveProperty('principal')
    }
  })
})

/** Verifies: CAP-R20 */
describe('list', () => {
  it('names every grant the log knows, oldest first, the dead included', async () => {
    const office = new Office()
    const first = await office.root()
    const second = await office.root()
    await office.grants.revoke(first, { reason: 'x' })
    const third = await office.delegate(second)
    const states = await office.grants.list()
    expect(states.map(({ grant, label }) => [grant.id, label])).toEqual([
      [first, 'root'],
      [second, 'root'],
      [third, null],
    ])
    expect(states[0]?.revokedBy).toBe(`grant/${first}@2`)
  })

  it('passes over what is recorded as a grant and is none, and reads nothing else', async () => {
    const office = new Office()
    const grant = await office.root()
    const [state] = await office.grants.list()
    const odd = grantStream(ids.nextGrantId())
    const events = [grantedEvent(state?.grant as Grant)]
    await office.log.append({ writes: [{ stream: odd, expectedVersion: 'no_stream', events }] })
    const read: unknown[] = []
    const readAll: EventLog['readAll'] = (query) => {
      read.push(query.filter)
      return office.log.readAll(query)
    }
    const { authority, clock } = office
    const log = { ...office.log, readAll }
    const list = await createGrants({ log, authority, kinds, clock, ids }).list()
    expect(list.map((each) => each?.grant.id)).toEqual([grant])
    expect(read).toEqual([{ streamPrefix: 'grant/' }])
  })
})

/** Verifies: CAP-R62 */
describe('preview', () => {
  it('names the living grants: not revoked, nor below such a one, nor over by now', async () => {
    const office = new Office()
    const { grants, clock } = office
    const lasting = await office.root()
    const ending = await office.root({ expiresAt: 5_000 as Timestamp })
    const revoked = await office.root()
    await office.delegate(revoked)
    await grants.revoke(revoked, { reason: 'x' })
    const named = async () => (await grants.preview({ scope: 'all' })).grants
    clock.setWall(4_999)
    expect(await named()).toEqual([lasting, ending])
    clock.setWall(5_000)
    expect(await named()).toEqual([lasting])
    expect((await grants.preview({ grant: ending })).grants).toEqual([])
    expect((await grants.preview({ grant: revoked })).grants).toEqual([])
  })

  it('of a grant that is not known is refused', async () => {
    const grant = ids.nextGrantId()
    await expect(new Office().grants.preview({ grant })).rejects.toMatchObject({
      code: 'ICE_CAPABILITIES_GRANT_NOT_FOUND',
      data: { grant },
    })
  })
})

/** Verifies: CAP-R20 */
describe('the event that records a grant', () => {
  it('holds what it is given and nothing that is left out', async () => {
    const office = new Office()
    const id = await office.root()
    const [state] = await office.grants.list()
    const grant = state?.grant as Grant
    expect(grant.id).toBe(id)
    expect(grantedEvent(grant)).toStrictEqual({ type: 'CapabilityGranted', data: { grant } })
    const causes = [`grant/${id}@1`] as never
    expect(grantedEvent(grant, { label: 'mine', principal: alice, causes })).toStrictEqual({
      ...{ type: 'CapabilityGranted', data: { grant, label: 'mine' }, principal: alice, causes },
    })
  })
})

/** Verifies: CAP-R67 */
describe('a revocation', () => {
  /** An office whose commands have what they read counted. */
  async function counted() {
    const office = new Office()
    let read = 0
    const counting = async function* <T extends readonly unknown[]>(
      batches: AsyncIterable<T>,
    ): AsyncIterable<T> {
      for await (const batch of batches) {
        read += batch.length
        yield batch
      }
    }
    const log: EventLog = {
      ...office.log,
      read: (query) => counting(office.log.read(query)),
      readAll: (query) => counting(office.log.readAll(query)),
    }
    const { authority, clock } = office
    const grants = createGrants({ log, authority, kinds, clock, ids, principal: alice })
    for (let n = 0; n < 300; n += 1) await office.root()
    return { office, grants, read: () => read }
  }

  it('reads no grant that cannot hang below it', async () => {
    const { office, grants, read } = await counted()
    const single = await office.root({ delegable: 0 })
    const parent = await office.root()
    const child = await office.delegate(parent)
    expect(await grants.revoke(single, { reason: 'enough' })).toEqual([single])
    expect(read()).toBeLessThan(10)
    expect(await grants.revoke(parent, { reason: 'enough' })).toEqual([parent, child])
    expect(read()).toBeLessThan(20)
  })
})
