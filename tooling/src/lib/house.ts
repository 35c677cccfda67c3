/**
 * The house as it lies on disk: where its root is, and which packages it has.
 *
 * Nothing here is cached: a command reads what is there when it asks, and tests hand in a root
 * of their own.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The folder that holds the root `package.json`. */
export const projectRoot: string = dirname(
  dirname(dirname(dirname(fileURLToPath(import.meta.url)))),
)

/** The fields of a `package.json` that the tooling reads. */
export interface Manifest {
  readonly name: string
  readonly version: string
  readonly private?: boolean
  readonly type?: string
  readonly license?: string
  readonly description?: string
  readonly sideEffects?: boolean
  readonly engines?: Readonly<Record<string, string>>
  readonly files?: readonly string[]
  readonly bin?: string | Readonly<Record<string, string>>
  readonly exports?: Readonly<Record<string, string | Readonly<Record<string, string>>>>
  readonly dependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

/** One package of the workspace that has sources to build. */
export interface WorkspacePackage {
  /** Its folder from the root, with forward slashes: `packages/events`. */
  readonly folder: string
  /** Its short name, which is the folder's last part: `events`. */
  readonly short: string
  readonly manifest: Manifest
}

/** Reads a JSON file as what the caller says it is; a file of ours, so it is not validated. */
export const readJson = <T>(path: string): T => JSON.parse(readFileSync(path, 'utf8')) as T

/** Every package under `packages/` and `apps/`, in the order of their folders' names. */
export const workspacePackages = (root: string): readonly WorkspacePackage[] =>
  ['packages', 'apps'].flatMap((group) => {
    const groupFolder = join(root, group)
    if (!existsSync(groupFolder)) return []
    return readdirSync(groupFolder)
      .sort()
      .filter((short) => existsSync(join(groupFolder, short, 'package.json')))
      .map((short) => ({
        folder: `${group}/${short}`,
        short,
        manifest: readJson<Manifest>(join(groupFolder, short, 'package.json')),
      }))
  })

/** The packages with these short names, and every package of ours that they depend on. */
export const withDependencies = (
  packages: readonly WorkspacePackage[],
  shorts: readonly string[],
): readonly WorkspacePackage[] => {
  const chosen = new Set<WorkspacePackage>()
  const choose = (each: WorkspacePackage): void => {
    if (chosen.has(each)) return
    chosen.add(each)
    const named = Object.keys(each.manifest.dependencies ?? {})
    for (const other of packages) if (named.includes(other.manifest.name)) choose(other)
  }
  for (const each of packages) if (shorts.includes(each.short)) choose(each)
  return packages.filter((each) => chosen.has(each))
}
