import { describe, expect, it } from 'vitest'
import { manifestKind, readManifest } from '../../src/survey/manifest.ts'
import type { ManifestKind } from '../../src/survey/ports.ts'

/** `name version (scope)` of each dependency, and the licence where there is one. */
function declared(kind: ManifestKind, source: string): readonly string[] {
  const { dependencies, licence, unreadable } = readManifest(kind, source)
  return [
    ...dependencies.map(({ name, version, scope }) =>
      [name, version, scope === undefined ? '' : `(${scope})`].filter((p) => p !== '').join(' '),
    ),
    ...(licence === undefined ? [] : [`licence ${licence}`]),
    ...(unreadable === undefined ? [] : ['unreadable']),
  ]
}

describe('a manifest declares', () => {
  it('in package.json: four kinds of dependency, and a licence in its old and new form', () => {
    const source = JSON.stringify({
      license: { type: 'ISC' },
      dependencies: { a: '^1', b: 2 },
      devDependencies: { c: '3' },
      peerDependencies: { d: '*' },
      optionalDependencies: ['no', 'object'],
    })
    expect(declared('package.json', `\uFEFF${source}`)).toEqual([
      'a ^1',
      'b',
      'c 3 (dev)',
      'd * (peer)',
      'licence ISC',
    ])
  })

  it('in requirements.txt: requirements, and not options, comments or includes', () => {
    const source =
      '# c\n-r other.txt\nrequests[socks] >= 2.8 ; python_version < "3"\nflask==1 # why\n' +
      'django \\\n  >=4\n--hash=x\nplain\npkg==1 --hash=sha256:abc\n'
    expect(declared('requirements.txt', source)).toEqual([
      'requests >=2.8',
      'flask ==1',
      'django >=4',
      'plain',
      'pkg ==1',
    ])
  })

  it('in pyproject.toml: PEP 621, groups, the build, and tables of Poetry', () => {
    const source = `
[build-system]
requires = ["hatchling"]
[project]
license = { text = "MIT" }
dependencies = [
  "httpx>=0.2", # a comment with ] and "quotes"
  'rich',
]
[project.optional-dependencies]
test = ["pytest>7"]
[tool.poetry.dependencies]
python = "^3.11"
numpy = { version = "^1.2", optional = true }
[tool.poetry.group.docs.dependencies]
mkdocs = "*"
`
    expect(declared('pyproject.toml', source)).toEqual([
      'hatchling (build)',
      'httpx >=0.2',
      'rich',
      'pytest >7 (test)',
      'numpy ^1.2',
      'mkdocs * (docs)',
      'licence MIT',
    ])
  })

  it('in Cargo.toml: every table of dependencies, in both spellings', () => {
    const source = `
[package]
license = "Apache-2.0"
[dependencies]
serde = { version = "1", features = ["derive"] }
local = { path = "../local" }
shared.workspace = true
[dependencies.tokio]
features = ["full"]
version = "1.4"
[target.'cfg(unix)'.dependencies]
libc = "0.2"
[dev-dependencies]
tempfile = "3"
`
    expect(declared('Cargo.toml', source)).toEqual([
      'serde 1',
      'local path',
      'shared',
      'tokio 1.4',
      'libc 0.2',
      'tempfile 3 (dev)',
      'licence Apache-2.0',
    ])
  })

  it('in go.mod: single requirements and blocks, indirect ones marked', () => {
    const source =
      'module x\nrequire a.b/c v1\n' +
      'require (\n\td.e/f v2 // indirect\n\tg.h v3\n)\nreplace a => b v9\n'
    expect(declared('go.mod', source)).toEqual(['a.b/c v1', 'd.e/f v2 (indirect)', 'g.h v3'])
  })

  it('in pom.xml: dependencies, without what is excluded or commented out', () => {
    const version = '${'.concat('v}')
    const source = `<project><licenses><license><name>MIT</name></license></licenses>
<dependencies><!-- <dependency><groupId>no</groupId></dependency> -->
<dependency><groupId>g</groupId><artifactId>a</artifactId><version>${version}</version>
<exclusions><exclusion><groupId>x</groupId></exclusion></exclusions><scope>test</scope></dependency>
</dependencies></project>`
    expect(declared('pom.xml', source)).toEqual([`g:a ${version} (test)`, 'licence MIT'])
  })
})

describe('a manifest', () => {
  it('is known by its name', () => {
    expect(manifestKind('requirements-dev.txt')).toBe('requirements.txt')
    expect(manifestKind('package.json')).toBe('package.json')
    expect(manifestKind('toString')).toBeUndefined()
    expect(manifestKind('my-package.json')).toBeUndefined()
  })

  it('that is broken says so, and declares nothing', () => {
    expect(declared('package.json', '{ "dependencies": ')).toEqual(['unreadable'])
    expect(declared('package.json', '[]')).toEqual(['unreadable'])
    expect(declared('Cargo.toml', '[[[\n"= \n')).toEqual([])
    expect(declared('pom.xml', '<dependency><dependency>')).toEqual([])
  })

  it('names a bounded part of what it declares, and counts all of it', () => {
    const many = Object.fromEntries(Array.from({ length: 500 }, (_, at) => [`p${at}`, '1']))
    const manifest = readManifest('package.json', JSON.stringify({ dependencies: many }))
    expect([manifest.count, manifest.dependencies.length]).toEqual([500, 200])
    const [long] = readManifest(
      'package.json',
      `{"dependencies":{"${'x'.repeat(999)}":"1"}}`,
    ).dependencies
    expect(long?.name.length).toBe(120)
  })

  // Each would take minutes in a reader that goes back and forth; the runner's limit judges.
  it('made to take time is read like any other', () => {
    const size = 500_000
    const hostile: readonly (readonly [ManifestKind, string])[] = [
      ['pom.xml', '<dependency>'.repeat(size / 12)],
      ['pom.xml', '<!--'.repeat(size / 4)],
      ['Cargo.toml', `[dependencies]\na = [${'\n"'.repeat(size / 2)}`],
      ['Cargo.toml', `[${' '.repeat(size)}`],
      ['Cargo.toml', `[dependencies]\na = "${'\\"'.repeat(size / 2)}`],
      ['pyproject.toml', `[project]\ndependencies = [${'{'.repeat(size)}`],
      ['requirements.txt', `a${'['.repeat(size)}`],
      ['requirements.txt', '\\\n'.repeat(size / 2)],
      ['go.mod', `require (${' '.repeat(size)}`],
      ['package.json', '['.repeat(size)],
    ]
    for (const [kind, source] of hostile) expect(readManifest(kind, source).count).toBeLessThan(2)
  })
})
