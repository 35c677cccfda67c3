/**
 * The project references `tsc -b` builds by, derived from the manifests and never written by hand:
 * a package's `tsconfig.json` refers to each workspace package its manifest depends on, and the
 * root's refers to every package.
 */
import { existsSync, writeFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import { readJson, type WorkspacePackage, workspacePackages } from './house.ts'

interface TsConfig {
  references?: readonly { readonly path: string }[]
}

const dependenciesOf = ({ manifest }: WorkspacePackage): readonly string[] =>
  Object.keys({
    ...manifest.dependencies,
    ...manifest.peerDependencies,
    ...manifest.optionalDependencies,
  })

const hasSources = (root: string, { folder }: WorkspacePackage): boolean =>
  existsSync(join(root, folder, 'src')) && existsSync(join(root, folder, 'tsconfig.json'))

/** Each `tsconfig.json` whose references are wrong, with the text it should have. */
const staleReferences = (root: string): readonly { path: string; text: string }[] => {
  const packages = workspacePackages(root).filter((each) => hasSources(root, each))
  const folderOf = new Map(packages.map((each) => [each.manifest.name, each.folder]))
  const wanted = new Map<string, readonly string[]>([['.', packages.map((each) => each.folder)]])
  for (const each of packages) {
    const folders = dependenciesOf(each).flatMap((name) => folderOf.get(name) ?? [])
    wanted.set(
      each.folder,
      folders.sort().map((folder) => posix.relative(each.folder, folder)),
    )
  }
  return [...wanted].flatMap(([folder, paths]) => {
    const path = join(root, folder, 'tsconfig.json')
    const config = readJson<TsConfig>(path)
    const current = (config.references ?? []).map((reference) => reference.path)
    if (JSON.stringify(current) === JSON.stringify(paths)) return []
    const { references: _, ...rest } = config
    const isEmpty = paths.length === 0 && folder !== '.'
    const next = isEmpty ? rest : { ...rest, references: paths.map((target) => ({ path: target })) }
    return [{ path, text: `${JSON.stringify(next, null, 2)}\n` }]
  })
}

/** Rewrites what is stale and returns the paths that were. */
export const writeReferences = (root: string): readonly string[] =>
  staleReferences(root).map(({ path, text }) => {
    writeFileSync(path, text)
    return path
  })
