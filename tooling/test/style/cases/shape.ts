import { layout } from '../../../src/style/rules/layout.ts'
import { manifest } from '../../../src/style/rules/manifest.ts'
import { sizes } from '../../../src/style/rules/sizes.ts'
import { type Case, manifestOf, room } from '../house-of-texts.ts'

const lines = (count: number): string => 'f()\n'.repeat(count)

const functionOf = (count: number): string =>
  `export function big() {\n${'  f()\n'.repeat(count - 2)}}\n`

const whole = {
  'README.md': '# @ice/events\n## Example\n## Guarantees\n## Not guaranteed\n',
  'tsconfig.json': '{}',
  'src/index.ts': `export { a } from './a.ts'\nexport type { B } from './ports.ts'\n`,
  'src/ports.ts': `import type { A } from './a.ts'\nexport interface B { a: A }\n`,
  'src/a.ts': 'export const a = 1\n',
  'test/a.test.ts': '',
}

export const shapeCases: readonly Case[] = [
  {
    rule: sizes,
    name: 'finds lines, functions and files that are too long',
    texts: room('events', {
      'src/a.ts': `const s = '${'x'.repeat(90)}'\n${functionOf(71)}`,
      'src/b.ts': lines(401),
      'src/ports.ts': lines(601),
    }),
    finds: [
      ['packages/events/src/a.ts:1', '102 columns'],
      ['packages/events/src/a.ts:2', 'a function of 71 lines'],
      ['packages/events/src/b.ts:400', '401 lines, of 400'],
      ['packages/events/src/ports.ts:600', '601 lines, of 600'],
    ],
  },
  {
    rule: sizes,
    name: 'finds a long test, but lets a suite be a list and a line end in an address',
    texts: room('events', {
      'test/a.test.ts': `describe('x', () => {\n  it('y', () => {\n${lines(70)}  })\n})\n`,
      'src/a.ts': `// https://example.com/${'x'.repeat(100)}\n`,
    }),
    finds: [['packages/events/test/a.test.ts:2', 'a function of 72 lines']],
  },
  {
    rule: sizes,
    name: 'lets everything be as long as its limit',
    texts: room('events', {
      'src/a.ts': functionOf(70),
      'src/b.ts': lines(400),
      'src/contract/append.ts': lines(600),
      'test/a.test.ts': lines(600),
    }),
    finds: [],
  },
  {
    rule: layout,
    name: 'names each missing file and section',
    texts: room('events', { 'README.md': '# @ice/events\n## Example\n', 'src/index.ts': '' }),
    finds: [
      ['packages/events:1', 'has no tsconfig.json'],
      ['packages/events:1', 'has no test/*.test.ts'],
      ['packages/events/README.md:1', 'has no "## Guarantees"'],
      ['packages/events/README.md:1', 'has no "## Not guaranteed"'],
    ],
  },
  {
    rule: layout,
    name: 'finds logic in index.ts, runtime code in ports.ts and a README that goes on',
    texts: room('events', {
      ...whole,
      'README.md': `${whole['README.md']}${'more\n'.repeat(147)}`,
      'src/index.ts': `${whole['src/index.ts']}export const b = 2\n`,
      'src/ports.ts': `${whole['src/ports.ts']}export { a } from './a.ts'\n`,
    }),
    finds: [
      ['packages/events/README.md:150', '151 lines'],
      ['packages/events/src/index.ts:3', 'index.ts only exports'],
      ['packages/events/src/ports.ts:3', 'ports.ts holds types only'],
    ],
  },
  {
    rule: layout,
    name: 'is content with a package in the shape of the house',
    texts: room('events', whole),
    finds: [],
  },
  {
    rule: manifest,
    name: 'finds what keeps a package from being published or installed alone',
    texts: room('events', {
      'package.json': manifestOf('events', {
        type: 'commonjs',
        engines: { node: '>=18' },
        files: ['dist'],
        exports: { '.': { default: './dist/index.js', types: './dist/index.d.ts' } },
        dependencies: { zod: '^4.0.0', '@ice/primitives': 'workspace:*' },
      }),
    }),
    finds: [
      ['packages/events/package.json:1', '"type" is not "module"'],
      ['packages/events/package.json:1', '"engines.node"'],
      ['packages/events/package.json:1', 'lets *.tsbuildinfo in'],
      ['packages/events/package.json:1', 'does not begin with "types"'],
      ['packages/events/package.json:1', 'packages/events/src/index.ts, which is missing'],
      ['packages/events/package.json:1', 'zod is "^4.0.0"'],
    ],
  },
  {
    rule: manifest,
    name: 'is content with a whole manifest, and asks nothing of a private package',
    texts: {
      ...room('events', { 'src/index.ts': '' }),
      'apps/studio/package.json': '{ "private": true }',
    },
    finds: [],
  },
]
