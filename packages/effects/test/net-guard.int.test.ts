/** Verifies: EFF-R11, EFF-R12, EFF-R13 */

import type { IncomingMessage } from 'node:http'
import { addressSpellings } from '@ice/tooling/prove/parts/address-spellings'
import { nameServer } from '@ice/tooling/prove/parts/name-server'
import { describe, expect, it } from 'vitest'
import { net } from '../src/index.ts'
import { selfSigned } from './certificate.ts'
import {
  answerOf,
  closed,
  codeOfNet,
  connectionsOf,
  failureOf,
  grantOn,
  performNet,
  serve,
  serveTls,
} from './net-kit.ts'

const ADDRESS_DENIED = 'ICE_EFFECTS_NET_ADDRESS_DENIED'
const REDIRECT_DENIED = 'ICE_EFFECTS_NET_REDIRECT_DENIED'
const RESOURCE_DENIED = 'ICE_EFFECTS_NET_RESOURCE_DENIED'

/** A grant on every name and port of a canary, but on public addresses alone. */
const publicOn = (port: number) => ({
  kind: 'net',
  hosts: ['*'],
  schemes: ['http', 'https'],
  ports: [port],
})

describe('names', () => {
  it('are refused whole for one address that is not held, and are not connected to', async () => {
    const canary = await serve((_request, response) => response.end('canary'))
    const mixes: readonly (readonly string[])[] = [
      ['127.0.0.1'],
      ['::1'],
      ['9.9.9.9', '127.0.0.1'],
      ['2606:4700::1111', '::ffff:127.0.0.1'],
      ['169.254.169.254'],
      ['168.63.129.16'],
      ['10.0.0.1'],
      ['100.64.0.1'],
      ['::127.0.0.1'],
      ['64:ff9b::7f00:1'],
      ['2002:7f00:1::'],
      ['fe80::1%lo'],
      ['0.0.0.0'],
      ['127.1'],
      ['not an address'],
      Array.from({ length: 65 }, (_, at) => `9.9.9.${at}`),
    ]
    const tried = await connectionsOf(async () => {
      for (const addresses of mixes) {
        const resolver = { resolve: async () => addresses }
        const request = net.fetch('g', { url: `http://any.test:${canary.port}/` })
        expect(await codeOfNet(publicOn(canary.port), request, { resolver })).toBe(ADDRESS_DENIED)
      }
    })
    expect(tried).toEqual([])
    expect(canary.connections()).toBe(0)
  })

  it('are refused with the class of the address, and without the address', async () => {
    const resolver = { resolve: async () => ['10.11.12.13'] }
    const request = net.fetch('g', { url: 'https://inside.test/' })
    const { message, data } = await failureOf(publicOn(443), request, { resolver })
    expect(message).toBe('"inside.test" leads to a private address, and the grant holds "public"')
    expect(data).toEqual({ host: 'inside.test' })
  })

  it('are looked up once: a server that rebinds is not asked again', async () => {
    const held = await serve((_request, response) => response.end('held'), '127.0.0.2')
    const canary = await serve((_request, response) => response.end('canary'), '127.0.0.1')
    const names = closed(
      await nameServer((_name, asked) => [asked === 1 ? '127.0.0.2' : '127.0.0.1']),
    )
    const grant = grantOn(held, { hosts: ['rebind.test'], addresses: ['127.0.0.2/32'] })
    const url = `http://rebind.test:${held.port}/`
    const tried = await connectionsOf(async () => {
      const { value, observed } = await performNet(grant, net.fetch('g', { url }), {
        resolver: names,
      })
      expect(value).toMatchObject({ body: 'held' })
      expect(observed).toMatchObject({ address: '127.0.0.2' })
      expect(await codeOfNet(grant, net.fetch('g', { url }), { resolver: names })).toBe(
        ADDRESS_DENIED,
      )
    })
    expect(tried).toEqual([`127.0.0.2:${held.port}`])
    expect(canary.connections()).toBe(0)
    expect(names.questions.filter((question) => question === 'rebind.test A')).toHaveLength(2)
  })

  it('are looked up once a call, over all its redirects', async () => {
    const server = await serve((request, response) => {
      const next = Number(request.url?.slice(1)) + 1
      if (next > 3) response.end('there')
      else response.writeHead(302, { location: `/${next}` }).end()
    }, '127.0.0.2')
    const names = closed(
      await nameServer((_name, asked) => [asked === 1 ? '127.0.0.2' : '127.0.0.1']),
    )
    const grant = grantOn(server, { hosts: ['rebind.test'], addresses: ['127.0.0.2/32'] })
    const request = net.fetch('g', { url: `http://rebind.test:${server.port}/0` })
    expect(await answerOf(grant, request, { resolver: names })).toMatchObject({ body: 'there' })
    expect(names.questions.filter((question) => question.endsWith(' A'))).toHaveLength(1)
  })

  it('that are not known are told from those that could not be looked up', async () => {
    const names = closed(await nameServer((name) => (name === 'empty.test' ? [] : undefined)))
    const fails = (code: string) => ({
      resolve: () => Promise.reject(Object.assign(new Error(code), { code, syscall: 'queryA' })),
    })
    const ask = (host: string) => net.fetch('g', { url: `https://${host}/` })
    const grant = publicOn(443)
    expect(await codeOfNet(grant, ask('none.test'), { resolver: names })).toBe(
      'ICE_EFFECTS_NET_NAME_NOT_FOUND',
    )
    expect(await codeOfNet(grant, ask('empty.test'), { resolver: names })).toBe(
      'ICE_EFFECTS_NET_NAME_NOT_FOUND',
    )
    expect(await failureOf(grant, ask('a.test'), { resolver: fails('ESERVFAIL') })).toMatchObject({
      code: 'ICE_EFFECTS_NET_UNAVAILABLE',
      data: { sent: false },
    })
  })

  it('are tried address by address, in the order they came', async () => {
    const server = await serve((_request, response) => response.end('second'), '127.0.0.2')
    const resolver = { resolve: async () => ['127.0.0.3', '127.0.0.2'] }
    const grant = grantOn(server, { hosts: ['two.test'] })
    const request = net.fetch('g', { url: `http://two.test:${server.port}/` })
    const tried = await connectionsOf(async () => {
      expect(await answerOf(grant, request, { resolver })).toMatchObject({ body: 'second' })
    })
    expect(tried).toEqual([`127.0.0.3:${server.port}`, `127.0.0.2:${server.port}`])
  })

  it('of this machine are looked up by its own resolver', async () => {
    const server = await serve((_request, response) => response.end('self'))
    const url = `http://localhost:${server.port}/`
    const members = { hosts: ['localhost'] }
    expect(await answerOf(grantOn(server, members), net.fetch('g', { url }))).toMatchObject({
      body: 'self',
    })
    const narrower = grantOn(server, { ...members, addresses: ['public'] })
    expect(await codeOfNet(narrower, net.fetch('g', { url }))).toBe(ADDRESS_DENIED)
  })
})

describe('addresses', () => {
  it('are refused in every spelling, on their own and behind a name', async () => {
    const canary = await serve((_request, response) => response.end('canary'))
    const { port } = canary
    const spellings = addressSpellings(['127.0.0.1', '169.254.169.254', '10.0.0.1', '0.0.0.0'])
    expect(spellings.length).toBeGreaterThan(250)
    const grant = {
      ...publicOn(port),
      // Every host that a spelling can be read as: what refuses is its address.
      hosts: ['*', '127.0.0.1', '169.254.169.254', '10.0.0.1', '0.0.0.0', '[::1]', '[::]'],
    }
    const resolver = { resolve: async () => ['127.0.0.1'] }
    const reached: string[] = []
    const codes = new Set<string>()
    const tried = await connectionsOf(async () => {
      for (const spelling of spellings) {
        for (const scheme of ['http', 'https']) {
          const url = `${scheme}://${spelling}:${port}/`
          const code = await codeOfNet(grant, net.fetch('g', { url }), { resolver }).catch(
            () => 'reached',
          )
          codes.add(code)
          if (code === 'reached') reached.push(url)
        }
      }
    })
    expect(reached).toEqual([])
    expect(tried).toEqual([])
    expect(canary.connections()).toBe(0)
    expect([...codes].sort()).toEqual([
      ADDRESS_DENIED,
      RESOURCE_DENIED,
      'ICE_EFFECTS_NET_URL_UNSUPPORTED',
    ])
  })

  it('are held by every link of the chain', async () => {
    const server = await serve((_request, response) => response.end('x'))
    const request = net.fetch('g', { url: server.origin })
    const grant = grantOn(server)
    expect(await answerOf(grant, request, { above: [grant] })).toMatchObject({ status: 200 })
    for (const member of [
      { addresses: ['public'] },
      { hosts: ['*'] },
      { ports: [80] },
      { schemes: ['https'] },
      { methods: ['POST'] },
      { paths: ['/a'] },
    ]) {
      const above = [grantOn(server, member)]
      expect(await codeOfNet(grant, request, { above })).toBe(RESOURCE_DENIED)
    }
    expect(await codeOfNet(grant, request, { above: [{ kind: 'fs', root: '/' }] })).toBe(
      RESOURCE_DENIED,
    )
    expect(await codeOfNet({ ...grant, more: 1 }, request)).toBe(RESOURCE_DENIED)
  })

  it('of names are held by every link of the chain', async () => {
    const server = await serve((_request, response) => response.end('x'))
    const resolver = { resolve: async () => ['127.0.0.1'] }
    const request = net.fetch('g', { url: `http://a.test:${server.port}/` })
    const grant = grantOn(server, { hosts: ['a.test'] })
    const above = [grantOn(server, { hosts: ['a.test'], addresses: ['public'] })]
    expect(await codeOfNet(grant, request, { resolver, above })).toBe(ADDRESS_DENIED)
  })
})

describe('redirects', () => {
  const to = (location: string, status = 302) =>
    serve((_request, response) => {
      response.writeHead(status, { location }).end('moved')
    })

  it('are followed within the grant, and recorded', async () => {
    const last = await serve((request, response) => response.end(request.url))
    const middle = await to(`${last.origin}/end?secret=1`, 307)
    const first = await to(`${middle.origin}/b`, 301)
    const grant = grantOn(first, { ports: [first.port, middle.port, last.port] })
    const { value, observed } = await performNet(grant, net.fetch('g', { url: first.origin }))
    expect(value).toMatchObject({ url: `${last.origin}/end?…`, body: '/end?secret=1' })
    expect(observed).toMatchObject({
      url: `${last.origin}/end?…`,
      redirects: [
        { status: 301, to: `${middle.origin}/b`, address: '127.0.0.1' },
        { status: 307, to: `${last.origin}/end?…`, address: '127.0.0.1' },
      ],
    })
  })

  it.each<[string, (port: number) => string]>([
    ['another host', (port) => `http://127.0.0.2:${port}/`],
    ['another port', (port) => `http://127.0.0.1:${port + 1}/`],
    ['a path that is not held', (port) => `http://127.0.0.1:${port}/admin`],
    ['a path that is disguised', (port) => `http://127.0.0.1:${port}/ok/..%2fadmin`],
    ['metadata', () => 'http://169.254.169.254/latest/meta-data/'],
    ['a spelling of it', () => 'http://0xa9fea9fe/'],
    ['a name that is not held', () => 'http://localhost/'],
    ['another scheme', (port) => `https://127.0.0.1:${port}/ok`],
  ])('are refused to %s, and nothing goes there', async (_what, location) => {
    const server = await serve((request, response) => {
      if (request.url !== '/ok') response.end('forbidden')
      else response.writeHead(302, { location: location(server.port) }).end()
    })
    const grant = grantOn(server, { paths: ['/ok'], schemes: ['http'] })
    const tried = await connectionsOf(async () => {
      const url = `${server.origin}/ok`
      const failure = await failureOf(grant, net.fetch('g', { url }))
      expect(failure.code).toBe(REDIRECT_DENIED)
      expect(failure.data['to']).toBe(new URL(location(server.port)).href)
    })
    expect(tried).toEqual([`127.0.0.1:${server.port}`])
  })

  it('are refused to a name that leads to an address which is not held', async () => {
    const canary = await serve((_request, response) => response.end('canary'), '127.0.0.2')
    const server = await to(`http://inside.test:${canary.port}/`)
    const resolver = {
      resolve: async (name: string) => [name === 'inside.test' ? '127.0.0.2' : '127.0.0.1'],
    }
    const grant = grantOn(server, {
      hosts: ['*'],
      ports: [server.port, canary.port],
      addresses: ['127.0.0.1/32'],
    })
    const request = net.fetch('g', { url: `http://start.test:${server.port}/` })
    expect(await codeOfNet(grant, request, { resolver })).toBe(ADDRESS_DENIED)
    expect(canary.connections()).toBe(0)
  })

  it.each([
    'file:///etc/passwd',
    'gopher://127.0.0.1:70/_x',
    'ftp://a.test/',
    'data:text/plain,x',
    'javascript:alert(1)',
    'http://user@127.0.0.1/',
    'http://a b/',
    'http://[::1%25lo]/',
    'http://127.0.0.1\\@a.test/',
    'https://',
  ])('to %s are no answer', async (location) => {
    const server = await to(location)
    expect(await codeOfNet(grantOn(server), net.fetch('g', { url: server.origin }))).toBe(
      'ICE_EFFECTS_NET_ANSWER_CORRUPT',
    )
  })

  it('of HEAD stay HEAD', async () => {
    const seen: unknown[] = []
    const server = await serve((request, response) => {
      seen.push(request.method)
      response.writeHead(seen.length === 1 ? 303 : 200, { location: '/next' }).end()
    })
    const request = net.fetch('g', { url: server.origin, method: 'HEAD' })
    expect(await answerOf(grantOn(server), request)).toMatchObject({ status: 200 })
    expect(seen).toEqual(['HEAD', 'HEAD'])
  })

  it('in UTF-8 and with long paths are followed and shown clipped', async () => {
    const long = `/ü${'x'.repeat(600)}`
    const server = await serve((request, response) => {
      if (request.url !== '/') response.end(decodeURI(request.url ?? ''))
      else {
        const location = Buffer.from(long).toString('latin1')
        response.writeHead(302, { location }).end()
      }
    })
    const answer = await answerOf(grantOn(server), net.fetch('g', { url: server.origin }))
    expect(answer.body).toBe(long)
    expect(answer.url).toMatch(/…$/)
    expect(answer.url.length).toBeLessThanOrEqual(512)
  })

  it('end after five', async () => {
    const server = await serve((request, response) => {
      const next = Number(request.url?.slice(1)) + 1
      if (next > 6) response.end('there')
      else response.writeHead(302, { location: `/${next}` }).end()
    })
    const ask = (from: number) => net.fetch('g', { url: `${server.origin}/${from}` })
    expect(await answerOf(grantOn(server), ask(1))).toMatchObject({ body: 'there' })
    expect(await codeOfNet(grantOn(server), ask(0))).toBe('ICE_EFFECTS_NET_REDIRECT_LIMIT')
    expect(server.connections()).toBe(12)
  })

  it('are given as answers where nobody is to follow them, or they lead nowhere', async () => {
    const server = await serve((request, response) => {
      if (request.url === '/bare') response.writeHead(302).end('bare')
      else if (request.url === '/300') response.writeHead(300, { location: '/x' }).end('300')
      else response.writeHead(302, { location: '/next' }).end('moved')
    })
    const grant = grantOn(server)
    const url = `${server.origin}/x`
    const manual = net.fetch('g', { url, redirect: 'manual' })
    expect(await answerOf(grant, manual)).toMatchObject({
      status: 302,
      headers: { location: '/next' },
      body: 'moved',
    })
    for (const path of ['/bare', '/300']) {
      const request = net.fetch('g', { url: `${server.origin}${path}` })
      expect(await answerOf(grant, request)).toMatchObject({ body: path.slice(1) })
    }
  })

  describe('of what changes something', () => {
    const all = { methods: ['GET', 'POST', 'PUT'] }
    const seenBy = (request: IncomingMessage) => ({
      method: request.method,
      length: request.headers['content-length'],
      type: request.headers['content-type'],
    })

    it.each<[number, 'POST' | 'PUT', string]>([
      [301, 'POST', 'GET'],
      [302, 'POST', 'GET'],
      [303, 'POST', 'GET'],
      [303, 'PUT', 'GET'],
      [301, 'PUT', 'PUT'],
      [307, 'POST', 'POST'],
      [308, 'PUT', 'PUT'],
    ])('by %d turns %s into %s', async (status, method, after) => {
      const seen: unknown[] = []
      const server = await serve((request, response) => {
        seen.push(seenBy(request))
        if (seen.length === 1) response.writeHead(status, { location: '/next' }).end()
        else response.end('there')
      })
      const request = net.send('g', {
        url: server.origin,
        method,
        body: '{}',
        headers: { 'content-type': 'application/json' },
        redirect: 'follow',
      })
      expect(await answerOf(grantOn(server, all), request)).toMatchObject({ body: 'there' })
      const whole = { length: '2', type: 'application/json' }
      const none = { length: undefined, type: undefined }
      expect(seen).toEqual([
        { method, ...whole },
        { method: after, ...(after === method ? whole : none) },
      ])
    })

    it('are given as the answer unless told to follow, and stay within the origin', async () => {
      const other = await serve((_request, response) => response.end('other'))
      const server = await to(`${other.origin}/`, 307)
      const grant = grantOn(server, { ...all, ports: [server.port, other.port] })
      for (const redirect of ['manual', 'follow'] as const) {
        const request = net.send('g', { url: server.origin, method: 'POST', redirect })
        const answer = await answerOf(grant, request)
        expect(answer).toMatchObject({ status: 307, body: 'moved' })
        expect(answer.missing).toBeUndefined()
      }
      expect(other.connections()).toBe(0)
    })

    it('are answers that say so when they cannot be followed', async () => {
      const server = await to('http://127.0.0.2:1/', 303)
      const request = net.send('g', { url: server.origin, method: 'POST', redirect: 'follow' })
      const { value, observed } = await performNet(grantOn(server, all), request)
      expect(value).toMatchObject({ status: 303, body: null, missing: REDIRECT_DENIED })
      expect(observed).toMatchObject({ redirects: [{ status: 303, to: 'http://127.0.0.2:1/' }] })
      expect(server.connections()).toBe(1)
    })

    it('are in doubt when the request that was sent on was not answered', async () => {
      const server = await serve((request, response) => {
        if (request.url === '/next') request.socket.destroy()
        else response.writeHead(307, { location: '/next' }).end()
      })
      const request = net.send('g', { url: server.origin, method: 'POST', redirect: 'follow' })
      expect(await codeOfNet(grantOn(server, all), request)).toBe('ICE_EFFECTS_NET_SENT_IN_DOUBT')
      const keyed = net.sendOnce('g', { url: server.origin, method: 'POST', redirect: 'follow' })
      expect(await codeOfNet(grantOn(server, all), keyed)).toBe('ICE_EFFECTS_NET_UNAVAILABLE')
    })
  })
})

/** Verifies: EFF-R17 */
describe('secrets', () => {
  const credentials = selfSigned(['127.0.0.1'])

  it('are sent to their origin, dropped when it is left, and never recorded', async () => {
    const seen: unknown[] = []
    const note = (request: IncomingMessage): void => {
      seen.push([request.headers.authorization, request.headers.cookie, request.headers['x-kept']])
    }
    const other = await serve((request, response) => {
      note(request)
      response.end(JSON.stringify(request.headers))
    })
    const server = await serveTls(credentials, (request, response) => {
      note(request)
      const location = request.url === '/a' ? '/b' : `${other.origin}/c`
      response.writeHead(302, { location, 'x-echo': 'hunter2' }).end()
    })
    const grant = grantOn(server, { ports: [server.port, other.port] })
    const request = net.fetch('g', { url: `${server.origin}/a`, headers: { 'x-kept': 'yes' } })
    const asked: string[] = []
    const report = await performNet(grant, request, {
      certificates: [credentials.cert],
      confidential: async (_call, origin) => {
        asked.push(origin)
        return { Authorization: 'Bearer hunter2', cookie: 'id=hunter2' }
      },
    })
    expect(asked).toEqual([server.origin])
    expect(seen).toEqual([
      ['Bearer hunter2', 'id=hunter2', 'yes'],
      ['Bearer hunter2', 'id=hunter2', 'yes'],
      [undefined, undefined, 'yes'],
    ])
    expect(JSON.stringify(report)).not.toContain('hunter2')
  })

  it('are not asked for by a call that lies outside its grant', async () => {
    const asked: string[] = []
    const options = {
      confidential: async (_call: unknown, origin: string) => {
        asked.push(origin)
        return {}
      },
    }
    const request = net.fetch('g', { url: 'https://elsewhere.test/' })
    expect(await codeOfNet(grantOn({ port: 443 }), request, options)).toBe(RESOURCE_DENIED)
    expect(asked).toEqual([])
  })

  it('are refused where they would end a line or steer the connection', async () => {
    const server = await serve((_request, response) => response.end())
    for (const headers of [{ authorization: 'a\r\nb: c' }, { host: 'b.test' }]) {
      const request = net.fetch('g', { url: server.origin })
      const options = { confidential: async () => headers as Record<string, string> }
      expect(await codeOfNet(grantOn(server), request, options)).toBe(
        'ICE_EFFECTS_NET_HEADER_UNSUPPORTED',
      )
    }
    expect(server.connections()).toBe(0)
  })

  it('are scrubbed from all that is recorded', async () => {
    const server = await serve((request, response) => {
      const { authorization } = request.headers
      if (request.url?.startsWith('/go') === true) {
        response.writeHead(302, { location: 'http://127.0.0.9/hunter2' }).end()
        return
      }
      if (request.url === '/moved') {
        response.writeHead(302, { location: '/hunter2' }).end()
        return
      }
      response.writeHead(200, { etag: `"${authorization}"` })
      const echo = Buffer.from(`you said ${authorization}`)
      response.end(request.url === '/text' ? echo : Buffer.concat([Buffer.from([255, 0]), echo]))
    })
    const options = {
      confidential: async () => ({ authorization: 'hunter2' }),
      scrub: (text: string) => text.replaceAll('hunter2', '[secret]'),
    }
    const ask = (path: string) => net.fetch('g', { url: `${server.origin}${path}` })
    const text = await performNet(grantOn(server), ask('/text'), options)
    expect(text.value).toMatchObject({ body: 'you said [secret]', headers: { etag: '"[secret]"' } })
    const bytes = await answerOf(grantOn(server), ask('/hunter2'), options)
    expect(bytes.url).toBe(`${server.origin}/[secret]`)
    expect(Buffer.from(bytes.body ?? '', 'base64').toString('latin1')).toBe('ÿ\0you said [secret]')
    const moved = await performNet(grantOn(server), ask('/moved'), options)
    expect(moved.observed).toMatchObject({
      redirects: [{ to: `${server.origin}/[secret]` }],
    })
    const failure = await failureOf(grantOn(server), ask('/go'), options)
    expect(failure.data['to']).toBe('http://127.0.0.9/[secret]')
    expect(failure.message).not.toContain('hunter2')
  })
})
