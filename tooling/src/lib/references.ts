/**
 * The project references `tsc -b` builds by, derived from the manifests and never written by hand:
 * a package's `tsconfig.json` refers to each workspace package its manifest depends on, and the
 * root's refers to every package. The rest of such a file, comments included, is left as it is.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import { type WorkspacePackage, workspacePackages } from './house.ts'

/** A file whose text is not what it should be. */
interface StaleFile {
  readonly path: string
  readonly text: string
}

const REFERENCES = /,?\s*"references"\s*:\s*\[[^\]]*\]/

const dependenciesOf = ({ manifest }: WorkspacePackage): readonly string[] =>
  Object.keys({
    ...manifest.dependencies,
    ...manifest.peerDependencies,
    ...manifest.optionalDependencies,
  })

/** The compiler refuses a project without a source, so a package joins with its first file. */
const hasSources = (root: string, { folder }: WorkspacePackage): boolean => {
  const source = join(root, folder, 'src')
  return (
    existsSync(join(root, folder, 'tsconfig.json')) &&
    existsSync(source) &&
    readdirSync(source).some((name) => name.endsWith('.ts'))
  )
}

/** `text` with its references replaced by `paths`. */
export const withReferences = (text: string, paths: readonly string[]): string => {
  const current = [...(REFERENCES.exec(text)?.[0] ?? '').matchAll(/"path"\s*:\s*"([^"]*)"/g)]
  if (JSON.stringify(current.map((match) => match[1])) === JSON.stringify(paths)) return text
  const rest = text.replace(REFERENCES, '')
  if (paths.length === 0) return rest
  const lines = paths.map((path) => `    { "path": "${path}" }`).join(',\n')
  return rest.replace(/\s*\}\s*$/, `,\n  "references": [\n${lines}\n  ]\n}\n`)
}

/** Each `tsconfig.json` whose references are wrong, with the text it should have. */
export const staleReferences = (root: string): readonly StaleFile[] => {
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
    const text = readFileSync(path, 'utf8')
    const next = withReferences(text, paths)
    return next === text ? [] : [{ path, text: next }]
  })
}

/** Rewrites what is stale and returns the paths that were. */
export const writeReferences = (root: string): readonly string[] =>
  staleReferences(root).map(({ path, text }) => {
    writeFileSync(path, text)
    return path
  })
