import { cycles } from '../../../src/style/rules/cycles.ts'
import { deadFiles } from '../../../src/style/rules/dead-files.ts'
import { deepImports } from '../../../src/style/rules/deep-imports.ts'
import { direction } from '../../../src/style/rules/direction.ts'
import { type Case, manifestOf, room, type Texts } from '../house-of-texts.ts'

const shorts = ['primitives', 'events', 'capabilities', 'runs', 'effects', 'events-sqlite']
const everyRoom: Texts = Object.assign(
  {},
  ...[...shorts, 'runtime', 'workflows', 'models'].map((short) => room(short, {})),
)

const importing = (short: string, ...lines: readonly string[]) => ({
  ...everyRoom,
  ...room(short, { 'src/a.ts': lines.join('\n') }),
})

export const importCases: readonly Case[] = [
  {
    rule: direction,
    name: 'refuses what lies in a layer above, types too',
    texts: importing(
      'events',
      `import { createRuntime } from '@ice/runtime'`,
      `import type { Runtime } from '@ice/runtime/ports'`,
      `export type Late = import('@ice/effects').Effects`,
      `export const load = () => import('@ice/workflows')`,
    ),
    finds: [
      ['packages/events/src/a.ts:1', 'events (L1) stands below runtime (L3)'],
      ['packages/events/src/a.ts:2', 'state a port here'],
      ['packages/events/src/a.ts:3', 'stands below effects (L2)'],
      ['packages/events/src/a.ts:4', 'stands below workflows (L4)'],
    ],
  },
  {
    rule: direction,
    name: 'refuses values of an L1 sibling, but for `@ice/events/define`',
    texts: importing(
      'runs',
      `import { authorize } from '@ice/capabilities'`,
      `import { type Authority } from '@ice/capabilities/ports'`,
      `import { fold } from '@ice/events'`,
    ),
    finds: [
      ['packages/runs/src/a.ts:1', "import type … from '@ice/capabilities/ports'"],
      ['packages/runs/src/a.ts:2', "import type … from '@ice/capabilities/ports'"],
      ['packages/runs/src/a.ts:3', "values come from '@ice/events/define' alone"],
    ],
  },
  {
    rule: direction,
    name: 'refuses a sibling that stands later in the order of L1',
    texts: importing('capabilities', `import type { Run } from '@ice/runs/ports'`),
    finds: [['packages/capabilities/src/a.ts:1', 'runs stands after capabilities']],
  },
  {
    rule: direction,
    name: 'refuses values between adapters, and anything but a public face in L4',
    texts: {
      ...importing('effects', `import { sqliteEventStore } from '@ice/events-sqlite'`),
      ...room('models', {
        'src/a.ts': [
          `import { createEventLog } from '@ice/events'`,
          `import { workflow } from '@ice/workflows'`,
        ].join('\n'),
      }),
    },
    finds: [
      ['packages/effects/src/a.ts:1', 'L2 packages are independent'],
      ['packages/models/src/a.ts:1', "import it from '@ice/runtime'"],
      ['packages/models/src/a.ts:2', 'L4 packages are independent'],
    ],
  },
  {
    rule: direction,
    name: 'finds a package without a layer, and an import of a package that is not there',
    texts: room('attic', { 'src/a.ts': `import { b } from '@ice/cellar'` }),
    finds: [
      ['packages/attic/package.json:1', 'tooling/layers.json'],
      ['packages/attic/src/a.ts:1', 'there is no package @ice/cellar'],
    ],
  },
  {
    rule: direction,
    name: 'lets arrows point down, and tests import what they like',
    texts: {
      ...importing(
        'runs',
        `import { invariant } from '@ice/primitives'`,
        `import { defineEventType } from '@ice/events/define'`,
        `import type { EventLog } from '@ice/events/ports'`,
        `import type { Authority } from '@ice/capabilities/ports'`,
        `export { self } from '@ice/runs/errors'`,
      ),
      ...room('events', { 'test/a.test.ts': `import { createRuntime } from '@ice/runtime'` }),
      ...room('effects', { 'src/a.ts': `import { judge } from '@ice/events'` }),
      ...room('runtime', { 'src/a.ts': `import { effects } from '@ice/effects'` }),
      ...room('workflows', { 'src/a.ts': `import { createRuntime } from '@ice/runtime'` }),
      'apps/ice/package.json': '{}',
      'apps/ice/src/a.ts': `import { workflow } from '@ice/workflows'`,
    },
    finds: [],
  },
  {
    rule: deepImports,
    name: 'refuses an entry that is not exported, and a path into another package',
    texts: {
      ...room('events', {}),
      ...room('runs', {
        'src/a.ts': [
          `import { judge } from '@ice/events/dist/judge.js'`,
          `import { fold } from '../../events/src/projection.ts'`,
        ].join('\n'),
        'test/a.test.ts': `import { fold } from '../../events/src/projection.ts'`,
      }),
    },
    finds: [
      ['packages/runs/src/a.ts:1', '@ice/events does not export ./dist/judge.js'],
      ['packages/runs/src/a.ts:2', 'lies outside the package'],
      ['packages/runs/test/a.test.ts:1', 'is the inside of another package'],
    ],
  },
  {
    rule: deepImports,
    name: 'lets exported entries, own files and the tooling be imported',
    texts: {
      ...room('events', {}),
      ...room('runs', {
        'src/a.ts': `import '@ice/events'\nimport '@ice/events/package.json'\nimport './b.ts'`,
        'test/a.test.ts': `import '../src/a.ts'\nimport '../../../tooling/src/vectors.ts'`,
      }),
    },
    finds: [],
  },
  {
    rule: cycles,
    name: 'finds a cycle of values, whatever its length',
    texts: room('events', {
      'src/a.ts': `import './b.ts'`,
      'src/b.ts': `export { c } from './c.ts'`,
      'src/c.ts': `import { a } from './a.ts'`,
    }),
    finds: [['packages/events/src/a.ts:1', 'a.ts -> b.ts -> c.ts -> a.ts']],
  },
  {
    rule: cycles,
    name: 'lets types refer to each other',
    texts: room('events', {
      'src/a.ts': `import { b } from './b.ts'`,
      'src/b.ts': `import type { A } from './a.ts'`,
    }),
    finds: [],
  },
  {
    rule: deadFiles,
    name: 'finds a file nothing loads, and a file only a dead one loads',
    texts: room('events', {
      'src/index.ts': `export { a } from './a.ts'`,
      'src/a.ts': '',
      'src/old.ts': `import './older.ts'`,
      'src/older.ts': '',
    }),
    finds: [
      ['packages/events/src/old.ts:1', 'nothing reaches this file'],
      ['packages/events/src/older.ts:1', 'nothing reaches this file'],
    ],
  },
  {
    rule: deadFiles,
    name: 'reaches files by exports, commands, tests, types and worker addresses',
    texts: {
      ...room('events', {
        'package.json': manifestOf('events', { bin: { e: './dist/main.js' } }),
        'src/index.ts': `import type { P } from './ports.ts'`,
        'src/ports.ts': '',
        'src/main.ts': `new Worker(new URL('./worker.js', import.meta.url))`,
        'src/worker.ts': '',
        'src/fake.ts': '',
        'test/a.test.ts': `import '../src/fake.ts'`,
      }),
      'tooling/src/commands/build.ts': `import '../lib/tools.ts'`,
      'tooling/src/lib/tools.ts': '',
    },
    finds: [],
  },
]
