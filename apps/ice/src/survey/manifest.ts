/**
 * The dependencies a manifest declares, in the order it declares them.
 *
 * Read from a bounded copy of the manifest inside the effect, so that what is recorded is what it
 * declares and not the file. Each reader is total: a manifest that is broken says so.
 */

import { parseStrict } from '@ice/primitives'
import { bounded } from './licence.ts'
import { DEPENDENCIES_NAMED_MAX } from './limits.ts'
import { goDependencies, pomDependencies, requirementsDependencies } from './manifest-plain.ts'
import { cargoManifest, pyprojectManifest } from './manifest-toml.ts'
import type { Dependency, Manifest, ManifestKind } from './ports.ts'

/** What a reader finds. */
export interface Declared {
  readonly dependencies: readonly Dependency[]
  readonly licence?: string | undefined
}

const READERS: Readonly<Record<ManifestKind, (source: string) => Declared>> = {
  'package.json': packageJson,
  'requirements.txt': (source) => ({ dependencies: requirementsDependencies(source) }),
  'pyproject.toml': pyprojectManifest,
  'Cargo.toml': cargoManifest,
  'go.mod': (source) => ({ dependencies: goDependencies(source) }),
  'pom.xml': pomDependencies,
}

/** What kind of manifest a file of this name is, if it is one. Pure. */
export function manifestKind(name: string): ManifestKind | undefined {
  if (Object.hasOwn(READERS, name)) return name as ManifestKind
  return /^requirements(?:[-_.][a-z0-9]+)*\.txt$/i.test(name) ? 'requirements.txt' : undefined
}

/** A manifest of which nothing could be read. */
export function unreadableManifest(kind: ManifestKind, why: string): Manifest {
  return { kind, unreadable: bounded(why), count: 0, dependencies: [] }
}

/** Reads a manifest. Pure and total. */
export function readManifest(kind: ManifestKind, source: string): Manifest {
  let declared: Declared
  try {
    declared = READERS[kind](source)
  } catch (error) {
    return unreadableManifest(kind, error instanceof Error ? error.message : String(error))
  }
  const { dependencies, licence } = declared
  return {
    kind,
    ...(licence === undefined || licence === '' ? {} : { licence: bounded(licence) }),
    count: dependencies.length,
    dependencies: dependencies.slice(0, DEPENDENCIES_NAMED_MAX).map(boundedDependency),
  }
}

function boundedDependency({ name, version, scope }: Dependency): Dependency {
  const short = { name: bounded(name), version: bounded(version) }
  return scope === undefined ? short : { ...short, scope: bounded(scope) }
}

const SECTIONS: readonly (readonly [string, string | undefined])[] = [
  ['dependencies', undefined],
  ['devDependencies', 'dev'],
  ['peerDependencies', 'peer'],
  ['optionalDependencies', 'optional'],
]

function packageJson(source: string): Declared {
  const manifest: unknown = parseStrict(source.replace(/^\uFEFF/, ''))
  if (!isRecord(manifest)) throw new TypeError('it is no object')
  const dependencies = SECTIONS.flatMap(([section, scope]) => {
    const declared = manifest[section]
    if (!isRecord(declared)) return []
    return Object.entries(declared).map(([name, version]) => ({
      name,
      version: typeof version === 'string' ? version : '',
      ...(scope === undefined ? {} : { scope }),
    }))
  })
  const { license } = manifest
  const licence = isRecord(license) ? license['type'] : license
  return { dependencies, ...(typeof licence === 'string' ? { licence } : {}) }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
