import { hasCode } from '@ice/primitives'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { FolderProbe } from '../src/args/folder.ts'
import { parseGrant } from '../src/args/grant.ts'
import { CLI_CODES } from '../src/errors.ts'
import { resourceText } from '../src/verbs/grants.ts'

const NOW = 1_000_000
const probe: FolderProbe = (path) => {
  if (path.endsWith('none')) return { fault: 'there is nothing' }
  return path.endsWith('.txt') ? { root: '/f', file: path } : { root: `/r/${path}` }
}
const parse = (text: string) => parseGrant(text, { now: NOW, probe })

/** Verifies: CLI-R03 */
describe('the grammar of grants', () => {
  it.each([
    ['source=fs.read:./src', { actions: ['fs.read'], resource: { kind: 'fs', root: '/r/./src' } }],
    [
      'a b=fs.read,fs.list:fs:x',
      {
        actions: ['fs.read', 'fs.list'],
        resource: { kind: 'fs', root: '/r/x' },
      },
    ],
    [
      'f=fs.read:a.txt',
      {
        actions: ['fs.read'],
        resource: { kind: 'fs', root: '/f', within: ['a.txt'] },
      },
    ],
    [
      'odd=fs.read:a;;b:c=d,e',
      { actions: ['fs.read'], resource: { kind: 'fs', root: '/r/a;b:c=d,e' } },
    ],
    [
      'odd=fs.read:;;;;;count=1',
      {
        actions: ['fs.read'],
        resource: { kind: 'fs', root: '/r/;;' },
        caveats: [{ kind: 'count', max: 1 }],
      },
    ],
    ['t=x.y:tool:mail', { actions: ['x.y'], resource: { kind: 'tool', name: 'mail' } }],
    ['t=x.y:tool:a,b', { actions: ['x.y'], resource: { kind: 'tool', names: ['a', 'b'] } }],
    [
      't=x.y:tool:a;approval;count=10;delegable=2;expires=10m',
      {
        actions: ['x.y'],
        resource: { kind: 'tool', name: 'a' },
        caveats: [{ kind: 'approval' }, { kind: 'count', max: 10 }],
        delegable: 2,
        expiresAt: NOW + 600_000,
      },
    ],
    [
      'w=fs.write,fs.replace:out;approval-for=fs.replace;within=a,b/c',
      {
        actions: ['fs.write', 'fs.replace'],
        resource: { kind: 'fs', root: '/r/out', within: ['a', 'b/c'] },
        caveats: [{ kind: 'approval-for', actions: ['fs.replace'] }],
      },
    ],
    [
      'e=fs.read:x;expires=1970-01-01T01:00:00Z',
      {
        actions: ['fs.read'],
        resource: { kind: 'fs', root: '/r/x' },
        expiresAt: 3_600_000,
      },
    ],
    [
      'api=net.fetch:net:https://API.example.com/v1',
      {
        actions: ['net.fetch'],
        resource: {
          kind: 'net',
          hosts: ['api.example.com'],
          schemes: ['https'],
          paths: ['/v1'],
        },
      },
    ],
    [
      'api=net.fetch,net.send:net:http://*.bücher.example:8080;methods=GET,POST;count=3',
      {
        actions: ['net.fetch', 'net.send'],
        resource: {
          kind: 'net',
          hosts: ['*.xn--bcher-kva.example'],
          schemes: ['http'],
          ports: [8080],
          methods: ['GET', 'POST'],
        },
        caveats: [{ kind: 'count', max: 3 }],
      },
    ],
    [
      'here=net.fetch:net:http://[::1]:80/a;;b;addresses=loopback,10.1.0.0/16',
      {
        actions: ['net.fetch'],
        resource: {
          kind: 'net',
          hosts: ['[::1]'],
          schemes: ['http'],
          paths: ['/a;b'],
          addresses: ['loopback', '10.1.0.0/16'],
        },
      },
    ],
    [
      'web=net.fetch:net:https://*',
      { actions: ['net.fetch'], resource: { kind: 'net', hosts: ['*'], schemes: ['https'] } },
    ],
  ])('reads %s', (text, spec) => {
    expect(parse(text).spec).toEqual(spec)
  })

  it.each([
    '',
    'source',
    'source=fs.read',
    '=fs.read:x',
    'a\u001b=fs.read:x',
    'a=:x',
    'a=fs.read,:x',
    'a=fs.read,fs.read:x',
    'a=fs read:x',
    'a=fs.read:',
    'a=fs.read:fs:',
    'a=fs.read:none',
    'a=fs.read:x;',
    'a=fs.read:x;unknown',
    'a=fs.read:x;unknown=1',
    'a=fs.read:x;Approval',
    'a=fs.read:x;approval=1',
    'a=fs.read:x;approval;approval',
    'a=fs.read:x;approval-for',
    'a=fs.read:x;approval-for=',
    'a=fs.read:x;approval-for=fs.write',
    'a=fs.read:x;count=0',
    'a=fs.read:x;count=-1',
    'a=fs.read:x;count=1e3',
    'a=fs.read:x;count=1;count=2',
    'a=fs.read:x;expires=soon',
    'a=fs.read:x;expires=10',
    'a=fs.read:x;expires=0s',
    'a=fs.read:x;expires=99999d',
    'a=fs.read:x;expires=1970-01-01T00:00:00Z',
    'a=fs.read:x;expires=2030-13-01T00:00:00Z',
    'a=fs.read:x;within=',
    'a=fs.read:x;within=a,',
    'a=fs.read:x.txt;within=a',
    'a=fs.read:x;delegable=99',
    'a=x.y:tool:',
    'a=x.y:tool:a,,b',
    'a=x.y:tool:a;within=b',
    'a=net.fetch:net:',
    'a=net.fetch:net:api.example.com',
    'a=net.fetch:net:ftp://a.test',
    'a=net.fetch:net:https://',
    'a=net.fetch:net:https://a.test/v1/',
    'a=net.fetch:net:https://a.test/v1?x',
    'a=net.fetch:net:https://a.test/?',
    'a=net.fetch:net:https://a.test/#x',
    'a=net.fetch:net:https://me@a.test/',
    'a=net.fetch:net:https://@a.test/',
    'a=net.fetch:net:https:\\\\a.test',
    'a=net.fetch:net:https://a.*.test',
    'a=net.fetch:net:https://a.test/%2e%2e/x%2fy',
    'a=net.send:net:https://a.test',
    'a=net.send-once:net:https://a.test',
    'a=net.send:net:https://a.test;methods=',
    'a=net.send:net:https://a.test;methods=post',
    'a=net.fetch:net:https://a.test;addresses=',
    'a=net.fetch:net:https://a.test;addresses=0.0.0.0/0',
    'a=net.fetch:net:https://a.test;within=x',
    'a=fs.read:x;methods=GET',
    'a=fs.read:x;addresses=public',
    'a=x.y:tool:a;methods=GET',
    `a=fs.read:${'x'.repeat(70_000)}`,
  ])('refuses %j', (text) => {
    expect(() => parse(text)).toThrow(expect.objectContaining({ code: CLI_CODES.grant }))
  })

  it('gives a grant or a coded error for any text, and drops nothing of what was written', () => {
    const piece = fc.oneof(
      fc.constantFrom(
        '=',
        ':',
        ';',
        ';;',
        ',',
        ';approval',
        ';count=1',
        ';within=a',
        ';expires=1m',
      ),
      fc.string({ unit: 'binary', maxLength: 4 }),
    )
    const text = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(''))
    let understood = 0
    fc.assert(
      fc.property(text, fc.boolean(), (tail, isWhole) => {
        const whole = isWhole ? tail : `a=fs.read:x${tail}`
        try {
          const { spec } = parse(whole)
          understood += 1
          const { caveats = [], expiresAt, resource } = spec
          const isNarrow = 'within' in resource && !whole.includes('.txt')
          const read = caveats.length + Number(expiresAt !== undefined) + Number(isNarrow)
          const target = whole.slice(whole.indexOf(':', whole.indexOf('=')))
          expect(read).toBe(target.replaceAll(';;', '').split(';').length - 1)
        } catch (error) {
          expect(hasCode(error, CLI_CODES.grant) ? 'coded' : error).toBe('coded')
        }
      }),
      { numRuns: 3000 },
    )
    expect(understood).toBeGreaterThan(100)
  })
})

/** Verifies: CLI-R12 */
describe('grants in words', () => {
  it('say of the network what is left out, too', () => {
    const resource = { kind: 'net', hosts: ['*.example.com'] }
    expect(resourceText(resource)).toBe(
      'GET, HEAD over https to *.example.com, port as usual, addresses public',
    )
    const narrow = { ...resource, paths: ['/v1'], ports: [8443], addresses: ['loopback'] }
    expect(resourceText({ ...narrow, methods: ['POST'], schemes: ['http'] })).toBe(
      'POST over http to *.example.com within /v1, port 8443, addresses loopback',
    )
  })

  it('are JSON where they are not understood, and steer no terminal', () => {
    expect(resourceText({ kind: 'net', hosts: 'x' })).toBe('{"kind":"net","hosts":"x"}')
    expect(resourceText({ kind: 'net', hosts: ['\u001b[2J'] })).not.toContain('\u001b')
  })
})
