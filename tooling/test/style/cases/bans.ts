import { ambient } from '../../../src/style/rules/ambient.ts'
import { hostModules } from '../../../src/style/rules/host-modules.ts'
import { ingress } from '../../../src/style/rules/ingress.ts'
import { marks } from '../../../src/style/rules/marks.ts'
import { syntax } from '../../../src/style/rules/syntax.ts'
import { type Case, room, type Texts } from '../house-of-texts.ts'

const source = (short: string, ...lines: readonly string[]): Texts =>
  room(short, { 'src/a.ts': lines.join('\n') })

const test = (...lines: readonly string[]): Texts =>
  room('events', { 'test/a.test.ts': lines.join('\n') })

const at = (line: number, says: string) => [`packages/events/src/a.ts:${line}`, says] as const

export const banCases: readonly Case[] = [
  {
    rule: ambient,
    name: 'refuses time, chance, timers and the network, and prints what to say instead',
    texts: source(
      'events',
      'Date.now()',
      'new Date()',
      'performance.now()',
      'Math.random()',
      'crypto.randomUUID()',
      'setTimeout(f, 1)',
      'globalThis.setInterval(f, 1)',
      `fetch('http://localhost')`,
      'setImmediate(f)',
    ),
    finds: [
      at(1, 'clock.now()'),
      at(2, 'clock.now()'),
      at(3, 'clock.monotonicMs()'),
      at(4, 'random.*'),
      at(5, "ids.next('run')"),
      at(6, 'clock.sleep(ms, { signal })'),
      at(7, 'clock.sleep(ms, { signal })'),
      at(8, 'an effect'),
      at(9, '`settled()`'),
    ],
  },
  {
    rule: ambient,
    name: 'refuses the environment and the console in adapters too',
    texts: source('effects', 'process.env.HOME', `console.log('x')`, 'Date.now()'),
    finds: [
      ['packages/effects/src/a.ts:1', 'an option of the factory'],
      ['packages/effects/src/a.ts:2', 'the `logger` port'],
    ],
  },
  {
    rule: ambient,
    name: 'is silent about instants, names in text, tests and apps',
    texts: {
      ...room('events', {
        'src/a.ts': "// Date.now() is banned\nnew Date(0)\nclock.now()\nconst s = 'Math.random()'",
        'test/a.test.ts': 'Date.now()',
      }),
      'apps/ice/package.json': '{}',
      'apps/ice/src/main.ts': 'console.log(process.env.HOME, Date.now())',
    },
    finds: [],
  },
  {
    rule: hostModules,
    name: 'refuses modules that reach the machine',
    texts: source('runtime', `import { open } from 'node:fs/promises'`, `import 'node:crypto'`),
    finds: [
      ['packages/runtime/src/a.ts:1', 'node:fs/promises in L3'],
      ['packages/runtime/src/a.ts:2', 'let an L2 package meet it'],
    ],
  },
  {
    rule: hostModules,
    name: 'lets adapters have them, and everybody what only computes',
    texts: {
      ...source('effects', `import 'node:fs'`),
      ...source('events', `import { AssertionError } from 'node:assert'`),
    },
    finds: [],
  },
  {
    rule: ingress,
    name: 'refuses `JSON.parse`, called, handed on or taken apart',
    texts: source(
      'events',
      'JSON.parse(text)',
      'lines.map(JSON.parse)',
      `JSON['parse'](text)`,
      'const { parse } = JSON',
    ),
    finds: [at(1, '`parseStrict(bytes, limits)`'), at(2, ''), at(3, ''), at(4, '')],
  },
  {
    rule: ingress,
    name: 'is silent about writing JSON, names in text, and tests',
    texts: {
      ...room('events', {
        'src/a.ts':
          "JSON.stringify(value)\nparseStrict(text)\n// JSON.parse(text)\ns = 'JSON.parse('",
        'test/a.test.ts': 'JSON.parse(text)',
      }),
    },
    finds: [],
  },
  {
    rule: syntax,
    name: 'refuses each construct we do without',
    texts: source(
      'events',
      `export * from './b.ts'`,
      'enum Colour { Red }',
      'namespace Old {}',
      'let x: any',
      'x!.y',
      'try { f() } catch {}',
      `throw new Error('no')`,
      '// @ts-ignore',
      'export default 1',
    ),
    finds: [
      at(1, '`export *`'),
      at(2, '`as const` object'),
      at(3, '`namespace`'),
      at(4, '`unknown` and a guard'),
      at(5, 'invariant(condition, why)'),
      at(6, 'empty `catch`'),
      at(9, 'export it by name'),
      at(7, 'a coded class'),
      at(8, '`@ts-expect-error` and why'),
    ],
  },
  {
    rule: syntax,
    name: 'refuses `instanceof` with an error class of another package',
    texts: source(
      'events',
      `import { IceError } from '@ice/primitives'`,
      'if (error instanceof IceError) f()',
    ),
    finds: [at(2, 'hasCode(error, ICE_…)')],
  },
  {
    rule: syntax,
    name: 'lets a bug be thrown, an own class be tested for, and a test throw what it likes',
    texts: room('events', {
      'src/a.ts': [
        `import { EventsError } from './errors.ts'`,
        `if (error instanceof EventsError) throw new TypeError('a bug')`,
        'try { f() } catch (cause) { g(cause) }',
        'export const words = "any enum, namespace or export default" as const',
      ].join('\n'),
      'src/index.ts': `export type * from './ports.ts'`,
      'test/a.test.ts': `throw new Error('expected')`,
    }),
    finds: [],
  },
  {
    rule: marks,
    name: 'refuses marks without an issue',
    texts: source('events', '// TODO later', '/*', ' * FIXME', ' */', 'f() // see TODO: this'),
    finds: [at(1, '`TODO(#123)`'), at(3, 'bare FIXME'), at(5, 'bare TODO')],
  },
  {
    rule: marks,
    name: 'refuses tests that are switched off, or alone switched on',
    texts: test(`it.skip('a', f)`, `test.only('b', f)`, `describe.todo('c')`),
    finds: [
      ['packages/events/test/a.test.ts:1', '`it.skip`'],
      ['packages/events/test/a.test.ts:2', '`test.only`'],
      ['packages/events/test/a.test.ts:3', '`describe.todo`'],
    ],
  },
  {
    rule: marks,
    name: 'lets a mark name its issue, a text speak of marks, and a test need something',
    texts: {
      ...source('events', '// TODO(#12): widen', '// counts TODO marks', `const s = 'FIXME'`),
      ...test(`it.skipIf(folder === undefined)('reads vectors', f)`),
    },
    finds: [],
  },
]
