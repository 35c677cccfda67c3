import { adoptCeiling, createAuthority, fsKind, grantedEvent, grantStream } from '@ice/capabilities'
import type { CeilingRequest, CeilingVerdict } from '@ice/capabilities/ports'
import { composeTaxonomy, createEventLog, memoryEventStore, standardTypes } from '@ice/events'
import { canonicalize, type JsonObject, type JsonValue, sha256Hex } from '@ice/primitives'
import { manualClock } from '@ice/primitives/testing'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { POLICY_CEDAR_CODES as C } from '../src/errors.ts'
import { type CedarCeilingOptions, cedarSchema, openCedarCeiling } from '../src/index.ts'
import { asked, grant, root, run } from './asked.ts'

const PERMIT = 'permit(principal, action, resource)'

function opened(policies: string, over: Partial<CedarCeilingOptions> = {}) {
  return openCedarCeiling({ name: 'org', policies, byDefault: 'deny', ...over })
}

function verdict(policies: string, question: CeilingRequest = asked()): CeilingVerdict {
  return opened(policies).judge(question)
}

/** Verifies: POL-R01 */
describe('a request that policies speak of', () => {
  const who = { agent: 'writer', session: 's1', principal: 'os:alice', tool: 'search' }
  const labels = { '': { sources: ['net:x'], readers: ['os:bob', 'os:eve'] } }
  const more = {
    '/a': { sources: [], readers: ['os:eve'] },
    '/b': { sources: ['b'], readers: null },
  }
  const open = { '': { sources: [], readers: null } }

  it.each<[string, string, Parameters<typeof asked>[0]?]>([
    ['its run', `principal == Ice::Run::"${run}"`],
    ['its action', 'action == Ice::Action::"fs.read"'],
    ['its resource', 'resource == Ice::Resource::"fs {\\"path\\":\\"src/a.ts\\"}"'],
    ['its kind', 'resource in Ice::Kind::"fs"'],
    ['its agent', 'principal in Ice::Agent::"writer"', who],
    ['its session', 'principal in Ice::Session::"s1"', who],
    ['its principal', 'principal in Ice::Principal::"os:alice"', who],
    ['its tool', 'principal in Ice::Tool::"search"', who],
    ['who it is not for', '!(context has agent) && !(context has tool)'],
    ['exactly who it is for', 'context.principal == Ice::Principal::"os:alice"', who],
    ['its claim', 'context.claim.path like "src/*"'],
    ['its grant', `context.grant == "${grant}" && context.root == "${root}"`],
    ['its chain', `context.links == 2 && context.chain.contains("${root}")`],
    ['its holder', 'context.holder == "agent/writer"'],
    ['its time', 'context.at == 300000 && context.day == 4 && context.minute == 5'],
    [
      'its arguments',
      'context.arguments.n > 1 && context.arguments.list.contains("a")',
      {
        arguments: { n: 2, list: ['a', 'b'], none: null },
      },
    ],
    ['decimals', 'context.arguments.n.lessThan(decimal("1.51"))', { arguments: { n: 1.5 } }],
    ['what is null', '!(context.arguments has none)', { arguments: { none: null } }],
    [
      'odd names',
      'context.arguments["__proto__"] == 1 && context.arguments["constructor"] == 2',
      {
        arguments: JSON.parse('{"__proto__":1,"constructor":2}') as JsonValue,
      },
    ],
    [
      'its labels',
      '!context.labels.trusted && context.labels.sources.contains("net:x")',
      { labels },
    ],
    [
      'who may read all',
      'context.labels.readers == ["os:eve"] && !context.labels.everyone',
      {
        labels: { ...labels, ...more },
      },
    ],
    [
      'all its sources',
      'context.labels.sources == ["b", "net:x"]',
      {
        labels: { ...labels, ...more },
      },
    ],
    ['that it is trusted', 'context.labels.trusted && context.labels.everyone', { labels: open }],
    ['that it is of nobody', '!context.labels.trusted && !context.labels.everyone'],
  ])('is told %s', (_, condition, over = {}) => {
    const permit = `${PERMIT} when { ${condition} };`
    expect(verdict(permit, asked(over))).toEqual({ permits: true, policies: ['policy0'] })
    const forbid = `@id("no") forbid(principal, action, resource) when { ${condition} };`
    expect(opened(forbid, { byDefault: 'permit' }).judge(asked(over))).toEqual({
      permits: false,
      policies: ['no'],
      reason: 'forbidden by "no"',
    })
  })

  it('knows the groups that the organisation makes', () => {
    const group = { type: 'Ice::Group', id: 'finance' }
    const entities = [
      { uid: { type: 'Ice::Principal', id: 'os:alice' }, attrs: { level: 3 }, parents: [group] },
    ]
    const policies = `${PERMIT} when {
      principal in Ice::Group::"finance" && context.principal.level > 2 };`
    const ceiling = opened(policies, { entities })
    expect(ceiling.judge(asked({ principal: 'os:alice' })).permits).toBe(true)
    expect(ceiling.judge(asked({ principal: 'os:bob' })).permits).toBe(false)
    Object.assign(entities[0] ?? {}, { parents: [] })
    expect(ceiling.judge(asked({ principal: 'os:alice' })).permits).toBe(true)
  })
})

/** Verifies: POL-R02 */
describe('the default', () => {
  it('of deny asks for a permit, that of permit for no forbid', () => {
    const permit = '@id("reads") permit(principal, action == Ice::Action::"fs.read", resource);'
    const write = asked({ action: 'fs.write' })
    expect(opened(permit).judge(asked())).toEqual({ permits: true, policies: ['reads'] })
    expect(opened(permit).judge(write)).toEqual({
      ...{ permits: false, policies: [], reason: 'nothing permits fs.write' },
    })
    const open = opened(permit, { byDefault: 'permit' })
    expect(open.judge(write)).toEqual({ permits: true, policies: ['by default'] })
    expect(open.policyIds).toEqual(['reads', 'by default'])
    expect(opened('', { byDefault: 'permit' }).judge(asked()).permits).toBe(true)
    expect(opened('').judge(asked()).permits).toBe(false)
  })

  it('cannot be taken by a policy', () => {
    const taken = `@id("by default") forbid(principal, action, resource);`
    for (const byDefault of ['permit', 'deny'] as const) {
      expect(() => opened(taken, { byDefault })).toThrow('"by default" is taken')
    }
  })
})

/** Verifies: POL-R03 */
describe('what Cedar is not sure of', () => {
  it('refuses, also where another policy permits', () => {
    const policies = `${PERMIT};
      @id("typo") forbid(principal, action, resource) when { context.clam.path == "x" };`
    const answer = verdict(policies)
    expect(answer).toMatchObject({ permits: false, policies: ['typo'] })
    expect(answer).toHaveProperty(
      'reason',
      expect.stringContaining('it is not sure: the policy "typo"'),
    )
  })

  it.each<[string, JsonValue, string]>([
    ['an entity', { who: { __entity: { type: 'Ice::Group', id: 'x' } } }, 'called __entity'],
    ['an extension', { who: { __extn: { fn: 'ip', arg: '1.1.1.1' } } }, 'called __extn'],
    ['an expression', { who: { __expr: 'x' } }, 'called __expr'],
    ['null in a list', { list: [1, null] }, 'a list holds null'],
    ['five decimals', { n: 0.00001 }, 'no exact decimal'],
    ['five more decimals', { n: 1.23456 }, 'no exact decimal'],
    ['a huge number', { n: 1e300 }, 'no exact decimal'],
    ['no object', ['a'], 'the arguments are no object'],
    ['text', 'a', 'the arguments are no object'],
    ['nothing', null, 'the arguments are no object'],
    ['too much', { text: 'x'.repeat(65_536) }, 'more than 65536 characters'],
    ['what is too deep', JSON.parse(`${'{"a":'.repeat(40)}1${'}'.repeat(40)}`), 'too deeply'],
    ['lists too deep', JSON.parse(`{"a":${'['.repeat(40)}1${']'.repeat(40)}}`), 'too deeply'],
  ])('is not asked about arguments that hold %s', (_, given, why) => {
    const looks = `${PERMIT} unless { context.arguments has forbidden };`
    const answer = verdict(looks, asked({ arguments: given }))
    expect(answer).toMatchObject({ permits: false, policies: [] })
    expect(answer).toHaveProperty('reason', expect.stringContaining(why))
    // A policy that does not look at them is not in doubt.
    expect(verdict(`${PERMIT};`, asked({ arguments: given })).permits).toBe(true)
    const whole = `${PERMIT} unless { context == {} };`
    expect(verdict(whole, asked({ arguments: given })).permits).toBe(false)
  })

  it.each<[string, unknown]>([
    ['a label', { '': null }],
    ['sources', { '': { sources: 'x', readers: null } }],
    ['sources of text', { '': { sources: [1], readers: null } }],
    ['readers', { '': { sources: [], readers: 'x' } }],
  ])('is not asked about labels without %s', (_, labels) => {
    const answer = verdict(
      `${PERMIT} when { context.labels.trusted || true };`,
      asked({ labels: labels as never }),
    )
    expect(answer).toHaveProperty('reason', expect.stringContaining('a label is none'))
  })
})

/** Verifies: POL-R04 */
describe('a schema', () => {
  const schema = cedarSchema(
    {
      'fs.read': { claim: '{ path: String }' },
      'net.send': { claim: '{ host: String }', arguments: '{ body: String, tags?: Set<String> }' },
    },
    '  type Unused = { a: Long };',
  )

  it('finds the policies that do not fit it, with readable errors', () => {
    const policies = '@id("typo") permit(principal, action, resource) when { context.clam == 1 };'
    expect(() => opened(policies, { schema })).toThrow(
      expect.objectContaining({
        code: C.policies,
        message: expect.stringContaining('for policy `typo`, attribute `clam` in context'),
        data: {
          faults: expect.arrayContaining([expect.stringContaining('did you mean `claim`?')]),
        },
      }),
    )
  })

  it('finds the requests that do not fit it', () => {
    const ceiling = opened(`${PERMIT};`, { schema })
    expect(ceiling.judge(asked()).permits).toBe(true)
    const send = { action: 'net.send', resource: { host: 'a' } }
    expect(ceiling.judge(asked({ ...send, arguments: { body: 'x' } })).permits).toBe(true)
    const odd = [
      asked({ action: 'fs.write' }),
      asked({ action: 'constructor' }),
      asked({ resource: { host: 'a' } }),
      asked({ ...send, arguments: { body: 1 } }),
      asked({ ...send, arguments: { body: 'x', more: 1 } }),
    ]
    for (const question of odd) {
      expect(ceiling.judge(question)).toHaveProperty('reason', expect.stringContaining('not sure'))
    }
  })

  it('shows what it declares, also by the name of a type', () => {
    const named = `namespace Ice {
      entity Agent; entity Principal; entity Session; entity Tool; entity Kind;
      entity Run in [Agent, Principal, Session, Tool]; entity Resource in [Kind];
      type Call = { claim: { path: String }, arguments: { n: Long }, at: Long, day: Long,
        minute: Long, grant: String, root: String, holder: String, links: Long,
        chain: Set<String> };
      action "fs.read" appliesTo { principal: [Run], resource: [Resource], context: Call };
    }`
    const ceiling = opened(`${PERMIT} when { context.arguments.n > 1 };`, { schema: named })
    expect(ceiling.judge(asked({ arguments: { n: 2 } })).permits).toBe(true)
    expect(ceiling.judge(asked({ arguments: { n: 1 } })).permits).toBe(false)
  })

  it('warns of what can never hold', () => {
    const never = `${PERMIT} when { context.minute > 1 && context.minute < 0 && false };`
    expect(opened(never, { schema }).warnings.join()).toContain('policy')
    expect(opened(`${PERMIT};`, { schema }).warnings).toEqual([])
  })
})

/** Verifies: POL-R05 */
describe('what cannot be opened', () => {
  const big = `// ${'x'.repeat(524_288)}\n`
  it.each<[string, Partial<CedarCeilingOptions>, string, string]>([
    ['a text that is no policy', { policies: 'permit(;' }, C.policies, 'line 1: unexpected token'],
    ['its second line', { policies: `${PERMIT};\nforbid(;` }, C.policies, 'line 2: unexpected'],
    [
      'a template',
      { policies: 'permit(principal == ?principal, action, resource);' },
      C.policies,
      'a template is no policy',
    ],
    [
      'two of one name',
      { policies: `@id("a") ${PERMIT}; @id("a") ${PERMIT};` },
      C.policies,
      'two policies are called "a"',
    ],
    ['no schema', { schema: 'namespace {' }, C.schema, 'line 1: failed to parse schema'],
    ['no entity', { entities: [{ uid: 1 } as never] }, C.entities, 'The entities cannot be used'],
    [
      'an entity of its own',
      { entities: [{ uid: { type: 'Ice::Run', id: run }, attrs: {}, parents: [] }] },
      C.entities,
      'Ice::Run is made for each request',
    ],
    [
      'an entity outside the schema',
      {
        schema: cedarSchema({}),
        entities: [{ uid: { type: 'Ice::Nope', id: 'x' }, attrs: {}, parents: [] }],
      },
      C.entities,
      'not declared in the schema',
    ],
    ['too much text', { policies: big }, C.limit, 'at most 524288 bytes'],
    ['too many policies', { policies: `${PERMIT};`.repeat(1_001) }, C.limit, 'most 1000 policies'],
    [
      'too many entities',
      {
        entities: Array.from({ length: 1_001 }, (_, i) => ({
          ...{ uid: { type: 'Ice::Tool', id: `${i}` }, attrs: {}, parents: [] },
        })),
      },
      C.limit,
      'at most 1000 entities',
    ],
  ])('is told of: %s', (_, over, code, message) => {
    expect(() => opened(`${PERMIT};`, over)).toThrow(
      expect.objectContaining({ code, message: expect.stringContaining(message) }),
    )
  })
})

/** Verifies: POL-R06 */
describe('the digest', () => {
  it('is that of the text, and of everything that decides', () => {
    const policies = `${PERMIT};`
    const ceiling = opened(policies)
    expect(ceiling.digest).toBe(sha256Hex(ceiling.policyText))
    expect(ceiling.version).toBe(ceiling.digest.slice(0, 12))
    expect(JSON.parse(ceiling.policyText)).toMatchObject({ policies, byDefault: 'deny' })
    const others = [
      opened(`${PERMIT} ;`),
      opened(policies, { byDefault: 'permit' }),
      opened(policies, { schema: cedarSchema({}) }),
      opened(policies, { entities: [{ uid: { type: 'T', id: 'x' }, attrs: {}, parents: [] }] }),
    ]
    expect(new Set([ceiling, ...others].map(({ digest }) => digest)).size).toBe(5)
    const same = opened(policies, { name: 'renamed', version: '7' })
    expect([same.digest, same.version]).toEqual([ceiling.digest, '7'])
  })
})

/** Verifies: POL-R07 */
describe('requests by chance', () => {
  it('get the same verdict each time, and never more than policies permit', () => {
    const ceiling = opened(
      `permit(principal, action == Ice::Action::"fs.read", resource)
         when { context.arguments has ok && context.arguments.ok == true };`,
    )
    fc.assert(
      fc.property(
        fc.jsonValue({ maxDepth: 4 }),
        fc.constantFrom('fs.read', 'x'),
        (given, action) => {
          const question = asked({ arguments: given as JsonValue, action })
          const first = ceiling.judge(question)
          expect(ceiling.judge(question)).toEqual(first)
          const isOk =
            typeof given === 'object' &&
            given !== null &&
            !Array.isArray(given) &&
            Object.hasOwn(given, 'ok') &&
            (given as JsonObject)['ok'] === true
          if (first.permits) expect([action, isOk]).toEqual(['fs.read', true])
        },
      ),
      { numRuns: 300 },
    )
    expect(ceiling.judge(asked({ arguments: { ok: true } })).permits).toBe(true)
  })
})

/** Verifies: POL-R08 */
describe('a ceiling of an authority', () => {
  it('refuses what its chain allows, and nothing else', async () => {
    const clock = manualClock(1_000)
    const taxonomy = composeTaxonomy(standardTypes)
    const log = createEventLog({ store: memoryEventStore({ clock }), taxonomy, clock })
    const ceiling = opened(
      `@id("no secrets") forbid(principal, action, resource)
         when { context.claim.path like "*.key" };`,
      { byDefault: 'permit' },
    )
    await adoptCeiling(log, ceiling, { policyText: ceiling.policyText })
    const authority = createAuthority({ log, kinds: [fsKind], ceiling })
    const issued = authority.rootGrant({
      ...{ id: grant, holder: `run/${run}`, actions: ['fs.read'] },
      resource: { kind: 'fs', root: '/repo' },
    })
    const events = [grantedEvent(issued)]
    const stream = grantStream(grant)
    await log.append({ writes: [{ stream, expectedVersion: 'no_stream', events }] })
    await authority.refresh()
    const decide = (path: string, action = 'fs.read') => {
      const argumentsDigest = sha256Hex(canonicalize({}))
      const call = { run, grant, action, resource: { path }, argumentsDigest }
      const callDigest = authority.callDigest(call)
      return authority.decide({ ...call, arguments: {}, callDigest, at: clock.now() })
    }
    const { name, version, digest } = ceiling
    expect(decide('a.ts')).toMatchObject({ ok: { ceiling: { name, version, digest } } })
    expect(decide('a.key')).toMatchObject({
      denied: {
        code: 'ICE_CAPABILITIES_CEILING_REFUSED',
        message: 'The policy "org" refuses: forbidden by "no secrets"',
        data: { policies: ['no secrets'], digest },
      },
    })
    expect(decide('a.ts', 'fs.write')).toMatchObject({
      denied: { code: 'ICE_CAPABILITIES_ACTION_NOT_GRANTED' },
    })
  })
})
