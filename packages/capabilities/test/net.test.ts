import type { JsonObject } from '@ice/primitives'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { netAddressRefusal, netKind } from '../src/index.ts'
import { formatIp, parseIp, parseRange } from '../src/ip.ts'
import { classOf } from '../src/net-address.ts'
import type { Resource } from '../src/ports.ts'

const net = (members: JsonObject = {}): Resource => ({
  kind: 'net',
  hosts: ['api.example.com'],
  ...members,
})

const claim = (url: string, method = 'GET'): JsonObject => {
  const { protocol, hostname, port, pathname } = new URL(url)
  const scheme = protocol.slice(0, -1)
  const usual = scheme === 'http' ? 80 : 443
  return { scheme, host: hostname, port: Number(port || usual), method, path: pathname }
}

const asks = (resource: Resource, url: string, method?: string): string | undefined =>
  netKind.refuses(resource, 'net.fetch', claim(url, method))

/** Verifies: CAP-R23 */
describe('net / resources', () => {
  it.each<JsonObject>([
    {},
    { hosts: ['*'] },
    { hosts: ['a', '*.b'] },
    { hosts: ['*.example.com', 'xn--bcher-kva.example', '192.0.2.7', '[2001:db8::1]'] },
    { schemes: ['http', 'https'], ports: [1, 65_535] },
    { methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] },
    { paths: ['/v1', '/a/b;c=1/~d', '/caf%C3%A9'] },
    { addresses: ['public', 'loopback', '10.1.0.0/16', '169.254.0.0/16', '168.63.129.16/32'] },
    { addresses: ['fd00:1234::/32', '::1/128', '8.8.8.0/24', '2606:4700::/32'] },
    { hosts: Array.from({ length: 256 }, (_, i) => `h${i}`) },
    { hosts: [`${'a'.repeat(63)}.example`, 'a.'.repeat(126).concat('a')] },
    { paths: [`/${'x'.repeat(4_095)}`] },
    { addresses: Array.from({ length: 256 }, () => 'public') },
  ])('accepts %j', (members) => {
    expect(netKind.checkResource(net(members))).toBeUndefined()
  })

  it.each<[JsonObject, string]>([
    [{ hosts: [] }, '"hosts" is a list, not empty'],
    [{ hosts: 'api.example.com' }, '"hosts" is a list'],
    [{ hosts: [7] }, 'a host is text'],
    [{ hosts: [''] }, 'is no host'],
    [{ hosts: ['API.example.com'] }, 'is no host'],
    [{ hosts: ['bücher.example'] }, 'is no host'],
    [{ hosts: ['example.com.'] }, 'is no host'],
    [{ hosts: ['a..b'] }, 'is no host'],
    [{ hosts: ['a b'] }, 'is no host'],
    [{ hosts: ['-a.example'] }, 'is no host'],
    [{ hosts: ['a.example:80'] }, 'is no host'],
    [{ hosts: [`${'a'.repeat(64)}.example`] }, 'is no host'],
    [{ hosts: ['a.'.repeat(126).concat('ab')] }, 'is no host'],
    [{ hosts: ['127.1'] }, 'is no host'],
    [{ hosts: ['0x7f.0.0.1'] }, 'is no host'],
    [{ hosts: ['2130706433'] }, 'is no host'],
    [{ hosts: ['127.0.0.01'] }, 'is no host'],
    [{ hosts: ['::1'] }, 'is no host'],
    [{ hosts: ['[::0001]'] }, 'is no host'],
    [{ hosts: ['[127.0.0.1]'] }, 'is no host'],
    [{ hosts: ['[::1'] }, 'is no host'],
    [{ hosts: ['[::1x'] }, 'is no host'],
    [{ hosts: ['x::1]'] }, 'is no host'],
    [{ hosts: ['*.-a.example'] }, 'no "*." with a name'],
    [{ hosts: ['[fe80::1%eth0]'] }, 'is no host'],
    [{ hosts: ['*.'] }, 'no "*." with a name'],
    [{ hosts: ['*.1'] }, 'no "*." with a name'],
    [{ hosts: ['*.*.example'] }, 'no "*." with a name'],
    [{ hosts: ['a.*.example'] }, 'is no host'],
    [{ hosts: ['*example.com'] }, 'is no host'],
    [{ hosts: Array.from({ length: 257 }, (_, i) => `h${i}`) }, 'more than 256'],
    [{ schemes: [] }, '"schemes" is a list'],
    [{ schemes: ['ftp'] }, 'is not http or https'],
    [{ ports: [0] }, '1 to 65535'],
    [{ ports: [1.5] }, '1 to 65535'],
    [{ ports: ['80'] }, '1 to 65535'],
    [{ ports: [65_536] }, '1 to 65535'],
    [{ methods: ['get'] }, 'none of the methods'],
    [{ methods: ['CONNECT'] }, 'none of the methods'],
    [{ methods: ['TRACE'] }, 'none of the methods'],
    [{ paths: ['/'] }, 'leave it out'],
    [{ paths: ['v1'] }, 'not one as'],
    [{ paths: ['/v1/'] }, 'ends in "/"'],
    [{ paths: ['/a//b'] }, 'empty segment'],
    [{ paths: ['/a/../b'] }, '"."'],
    [{ paths: ['/a/%2E%2e/b'] }, '"."'],
    [{ paths: ['/a%2fb'] }, 'escapes'],
    [{ paths: ['/a?b'] }, 'not one as'],
    [{ paths: ['/é'] }, 'not one as'],
    [{ paths: [`/${'x'.repeat(4_096)}`] }, 'at most 4096'],
    [{ addresses: [] }, '"addresses" is a list'],
    [{ addresses: ['10.0.0.1'] }, 'is neither'],
    [{ addresses: ['10.0.0.1/8'] }, 'is neither'],
    [{ addresses: ['10.0.0.0/33'] }, 'is neither'],
    [{ addresses: ['private'] }, 'is neither'],
    [{ addresses: [7] }, 'is neither'],
    [{ addresses: ['0.0.0.0/0'] }, 'more than one kind'],
    [{ addresses: ['::/0'] }, 'more than one kind'],
    [{ addresses: ['8.0.0.0/6'] }, 'more than one kind'],
    [{ addresses: ['0.0.0.0/8'] }, 'no grant holds unspecified'],
    [{ addresses: ['224.0.0.0/8'] }, 'no grant holds multicast'],
    [{ addresses: ['255.255.255.255/32'] }, 'no grant holds reserved'],
    [{ addresses: ['::ffff:7f00:1/128'] }, 'no grant holds embedded'],
    [{ addresses: ['64:ff9b::/96'] }, 'no grant holds embedded'],
    [{ addresses: ['2002::/16'] }, 'no grant holds embedded'],
    [{ addresses: Array.from({ length: 257 }, () => 'public') }, 'more than 256'],
    [{ query: ['a'] }, 'has the members'],
  ])('refuses %j: %s', (members, why) => {
    expect(netKind.checkResource(net(members))).toContain(why)
  })

  it('refuses one without hosts', () => {
    expect(netKind.checkResource({ kind: 'net' })).toContain('"hosts" is a list')
  })
})

/** Verifies: CAP-R23 */
describe('net / claims', () => {
  it.each<[JsonObject, string, string?]>([
    [{}, 'https://api.example.com/'],
    [{}, 'https://api.example.com/any/%2F/path', 'HEAD'],
    [{}, 'https://API.EXAMPLE.com:443/'],
    [{ hosts: ['*.example.com'] }, 'https://a.b.example.com/'],
    [{ hosts: ['*'] }, 'https://elsewhere.test/'],
    [{ hosts: ['xn--bcher-kva.example'] }, 'https://BÜCHER.example/'],
    [{ hosts: ['9.9.9.9'] }, 'https://0x9.0x9.0x9.0x9/'],
    [{ hosts: ['[2606:4700::1111]'] }, 'https://[2606:4700:0:0::1111]/'],
    [{ schemes: ['http'] }, 'http://api.example.com/'],
    [{ schemes: ['http'], ports: [8080] }, 'http://api.example.com:8080/'],
    [{ methods: ['POST'] }, 'https://api.example.com/', 'POST'],
    [{ paths: ['/v1'] }, 'https://api.example.com/v1'],
    [{ paths: ['/v1'] }, 'https://api.example.com/v1/'],
    [{ paths: ['/v1'] }, 'https://api.example.com/v1//x;y=..z/%E2%82%AC'],
    [{ paths: ['/v1', '/w'] }, 'https://api.example.com/x/../w/y'],
    [{ hosts: ['127.0.0.1'], addresses: ['loopback'] }, 'https://127.1/'],
    [{ hosts: ['[::1]'], addresses: ['loopback'] }, 'https://[0:0::1]/'],
    [{ hosts: ['10.1.2.3'], addresses: ['10.1.0.0/16'] }, 'https://10.1.2.3/'],
  ])('%j allows %s %s', (members, url, method) => {
    expect(asks(net(members), url, method)).toBeUndefined()
  })

  it.each<[JsonObject, string, string, string?]>([
    [{}, 'http://api.example.com/', 'the scheme http is none of "https"'],
    [{}, 'https://example.com/', 'is none of "api.example.com"'],
    [{}, 'https://xapi.example.com/', 'is none of'],
    [{}, 'https://api.example.com:8443/', 'the port 8443 is none of 443'],
    [{}, 'https://api.example.com/', 'the method POST is none of "GET", "HEAD"', 'POST'],
    [{ schemes: ['http', 'https'] }, 'http://api.example.com:443/', 'the port 443 is none of 80'],
    [{ hosts: ['*.example.com'] }, 'https://example.com/', 'is none of'],
    [{ hosts: ['*.example.com'] }, 'https://badexample.com/', 'is none of'],
    [{ hosts: ['*.example.com'] }, 'https://a.example.com.evil.test/', 'is none of'],
    [{ hosts: ['*'] }, 'https://9.9.9.9/', 'is none of'],
    [{ hosts: ['*'] }, 'https://[2606:4700::1111]/', 'is none of'],
    [{ hosts: ['127.0.0.1'] }, 'https://2130706433/', 'a loopback address, and the grant holds'],
    [{ hosts: ['[::ffff:7f00:1]'] }, 'https://[::ffff:127.0.0.1]/', 'an embedded address'],
    [{ hosts: ['169.254.169.254'] }, 'https://169.254.169.254/', 'a metadata address'],
    [{ paths: ['/v1'] }, 'https://api.example.com/v12', 'is not within "/v1"'],
    [{ paths: ['/v1'] }, 'https://api.example.com/V1', 'is not within'],
    [{ paths: ['/v1'] }, 'https://api.example.com/v1/../admin', 'is not within'],
    [{ paths: ['/v1'] }, 'https://api.example.com/v1/%2e%2E/admin', 'is not within'],
    [{ paths: ['/v1'] }, 'https://api.example.com/v1\\..\\admin', 'is not within'],
    [{ paths: ['/v1'] }, 'https://api.example.com/v1/..%2fadmin', 'escapes'],
    [{ paths: ['/v1'] }, 'https://api.example.com/v1/..%5Cadmin', 'escapes'],
    [{ paths: ['/v1'] }, 'https://api.example.com/v1/%252e%252e/admin', 'escapes'],
    [{ paths: ['/v1'] }, 'https://api.example.com/v1/%00', 'escapes'],
    [{ paths: ['/v1'] }, 'https://api.example.com/v1/%0d%0a', 'escapes'],
    [{ paths: ['/v1'] }, 'https://api.example.com/v1/%c0%ae%c0%ae/admin', 'not UTF-8'],
    [{ paths: ['/v1'] }, 'https://api.example.com/v1/%u002e', 'escapes nothing'],
    [{ paths: ['/v1'] }, 'https://api.example.com/v1/%', 'escapes nothing'],
    [{ paths: ['/v1'] }, 'https://api.example.com/v1/..;/admin', 'can be read as'],
    [{ paths: ['/v1'] }, 'https://api.example.com/v1/..;a=b/admin', 'can be read as'],
    [{ paths: ['/v1'] }, 'https://api.example.com/v1/..%3b/admin', 'can be read as'],
    [{ paths: ['/v1'] }, 'https://api.example.com/v1/..%20/admin', 'can be read as'],
    [{ paths: ['/v1'] }, 'https://api.example.com/v1/\uff0e\uff0e/admin', 'can be read as'],
    [{ paths: ['/v1'] }, 'https://api.example.com/v1/\u2025/admin', 'can be read as'],
    [{ paths: ['/v1'] }, 'https://api.example.com/v1/..\uff0fadmin', 'can be read as'],
  ])('%j refuses %s: %s', (members, url, why, method) => {
    expect(asks(net(members), url, method)).toContain(why)
  })

  it.each<[JsonObject, string]>([
    [{ host: 'Api.example.com' }, 'is no host'],
    [{ host: '127.1' }, 'is no host'],
    [{ host: 7 }, 'a host is text'],
    [{ scheme: 'file' }, 'not http or https'],
    [{ port: '443' }, '1 to 65535'],
    [{ method: 'get' }, 'none of the methods'],
    [{ path: 'v1' }, 'not one as'],
    [{ path: '/v1/../x' }, '"."'],
    [{ path: '/v1?x' }, 'not one as'],
    [{ path: '/v1\r\nx' }, 'not one as'],
    [{ path: null }, 'a path is text'],
    [{ query: '' }, 'a claim on "net" is'],
  ])('is one spelling: refuses %j: %s', (members, why) => {
    const whole = { ...claim('https://api.example.com/v1'), ...members }
    expect(netKind.refuses(net(), 'net.fetch', whole)).toContain(why)
  })

  it('tells of eight ports, however many there are', () => {
    const ports = Array.from({ length: 9 }, (_, i) => i + 1)
    expect(netKind.kind).toBe('net')
    expect(asks(net({ ports }), 'https://api.example.com/')).toBe(
      'the port 443 is none of 1, 2, 3, 4, 5, 6, 7, 8',
    )
  })

  it('refuses a claim that lacks a member', () => {
    for (const name of ['scheme', 'host', 'port', 'method', 'path']) {
      const { [name]: _left, ...rest } = claim('https://api.example.com/v1') as Record<
        string,
        string
      >
      expect(netKind.refuses(net(), 'net.fetch', rest)).toBeTypeOf('string')
    }
  })
})

/** Verifies: CAP-R23 */
describe('net / attenuation', () => {
  it.each<[JsonObject, JsonObject]>([
    [{}, {}],
    [{ hosts: ['*'] }, { hosts: ['*.example.com', 'a.test'] }],
    [{ hosts: ['*.example.com'] }, { hosts: ['a.example.com', '*.b.example.com'] }],
    [{ schemes: ['http', 'https'] }, {}],
    [{ schemes: ['http', 'https'] }, { schemes: ['http'], ports: [80] }],
    [{ ports: [443, 8443] }, {}],
    [{ methods: ['GET', 'HEAD', 'POST'] }, {}],
    [{}, { methods: ['GET'] }],
    [{}, { paths: ['/a'] }],
    [{ paths: ['/a'] }, { paths: ['/a/b', '/a'] }],
    [{ paths: ['/a', '/b'] }, { paths: ['/b/c', '/a'] }],
    [{}, { addresses: ['8.8.8.0/24'] }],
    [{ addresses: ['loopback'] }, { addresses: ['127.0.0.1/32', '::1/128'] }],
    [{ addresses: ['10.0.0.0/8'] }, { addresses: ['10.1.0.0/16'] }],
    [{ addresses: ['loopback', '10.0.0.0/8'] }, { addresses: ['10.1.0.0/16', 'loopback'] }],
    [{ addresses: ['169.254.169.254/32'] }, { addresses: ['169.254.169.254/32'] }],
  ])('%j holds %j', (parent, child) => {
    expect(netKind.exceeds(net(parent), net(child))).toBeUndefined()
  })

  it.each<[JsonObject, JsonObject, string]>([
    [{}, { hosts: ['*.example.com'] }, 'the hosts "*.example.com" are more'],
    [{ hosts: ['*.example.com'] }, { hosts: ['example.com'] }, 'the hosts'],
    [{ hosts: ['*.example.com'] }, { hosts: ['*'] }, 'the hosts'],
    [{ hosts: ['*'] }, { hosts: ['9.9.9.9'] }, 'the hosts'],
    [{}, { schemes: ['http'] }, 'the schemes'],
    [{}, { ports: [8443] }, 'the ports "https:8443"'],
    [{ ports: [8443] }, {}, 'the ports "https:443"'],
    [{ schemes: ['http', 'https'] }, { schemes: ['http'], ports: [443] }, '"http:443"'],
    [{}, { methods: ['POST'] }, 'the methods "POST"'],
    [{ methods: ['GET'] }, {}, 'the methods "HEAD"'],
    [{ paths: ['/a'] }, {}, 'every path is more than "/a"'],
    [{ paths: ['/a'] }, { paths: ['/ab'] }, '"/ab" is not within "/a"'],
    [{}, { addresses: ['loopback'] }, 'the addresses'],
    [{}, { addresses: ['168.63.129.16/32'] }, 'the addresses'],
    [{ addresses: ['loopback'] }, {}, 'the addresses "public"'],
    [{ addresses: ['10.1.0.0/16'] }, { addresses: ['10.0.0.0/8'] }, 'the addresses'],
    [{ addresses: ['169.254.0.0/16'] }, { addresses: ['169.254.169.254/32'] }, 'the addresses'],
    [{ addresses: ['127.0.0.0/8'] }, { addresses: ['loopback'] }, 'the addresses'],
  ])('%j does not hold %j: %s', (parent, child, why) => {
    expect(netKind.exceeds(net(parent), net(child))).toContain(why)
  })

  it('lets no child do what its parent refuses, unless it exceeds it', () => {
    const some = <T>(...entries: T[]): fc.Arbitrary<T[]> => fc.subarray(entries, { minLength: 1 })
    const resource = fc.record(
      {
        hosts: some('a.test', '*.a.test', 'b.a.test', '*.b.a.test', '*', '9.9.9.9', '127.0.0.1'),
        schemes: some('http', 'https'),
        ports: some(80, 443, 8080),
        methods: some('GET', 'HEAD', 'POST'),
        paths: some('/a', '/a/b', '/ab', '/a/b/c'),
        addresses: some('public', 'loopback', '127.0.0.0/8', '127.0.0.1/32', '9.0.0.0/8'),
      },
      { requiredKeys: ['hosts'] },
    )
    const asked = fc.record({
      scheme: fc.constantFrom('http', 'https'),
      host: fc.constantFrom('a.test', 'b.a.test', 'c.b.a.test', 'x.test', '9.9.9.9', '127.0.0.1'),
      port: fc.constantFrom(80, 443, 8080),
      method: fc.constantFrom('GET', 'HEAD', 'POST'),
      path: fc.constantFrom('/', '/a', '/a/b', '/a/b/c/d', '/ab', '/a%2fb'),
    })
    const seen = { held: 0, allowed: 0 }
    fc.assert(
      fc.property(resource, resource, fc.nat(63), asked, (one, other, kept, claimed) => {
        // A child that keeps some members of its parent is within it often enough to tell.
        const members = Object.entries(one).filter((_, at) => ((kept >> at) & 1) === 1)
        const parent = net(one as JsonObject)
        const child = net({ ...other, ...Object.fromEntries(members) } as JsonObject)
        if (netKind.exceeds(parent, child) !== undefined) return
        seen.held += 1
        if (netKind.refuses(child, 'net.fetch', claimed) !== undefined) return
        seen.allowed += 1
        expect(netKind.refuses(parent, 'net.fetch', claimed)).toBeUndefined()
      }),
      { numRuns: 10_000 },
    )
    expect(seen.held).toBeGreaterThan(50)
    expect(seen.allowed).toBeGreaterThan(10)
  })
})

/** Verifies: CAP-R24 */
describe('net / addresses', () => {
  it.each([
    ['8.8.8.8', 'public'],
    ['172.15.255.255', 'public'],
    ['172.32.0.0', 'public'],
    ['100.63.255.255', 'public'],
    ['2606:4700::1111', 'public'],
    ['2001:4860:4860::8888', 'public'],
    ['0.0.0.0', 'unspecified'],
    ['0.255.1.2', 'unspecified'],
    ['::', 'unspecified'],
    ['127.0.0.1', 'loopback'],
    ['127.255.255.255', 'loopback'],
    ['::1', 'loopback'],
    ['10.0.0.0', 'private'],
    ['172.16.0.1', 'private'],
    ['172.31.255.255', 'private'],
    ['192.168.255.255', 'private'],
    ['fc00::1', 'private'],
    ['fdff::1', 'private'],
    ['169.254.0.1', 'link-local'],
    ['fe80::1', 'link-local'],
    ['febf::1', 'link-local'],
    ['100.64.0.0', 'shared'],
    ['100.127.255.255', 'shared'],
    ['192.0.2.1', 'documentation'],
    ['198.51.100.1', 'documentation'],
    ['203.0.113.1', 'documentation'],
    ['2001:db8::1', 'documentation'],
    ['3fff::1', 'documentation'],
    ['198.18.0.1', 'benchmark'],
    ['198.19.255.255', 'benchmark'],
    ['2001:2::1', 'benchmark'],
    ['169.254.169.254', 'metadata'],
    ['169.254.170.2', 'metadata'],
    ['168.63.129.16', 'metadata'],
    ['100.100.100.200', 'metadata'],
    ['192.0.0.192', 'metadata'],
    ['fd00:ec2::254', 'metadata'],
    ['224.0.0.1', 'multicast'],
    ['239.255.255.255', 'multicast'],
    ['ff02::1', 'multicast'],
    ['240.0.0.1', 'reserved'],
    ['255.255.255.255', 'reserved'],
    ['192.0.0.1', 'reserved'],
    ['2001:100::1', 'reserved'],
    ['fec0::1', 'reserved'],
    ['4000::1', 'reserved'],
    ['100::1', 'reserved'],
    ['5f00::1', 'reserved'],
    ['::7f00:1', 'embedded'],
    ['::127.0.0.1', 'embedded'],
    ['::ffff:127.0.0.1', 'embedded'],
    ['::ffff:8.8.8.8', 'embedded'],
    ['::ffff:0:7f00:1', 'embedded'],
    ['64:ff9b::7f00:1', 'embedded'],
    ['64:ff9b:1::7f00:1', 'embedded'],
    ['2002:7f00:1::', 'embedded'],
    ['2001::1', 'embedded'],
    ['2001:0:7f00:1::', 'embedded'],
    ['192.88.99.1', 'embedded'],
  ])('%s is %s', (address, name) => {
    const ip = parseIp(address)
    expect(ip === undefined ? 'no address' : classOf(ip)).toBe(name)
    expect(netAddressRefusal(net(), address) === undefined).toBe(name === 'public')
  })

  it.each([
    '',
    '1',
    '127.1',
    '127.0.0.01',
    '0177.0.0.1',
    '0x7f.0.0.1',
    '256.0.0.1',
    '1.2.3.4.5',
    '1.2.3.',
    ' 8.8.8.8',
    '8.8.8.8\n',
    '8.8.8.8/32',
    ':',
    ':::',
    '1::2::3',
    '::1%lo',
    'fe80::1%25eth0',
    '[::1]',
    '12345::',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7:8::',
    '1:2:3:4:5:6:7:8::g',
    'g::1:2:3:4:5:6:7:8',
    '1.2.3.4::',
    '::1.2.3.4:5',
    '::g',
    'localhost',
    '1'.repeat(1_000_000),
  ])('takes no other spelling for an address: %j', (text) => {
    expect(parseIp(text)).toBeUndefined()
    expect(netAddressRefusal(net({ addresses: ['public', 'loopback'] }), text)).toBe(
      'an address that cannot be read',
    )
  })

  it('writes what it reads as URL does', () => {
    const v6 = fc.array(fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 65_535 })), {
      minLength: 8,
      maxLength: 8,
    })
    fc.assert(
      fc.property(v6, (groups) => {
        const text = groups.map((group) => group.toString(16)).join(':')
        const ip = parseIp(text)
        expect(`[${ip === undefined ? '' : formatIp(ip)}]`).toBe(
          new URL(`http://[${text}]`).hostname,
        )
      }),
    )
    fc.assert(
      fc.property(fc.ipV4(), (text) => {
        const ip = parseIp(text)
        expect(ip === undefined ? '' : formatIp(ip)).toBe(text)
      }),
    )
  })

  it.each([
    ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
    ['::2:3:4:5:6:7:8', '0:2:3:4:5:6:7:8'],
    ['::ffff:1.2.3.4', '::ffff:102:304'],
    ['1:2:3:4:5:6:127.0.0.1', '1:2:3:4:5:6:7f00:1'],
    ['0000:0000:0000:0000:0000:FFFF:255.255.255.255', '::ffff:ffff:ffff'],
  ])('reads %s, which is %s', (text, written) => {
    const ip = parseIp(text)
    expect(ip === undefined ? '' : formatIp(ip)).toBe(written)
    expect(`[${written}]`).toBe(new URL(`http://[${text}]`).hostname)
  })

  it('holds metadata only where exactly it is named', () => {
    const wide = net({ addresses: ['169.254.0.0/16', 'public', '100.64.0.0/10'] })
    expect(netAddressRefusal(wide, '169.254.1.1')).toBeUndefined()
    expect(netAddressRefusal(wide, '169.254.169.254')).toContain('a metadata address')
    expect(netAddressRefusal(wide, '168.63.129.16')).toContain('a metadata address')
    expect(netAddressRefusal(wide, '100.100.100.200')).toContain('a metadata address')
    const exact = net({ addresses: ['169.254.169.254/32'] })
    expect(netAddressRefusal(exact, '169.254.169.254')).toBeUndefined()
    expect(netAddressRefusal(exact, '8.8.8.8')).toContain('a public address')
  })

  it('names the class of a refused address and not the address', () => {
    expect(netAddressRefusal(net(), '10.7.7.7')).toBe(
      'a private address, and the grant holds "public"',
    )
  })

  it('reads a range only without bits behind its prefix', () => {
    expect(parseRange('10.0.0.0/8')).toEqual({ family: 4, first: 167_772_160n, bits: 8 })
    for (const text of ['10.0.0.0', '10.0.0.0/08', '10.0.0.0/8/8', 'x/8', '::/129', '0::/8']) {
      expect(parseRange(text)).toBeUndefined()
    }
  })
})
