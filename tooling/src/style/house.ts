/**
 * The house as the rules see it: paths, texts, packages and parsed sources.
 *
 * It is made from the disk, or, in the rules' own tests, from a handful of texts; a rule cannot
 * tell which. Files are read and parsed once, when a rule first asks.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Manifest } from '../lib/house.ts'
import { type Layer, type Layers, layerOf } from './layers.ts'
import { parseSource, type SourceFile } from './source.ts'

/** A package or app, and the layer it stands in. */
export interface Room {
  /** `packages/events` */
  readonly folder: string
  /** `events` */
  readonly short: string
  /** Undefined while the package is not written into `tooling/layers.json`. */
  readonly layer: Layer | undefined
  readonly manifest: Manifest
}

/** Everything a rule may ask. Paths are relative to the root, with forward slashes. */
export interface House {
  readonly layers: Layers
  readonly rooms: readonly Room[]
  readonly paths: readonly string[]
  readonly sources: readonly SourceFile[]
  has(path: string): boolean
  text(path: string): string
  source(path: string): SourceFile | undefined
  roomOf(path: string): Room | undefined
}

/** Folders that hold nothing of ours, or things kept as they are. */
const SKIPPED: ReadonlySet<string> = new Set([
  '.git',
  '.ice',
  '.turbo',
  'coverage',
  'dist',
  'fixtures',
  'ice-survey',
  'node_modules',
])

const listFiles = (root: string, folder: string): readonly string[] =>
  readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`
    if (entry.isDirectory()) return SKIPPED.has(entry.name) ? [] : listFiles(root, path)
    return entry.isFile() ? [path] : []
  })

const isSource = (path: string): boolean =>
  /^(packages|apps|tooling|examples)\//.test(path) && /\.(ts|tsx|mjs)$/.test(path)

const readRooms = (house: Pick<House, 'paths' | 'text' | 'layers'>): readonly Room[] =>
  house.paths
    .filter((path) => /^(packages|apps)\/[^/]+\/package\.json$/.test(path))
    .map((path) => {
      const folder = path.slice(0, path.lastIndexOf('/'))
      const short = folder.slice(folder.indexOf('/') + 1)
      const layer = folder.startsWith('apps/') ? 'apps' : layerOf(house.layers, short)
      return { folder, short, layer, manifest: JSON.parse(house.text(path)) as Manifest }
    })

/** Builds a house over any collection of texts. */
export const houseOf = (
  paths: readonly string[],
  layers: Layers,
  read: (path: string) => string,
): House => {
  const known = new Set(paths)
  const texts = new Map<string, string>()
  const parsed = new Map<string, SourceFile>()
  const text = (path: string): string => {
    const value = texts.get(path) ?? read(path)
    texts.set(path, value)
    return value
  }
  const source = (path: string): SourceFile | undefined => {
    if (!known.has(path) || !isSource(path)) return undefined
    const value = parsed.get(path) ?? parseSource(path, text(path))
    parsed.set(path, value)
    return value
  }
  const rooms = readRooms({ paths, text, layers })
  return {
    layers,
    rooms,
    paths,
    get sources() {
      return paths.flatMap((path) => source(path) ?? [])
    },
    has: (path) => known.has(path),
    text,
    source,
    roomOf: (path) => rooms.find((room) => path.startsWith(`${room.folder}/`)),
  }
}

/** The house on disk. */
export const readHouse = (root: string): House => {
  const layersFile = join(root, 'tooling/layers.json')
  const layers = JSON.parse(existsSync(layersFile) ? readFileSync(layersFile, 'utf8') : '{}')
  const paths = [...listFiles(root, '')].sort()
  return houseOf(paths, layers as Layers, (path) => readFileSync(join(root, path), 'utf8'))
}
