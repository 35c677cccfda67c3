/** Dependencies in TOML: of Rust's Cargo and of Python's projects. Pure and total. */

import type { Declared } from './manifest.ts'
import { requirement } from './manifest-plain.ts'
import type { Dependency } from './ports.ts'
import { inlineText, type TomlEntry, textsIn, tomlEntries } from './toml.ts'

const CARGO_SECTION = /^(?:workspace\.|target\..+\.)?(?:(dev|build)-)?dependencies(?:\.(.+))?$/

/** `Cargo.toml`: every dependency table, targets and the workspace's included. */
export function cargoManifest(source: string): Declared {
  const found = new Map<string, Dependency>()
  let licence: string | undefined
  for (const entry of tomlEntries(source)) {
    const { table, key, value } = entry
    if (/^(?:workspace\.)?package$/.test(table) && key === 'license' && value.kind === 'text') {
      licence = value.text
    }
    const section = CARGO_SECTION.exec(table)
    if (section === null) continue
    const [, scope, named] = section
    // `[dependencies.serde]` has the members of one dependency as its entries.
    if (named !== undefined) {
      const version = key === 'version' && value.kind === 'text' ? value.text : undefined
      const known = found.get(`${scope} ${named}`)
      found.set(`${scope} ${named}`, dependency(named, version ?? known?.version ?? '', scope))
    } else {
      const [name = key] = key.split('.')
      found.set(`${scope} ${name}`, dependency(name, versionOf(entry), scope))
    }
  }
  return { dependencies: [...found.values()], licence }
}

/** `pyproject.toml`: PEP 621, dependency groups, and Poetry's own tables. */
export function pyprojectManifest(source: string): Declared {
  const dependencies: Dependency[] = []
  let licence: string | undefined
  for (const entry of tomlEntries(source)) {
    const { table, key, value } = entry
    if ((table === 'project' || table === 'tool.poetry') && key === 'license') {
      licence = value.kind === 'table' ? inlineText(value.source, 'text') : versionOf(entry)
    }
    const list = value.kind === 'list' ? value.texts : []
    if (table === 'project' && key === 'dependencies') dependencies.push(...list.map(requirement))
    const groups = ['project.optional-dependencies', 'dependency-groups']
    if (groups.includes(table)) {
      dependencies.push(...list.map((text) => ({ ...requirement(text), scope: key })))
    }
    if (table === 'build-system' && key === 'requires') {
      dependencies.push(...list.map((text) => ({ ...requirement(text), scope: 'build' })))
    }
    const poetry = /^tool\.poetry\.(?:(dev)-dependencies|group\.(.+)\.dependencies|dependencies)$/
    const section = poetry.exec(table)
    if (section !== null && key !== 'python') {
      dependencies.push(dependency(key, versionOf(entry), section[1] ?? section[2]))
    }
  }
  return { dependencies, licence }
}

function dependency(name: string, version: string, scope: string | undefined): Dependency {
  return scope === undefined ? { name, version } : { name, version, scope }
}

function versionOf({ value }: TomlEntry): string {
  if (value.kind === 'text') return value.text
  if (value.kind !== 'table') return ''
  const { source } = value
  const elsewhere = ['path', 'git'].find((key) => inlineText(source, key) !== undefined)
  const version = inlineText(source, 'version') ?? elsewhere
  if (version !== undefined) return version
  return /workspace\s*=\s*true/.test(source) ? 'workspace' : (textsIn(source)[0] ?? '')
}
