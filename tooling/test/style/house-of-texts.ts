/** Houses made of a few texts, for the rules' own tests. */
import { type House, houseOf } from '../../src/style/house.ts'
import type { Layers } from '../../src/style/layers.ts'
import type { Rule } from '../../src/style/rule.ts'

/** Paths and their texts. */
export type Texts = Readonly<Record<string, string>>

/** A house for one rule, and what the rule finds in it: `path:line`, then a part of the message. */
export interface Case {
  readonly rule: Rule
  /** A present-tense sentence: `refuses a value from a sibling`. */
  readonly name: string
  readonly texts: Texts
  /** Empty for a house that is clean. */
  readonly finds: readonly (readonly [place: string, says: string])[]
}

const layers: Layers = {
  L0: ['primitives'],
  L1: ['events', 'capabilities', 'runs'],
  L2: ['events-sqlite', 'effects'],
  L3: ['runtime'],
  L4: ['workflows', 'models'],
}

/** A manifest nothing is wrong with. */
export const manifestOf = (short: string, more: object = {}): string =>
  JSON.stringify({
    name: `@ice/${short}`,
    version: '0.1.0',
    description: 'A package.',
    license: 'MIT',
    type: 'module',
    sideEffects: false,
    engines: { node: '>=22.12' },
    files: ['dist', 'src', '!**/*.tsbuildinfo'],
    exports: {
      '.': { types: './dist/index.d.ts', default: './dist/index.js' },
      './package.json': './package.json',
    },
    ...more,
  })

/** The texts of a package, by paths inside it; its manifest is there unless it is given. */
export const room = (short: string, texts: Texts): Texts =>
  Object.fromEntries([
    [`packages/${short}/package.json`, manifestOf(short)],
    ...Object.entries(texts).map(([path, text]) => [`packages/${short}/${path}`, text]),
  ])

/** The house that consists of these texts. */
export const houseFrom = (texts: Texts): House =>
  houseOf(Object.keys(texts).sort(), layers, (path) => texts[path] ?? '')
