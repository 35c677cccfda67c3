/** Verifies: EFF-R15, EFF-R17 */

import { readFileSync } from 'node:fs'
import type { JsonObject } from '@ice/primitives'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { NETWORK_CODES, networkEffects } from '../src/index.ts'

const handler = (action: string) => {
  const found = networkEffects().find((each) => each.action === action)
  if (found === undefined) throw new TypeError(`no ${action}`)
  return found
}

const fetchOf = (args: unknown) => handler('net.fetch').arguments.parse(args)
const post = (args: object) =>
  handler('net.send').arguments.parse({ url: 'https://a.test/', method: 'POST', ...args })

const codeOf = (act: () => unknown): string => {
  try {
    act()
    return 'accepted'
  } catch (error) {
    const { code } = error as { readonly code?: unknown }
    return typeof code === 'string' ? code : String(error)
  }
}

describe('arguments', () => {
  it('get their defaults, and a URL its one spelling', () => {
    expect(fetchOf({ url: 'HTTPS://Bücher.example:443/a/../ü?x=ü#part' })).toEqual({
      url: 'https://xn--bcher-kva.example/%C3%BC?x=%C3%BC',
      method: 'GET',
      headers: {},
      encoding: 'auto',
      maxBytes: 1_048_576,
      timeoutMs: 60_000,
      redirect: 'follow',
    })
    expect(post({})).toMatchObject({ redirect: 'manual', bodyEncoding: 'utf8' })
  })

  it('claim a scheme, a host, a port, a method and a path', () => {
    const claimOf = (url: string): JsonObject => {
      const { resource } = handler('net.fetch')
      return resource(fetchOf({ url }))
    }
    expect(claimOf('http://A.test/x/../y?z#w')).toEqual({
      scheme: 'http',
      host: 'a.test',
      port: 80,
      method: 'GET',
      path: '/y',
    })
    expect(claimOf('https://[0::1]:8443')).toEqual({
      scheme: 'https',
      host: '[::1]',
      port: 8443,
      method: 'GET',
      path: '/',
    })
  })

  it.each([
    '',
    'a.test',
    '/path',
    'file:///etc/passwd',
    'ftp://a.test/',
    'data:text/plain,x',
    'blob:https://a.test/x',
    'https://',
    'https://user@a.test/',
    'https://:pass@a.test/',
    'https://a.test\\@b.test/',
    'https:\\\\a.test/',
    'https://a.test/\r\nHost: b.test',
    'https://a.test/ x',
    'ht\ttps://a.test/',
    'https://a.test/\0',
    'https://a.test/\u007f',
    'https://a.test/\ud800',
    'https://a.test./',
    'https://a..test:99999/',
    'https://[::1%25lo]/',
    'https://1.2.3.4.5/',
    'https://256.1.1.1/',
    'https://a.test:+80/',
    'https://a<b.test/',
  ])('refuse the URL %j', (url) => {
    expect(codeOf(() => fetchOf({ url }))).toBe('ICE_EFFECTS_NET_URL_UNSUPPORTED')
  })

  it.each<[JsonObject, string]>([
    [{ 'x\r\ny': 'z' }, 'HEADER'],
    [{ x: 'a\r\nSet-Cookie: b' }, 'HEADER'],
    [{ x: 'a\nb' }, 'HEADER'],
    [{ x: 'a\rb' }, 'HEADER'],
    [{ x: 'a\0b' }, 'HEADER'],
    [{ x: 'ü' }, 'HEADER'],
    [{ x: ' a' }, 'HEADER'],
    [{ x: 'a\t' }, 'HEADER'],
    [{ 'x y': 'z' }, 'HEADER'],
    [{ 'x:': 'z' }, 'HEADER'],
    [{ '': 'z' }, 'HEADER'],
    [{ X: 'a', x: 'b' }, 'HEADER'],
    [{ Host: 'b.test' }, 'HEADER'],
    [{ 'content-length': '1' }, 'HEADER'],
    [{ 'Transfer-Encoding': 'chunked' }, 'HEADER'],
    [{ connection: 'keep-alive' }, 'HEADER'],
    [{ upgrade: 'h2c' }, 'HEADER'],
    [{ te: 'trailers' }, 'HEADER'],
    [{ expect: '100-continue' }, 'HEADER'],
    [{ 'accept-encoding': 'gzip' }, 'HEADER'],
    [{ 'x-forwarded-for': '127.0.0.1' }, 'HEADER'],
    [{ 'x-http-method-override': 'DELETE' }, 'HEADER'],
    [{ authorization: 'Bearer x' }, 'CREDENTIAL'],
    [{ 'Proxy-Authorization': 'x' }, 'CREDENTIAL'],
    [{ cookie: 'x' }, 'CREDENTIAL'],
    [{ 'x-api-key': 'x' }, 'CREDENTIAL'],
    [{ apikey: 'x' }, 'CREDENTIAL'],
    [{ 'private-token': 'x' }, 'CREDENTIAL'],
    [{ 'ocp-apim-subscription-key': 'x' }, 'CREDENTIAL'],
    [{ 'x-amz-security-token': 'x' }, 'CREDENTIAL'],
    [{ 'x-vault-token': 'x' }, 'CREDENTIAL'],
  ])('refuse the headers %j', (headers, what) => {
    const args = { url: 'https://a.test/', headers }
    expect(codeOf(() => fetchOf(args))).toBe(`ICE_EFFECTS_NET_${what}_UNSUPPORTED`)
  })

  it('say nothing of the value of a header they refuse', () => {
    for (const headers of [
      { authorization: 'hunter2' },
      { x: 'hunter2\r\n' },
      { host: 'hunter2' },
    ]) {
      try {
        fetchOf({ url: 'https://a.test/', headers })
        expect.unreachable()
      } catch (error) {
        expect(JSON.stringify(error) + String(error)).not.toContain('hunter2')
      }
    }
  })

  it('say nothing of a URL they refuse', () => {
    try {
      fetchOf({ url: 'https://me:hunter2@a.test/' })
      expect.unreachable()
    } catch (error) {
      expect(JSON.stringify(error) + String(error)).not.toContain('hunter2')
    }
  })

  it.each<[string, object]>([
    ['a method that is not known', { method: 'CONNECT' }],
    ['a method of another action', { method: 'GET' }],
    ['a member that is not known', { proxy: 'http://x/' }],
    ['headers that are no texts', { headers: { x: 1 } }],
    ['a time that is too long', { timeoutMs: 600_001 }],
    ['no time', { timeoutMs: 0 }],
    ['a key that no action of this kind has', { keyHeader: 'x' }],
  ])('refuse %s', (_what, args) => {
    expect(codeOf(() => post(args))).toBe('ICE_EFFECTS_ARGUMENTS_UNSUPPORTED')
  })

  it.each<[string, object, string]>([
    ['a URL of 8,193 characters', { url: `https://a.test/${'x'.repeat(8_178)}` }, 'REQUEST_LIMIT'],
    ['a URL that grows', { url: `https://a.test/${'ü'.repeat(2_000)}` }, 'REQUEST_LIMIT'],
    ['a body of more than 8 MiB', { body: 'x'.repeat(8 * 1_048_576 + 1) }, 'REQUEST_LIMIT'],
    ['headers of more than 8 KiB', { headers: { x: 'y'.repeat(8_192) } }, 'REQUEST_LIMIT'],
    [
      'more than 64 headers',
      { headers: Object.fromEntries(Array.from({ length: 65 }, (_, at) => [`x${at}`, 'y'])) },
      'REQUEST_LIMIT',
    ],
    ['a lone surrogate', { body: '\ud800' }, 'ENCODING_UNSUPPORTED'],
    ['no base64', { body: 'a', bodyEncoding: 'base64' }, 'ENCODING_UNSUPPORTED'],
  ])('refuse %s', (_what, args, reason) => {
    expect(codeOf(() => post(args))).toBe(`ICE_EFFECTS_NET_${reason}`)
  })

  it('refuse a body where only looking is meant', () => {
    for (const args of [{ body: 'x' }, { method: 'POST' }]) {
      expect(codeOf(() => fetchOf({ url: 'https://a.test/', ...args }))).toBe(
        'ICE_EFFECTS_ARGUMENTS_UNSUPPORTED',
      )
    }
  })

  it('refuse a header for the key that is not one', () => {
    const { arguments: schema } = handler('net.send-once')
    const ask = (keyHeader: string) =>
      codeOf(() => schema.parse({ url: 'https://a.test/', method: 'POST', keyHeader }))
    expect(ask('x-idempotency-key')).toBe('accepted')
    expect(ask('x\r\ny')).toBe('ICE_EFFECTS_NET_HEADER_UNSUPPORTED')
    expect(ask('host')).toBe('ICE_EFFECTS_NET_HEADER_UNSUPPORTED')
    expect(ask('authorization')).toBe('ICE_EFFECTS_NET_CREDENTIAL_UNSUPPORTED')
  })

  it('are accepted or refused with a code, whatever they are', () => {
    const url = fc.oneof(fc.webUrl(), fc.string({ unit: 'binary' }), fc.constant('https://a.test'))
    const headers = fc.dictionary(fc.string(), fc.string({ unit: 'binary' }), { maxKeys: 3 })
    let accepted = 0
    fc.assert(
      fc.property(url, headers, fc.anything(), (text, given, other) => {
        for (const args of [{ url: text, headers: given }, other]) {
          const code = codeOf(() => fetchOf(args))
          if (code === 'accepted') accepted += 1
          else expect(code).toMatch(/^ICE_EFFECTS_/)
        }
      }),
      { numRuns: 500 },
    )
    expect(accepted).toBeGreaterThan(20)
  })
})

describe('the guide', () => {
  const guide = readFileSync(
    new URL('../../../docs/guides/effects-network.md', import.meta.url),
    'utf8',
  )
  const sourceOf = (name: string): string =>
    readFileSync(new URL(`../src/net/${name}.ts`, import.meta.url), 'utf8')

  it('names every code and every limit, with its value', () => {
    for (const code of Object.values(NETWORK_CODES)) expect(guide).toContain(`| \`${code}\` |`)
    const limits = [...sourceOf('limits').matchAll(/^export const (\w+)(?:: number)? = (.*)$/gm)]
    expect(limits.length).toBeGreaterThan(10)
    for (const [, name = '', text = ''] of limits) {
      const factors = text.split(' * ').map((factor) => Number(factor.replaceAll('_', '')))
      const value = factors.reduce((product, factor) => product * factor, 1)
      const shown = Number.isNaN(value) ? `\`${text}\`` : value.toLocaleString('en-US')
      expect(guide).toContain(`| \`${name}\` | ${shown} |`)
    }
  })

  it('names every header that is given on', () => {
    const [, list = ''] =
      /const GIVEN[\s\S]*?\(\n\s*\(\n([\s\S]*?)\)\.split/.exec(sourceOf('headers')) ?? []
    const names = list
      .replaceAll(/['+\s]+/g, ' ')
      .trim()
      .split(' ')
    expect(names.length).toBeGreaterThan(20)
    for (const name of names) expect(guide).toContain(`\`${name}\``)
  })
})
