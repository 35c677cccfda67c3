/**
 * A new package in the house's shape: it builds, its test passes, its example runs, and the style
 * test has nothing to say about it.
 *
 * Nothing is overwritten: a name that is taken is refused before the first file is written.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { writeReferences } from '../lib/references.ts'
import { readHouse } from '../style/house.ts'
import { LAYERS, type Layer, type Layers, layerOf } from '../style/layers.ts'
import { generated } from '../style/rules/generated.ts'
import { isPackageName, type Names, namesOf } from './names.ts'
import { manifestText, readmeText, requirementsText, tsconfigText } from './papers.ts'
import {
  errorsText,
  exampleText,
  indexText,
  limitsText,
  memoryText,
  portsText,
  testText,
} from './sources.ts'

/** What is asked for. */
export interface ScaffoldRequest {
  readonly short: string
  /** Needed unless the name stands in `tooling/layers.json` already. */
  readonly layer?: string | undefined
}

/** What was made, or why nothing was. */
export type ScaffoldResult = { readonly written: readonly string[] } | { readonly refused: string }

const filesOf = (names: Names): ReadonlyMap<string, string> => {
  const inPackage = (path: string): string => `packages/${names.short}/${path}`
  return new Map([
    [inPackage('package.json'), manifestText(names)],
    [inPackage('tsconfig.json'), tsconfigText()],
    [inPackage('README.md'), readmeText(names)],
    [inPackage('src/index.ts'), indexText(names)],
    [inPackage('src/ports.ts'), portsText(names)],
    [inPackage('src/errors.ts'), errorsText(names)],
    [inPackage('src/limits.ts'), limitsText()],
    [inPackage('src/memory.ts'), memoryText(names)],
    [inPackage('test/memory.test.ts'), testText(names)],
    [inPackage('examples/01_names.ts'), exampleText(names)],
    [`docs/requirements/${names.short}.md`, requirementsText(names)],
  ])
}

/** Packages are made for L0 to L4; an app has a shape of its own. */
const isLayer = (text: string | undefined): text is Layer =>
  text !== 'apps' && LAYERS.some((layer) => layer === text)

const refuse = (root: string, layers: Layers, request: ScaffoldRequest): string | undefined => {
  const { short, layer } = request
  if (!isPackageName(short)) return `"${short}" is no name for a package: lower-case-words`
  if (existsSync(join(root, 'packages', short))) return `packages/${short} is there already`
  const known = layerOf(layers, short)
  if (layer !== undefined && !isLayer(layer)) return `"${layer}" is no layer: L0 L1 L2 L3 L4`
  if (known === undefined && layer === undefined) return `say where ${short} stands: --layer L1`
  if (known !== undefined && layer !== undefined && known !== layer) {
    return `${short} stands in ${known}, says tooling/layers.json`
  }
  return undefined
}

const layersText = (layers: Layers): string => `${JSON.stringify(layers, null, 2)}\n`

/** Makes the package, and enters it in the layers, the references and its README's tables. */
export const scaffold = (root: string, request: ScaffoldRequest): ScaffoldResult => {
  const layersFile = join(root, 'tooling/layers.json')
  const layers = JSON.parse(readFileSync(layersFile, 'utf8')) as Layers
  const refused = refuse(root, layers, request)
  if (refused !== undefined) return { refused }
  const { short, layer } = request
  const files = filesOf(namesOf(short))
  for (const [path, text] of files) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  if (layerOf(layers, short) === undefined && isLayer(layer)) {
    writeFileSync(layersFile, layersText({ ...layers, [layer]: [...(layers[layer] ?? []), short] }))
  }
  for (const { path, text } of generated.repair?.(readHouse(root)) ?? []) {
    if (path.startsWith(`packages/${short}/`)) writeFileSync(join(root, path), text)
  }
  writeReferences(root)
  return { written: [...files.keys()] }
}
