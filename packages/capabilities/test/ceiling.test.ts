/** The policy above all grants: which one is in force, and what it can do, which is refuse. */
import type { StandardPayloads } from '@ice/events'
import type { ValueRef } from '@ice/events/ports'
import { canonicalize, type Hash, type JsonValue, sha256Hex } from '@ice/primitives'
import { manualClock } from '@ice/primitives/testing'
import { describe, expect, it } from 'vitest'
import { CAPABILITIES_CODES as C } from '../src/errors.ts'
import {
  type AdoptCeilingCommand,
  adoptCeiling,
  createAuthority,
  fsKind,
  grantedEvent,
  grantStream,
  toolKind,
} from '../src/index.ts'
import type { Ceiling, CeilingRequest, CeilingVerdict, CeilingVersion } from '../src/ports.ts'
import { expectRecordable } from './recordable.ts'
import { allowed, codes, denied } from './verdicts.ts'
import { alice, memoryLog, World } from './world.ts'

type Blob = Extract<ValueRef, { readonly blob: unknown }>

const PERMIT: CeilingVerdict = { permits: true, policies: ['all'] }
const versionOf = (name: string): CeilingVersion => ({
  name,
  version: '1',
  digest: sha256Hex(name),
})
const A = versionOf('a')
const B = versionOf('b')

/** A ceiling that gives these answers, one after the other, and remembers what it was asked. */
function ceiling(...answers: readonly unknown[]): Ceiling & { readonly asked: CeilingRequest[] } {
  const asked: CeilingRequest[] = []
  const judge = (request: CeilingRequest): CeilingVerdict => {
    asked.push(request)
    const answer = answers[Math.min(asked.length, answers.length) - 1] ?? PERMIT
    if (answer instanceof Error) throw answer
    return answer as CeilingVerdict
  }
  return { ...A, judge, asked }
}

function governed(loaded: Ceiling | undefined, ...adopted: readonly CeilingVersion[]): World {
  const world = new World([fsKind, toolKind], 10, loaded)
  for (const policy of adopted) adopt(world, policy)
  return world
}

function adopt(world: World, policy: CeilingVersion): void {
  const data = { ...policy, previous: null, policy: { inline: '' } }
  world.record('policy/ceiling', 'PolicyAdopted', data)
}

/** Verifies: CAP-R106 */
describe('a policy', () => {
  it('that is neither in force nor loaded is not asked, and guarded all the same', () => {
    const world = governed(undefined)
    const { guards, ceiling: policy } = allowed(world, world.request(world.grant()))
    expect(guards[1]).toEqual({ stream: 'policy/ceiling', version: 0 })
    expect(policy).toBeUndefined()
  })

  it('tells which policy is in force and which is loaded, where they are not the same', () => {
    const told = (loaded: Ceiling | undefined, ...adopted: readonly CeilingVersion[]) => {
      const world = governed(loaded, ...adopted)
      return denied(world, world.request(world.grant())).data
    }
    expect(told(ceiling())).toEqual({ reason: 'not-adopted', loaded: A })
    expect(told(undefined, B)).toEqual({ reason: 'not-loaded', inForce: B })
    expect(told(ceiling(), B)).toEqual({ reason: 'stale', inForce: B, loaded: A })
  })

  it('stays in force, and is not believed, while what follows it is not understood', () => {
    const world = governed(ceiling(), A)
    world.record('policy/ceiling', 'PolicyLifted', {})
    expect(world.state.policy.inForce).toEqual(A)
    expect(denied(world, world.request(world.grant())).data).toEqual({ reason: 'unreadable' })
    adopt(world, A)
    expect(allowed(world, world.request(world.grant())).ceiling).toEqual(A)
  })

  it('is not what is wrong with arguments that cannot be read', () => {
    const curious = { ...ceiling(), judge: ({ request }: CeilingRequest) => read(request) }
    const read = ({ arguments: given }: CeilingRequest['request']): CeilingVerdict => ({
      ...{ permits: given !== undefined, policies: [], reason: '' },
    })
    const world = governed(curious, A)
    const other = sha256Hex('other')
    const request = world.request(world.grant(), { argumentsDigest: other, givenDigest: other })
    const { causes } = denied(world, request)
    expect(causes.map(({ code, message }) => [code, message])).toEqual([
      [
        C.requestInvalid,
        'The request is malformed: the digest it states is not that of its arguments',
      ],
    ])
  })

  it('in force and loaded is asked once, guarded, and named by the authorization', () => {
    const loaded = ceiling(PERMIT)
    const world = governed(loaded, B, A)
    const grant = world.grant()
    const authorization = allowed(world, world.request(grant))
    expect(authorization.ceiling).toEqual(A)
    expect(authorization.guards).toEqual([
      { stream: `grant/${grant}`, version: 1 },
      { stream: 'policy/ceiling', version: 2 },
      { stream: 'stop/all', version: 0 },
      { stream: `stop/run/${world.run}`, version: 0 },
    ])
    expect(loaded.asked).toHaveLength(1)
    adopt(world, B)
    adopt(world, A)
    expect(allowed(world, world.request(grant)).guards[1]?.version).toBe(4)
  })

  it.each<[string, Ceiling | undefined, readonly CeilingVersion[], string]>([
    ['not-adopted', ceiling(), [], 'The policy "a" 1 is not adopted: the log has none in force'],
    ['not-loaded', undefined, [A], 'The policy in force is "a" 1, and none is loaded here'],
    ['stale', ceiling(), [A, B], 'The policy in force is "b" 1; here "a" 1 is loaded'],
  ])('denies when it is %s, without being asked', (reason, loaded, adopted, message) => {
    const world = governed(loaded, ...adopted)
    const denial = denied(world, world.request(world.grant()))
    expect(denial).toMatchObject({ code: C.ceilingRefused, message, data: { reason } })
    expect(loaded).not.toMatchObject({ asked: [{}] })
    expectRecordable(denial)
  })

  it('of another name with the same digest is the same one', () => {
    const world = governed(ceiling(PERMIT), { ...A, name: 'renamed' })
    expect(allowed(world, world.request(world.grant())).ceiling?.name).toBe('renamed')
  })

  it('that cannot be read from the log denies, until one is adopted that can', () => {
    for (const data of [{}, null, { ...A, digest: 'x' }, { ...A, name: 7 }, { ...A, version: 7 }]) {
      const world = governed(ceiling(PERMIT), A)
      const grant = world.grant()
      world.record('policy/ceiling', 'PolicyAdopted', data)
      expect(denied(world, world.request(grant)).data).toEqual({ reason: 'unreadable' })
      adopt(world, A)
      expect(allowed(world, world.request(grant)).grant).toBe(grant)
    }
    const world = governed(undefined)
    world.record('policy/ceiling', 'PolicyLifted', A)
    const denial = denied(world, world.request(world.grant()))
    expect(denial.message).toBe('policy/ceiling is unusable: it holds "PolicyLifted"')
  })

  it('is taken over event by event, as the next of its stream, and of no other', () => {
    const world = governed(ceiling(PERMIT))
    const grant = world.grant()
    const data = { ...A, previous: null, policy: { inline: '' } }
    const first = world.event('policy/ceiling', 'PolicyAdopted', { ...data, ...B })
    const second = world.event('policy/ceiling', 'PolicyAdopted', data)
    world.record('policy/other', 'PolicyAdopted', data)
    world.fold(second)
    expect(denied(world, world.request(grant)).data['reason']).toBe('not-adopted')
    for (const event of [first, second, first]) world.fold(event)
    expect(allowed(world, world.request(grant)).guards[1]?.version).toBe(2)
  })
})

/** Verifies: CAP-R107 */
describe('a ceiling', () => {
  it('refuses with its reason and its policies', () => {
    const policies = ['forbid-night', 'x'.repeat(500)]
    const loaded = ceiling({ permits: false, policies, reason: 'nothing at night' })
    const world = governed(loaded, A)
    const denial = denied(world, world.request(world.grant()))
    expect(denial).toMatchObject({
      code: C.ceilingRefused,
      message: 'The policy "a" refuses: nothing at night',
      data: {
        ...{ reason: 'policy', ...A, because: 'nothing at night' },
        policies: ['forbid-night', `${'x'.repeat(119)}…`],
      },
    })
    expectRecordable(denial)
  })

  it.each<[string, unknown, string]>([
    ['throws', new RangeError('boom'), 'it failed: boom'],
    ['says nothing', null, 'it gave no verdict'],
    ['promises', Promise.resolve(PERMIT), 'it does not say which policies decided'],
    ['is truthy', true, 'it gave no verdict'],
    ['permits by a word', { permits: 'yes', policies: [] }, 'it gave no verdict'],
    ['permits by a number', { permits: 1, policies: [] }, 'it gave no verdict'],
    ['inherits its permission', Object.create(PERMIT), 'it does not say which policies decided'],
    ['names no policies', { permits: true }, 'it does not say which policies decided'],
    ['names odd ones', { permits: true, policies: [1] }, 'it does not say which policies decided'],
    ['refuses without a reason', { permits: false, policies: [] }, 'it gave no verdict'],
    [
      'has getters that throw',
      Object.defineProperty({ policies: [] }, 'permits', {
        get: () => {
          throw new Error('\u001b[2J')
        },
        enumerable: true,
      }),
      'it failed:',
    ],
  ])('that %s refuses', (_, answer, because) => {
    const loaded: Ceiling = {
      ...A,
      judge: () => {
        if (answer instanceof Error) throw answer
        return answer as CeilingVerdict
      },
    }
    const world = governed(loaded, A)
    const denial = denied(world, world.request(world.grant()))
    expect(denial).toMatchObject({ code: C.ceilingRefused, data: { reason: 'failed', ...A } })
    expect(denial.message).toContain(`The policy "a" cannot be asked: ${because}`)
    expectRecordable(denial)
  })

  it('that throws what is no error refuses', () => {
    const thrown = { judge: () => Promise.reject(new Error('later')) }
    const loaded: Ceiling = {
      ...A,
      judge: () => {
        throw thrown
      },
    }
    const world = governed(loaded, A)
    const denial = denied(world, world.request(world.grant()))
    expect(denial.message).toBe('The policy "a" cannot be asked: it failed: object')
  })

  it('cannot allow, and is asked of nothing that is refused already', () => {
    const loaded = ceiling(PERMIT)
    const world = governed(loaded, A)
    const grant = world.grant({ caveats: [{ kind: 'count', max: 1 }] })
    const request = world.request(grant, { action: 'fs.write' })
    expect(codes(denied(world, request))).toEqual([C.actionNotGranted])
    world.debit(grant)
    expect(codes(denied(world, world.request(grant)))).toEqual([C.countSpent])
    expect(loaded.asked).toEqual([])
  })

  it('is asked before a person is', () => {
    const world = governed(ceiling({ permits: false, policies: [], reason: 'never' }, PERMIT), A)
    const grant = world.grant({ caveats: [{ kind: 'approval' }] })
    const first = denied(world, world.request(grant))
    expect(codes(first)).toEqual([C.ceilingRefused, C.approvalRequired])
    expect(first.code).toBe(C.ceilingRefused)
    expect(denied(world, world.request(grant)).code).toBe(C.approvalRequired)
  })

  it('is taken over as it was handed in', () => {
    const loaded = { ...ceiling({ permits: false, policies: [], reason: 'no' }) }
    const world = governed(loaded, A)
    Object.assign(loaded, { digest: B.digest, judge: () => PERMIT })
    expect(denied(world, world.request(world.grant())).data['reason']).toBe('policy')
  })

  it.each<[string, object]>([
    ['a name', { name: '' }],
    ['a short name', { name: 'n'.repeat(129) }],
    ['a version', { version: '' }],
    ['a short version', { version: 'v'.repeat(65) }],
    ['a digest', { digest: 'd' }],
    ['text as its name', { name: 7 }],
    ['a judge', { judge: undefined }],
  ])('without %s is none', (_, over) => {
    const odd = { ...ceiling(), ...over } as unknown as Ceiling
    expect(() => governed(odd)).toThrow(expect.objectContaining({ code: C.ceilingUnsupported }))
  })

  it('may have a name and a version as long as their bounds', () => {
    const loaded = { ...ceiling(), name: 'n'.repeat(128), version: 'v'.repeat(64) }
    expect(governed(loaded).state.policy.loaded?.name).toBe(loaded.name)
  })
})

/** Verifies: CAP-R108, CAP-R101 */
describe('what a ceiling is shown', () => {
  const given = { path: 'src/a.ts', odd: [1] }
  const digest = sha256Hex(canonicalize(given))

  it('is the request as it was read, and the chain that allows it', () => {
    const loaded = ceiling(PERMIT)
    const world = governed(loaded, A)
    const root = world.grant({ delegable: 1 })
    const grant = world.grant({ parent: root })
    const labels = { '': { sources: ['net:x'], readers: null } }
    const who = { agent: 'helper', session: 's1', principal: 'os:alice', tool: 'search' }
    const over = { ...who, labels, arguments: given, argumentsDigest: digest }
    const request = world.request(grant, over)
    allowed(world, request)
    const [asked] = loaded.asked
    expect({ ...asked?.request }).toEqual(request)
    expect(asked?.chain.map(({ id }) => id)).toEqual([grant, root])
    expect(asked?.request.arguments).not.toBe(given)
    for (const part of ['resource', 'arguments', 'labels'] as const) {
      expect(Object.isFrozen(asked?.request[part])).toBe(true)
    }
    expect(Object.isFrozen(asked?.request)).toBe(true)
  })

  it('has no names that the request has not, and no labels but those', () => {
    const loaded = ceiling(PERMIT)
    const world = governed(loaded, A)
    allowed(world, world.request(world.grant()))
    const names = ['agent', 'session', 'principal', 'tool']
    expect(names.filter((name) => name in (loaded.asked[0]?.request ?? {}))).toEqual([])
    expect(loaded.asked[0]?.request.labels).toEqual({})
  })

  it('holds arguments only for a ceiling that looks, and none that were not hashed', () => {
    const incurious: Ceiling = { ...A, judge: () => PERMIT }
    const curious: Ceiling = {
      ...A,
      judge: ({ request }) => ({ ...PERMIT, policies: [String(request.arguments)] }),
    }
    for (const odd of [{ path: 'b' }, { path: Number.NaN }, 'x'.repeat(1_048_577)]) {
      const over = { arguments: odd as JsonValue, argumentsDigest: digest }
      const first = governed(incurious, A)
      expect(allowed(first, first.request(first.grant(), over)).ceiling).toEqual(A)
      const second = governed(curious, A)
      const denial = denied(second, second.request(second.grant(), over))
      expect(codes(denial)).toEqual([C.requestInvalid])
    }
    const world = governed(curious, A)
    const over = { arguments: given, argumentsDigest: digest }
    expect(allowed(world, world.request(world.grant(), over)).ceiling).toEqual(A)
  })

  it('holds labels that are JSON, or refuses', () => {
    const curious: Ceiling = {
      ...A,
      judge: ({ request }) => ({ ...PERMIT, policies: Object.keys(request.labels ?? {}) }),
    }
    const world = governed(curious, A)
    const grant = world.grant()
    const odd = { '': { sources: Array.from({ length: 16_384 }, () => 'x'), readers: null } }
    for (const labels of [{ '': undefined }, odd]) {
      const denial = denied(world, { ...world.request(grant), labels })
      expect(denial).toMatchObject({ code: C.ceilingRefused, data: { reason: 'failed' } })
    }
  })
})

/** Verifies: CAP-R109 */
describe('adopting a policy', () => {
  const clock = manualClock(1_000)
  const command: AdoptCeilingCommand = { policyText: 'permit', principal: alice }
  const streamed = async (log: ReturnType<typeof memoryLog>) => {
    const events = []
    for await (const batch of log.read({ stream: 'policy/ceiling' as never })) events.push(...batch)
    return events
  }

  it('records who, which, instead of which, and its text, once', async () => {
    const log = memoryLog(clock)
    const first = await adoptCeiling(log, A, command)
    expect(first).toEqual({ event: 'policy/ceiling@1', inForce: A })
    expect(await adoptCeiling(log, A, command)).toEqual({ event: null, inForce: A })
    const long = 'permit '.repeat(9_000)
    await adoptCeiling(log, B, { policyText: long })
    const [one, two, ...more] = await streamed(log)
    expect(one).toMatchObject({
      principal: alice,
      data: { ...A, previous: null, policy: { inline: 'permit' } },
    })
    const second = two?.data as StandardPayloads['PolicyAdopted']
    expect(second).toMatchObject({ ...B, previous: A.digest })
    expect(more).toEqual([])
    const { blob } = second.policy as Blob
    const bytes = await log.store.blobs.read(blob.$blob)
    expect(JSON.parse(Buffer.from(bytes).toString())).toBe(long)
    expect(blob.size).toBe(bytes.byteLength)
  })

  it('does not bring back what was replaced, unless it is told to', async () => {
    const log = memoryLog(clock)
    await adoptCeiling(log, A, command)
    await adoptCeiling(log, B, command)
    expect(await adoptCeiling(log, A, command)).toEqual({ event: null, inForce: B })
    const again = await adoptCeiling(log, A, { ...command, again: true })
    expect(again).toEqual({ event: 'policy/ceiling@3', inForce: A })
  })

  it('is decided anew when another one is adopted meanwhile', async () => {
    const log = memoryLog(clock)
    const many = Array.from({ length: 6 }, (_, i) => versionOf(`p${i % 3}`))
    const adopted = await Promise.all(many.map((each) => adoptCeiling(log, each, command)))
    expect((await streamed(log)).map(({ data }) => (data as CeilingVersion).name).sort()).toEqual([
      ...['p0', 'p1', 'p2'],
    ])
    // Two that adopt the same at the same place have adopted it together.
    const recorded = adopted.flatMap(({ event }) => event ?? [])
    expect(new Set(recorded).size).toBe(3)
    const broken = { ...log, append: () => Promise.reject(new RangeError('disk')) }
    await expect(adoptCeiling(broken, B, command)).rejects.toThrow('disk')
  })

  it('refuses a text that no log holds, and what is no ceiling', async () => {
    const log = memoryLog(clock)
    const refused = { code: C.ceilingUnsupported }
    const most = 'x'.repeat(1_048_576)
    for (const policyText of [`${most}x`, '\ud800', 7 as unknown as string]) {
      await expect(adoptCeiling(log, A, { policyText })).rejects.toMatchObject(refused)
    }
    const nameless = { ...A, digest: 'x' as Hash }
    await expect(adoptCeiling(log, nameless, command)).rejects.toMatchObject(refused)
    expect(await streamed(log)).toEqual([])
    await adoptCeiling(log, A, { policyText: most })
    await adoptCeiling(log, B, { policyText: 'ü'.repeat(2_048) })
    const [, second] = await streamed(log)
    expect(second?.data).toMatchObject({ policy: { inline: 'ü'.repeat(2_048) } })
  })

  it('ends what was decided before it, and is known after a refresh', async () => {
    const log = memoryLog(clock)
    const world = new World()
    const grant = world.draft()
    const stream = grantStream(grant.id)
    const granted = { stream, expectedVersion: 'no_stream', events: [grantedEvent(grant)] } as const
    await log.append({ writes: [granted] })
    const authority = createAuthority({ log, kinds: [fsKind] })
    await authority.refresh([grant.id])
    const before = authority.decide(world.request(grant.id))
    if (!('ok' in before)) throw new TypeError('denied')
    await adoptCeiling(log, A, command)
    const intent = { stream: 'stop/run/x' as never, expectedVersion: 'any' } as const
    const events = [{ type: 'AuthorityStopped', data: { scope: 'run/x', reason: 'x' } }]
    await expect(
      log.append({ writes: [{ ...intent, events }], guards: before.ok.guards }),
    ).rejects.toMatchObject({ code: 'ICE_EVENTS_GUARD_CONFLICT' })
    for (const asked of [[grant.id], undefined]) {
      const other = createAuthority({ log, kinds: [fsKind] })
      await other.refresh(asked)
      const decision = other.decide(world.request(grant.id))
      expect(decision).toMatchObject({ denied: { data: { reason: 'not-loaded' } } })
      const loaded = createAuthority({ log, kinds: [fsKind], ceiling: ceiling(PERMIT) })
      await loaded.refresh(asked)
      expect(loaded.decide(world.request(grant.id))).toMatchObject({ ok: { ceiling: A } })
    }
    await authority.refresh([grant.id])
    expect(authority.decide(world.request(grant.id))).toHaveProperty('denied')
  })
})
