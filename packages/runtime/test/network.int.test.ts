import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { net } from '@ice/effects'
import type { RecordedEvent } from '@ice/events/ports'
import type { RunId } from '@ice/primitives'
import { defineProgram } from '@ice/runs'
import type { GrantSpec, RunContext } from '@ice/runs/ports'
import { afterEach, describe, expect, it } from 'vitest'
import { createRuntime, type Runtime } from '../src/index.ts'

const closing: (() => Promise<unknown>)[] = []

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  closing.push(() => {
    server.closeAllConnections()
    return new Promise((resolve) => server.close(resolve))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function open(): Promise<Runtime> {
  const ice = await createRuntime({ path: ':memory:' })
  closing.push(() => ice.close())
  return ice
}

const any = { parse: (value: unknown): unknown => value }

const asking = (run: (context: RunContext) => Promise<unknown>) =>
  defineProgram({ name: 'asks', version: '1', input: any, output: any, run })

const grantOn = (origin: string, more: Partial<GrantSpec> = {}): GrantSpec => ({
  actions: ['net.fetch', 'net.send'],
  resource: {
    kind: 'net',
    hosts: ['127.0.0.1'],
    schemes: ['http'],
    ports: [Number(new URL(origin).port)],
    methods: ['GET', 'POST'],
    addresses: ['loopback'],
  },
  ...more,
})

async function eventsOf(ice: Runtime, run: RunId): Promise<readonly RecordedEvent[]> {
  const events: RecordedEvent[] = []
  for await (const batch of ice.log.read({ stream: `run/${run}` as never })) events.push(...batch)
  return events
}

/** Verifies: EFF-R11, EFF-R14, CAP-R23 */
describe('the network under a runtime', () => {
  it('gives an answer, records what was met, and keeps a large body as a blob', async () => {
    const origin = await serve((_request, response) => response.end('x'.repeat(10_000)))
    const ice = await open()
    const program = asking(async (ctx) => {
      const answer = await ctx.effect('get', net.fetch('api', { url: `${origin}/a?b=c` }))
      return { status: answer.status, length: answer.body?.length }
    })
    const grants = { api: grantOn(origin) }
    const { run, stretch } = await ice.runs.execute(program, {}, { grants })
    expect(stretch).toMatchObject({ result: { value: { status: 200, length: 10_000 } } })
    const outcome = (await eventsOf(ice, run)).find(({ type }) => type === 'APIRequestExecuted')
    expect(outcome?.data).toMatchObject({
      result: { blob: { size: expect.any(Number) } },
      observed: { url: `${origin}/a?…`, address: '127.0.0.1', bytes: 10_000 },
    })
  })

  it('denies before anything is looked up or connected to, and says what would do', async () => {
    let requests = 0
    const origin = await serve((_request, response) => {
      requests += 1
      response.end()
    })
    const ice = await open()
    const program = asking(async (ctx) => {
      const outcome = await ctx.attempt('get', net.fetch('api', { url: origin }))
      return outcome.kind === 'denied' ? outcome.denial.message : outcome.kind
    })
    const { resource } = grantOn(origin)
    const { addresses: _left, ...publicOnly } = resource as unknown as {
      readonly addresses: unknown
    }
    const grants = { api: grantOn(origin, { resource: publicOnly as GrantSpec['resource'] }) }
    const { stretch } = await ice.runs.execute(program, {}, { grants })
    expect(JSON.stringify(stretch)).toContain('is a loopback address, and the grant holds')
    expect(requests).toBe(0)
  })

  it('records where a redirect was refused as a denial of the effect', async () => {
    const origin = await serve((_request, response) => {
      response.writeHead(302, { location: 'http://169.254.169.254/latest/?token=1' }).end()
    })
    const ice = await open()
    const program = asking(async (ctx) => {
      const outcome = await ctx.attempt('get', net.fetch('api', { url: origin }))
      return outcome.kind === 'denied' ? outcome.denial.code : outcome.kind
    })
    const { run, stretch } = await ice.runs.execute(
      program,
      {},
      { grants: { api: grantOn(origin) } },
    )
    expect(stretch).toMatchObject({ result: { value: 'ICE_EFFECTS_NET_REDIRECT_DENIED' } })
    const denial = (await eventsOf(ice, run)).find(({ type }) => type === 'CapabilityDenied')
    expect(denial?.data).toMatchObject({
      stage: 'handler',
      denial: { data: { to: 'http://169.254.169.254/latest/?…', method: 'GET' } },
    })
  })

  it('waits for a person when what was sent was not answered', async () => {
    let requests = 0
    const origin = await serve((request) => {
      requests += 1
      request.socket.destroy()
    })
    const ice = await open()
    const program = asking((ctx) =>
      ctx.effect('order', net.send('api', { url: origin, method: 'POST', body: '{}' })),
    )
    const { run, stretch } = await ice.runs.execute(
      program,
      {},
      { grants: { api: grantOn(origin) } },
    )
    expect(stretch).toMatchObject({
      kind: 'suspended',
      waitingFor: [{ step: 'order', kind: 'doubt' }],
    })
    const [{ prompt } = { prompt: '' }] = (await ice.runs.view(run)).waitingFor
    expect(prompt).toMatch(/^Did net\.send \(order\) happen\? .*no answer came$/)
    expect(await ice.runs.drive(run)).toMatchObject({ kind: 'suspended' })
    expect(requests).toBe(1)
    await ice.runs.resolveDoubt(run, { effect: 'order', happened: true, evidence: 'it is there' })
    expect(await ice.runs.drive(run)).toMatchObject({ result: { conclusion: 'committed' } })
    expect(requests).toBe(1)
  })

  it('asks a person with the place in the question', async () => {
    const origin = await serve((_request, response) => response.end())
    const ice = await open()
    const program = asking((ctx) =>
      ctx.effect('order', net.send('api', { url: `${origin}/orders`, method: 'POST' })),
    )
    const caveats = [{ kind: 'approval-for', actions: ['net.send'] }] as const
    const grants = { api: grantOn(origin, { caveats }) }
    const { stretch } = await ice.runs.execute(program, {}, { grants })
    expect(stretch).toMatchObject({
      waitingFor: [{ prompt: `Allow net.send POST ${origin}/orders?` }],
    })
  })

  it('never records a credential that a program puts into its arguments', async () => {
    const origin = await serve((_request, response) => response.end())
    const ice = await open()
    const program = asking(async (ctx) => {
      const headers = { authorization: 'Bearer hunter2' }
      const outcome = await ctx.attempt('get', net.fetch('api', { url: origin, headers }))
      return outcome.kind
    })
    const { run, stretch } = await ice.runs.execute(
      program,
      {},
      { grants: { api: grantOn(origin) } },
    )
    expect(stretch).toMatchObject({ result: { value: 'denied' } })
    expect(JSON.stringify(await eventsOf(ice, run))).not.toContain('hunter2')
  })
})
