import type { JsonObject } from '@ice/primitives'
import { describe, expect, it } from 'vitest'
import { carriedBy } from '../src/carried.ts'
import type { EffectCall, EffectHandler, GrantSpec } from '../src/ports.ts'
import { doing, program, tool, toolGrant, type World, world } from './harness.ts'

const handle = (name = 'api/token', grant = 'keys', more: JsonObject = {}): JsonObject => ({
  $secret: name,
  grant,
  ...more,
})

const keys = (members: JsonObject = {}, more: Partial<GrantSpec> = {}): GrantSpec => ({
  actions: ['do'],
  resource: { kind: 'secret', prefixes: ['api'], ...members },
  ...more,
})

/** Asks once for `do` with these arguments, and tells what came of it. */
async function asked(
  args: JsonObject,
  {
    grants = { g: toolGrant('do'), keys: keys() },
    handler = tool('do'),
  }: {
    readonly grants?: Readonly<Record<string, GrantSpec>>
    readonly handler?: EffectHandler
  } = {},
) {
  const calls: EffectCall[] = []
  const effects = [
    {
      ...handler,
      perform: async (call: EffectCall) => {
        calls.push(call)
        return { value: null, observed: {} }
      },
    },
  ]
  const alice = await world({ effects })
  const once = program(async (ctx) => (await ctx.attempt('a', doing(args))) as never)
  const { run, stretch } = await alice.runs.execute(once, {}, { grants })
  const events = await alice.events(run)
  const of = (type: string) => events.find((event) => event.type === type)?.data as JsonObject
  return { alice, run, stretch, calls, used: of('CapabilityUsed'), denied: of('CapabilityDenied') }
}

function denialOf(denied: JsonObject | undefined): JsonObject {
  return denied?.['denial'] as JsonObject
}

/** Verifies: RUN-R90 */
describe('secrets that a call carries', () => {
  it('are named in the intent with their authority, and given to the handler by name', async () => {
    const args = { headers: { authorization: handle() }, list: [handle('api/other'), handle()] }
    const { calls, used } = await asked(args)
    expect(used['secrets']).toEqual([
      { name: 'api/token', grant: expect.any(String), chain: [expect.any(String)] },
      { name: 'api/other', grant: expect.any(String), chain: [expect.any(String)] },
    ])
    const [first] = used['secrets'] as readonly JsonObject[]
    const guarded = (used['basis'] as readonly JsonObject[]).map(({ stream }) => stream)
    expect(guarded).toContain(`grant/${first?.['grant']}`)
    expect(guarded).toContain(`grant/${used['grant']}`)
    expect(new Set(guarded).size).toBe(guarded.length)
    expect(calls[0]?.secrets?.map(({ name }) => name)).toEqual(['api/token', 'api/other'])
    expect(calls[0]?.secrets?.[0]?.grant.resources).toEqual([{ kind: 'secret', prefixes: ['api'] }])
    expect(calls[0]?.arguments).toEqual(args)
  })

  it('leave a call that carries none as it is', async () => {
    const { used, calls } = await asked({ a: 1 })
    expect(used).not.toHaveProperty('secrets')
    expect(calls[0]).not.toHaveProperty('secrets')
  })

  it.each<[string, JsonObject, string]>([
    ['of another name', handle('db/password'), 'ICE_CAPABILITIES_RESOURCE_NOT_GRANTED'],
    [
      'under a grant of another kind',
      handle('api/token', 'g'),
      'ICE_CAPABILITIES_RESOURCE_NOT_GRANTED',
    ],
    ['under a name that is not bound', handle('a', 'nobody'), 'ICE_RUNS_GRANT_UNBOUND_DENIED'],
    ['under an inherited name', handle('a', 'constructor'), 'ICE_RUNS_GRANT_UNBOUND_DENIED'],
    ['without a grant', { $secret: 'api/token' }, 'ICE_RUNS_SECRET_HANDLE_DENIED'],
    ['by what is no name', { $secret: 7, grant: 'keys' }, 'ICE_RUNS_SECRET_HANDLE_DENIED'],
  ])('are denied %s, and nothing is tried', async (_why, one, code) => {
    const { denied, calls } = await asked({ deep: [{ er: one }] })
    expect(denialOf(denied)['code']).toBe(code)
    expect(calls).toEqual([])
  })

  it('are at most 8', async () => {
    const nine = Array.from({ length: 9 }, (_, at) => handle(`api/${at}`))
    expect(denialOf((await asked({ nine })).denied)['code']).toBe('ICE_RUNS_SECRET_HANDLE_DENIED')
    const { calls } = await asked({ eight: nine.slice(1) })
    expect(calls[0]?.secrets).toHaveLength(8)
  })

  it('are for the actions that their grant lists', async () => {
    const grants = { g: toolGrant('do'), keys: keys({}, { actions: ['other'] }) }
    const { denied } = await asked({ a: handle() }, { grants })
    expect(denialOf(denied)['code']).toBe('ICE_CAPABILITIES_ACTION_NOT_GRANTED')
    expect(denied['resource']).toEqual({ name: 'api/token' })
  })

  it.each<[JsonObject, JsonObject]>([
    [{ scheme: 'https', host: 'a.example', port: 443 }, { origin: 'https://a.example' }],
    [{ scheme: 'http', host: 'a.example', port: 80 }, { origin: 'http://a.example' }],
    [{ scheme: 'https', host: '[::1]', port: 80 }, { origin: 'https://[::1]:80' }],
    [{ scheme: 'http', host: 'a.example', port: 8080 }, { origin: 'http://a.example:8080' }],
    [{ program: '/bin/git', args: [] }, { program: '/bin/git' }],
    [{ path: 'a' }, {}],
  ])('claim the place that the effect claims: %j', (resource, place) => {
    const bound = new Map([['keys', '0190a1b2-0000-7000-8000-000000000002' as never]])
    const [carried] = carriedBy({ a: handle() }, resource, bound)
    expect(carried?.claim).toEqual({ name: 'api/token', ...place })
  })

  it('are not sent once their grant was revoked', async () => {
    const effects = [tool('do')]
    const alice: World = await world({ effects })
    const twice = program(async (ctx) => {
      await ctx.effect('first', doing({ a: handle() }))
      const answer = await ctx.approval('go on', { prompt: 'Go on?' })
      const outcome = await ctx.attempt('second', doing({ a: handle() }))
      return { answer: answer.approved, kind: outcome.kind }
    })
    const grants = { g: toolGrant('do'), keys: keys() }
    const { run } = await alice.runs.execute(twice, {}, { grants })
    const { grants: bound } = await alice.runs.view(run)
    await alice.grants.revoke(bound['keys'] as never, { reason: 'leaked' })
    await alice.runs.answer(run, { step: 'go on', approved: true })
    expect(await alice.runs.drive(run)).toMatchObject({
      result: { value: { kind: 'denied' } },
    })
    expect(alice.witness).toEqual(['first'])
  })

  it('cost one use of a counted grant, however many a call takes', async () => {
    const grants = { g: toolGrant('do'), keys: keys({}, { caveats: [{ kind: 'count', max: 1 }] }) }
    const { alice, calls } = await asked({ a: handle(), b: handle('api/b') }, { grants })
    expect(calls).toHaveLength(1)
    const states = await alice.grants.list()
    expect(states).toHaveLength(2)
    const again = program(async (ctx) => {
      await ctx.attempt('a', doing({ a: handle() }))
      return (await ctx.attempt('b', doing({ a: handle() }))).kind
    })
    const { stretch } = await alice.runs.execute(again, {}, { grants })
    expect(stretch).toMatchObject({ result: { value: 'denied' } })
  })

  it('are approved with the call, and named in its question; a denied one is not', async () => {
    const approved = { ...toolGrant('do'), caveats: [{ kind: 'approval' }] } as GrantSpec
    const grants = { g: approved, keys: keys() }
    const { alice, run, stretch } = await asked({ a: handle() }, { grants })
    expect(stretch).toMatchObject({ kind: 'suspended', waitingFor: [{ kind: 'effect' }] })
    const events = await alice.events(run)
    expect(events.find(({ type }) => type === 'ApprovalRequested')?.data).toMatchObject({
      details: { inline: { secrets: ['api/token'] } },
    })
    await alice.runs.answer(run, { step: 'a', approved: true })
    expect(await alice.runs.drive(run)).toMatchObject({ result: { value: { kind: 'succeeded' } } })
    const refused = await asked({ a: handle('db/x') }, { grants })
    expect(denialOf(refused.denied)['code']).toBe('ICE_CAPABILITIES_RESOURCE_NOT_GRANTED')
  })

  it('have no approval of their own: a grant that wants one says where it belongs', async () => {
    const caveats = [{ kind: 'approval' }] as const
    const grants = { g: toolGrant('do'), keys: keys({}, { caveats }) }
    const { denied } = await asked({ a: handle() }, { grants })
    expect(denialOf(denied)['code']).toBe('ICE_RUNS_SECRET_APPROVAL_DENIED')
  })
})
