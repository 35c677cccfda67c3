/** Verifies: EFF-R11, EFF-R12, EFF-R14, EFF-R15, EFF-R16 */

import { Buffer } from 'node:buffer'
import { createHash } from 'node:crypto'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { gzipSync } from 'node:zlib'
import type { ByteFold } from '@ice/runs/ports'
import { describe, expect, it } from 'vitest'
import { net, networkEffects } from '../src/index.ts'
import { selfSigned } from './certificate.ts'
import {
  answerOf,
  codeOfNet,
  failureOf,
  grantOn,
  performNet,
  serve,
  serveBytes,
  serveRaw,
  serveTls,
} from './net-kit.ts'

const sha256 = (bytes: string | Buffer): string => createHash('sha256').update(bytes).digest('hex')

const count: ByteFold<{ bytes: number }, { readonly bytes: number }> = {
  start: () => ({ bytes: 0 }),
  step: (state, chunk) => {
    state.bytes += chunk.length
    return state
  },
  finish: ({ bytes }) => ({ bytes }),
}

const bodyOf = async (request: IncomingMessage): Promise<string> => {
  const chunks: Buffer[] = []
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
  return Buffer.concat(chunks).toString('utf8')
}

describe('net.fetch', () => {
  it('gives status, listed headers and the body, and observes what it met', async () => {
    const server = await serve((_request, response) => {
      response.setHeader('content-type', 'text/plain')
      response.setHeader('set-cookie', 'id=1')
      response.setHeader('x-internal', 'no')
      response.end('hello')
    })
    const url = `${server.origin}/a/b?token=1#part`
    const { value, observed } = await performNet(grantOn(server), net.fetch('g', { url }))
    expect(value).toEqual({
      url: `${server.origin}/a/b?…`,
      status: 200,
      headers: { 'content-type': 'text/plain', 'content-length': '5', date: expect.any(String) },
      body: 'hello',
      encoding: 'utf8',
    })
    expect(observed).toEqual({
      url: `${server.origin}/a/b?…`,
      method: 'GET',
      status: 200,
      address: '127.0.0.1',
      bytes: 5,
      sha256: sha256('hello'),
    })
  })

  it('sends what was asked for and nothing of the environment', async () => {
    const lines: unknown[] = []
    const server = await serve((request, response) => {
      lines.push(request.method, request.url, { ...request.headers })
      response.end()
    })
    const headers = { 'X-Custom': 'a b', accept: 'text/html' }
    await answerOf(grantOn(server), net.fetch('g', { url: `${server.origin}/x?y=%2F`, headers }))
    expect(lines).toEqual([
      'GET',
      '/x?y=%2F',
      {
        accept: 'text/html',
        'accept-encoding': 'identity',
        connection: 'close',
        host: `127.0.0.1:${server.port}`,
        'user-agent': 'ice',
        'x-custom': 'a b',
      },
    ])
  })

  it('asks no proxy of the environment', async () => {
    const proxy = await serve((_request, response) => response.end('proxy'))
    const server = await serve((_request, response) => response.end('server'))
    const names = ['HTTP_PROXY', 'http_proxy', 'HTTPS_PROXY', 'ALL_PROXY', 'NODE_USE_ENV_PROXY']
    const before = new Map(names.map((name) => [name, process.env[name]]))
    for (const name of names) process.env[name] = name.startsWith('NODE') ? '1' : proxy.origin
    try {
      const answer = await answerOf(grantOn(server), net.fetch('g', { url: server.origin }))
      expect(answer.body).toBe('server')
    } finally {
      for (const [name, value] of before) {
        if (value === undefined) delete process.env[name]
        else process.env[name] = value
      }
    }
    expect(proxy.connections()).toBe(0)
  })

  it('opens a connection of its own for every call', async () => {
    const server = await serve((_request, response) => response.end('x'))
    for (let calls = 0; calls < 3; calls += 1) {
      await answerOf(grantOn(server), net.fetch('g', { url: server.origin }))
    }
    expect(server.connections()).toBe(3)
  })

  it('answers HEAD without a body, whatever length is announced', async () => {
    const server = await serve((_request, response) => {
      response.writeHead(200, { 'content-length': '999999999' })
      response.end()
    })
    const answer = await answerOf(
      grantOn(server),
      net.fetch('g', { url: server.origin, method: 'HEAD' }),
    )
    expect(answer).toMatchObject({ status: 200, body: '', encoding: 'utf8' })
  })

  it('gives any status as an answer', async () => {
    for (const status of [204, 304, 404, 418, 500, 599]) {
      const server = await serve((_request, response) => {
        response.writeHead(status)
        response.end()
      })
      const answer = await answerOf(grantOn(server), net.fetch('g', { url: server.origin }))
      expect(answer.status).toBe(status)
    }
  })

  it('gives text as text and bytes as base64, unless told which', async () => {
    const bytes = Buffer.from([0xff, 0xfe, 0])
    const server = await serve((request, response) => {
      response.end(request.url === '/text' ? 'ü\n' : bytes)
    })
    const grant = grantOn(server)
    const ask = (path: string, encoding?: 'utf8' | 'base64') => {
      const url = `${server.origin}${path}`
      return net.fetch('g', encoding === undefined ? { url } : { url, encoding })
    }
    expect(await answerOf(grant, ask('/text'))).toMatchObject({ body: 'ü\n', encoding: 'utf8' })
    expect(await answerOf(grant, ask('/text', 'base64'))).toMatchObject({ body: 'w7wK' })
    expect(await answerOf(grant, ask('/bytes'))).toMatchObject({
      body: bytes.toString('base64'),
      encoding: 'base64',
    })
    expect(await codeOfNet(grant, ask('/bytes', 'utf8'))).toBe(
      'ICE_EFFECTS_NET_ENCODING_UNSUPPORTED',
    )
  })

  it('folds a body of any size, and records only what the fold made of it', async () => {
    const size = 24 * 1_048_576
    const server = await serve((_request, response) => {
      response.end(Buffer.alloc(size, 'x'))
    })
    const request = net.fetch('g', { url: server.origin, maxBytes: size }, count)
    const { value, observed } = await performNet(grantOn(server), request)
    expect(value).toMatchObject({ body: null, folded: { bytes: size } })
    expect(observed).toMatchObject({ bytes: size })
  })

  it('undoes no compression, so that a bomb stays small', async () => {
    const bomb = gzipSync(Buffer.alloc(64 * 1_048_576))
    const server = await serve((_request, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip' })
      response.end(bomb)
    })
    const { value, observed } = await performNet(
      grantOn(server),
      net.fetch('g', { url: server.origin }),
    )
    expect(value).toMatchObject({
      headers: { 'content-encoding': 'gzip' },
      encoding: 'base64',
      body: bomb.toString('base64'),
    })
    expect(observed).toMatchObject({ bytes: bomb.length, sha256: sha256(bomb) })
  })
})

describe('TLS', () => {
  const credentials = selfSigned(['server.test', '127.0.0.1'])
  const others = selfSigned(['other.test'])
  const named = { resolver: { resolve: async () => ['127.0.0.1'] } }

  it('holds the certificate against the name of the URL, not against the address', async () => {
    const hello = await serveTls(credentials, (request, response) => {
      response.end(`${request.headers.host}`)
    })
    const grant = grantOn(hello, { hosts: ['server.test', 'wrong.test', '127.0.0.1'] })
    const certificates = [credentials.cert]
    const ask = (host: string) => net.fetch('g', { url: `https://${host}:${hello.port}/` })
    const { value, observed } = await performNet(grant, ask('server.test'), {
      ...named,
      certificates,
    })
    expect(value).toMatchObject({ body: `server.test:${hello.port}` })
    expect(observed).toMatchObject({
      address: '127.0.0.1',
      tls: { protocol: 'TLSv1.3', certificate: expect.stringMatching(/^([0-9A-F]{2}:){31}/) },
    })
    expect(await answerOf(grant, ask('127.0.0.1'), { certificates })).toMatchObject({ status: 200 })
    expect(await failureOf(grant, ask('wrong.test'), { ...named, certificates })).toMatchObject({
      code: 'ICE_EFFECTS_NET_CERTIFICATE_UNSUPPORTED',
      data: { reason: 'ERR_TLS_CERT_ALTNAME_INVALID' },
    })
  })

  it('trusts nobody it was not told to, whatever the environment says', async () => {
    const server = await serveTls(credentials, (_request, response) => response.end())
    const expired = selfSigned(['127.0.0.1'], { endsInDays: -1 })
    const old = await serveTls(expired, (_request, response) => response.end())
    const before = process.env['NODE_TLS_REJECT_UNAUTHORIZED']
    process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0'
    try {
      const codes = [
        await codeOfNet(grantOn(server), net.fetch('g', { url: server.origin })),
        await codeOfNet(grantOn(server), net.fetch('g', { url: server.origin }), {
          certificates: [others.cert],
        }),
        await codeOfNet(grantOn(old), net.fetch('g', { url: old.origin }), {
          certificates: [expired.cert],
        }),
      ]
      expect(new Set(codes)).toEqual(new Set(['ICE_EFFECTS_NET_CERTIFICATE_UNSUPPORTED']))
    } finally {
      if (before === undefined) delete process.env['NODE_TLS_REJECT_UNAUTHORIZED']
      else process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = before
    }
  })

  it('tells a server that speaks no TLS from one that is gone', async () => {
    const plain = await serve((_request, response) => response.end())
    const url = `https://127.0.0.1:${plain.port}/`
    expect(await codeOfNet(grantOn(plain), net.fetch('g', { url }))).toBe(
      'ICE_EFFECTS_NET_CERTIFICATE_UNSUPPORTED',
    )
    const shut = await serveRaw((socket) => socket.destroy())
    const gone = net.fetch('g', { url: `https://127.0.0.1:${shut.port}/` })
    expect(await failureOf(grantOn(shut), gone)).toMatchObject({
      code: 'ICE_EFFECTS_NET_UNAVAILABLE',
      data: { sent: false },
    })
  })
})

describe('hostile servers', () => {
  const quick = { limits: { connectMs: 300, headMs: 300, idleMs: 300 } }

  it.each<[string, string, string]>([
    ['is silent', '', 'head'],
    ['trickles its head', 'HTTP/1.1 200 OK\r\n', 'head'],
    ['stops in its body', 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx', 'idle'],
  ])('ends a call to a server that %s', async (_what, begin, stage) => {
    const server = await serveRaw((socket) => {
      socket.write(begin)
      if (stage === 'idle') return
      const timer = setInterval(() => socket.write(begin === '' ? '' : 'a'), 20)
      socket.on('close', () => clearInterval(timer))
    })
    const failure = await failureOf(grantOn(server), net.fetch('g', { url: server.origin }), quick)
    expect(failure).toMatchObject({
      code: 'ICE_EFFECTS_NET_TIME_LIMIT',
      data: { stage, limitMs: 300 },
    })
  })

  it('ends a call whose body trickles for ever by the time for all of it', async () => {
    const server = await serveRaw((socket) => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n')
      const timer = setInterval(() => socket.write('x'), 20)
      socket.on('close', () => clearInterval(timer))
    })
    const request = net.fetch('g', { url: server.origin, timeoutMs: 400 })
    expect(await failureOf(grantOn(server), request, quick)).toMatchObject({
      code: 'ICE_EFFECTS_NET_TIME_LIMIT',
      data: { stage: 'total', limitMs: 400 },
    })
  })

  it('ends a call to a server that never finishes a handshake', async () => {
    const server = await serveRaw(() => undefined)
    const request = net.fetch('g', { url: `https://127.0.0.1:${server.port}/` })
    expect(await failureOf(grantOn(server), request, quick)).toMatchObject({
      code: 'ICE_EFFECTS_NET_TIME_LIMIT',
      data: { stage: 'connect' },
    })
  })

  it('ends a call that waits for a name', async () => {
    const resolver = { resolve: () => new Promise<readonly string[]>(() => undefined) }
    const grant = grantOn({ port: 80 }, { hosts: ['slow.test'] })
    const request = net.fetch('g', { url: 'http://slow.test/' })
    expect(await failureOf(grant, request, { ...quick, resolver })).toMatchObject({
      code: 'ICE_EFFECTS_NET_TIME_LIMIT',
      data: { stage: 'connect' },
    })
  })

  it('stops reading an endless body at the cap', async () => {
    let written = 0
    const server = await serve((_request, response) => {
      const chunk = Buffer.alloc(65_536)
      const more = (): void => {
        while (!response.destroyed && response.write(chunk)) written += chunk.length
      }
      response.on('drain', more)
      more()
    })
    const request = net.fetch('g', { url: server.origin, maxBytes: 100_000 })
    expect(await failureOf(grantOn(server), request)).toMatchObject({
      code: 'ICE_EFFECTS_NET_BODY_LIMIT',
      data: { limit: 100_000 },
    })
    expect(written).toBeLessThan(64 * 1_048_576)
  })

  it('does not begin a body that is announced too large', async () => {
    const server = await serveBytes('HTTP/1.1 200 OK\r\nContent-Length: 100000000000\r\n\r\n')
    expect(await failureOf(grantOn(server), net.fetch('g', { url: server.origin }))).toMatchObject({
      code: 'ICE_EFFECTS_NET_BODY_LIMIT',
      data: { size: 100_000_000_000 },
    })
  })

  it.each<[string, string, string]>([
    ['one header of 1 MB', `HTTP/1.1 200 OK\r\nx: ${'y'.repeat(1_000_000)}\r\n\r\n`, 'HEAD_LIMIT'],
    ['10,000 headers', `HTTP/1.1 200 OK\r\n${'x: y\r\n'.repeat(10_000)}\r\n`, 'HEAD_LIMIT'],
    ['no HTTP', 'SSH-2.0-OpenSSH_9.2p1\r\n', 'ANSWER_CORRUPT'],
    [
      'two lengths',
      'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxy',
      'ANSWER_CORRUPT',
    ],
    [
      'a length and chunks',
      'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      'ANSWER_CORRUPT',
    ],
    ['a folded header', 'HTTP/1.1 200 OK\r\na: b\r\n c: d\r\n\r\n', 'ANSWER_CORRUPT'],
    ['a bare line feed', 'HTTP/1.1 200 OK\nx: y\n\nhi', 'ANSWER_CORRUPT'],
    ['a space before a colon', 'HTTP/1.1 200 OK\r\nx : y\r\n\r\n', 'ANSWER_CORRUPT'],
    ['a NUL in a header', 'HTTP/1.1 200 OK\r\nx: a\0b\r\n\r\n', 'ANSWER_CORRUPT'],
    [
      'a broken chunk',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
      'ANSWER_CORRUPT',
    ],
    [
      'another protocol',
      'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n',
      'ANSWER_CORRUPT',
    ],
    ['nothing', '', 'UNAVAILABLE'],
    ['half a head', 'HTTP/1.1 200 OK\r\nx: ', 'UNAVAILABLE'],
    ['half a body', 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf', 'UNAVAILABLE'],
    [
      'half the chunks',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n',
      'UNAVAILABLE',
    ],
  ])('refuses an answer of %s', async (_what, bytes, family) => {
    const server = await serveBytes(bytes)
    const code = await codeOfNet(grantOn(server), net.fetch('g', { url: server.origin }))
    expect(code).toBe(`ICE_EFFECTS_NET_${family}`)
  })

  it('gives the first of two answers and nothing of the second', async () => {
    const first = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfirst'
    const server = await serveBytes(`${first}HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecond`)
    const answer = await performNet(grantOn(server), net.fetch('g', { url: server.origin })).then(
      ({ value }) => JSON.stringify(value),
      (error: { code: string }) => error.code,
    )
    expect(answer).not.toContain('second')
    expect(answer).toMatch(/first|ICE_EFFECTS_NET_ANSWER_CORRUPT/)
  })

  it('tells a connection that is reset in the body', async () => {
    const server = await serveRaw((socket) => {
      socket.once('data', () => {
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nhalf', () => {
          socket.resetAndDestroy()
        })
      })
    })
    expect(await failureOf(grantOn(server), net.fetch('g', { url: server.origin }))).toMatchObject({
      code: 'ICE_EFFECTS_NET_UNAVAILABLE',
      data: { sent: true },
    })
  })

  it('tells a port that nothing listens on, without its address', async () => {
    const server = await serve((_request, response) => response.end())
    const free = { port: server.port === 1 ? 2 : 1 }
    const resolver = { resolve: async () => ['127.0.0.1'] }
    const grant = grantOn(free, { hosts: ['closed.test'] })
    const url = `http://closed.test:${free.port}/`
    const failure = await failureOf(grant, net.fetch('g', { url }), { resolver })
    expect(failure).toMatchObject({
      code: 'ICE_EFFECTS_NET_UNAVAILABLE',
      data: { sent: false, errno: 'ECONNREFUSED' },
    })
    expect(JSON.stringify(failure.data) + failure.message).not.toContain('127.0')
  })

  it('leaves nothing open, however a call ends', async () => {
    const server = await serveRaw((socket) => {
      socket.once('data', (data) => {
        const path = data.toString('latin1').split(' ')[1]
        if (path === '/good') socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
        else if (path === '/bad') socket.write('nonsense\r\n\r\n')
        else socket.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n')
      })
    })
    const ask = (path: string) =>
      performNet(grantOn(server), net.fetch('g', { url: `${server.origin}${path}` }), quick).then(
        () => 'done',
        (error: { code: string }) => error.code,
      )
    const sockets: Socket[] = []
    const listen = (message: unknown): void => {
      sockets.push((message as { readonly socket: Socket }).socket)
    }
    subscribe('net.client.socket', listen)
    const paths = Array.from({ length: 30 }, (_, at) => ['/good', '/bad', '/slow'][at % 3] ?? '')
    const ends = await Promise.all(paths.map(ask))
    unsubscribe('net.client.socket', listen)
    expect(new Set(ends).size).toBe(3)
    expect(sockets.filter(({ destroyed }) => destroyed)).toHaveLength(30)
    expect(process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout')).toEqual([])
  })
})

describe('net.send', () => {
  const posts = { methods: ['POST', 'DELETE'] }

  it('sends a body and gives the answer, and is irreversible', async () => {
    const seen: unknown[] = []
    const server = await serve(async (request, response) => {
      seen.push(request.method, request.headers['content-length'], await bodyOf(request))
      response.writeHead(201, { location: '/made/1' })
      response.end()
    })
    const answer = await answerOf(
      grantOn(server, posts),
      net.send('g', { url: server.origin, method: 'POST', body: 'ü' }),
    )
    expect(answer).toMatchObject({ status: 201, headers: { location: '/made/1' } })
    expect(seen).toEqual(['POST', '2', 'ü'])
    const fates = networkEffects().map(({ action, fate }) => [action, fate])
    expect(fates).toEqual([
      ['net.fetch', 'observe'],
      ['net.send', 'irreversible'],
      ['net.send-once', 'idempotent'],
    ])
  })

  it('sends no chunks, and a length of zero where there is no body', async () => {
    const seen: unknown[] = []
    const server = await serve((request, response) => {
      seen.push(request.headers['content-length'], request.headers['transfer-encoding'])
      response.end()
    })
    const url = server.origin
    await answerOf(grantOn(server, posts), net.send('g', { url, method: 'POST' }))
    await answerOf(grantOn(server, posts), net.send('g', { url, method: 'DELETE' }))
    const body = Buffer.from([255]).toString('base64')
    await answerOf(
      grantOn(server, posts),
      net.send('g', { url, method: 'POST', body, bodyEncoding: 'base64' }),
    )
    expect(seen).toEqual(['0', undefined, undefined, undefined, '1', undefined])
  })

  it.each<[string, string]>([
    ['nothing', ''],
    ['half a head', 'HTTP/1.1 200'],
    ['no HTTP', 'nonsense\r\n\r\n'],
    ['a head that is too large', `HTTP/1.1 200 OK\r\nx: ${'y'.repeat(100_000)}\r\n\r\n`],
  ])('is in doubt when it was sent and %s came back', async (_what, bytes) => {
    const server = await serveBytes(bytes)
    const request = net.send('g', { url: server.origin, method: 'POST', body: 'x' })
    expect(await codeOfNet(grantOn(server, posts), request)).toBe('ICE_EFFECTS_NET_SENT_IN_DOUBT')
    expect(server.connections()).toBe(1)
  })

  it('is in doubt when it was sent and then aborted, or nothing came in time', async () => {
    const controller = new AbortController()
    const server = await serve((request) => {
      if (request.url === '/abort') controller.abort()
    })
    const ask = (path: string) =>
      net.send('g', { url: `${server.origin}${path}`, method: 'POST', timeoutMs: 300 })
    const grant = grantOn(server, posts)
    expect(await failureOf(grant, ask('/late'))).toMatchObject({
      code: 'ICE_EFFECTS_NET_SENT_IN_DOUBT',
      data: { reason: 'ICE_EFFECTS_NET_TIME_LIMIT' },
    })
    expect(await failureOf(grant, ask('/abort'), { signal: controller.signal })).toMatchObject({
      code: 'ICE_EFFECTS_NET_SENT_IN_DOUBT',
      data: { reason: 'ICE_EFFECTS_ABORTED' },
    })
  })

  it('has simply failed when it was not sent', async () => {
    const grant = grantOn({ port: 1 }, posts)
    const request = net.send('g', { url: 'http://127.0.0.1:1/', method: 'POST' })
    expect(await failureOf(grant, request)).toMatchObject({
      code: 'ICE_EFFECTS_NET_UNAVAILABLE',
      data: { sent: false },
    })
  })

  it('has succeeded when it was answered, and says that the body is missing', async () => {
    const server = await serveBytes('HTTP/1.1 201 Created\r\nContent-Length: 99\r\n\r\nhalf')
    const request = net.send('g', { url: server.origin, method: 'POST' })
    expect(await answerOf(grantOn(server, posts), request)).toMatchObject({
      status: 201,
      body: null,
      missing: 'ICE_EFFECTS_NET_UNAVAILABLE',
    })
  })

  it('sends one key for every attempt of an effect, and it tells nothing of the run', async () => {
    const keys: unknown[] = []
    const server = await serve((request, response) => {
      keys.push(request.headers['idempotency-key'], request.headers['x-idempotency-key'])
      response.end()
    })
    const url = server.origin
    const grant = grantOn(server, posts)
    const plain = net.sendOnce('g', { url, method: 'POST' })
    await answerOf(grant, plain, { key: 'run-1/pay' })
    await answerOf(grant, plain, { key: 'run-1/pay' })
    const other = net.sendOnce('g', { url, method: 'POST', keyHeader: 'X-Idempotency-Key' })
    await answerOf(grant, other, { key: 'run-1/refund' })
    const [pay, refund] = [sha256('run-1/pay'), sha256('run-1/refund')]
    expect(keys).toEqual([pay, undefined, pay, undefined, undefined, refund])
  })

  it('has failed, to be repeated, when a request with a key was not answered', async () => {
    const server = await serveBytes('')
    const request = net.sendOnce('g', { url: server.origin, method: 'POST' })
    expect(await failureOf(grantOn(server, posts), request)).toMatchObject({
      code: 'ICE_EFFECTS_NET_UNAVAILABLE',
      retryable: true,
      data: { sent: true },
    })
  })
})
