import { posix } from 'node:path'
import {
  fsKind,
  memoryKind,
  modelKind,
  netKind,
  procKind,
  secretKind,
  spawnKind,
  toolKind,
} from '@ice/capabilities'
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
  if (path.endsWith('.txt')) return { root: '/f', file: path }
  return { root: posix.resolve('/r', path) }
}
const parse = (text: string) => parseGrant(text, { now: NOW, probe })

const OWN_OPTIONS: Readonly<Record<string, readonly string[]>> = {
  fs: ['within=w'],
  net: ['methods=GET'],
  proc: ['root=.', 'args=a,{path}*2', 'env=A', 'write', 'network', 'unsandboxed'],
  secret: ['origins=https://a.test', 'programs=/bin/a'],
  model: ['max-output-tokens=9'],
  memory: ['types=t'],
  spawn: ['depth=2', 'width=3'],
}

/** What an option is called in a resource, where that is another name. */
const MEMBERS: Readonly<Record<string, string>> = {
  'max-output-tokens': '"maxOutputTokens"',
  depth: '"depthMax"',
  width: '"widthMax"',
  unsandboxed: '"unsandboxed"',
}

/** Verifies: CLI-R03 */
describe('the grammar of grants', () => {
  it.each([
    ['source=fs.read:./src', { actions: ['fs.read'], resource: { kind: 'fs', root: '/r/src' } }],
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
    [
      'git=proc.observe:proc:/usr/bin/git;root=src;args=log|show,--oneline,{path}*16;env=LANG,TZ',
      {
        actions: ['proc.observe'],
        resource: {
          kind: 'proc',
          programs: [
            {
              path: '/usr/bin/git',
              args: {
                words: [{ oneOf: ['log', 'show'] }, '--oneline'],
                rest: { of: { path: 4096 }, max: 16 },
              },
            },
          ],
          root: '/r/src',
          env: ['LANG', 'TZ'],
        },
      },
    ],
    [
      'make=proc.run:proc:/bin/a,/bin/b;root=.;args={text:20};reads=/usr/lib,lib/c.txt;write',
      {
        actions: ['proc.run'],
        resource: {
          kind: 'proc',
          programs: [
            { path: '/bin/a', args: { words: [{ text: 20 }] } },
            { path: '/bin/b', args: { words: [{ text: 20 }] } },
          ],
          root: '/r',
          reads: ['/usr/lib', '/f/lib/c.txt'],
          write: true,
        },
      },
    ],
    [
      'open=proc.run:proc:/bin/a;root=.;unsandboxed;write;network;count=1',
      {
        actions: ['proc.run'],
        resource: {
          kind: 'proc',
          programs: [{ path: '/bin/a' }],
          root: '/r',
          write: true,
          network: true,
          sandbox: 'unsandboxed',
        },
        caveats: [{ kind: 'count', max: 1 }],
      },
    ],
    [
      'keys=net.send:secret:github/token,team/*;origins=https://a.test:8443;programs=/usr/bin/git',
      {
        actions: ['net.send'],
        resource: {
          kind: 'secret',
          names: ['github/token'],
          prefixes: ['team'],
          origins: ['https://a.test:8443'],
          programs: ['/usr/bin/git'],
        },
      },
    ],
    [
      'llm=model.call:model:acme/x:1/y,other/*;max-output-tokens=2000',
      {
        actions: ['model.call'],
        resource: {
          kind: 'model',
          models: ['acme/x:1/y'],
          providers: ['other'],
          maxOutputTokens: 2000,
        },
      },
    ],
    [
      'notes=memory.recall:memory:team/notes,me;types=preference,fact',
      {
        actions: ['memory.recall'],
        resource: { kind: 'memory', spaces: ['team/notes', 'me'], types: ['preference', 'fact'] },
      },
    ],
    [
      'kids=run.spawn:spawn:@team/count@1.0.0,plain,@team/all;depth=2;width=8',
      {
        actions: ['run.spawn'],
        resource: {
          kind: 'spawn',
          programs: [{ name: '@team/count', version: '1.0.0' }],
          names: ['plain', '@team/all'],
          depthMax: 2,
          widthMax: 8,
        },
      },
    ],
    [
      'f=fs.write:x;trusted;readers=net:a.test,os:bob',
      {
        actions: ['fs.write'],
        resource: { kind: 'fs', root: '/r/x' },
        caveats: [
          { kind: 'trusted', paths: [''] },
          { kind: 'readers', paths: [''], include: ['net:a.test', 'os:bob'] },
        ],
      },
    ],
    [
      'f=fs.write:x;readers-at=/to;trusted=/a~1b,/c;readers=os:bob;approval;approvers=os:eve',
      {
        actions: ['fs.write'],
        resource: { kind: 'fs', root: '/r/x' },
        caveats: [
          { kind: 'trusted', paths: ['/a~1b', '/c'] },
          { kind: 'approval', by: ['os:eve'] },
          { kind: 'readers', paths: ['/to'], include: ['os:bob'] },
        ],
      },
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
    'a=proc.run:proc:/bin/a',
    'a=proc.run:proc:bin/a;root=.',
    'a=proc.run:proc:;root=.',
    'a=proc.run:proc:/bin/a,;root=.',
    'a=proc.run:proc:/bin/a;root=none',
    'a=proc.run:proc:/bin/a;root=a.txt',
    'a=proc.run:proc:/bin/a;root=.;root=.',
    'a=proc.run:proc:/bin/a;root=.;args=',
    'a=proc.run:proc:/bin/a;root=.;args=a,,b',
    'a=proc.run:proc:/bin/a;root=.;args=a|',
    'a=proc.run:proc:/bin/a;root=.;args={word}',
    'a=proc.run:proc:/bin/a;root=.;args={text:0}',
    'a=proc.run:proc:/bin/a;root=.;args={text:99999}',
    'a=proc.run:proc:/bin/a;root=.;args={path}*0',
    'a=proc.run:proc:/bin/a;root=.;args={path}*9999',
    'a=proc.run:proc:/bin/a;root=.;args={path}*2,b',
    'a=proc.run:proc:/bin/a;root=.;args=*2',
    'a=proc.run:proc:/bin/a;root=.;env=1A',
    'a=proc.run:proc:/bin/a;root=.;env=A,',
    'a=proc.run:proc:/bin/a;root=.;reads=none',
    'a=proc.run:proc:/bin/a;root=.;write=true',
    'a=proc.run:proc:/bin/a;root=.;network=',
    'a=proc.run:proc:/bin/a;root=.;unsandboxed',
    'a=fs.read:x;root=.',
    'a=fs.read:x;write',
    'a=net.send:secret:github/token',
    'a=net.send:secret:;origins=https://a.test',
    'a=net.send:secret:*;origins=https://a.test',
    'a=net.send:secret:a/*/b;origins=https://a.test',
    'a=net.send:secret:a/;origins=https://a.test',
    'a=net.send:secret:a;origins=https://a.test/',
    'a=net.send:secret:a;origins=a.test',
    'a=net.send:secret:a;programs=git',
    'a=net.send:secret:a;origins=https://a.test;methods=POST',
    'a=m.c:model:x',
    'a=m.c:model:*',
    'a=m.c:model:*/*',
    'a=m.c:model:a/b*',
    'a=m.c:model:a/b;max-output-tokens=0',
    'a=m.c:model:a/b;max-output-tokens=1e3',
    'a=m.c:model:a/b;max-output-tokens=99999999999999',
    'a=m.r:memory:x',
    'a=m.r:memory:;types=a',
    'a=m.r:memory:x/*;types=a',
    'a=m.r:memory:x;types=',
    'a=m.r:memory:x;types=a b',
    'a=r.s:spawn:',
    'a=r.s:spawn:*',
    'a=r.s:spawn:a@',
    'a=r.s:spawn:a;depth=0',
    'a=r.s:spawn:a;depth=99',
    'a=r.s:spawn:a;width=x',
    'a=fs.read:x;trusted=a',
    'a=fs.read:x;trusted=/a~2',
    'a=fs.read:x;trusted;trusted=/a',
    'a=fs.read:x;readers',
    'a=fs.read:x;readers=',
    'a=fs.read:x;readers=a,,b',
    'a=fs.read:x;readers-at=/a',
    'a=fs.read:x;readers=a;readers-at=b',
    'a=x.y:constructor:none',
    'a=fs.read:x;constructor=1',
    'a=fs.read:x;__proto__',
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
        ';trusted=/a',
        ';readers=b',
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

  it('gives resources that their kinds take, and takes what is for one kind for no other', () => {
    const kinds = [
      fsKind,
      toolKind,
      netKind,
      procKind,
      secretKind,
      modelKind,
      memoryKind,
      spawnKind,
    ]
    const piece = fc.oneof(
      fc.constantFrom('/', ',', '*', '@', ':', '{text}', '|', 'a', '/bin/a', 'p/m', 'https://a.b'),
      fc.string({ unit: 'binary', maxLength: 3 }),
    )
    const target = fc.array(piece, { minLength: 1, maxLength: 5 }).map((parts) => parts.join(''))
    const whole = fc.constantFrom('/bin/a', 'p/m', 'a', 'https://a.b')
    const option = fc.constantFrom(...Object.values(OWN_OPTIONS).flat())
    const options = fc.uniqueArray(option, { maxLength: 2 })
    const asked = fc.constantFrom(...kinds).chain((kind) => {
      const own = fc.subarray([...(OWN_OPTIONS[kind.kind] ?? [])])
      return fc.tuple(fc.constant(kind), fc.oneof(target, whole), fc.oneof(options, own))
    })
    const understood = new Set<string>()
    fc.assert(
      fc.property(asked, ([kind, text, given]) => {
        try {
          const { spec } = parse(['a=net.fetch', kind.kind, [text, ...given].join(';')].join(':'))
          expect(spec.resource.kind).toBe(kind.kind)
          expect(kind.checkResource(spec.resource)).toBeUndefined()
          // Every option has become a member of its own: none was overlooked.
          for (const each of given) {
            const [name = ''] = each.split('=')
            expect(JSON.stringify(spec.resource)).toContain(MEMBERS[name] ?? `"${name}"`)
          }
          understood.add(kind.kind)
        } catch (error) {
          expect(hasCode(error, CLI_CODES.grant) ? 'coded' : error).toBe('coded')
        }
      }),
      { numRuns: 4000 },
    )
    expect([...understood].sort()).toEqual(kinds.map(({ kind }) => kind).sort())
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
