import type { EventLog, NewEvent, RecordedEvent } from '@ice/events/ports'
import type { GrantId, Ids, RunId, StreamId } from '@ice/primitives'
import { manualClock, seededIds } from '@ice/primitives/testing'
import { describe, expect, it } from 'vitest'
import { createAuthority, fsKind, grantedEvent, grantStream, toolKind } from '../src/index.ts'
import type { Authority, AuthorityRequest, Grant } from '../src/ports.ts'
import { fsRoot, memoryLog, World } from './world.ts'

interface Scene {
  readonly log: EventLog
  readonly authority: Authority
  readonly ids: Ids
  readonly run: RunId
}

function scene(deadMax?: number): Scene {
  const clock = manualClock(1_000)
  const log = memoryLog(clock)
  const ids = seededIds('authority')
  const parts = { log, kinds: [fsKind, toolKind] }
  const authority = createAuthority(deadMax === undefined ? parts : { ...parts, deadMax })
  return { log, authority, ids, run: ids.nextRunId() }
}

async function write(log: EventLog, stream: StreamId, ...events: NewEvent[]): Promise<void> {
  await log.append({ writes: [{ stream, expectedVersion: 'any', events }] })
}

async function grant(
  { log, authority, ids, run }: Scene,
  caveats: Grant['caveats'] = [],
): Promise<GrantId> {
  const spec = { id: ids.nextGrantId(), holder: `run/${run}`, actions: ['fs.read'] } as const
  const issued = authority.rootGrant({ ...spec, resource: fsRoot(), caveats })
  await write(log, grantStream(issued.id), grantedEvent(issued))
  return issued.id
}

const revocation = (id: GrantId): NewEvent => ({
  type: 'CapabilityRevoked',
  data: { grant: id, reason: 'enough' },
})
const debit = (id: GrantId, run: RunId): NewEvent => ({
  type: 'CountDebited',
  data: { grant: id, run, effect: 'read', attempt: 1, count: 1 },
})

function ask({ authority, run }: Scene, id: GrantId): string {
  const request: AuthorityRequest = { ...new World().request(id), run }
  const decision = authority.decide({ ...request, callDigest: authority.callDigest(request) })
  return 'ok' in decision ? 'allowed' : decision.denied.code.replace('ICE_CAPABILITIES_', '')
}

/** Verifies: CAP-R19 */
describe('an authority over a log', () => {
  it('knows nothing until it is refreshed, and then what the log holds', async () => {
    const at = scene()
    const id = await grant(at, [{ kind: 'count', max: 1 }])
    expect(ask(at, id)).toBe('GRANT_NOT_FOUND')
    expect(at.authority.grant(id)).toBeUndefined()
    await at.authority.refresh()
    expect(ask(at, id)).toBe('allowed')
    expect(at.authority.grant(id)?.grant.id).toBe(id)
    await write(at.log, `budget/${id}` as StreamId, debit(id, at.run))
    expect(ask(at, id)).toBe('allowed')
    await at.authority.refresh()
    expect(ask(at, id)).toBe('COUNT_SPENT')
    await write(at.log, grantStream(id), revocation(id))
    await at.authority.refresh()
    expect(ask(at, id)).toBe('GRANT_REVOKED')
    await write(at.log, 'stop/all' as StreamId, revocation(id))
    await at.authority.refresh()
    expect(ask(at, id)).toBe('STOPPED')
  })

  it('reads only what is new, of the streams it folds', async () => {
    const at = scene()
    const queries: unknown[] = []
    const log: EventLog = {
      ...at.log,
      readAll: (query) => {
        queries.push(query)
        return at.log.readAll(query)
      },
    }
    const authority = createAuthority({ log, kinds: [fsKind] })
    await grant(at)
    await authority.refresh()
    await authority.refresh()
    expect(queries).toEqual(
      ['grant/', 'budget/', 'stop/', 'policy/'].map((streamPrefix) => ({
        after: 0,
        filter: { streamPrefix },
      })),
    )
    await write(at.log, 'stop/all' as StreamId, revocation(at.ids.nextGrantId()))
    await authority.refresh()
    expect(queries.slice(4)).toEqual(
      ['grant/', 'budget/', 'stop/', 'policy/'].map((streamPrefix) => ({
        after: 1,
        filter: { streamPrefix },
      })),
    )
  })

  it('reads again what came while it read, and loses no debit for want of its grant', async () => {
    const at = scene()
    let later: GrantId | undefined
    const log: EventLog = {
      ...at.log,
      async *readAll(query) {
        if (query.filter?.streamPrefix === 'budget/' && later === undefined) {
          later = await grant(at, [{ kind: 'count', max: 1 }])
          await write(at.log, `budget/${later}` as StreamId, debit(later, at.run))
        }
        yield* at.log.readAll(query)
      },
    }
    const authority = createAuthority({ log, kinds: [fsKind] })
    await grant(at)
    await authority.refresh()
    expect(authority.grant(later as GrantId)).toBeUndefined()
    await authority.refresh()
    expect(ask({ ...at, authority }, later as GrantId)).toBe('COUNT_SPENT')
  })

  it('takes up what it is told, in any order, and drops what it has read already', async () => {
    const at = scene(0)
    const id = await grant(at)
    await write(at.log, grantStream(id), revocation(id))
    const recorded: RecordedEvent[] = []
    for await (const batch of at.log.readAll({})) recorded.push(...batch)
    const [issued, revoked] = recorded as [RecordedEvent, RecordedEvent]
    at.authority.observe([revoked])
    expect(ask(at, id)).toBe('GRANT_NOT_FOUND')
    at.authority.observe([issued])
    expect(ask(at, id)).toBe('allowed')
    await at.authority.refresh()
    expect(ask(at, id)).toBe('GRANT_NOT_FOUND')
    // Forgotten, because it remembers no dead; old news must not bring it back.
    at.authority.observe([issued])
    expect(ask(at, id)).toBe('GRANT_NOT_FOUND')
  })

  it('shares one refresh among those who come while another is under way', async () => {
    const at = scene()
    const gates: (() => void)[] = []
    const store = {
      ...at.log.store,
      head: async () => {
        const head = await at.log.store.head()
        await new Promise<void>((resolve) => gates.push(resolve))
        return head
      },
    }
    const authority = createAuthority({ log: { ...at.log, store }, kinds: [fsKind] })
    const first = authority.refresh()
    const id = await grant(at)
    const others = [authority.refresh(), authority.refresh(), authority.refresh()]
    expect(new Set(others).size).toBe(1)
    expect(gates).toHaveLength(1)
    gates[0]?.()
    await first
    expect(authority.grant(id)).toBeUndefined()
    await expect.poll(() => gates.length).toBe(2)
    gates[1]?.()
    await Promise.all(others)
    expect(authority.grant(id)?.grant.id).toBe(id)
  })

  it('tells of a failed read those who wait for it, and goes on with the next', async () => {
    const at = scene()
    const id = await grant(at)
    const failures = [new RangeError('no disk')]
    const store = {
      ...at.log.store,
      head: async () => {
        const failure = failures.pop()
        if (failure !== undefined) throw failure
        return at.log.store.head()
      },
    }
    const authority = createAuthority({ log: { ...at.log, store }, kinds: [fsKind] })
    const [first, second] = await Promise.allSettled([authority.refresh(), authority.refresh()])
    expect(first).toMatchObject({ status: 'rejected', reason: { message: 'no disk' } })
    expect(second.status).toBe('fulfilled')
    expect(authority.grant(id)?.grant.id).toBe(id)
  })

  it('refuses two kinds of one name', () => {
    const { log } = scene()
    expect(() => createAuthority({ log, kinds: [fsKind, fsKind] })).toThrow(
      expect.objectContaining({ code: 'ICE_CAPABILITIES_KIND_CONFLICT' }),
    )
  })
})

/** Verifies: CAP-R46 */
describe('the slices of a run', () => {
  it('are those its budget gave, as far as it is known', async () => {
    const at = scene()
    const id = await grant(at, [{ kind: 'count', max: 5 }])
    const stream = `budget/${id}` as StreamId
    const draw = (amount: number): NewEvent => ({
      type: 'BudgetAllotted',
      data: { grant: id, run: at.run, unit: 'uses', amount, ifLeft: true },
    })
    expect(at.authority.slices(id, at.run)).toBeUndefined()
    await at.authority.refresh([id])
    expect(at.authority.slices(id, at.run)).toEqual({ version: 0, held: [] })
    await write(at.log, stream, draw(4), draw(2))
    await at.authority.refresh([id])
    const held = [{ grant: id, unit: 'uses', amount: 4, last: 1 }]
    expect(at.authority.slices(id, at.run)).toEqual({ version: 2, held })
    expect(at.authority.slices(id, at.ids.nextRunId())).toEqual({ version: 2, held: [] })
    const free = await grant(at)
    await at.authority.refresh([free])
    expect(at.authority.slices(free, at.run)).toBeUndefined()
  })
})

/** Verifies: CAP-R22 */
describe('an authority that is asked for some grants', () => {
  it('reads their chains, counters and stop switches, and no other grant', async () => {
    const at = scene()
    const [other, id] = [await grant(at), await grant(at, [{ kind: 'count', max: 1 }])]
    const read: string[] = []
    const log: EventLog = {
      ...at.log,
      read: (query) => {
        read.push(query.stream)
        return at.log.read(query)
      },
    }
    const authority = createAuthority({ log, kinds: [fsKind, toolKind] })
    await authority.refresh([id])
    expect(authority.grant(id)?.grant.id).toBe(id)
    expect(authority.grant(other)).toBeUndefined()
    expect(read).toEqual([
      'stop/all',
      'policy/ceiling',
      `grant/${id}`,
      `budget/${id}`,
      `stop/run/${at.run}`,
    ])
    expect(ask({ ...at, authority }, id)).toBe('allowed')
    await write(at.log, `budget/${id}` as StreamId, debit(id, at.run))
    await authority.refresh([id])
    expect(ask({ ...at, authority }, id)).toBe('COUNT_SPENT')
  })

  it('learns of a revocation anywhere above, and of a stop', async () => {
    for (const [stream, event] of [
      ['parent', revocation],
      ['child', revocation],
      ['stop/all', revocation],
      ['stop/run', revocation],
    ] as const) {
      const at = scene()
      const parent = await grant({ ...at, authority: delegable(at.authority) })
      const id = at.ids.nextGrantId()
      const above = (await load(at, parent)).grant
      const child = { ...above, id, parent, delegable: 0 }
      await write(at.log, grantStream(id), grantedEvent(child))
      await at.authority.refresh([id])
      expect(ask(at, id)).toBe('allowed')
      const target = {
        parent: grantStream(parent),
        child: grantStream(id),
        'stop/all': 'stop/all' as StreamId,
        'stop/run': `stop/run/${at.run}` as StreamId,
      }[stream]
      await write(at.log, target, event(stream === 'child' ? id : parent))
      await at.authority.refresh([id])
      expect(ask(at, id)).not.toBe('allowed')
    }
  })

  it('keeps no more than its bound, and reads again what is still used', async () => {
    const at = scene()
    const authority = createAuthority({ log: at.log, kinds: [fsKind, toolKind], cachedMax: 8 })
    const ids: GrantId[] = []
    for (let i = 0; i < 40; i += 1) {
      const id = await grant(at)
      ids.push(id)
      await authority.refresh([id])
    }
    expect(ids.filter((id) => authority.grant(id) !== undefined).length).toBeLessThanOrEqual(9)
    const [first] = ids as [GrantId]
    await authority.refresh([first])
    expect(ask({ ...at, authority }, first)).toBe('allowed')
  })
})

/** Verifies: CAP-R22, CAP-R19 */
describe('what an authority reads for some grants', () => {
  /** An authority that tells which streams it reads, and from which version on. */
  function watched(at: Scene, cachedMax?: number): Scene & { reads: [string, unknown][] } {
    const reads: [string, unknown][] = []
    const read: EventLog['read'] = (query) => {
      reads.push([query.stream, query.after])
      return at.log.read(query)
    }
    const bound = cachedMax === undefined ? {} : { cachedMax }
    const log = { ...at.log, read }
    const authority = createAuthority({ log, kinds: [fsKind, toolKind], ...bound })
    return { ...at, authority, reads }
  }

  /** Records a chain of so many links, each held by another agent; from the lowest to the root. */
  async function chain(at: Scene, links: number): Promise<readonly GrantId[]> {
    const all = Array.from({ length: links }, () => at.ids.nextGrantId())
    for (const [i, id] of all.entries()) {
      const parent = all[i + 1] ?? null
      const holder = i === 0 ? (`run/${at.run}` as const) : (`agent/a${i}` as const)
      const issued = new World().draft({ id, holder, parent, delegable: Math.min(i, 31) })
      await write(at.log, grantStream(id), grantedEvent(issued))
    }
    return all
  }

  it('goes on in each stream where it ended', async () => {
    const at = watched(scene())
    const id = await grant(at, [{ kind: 'count', max: 2 }])
    const stop = `stop/run/${at.run}` as StreamId
    const scope = `run/${at.run}`
    await write(at.log, stop, { type: 'AuthorityStopped', data: { scope, reason: 'x' } })
    const streams = ['stop/all', 'policy/ceiling', `grant/${id}`, `budget/${id}`, stop]
    await at.authority.refresh([id])
    expect(at.reads.splice(0)).toEqual(streams.map((stream) => [stream, 0]))
    await at.authority.refresh([id])
    expect(at.reads).toEqual([0, 0, 1, 0, 1].map((after, i) => [streams[i], after]))
  })

  it.each([
    ['agent/helper', 'stop/agent/helper'],
    ['session/s1', 'stop/session/s1'],
    ['principal/os:alice', 'stop/operator/os:alice'],
    ['tool/mail', undefined],
  ] as const)('is the switch of the holder: of %s %s', async (holder, stop) => {
    const at = watched(scene())
    const issued = new World().draft({ id: at.ids.nextGrantId(), holder })
    await write(at.log, grantStream(issued.id), grantedEvent(issued))
    await at.authority.refresh([issued.id])
    const streams = at.reads.map(([stream]) => stream)
    expect(streams).toEqual([
      ...['stop/all', 'policy/ceiling', `grant/${issued.id}`],
      ...(stop === undefined ? [] : [stop]),
    ])
  })

  it('is each link up to the root, and the switches of those who hold them', async () => {
    const at = watched(scene())
    const [id, ...above] = (await chain(at, 28)) as [GrantId, ...GrantId[]]
    await at.authority.refresh([id])
    expect(at.reads.map(([stream]) => stream)).toEqual([
      ...['stop/all', 'policy/ceiling', `grant/${id}`, `stop/run/${at.run}`],
      ...above.flatMap((link, i) => [`grant/${link}`, `stop/agent/a${i + 1}`]),
    ])
    expect(ask(at, id)).toBe('allowed')
  })

  it('is one link more than a chain may have, so that it is known to be too long', async () => {
    const at = watched(scene())
    const all = await chain(at, 40)
    const [id] = all as [GrantId]
    await at.authority.refresh([id])
    const read = at.reads.filter(([stream]) => stream.startsWith('grant/'))
    expect(read.map(([stream]) => stream)).toEqual(all.slice(0, 33).map((link) => `grant/${link}`))
    const decision = at.authority.decide({ ...new World().request(id), run: at.run })
    expect(decision).toMatchObject({ denied: { data: { reason: 'too_deep', links: 32 } } })
  })

  it('is dropped when there are more grants than its bound, and read from the start', async () => {
    const at = watched(scene(), 2)
    const ids = [await grant(at), await grant(at), await grant(at), await grant(at)] as const
    const party = { run: at.run, session: 's' }
    const scope = 'session/s'
    const stop = { type: 'AuthorityStopped', data: { scope, reason: 'x' } }
    await write(at.log, 'stop/session/s' as StreamId, stop)
    const known = () => ids.map((id) => at.authority.grant(id) !== undefined)
    await at.authority.refresh([ids[0]], party)
    await at.authority.refresh([ids[1]])
    await at.authority.refresh([ids[2]])
    expect(known()).toEqual([true, true, true, false])
    at.reads.length = 0
    await at.authority.refresh([ids[0]], party)
    expect(known()).toEqual([true, false, false, false])
    expect(at.reads).toContainEqual([`grant/${ids[0]}`, 0])
    expect(at.reads).toContainEqual(['stop/session/s', 0])
    expect(at.reads).not.toContainEqual(['stop/session/s', 1])
  })

  it('is read again by a refresh of all, once it was dropped', async () => {
    const at = watched(scene(), 1)
    const ids = [await grant(at), await grant(at)] as const
    await at.authority.refresh()
    await at.authority.refresh([ids[1]])
    expect(ids.map((id) => at.authority.grant(id) !== undefined)).toEqual([false, true])
    await at.authority.refresh()
    expect(ids.map((id) => at.authority.grant(id) !== undefined)).toEqual([true, true])
  })
})

async function load({ authority }: Scene, id: GrantId): Promise<{ readonly grant: Grant }> {
  await authority.refresh([id])
  const state = authority.grant(id)
  if (state === undefined) throw new TypeError(`${id} is not there`)
  return state
}

function delegable(authority: Authority): Authority {
  return { ...authority, rootGrant: (spec) => authority.rootGrant({ ...spec, delegable: 2 }) }
}

/** Verifies: CAP-R06, CAP-R09 */
describe('the append of an intent', () => {
  const intent = (id: GrantId): NewEvent => ({ type: 'RunSuspended', data: { waitingFor: [id] } })

  it('is refused after a revocation that the decision did not know of', async () => {
    const at = scene()
    const id = await grant(at)
    await at.authority.refresh()
    const request: AuthorityRequest = { ...new World().request(id), run: at.run }
    const decision = at.authority.decide(request)
    await write(at.log, grantStream(id), revocation(id))
    const guards = 'ok' in decision ? decision.ok.guards : []
    const stream = `run/${at.run}` as StreamId
    const append = at.log.append({
      writes: [{ stream, expectedVersion: 'no_stream', events: [intent(id)] }],
      guards,
    })
    await expect(append).rejects.toMatchObject({ code: 'ICE_EVENTS_GUARD_CONFLICT' })
  })

  it('spends the last use once, however many reach for it', async () => {
    const at = scene()
    const id = await grant(at, [{ kind: 'count', max: 3 }])
    const workers = Array.from({ length: 8 }, () =>
      createAuthority({ log: at.log, kinds: [fsKind] }),
    )
    const use = async (authority: Authority): Promise<boolean> => {
      for (;;) {
        const decision = authority.decide({ ...new World().request(id), run: at.run })
        if ('denied' in decision) {
          if (decision.denied.code === 'ICE_CAPABILITIES_COUNT_SPENT') return false
          await authority.refresh()
          continue
        }
        const { guards, allotments } = decision.ok
        const writes = allotments.map(({ stream, version }) => ({
          stream,
          expectedVersion: version as never,
          events: [{ ...debit(id, at.run), principal: `os:${at.ids.next()}` as never }],
        }))
        try {
          await at.log.append({ writes, guards })
          return true
        } catch (error) {
          expect(error).toMatchObject({ code: 'ICE_EVENTS_VERSION_CONFLICT' })
          await authority.refresh()
        }
      }
    }
    const used = await Promise.all(workers.flatMap((worker) => [use(worker), use(worker)]))
    expect(used.filter(Boolean)).toHaveLength(3)
  })
})
