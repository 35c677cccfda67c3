import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { projectRoot } from '../src/lib/house.ts'
import { runTool } from '../src/lib/tools.ts'
import { scaffold } from '../src/scaffold/scaffold.ts'
import { readHouse } from '../src/style/house.ts'
import { checkStyle } from '../src/style/style.ts'

let root = ''

/** A house of one room: the ground, as it is built here, and what a new package leans on. */
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'ice-new-'))
  for (const path of ['tooling/tsconfig', 'tooling/layers.json', 'biome.json', 'package.json']) {
    cpSync(join(projectRoot, path), join(root, path), { recursive: true })
  }
  const ground = ['packages/primitives/package.json', 'packages/primitives/tsconfig.json']
  for (const path of [...ground, 'packages/primitives/src', 'packages/primitives/dist']) {
    cpSync(join(projectRoot, path), join(root, path), { recursive: true })
  }
  writeFileSync(join(root, 'tsconfig.json'), '{\n  "files": [],\n  "references": []\n}\n')
  symlinkSync(join(projectRoot, 'node_modules'), join(root, 'node_modules'))
})
afterEach(() => rmSync(root, { recursive: true }))

/** What an install would have linked. */
const link = (short: string): void => {
  const folder = join(root, 'packages', short, 'node_modules/@ice')
  mkdirSync(folder, { recursive: true })
  symlinkSync(join(root, 'packages/primitives'), join(folder, 'primitives'))
}

const run = (command: string, ...args: readonly string[]) =>
  runTool({
    command: join(projectRoot, 'node_modules/.bin', command),
    args,
    cwd: root,
    output: 'keep',
  })

const layers = (): Record<string, string[]> =>
  JSON.parse(readFileSync(join(root, 'tooling/layers.json'), 'utf8'))

describe('npm run new', () => {
  it('makes a package that builds, is formatted, runs and keeps every rule', async () => {
    const made = scaffold(root, { short: 'name-register', layer: 'L2' })
    expect(made).toHaveProperty('written')
    link('name-register')

    const findings = checkStyle(readHouse(root)).flatMap((report) => report.findings)
    const own = findings.filter(({ path }) => path.includes('name-register'))
    expect(own).toEqual([])
    expect(layers()['L2']).toContain('name-register')
    expect(readFileSync(join(root, 'tsconfig.json'), 'utf8')).toContain('packages/name-register')
    const formatted = await run('biome', 'check', '--vcs-enabled=false', 'packages/name-register')
    expect(formatted.status).toBe(0)
    expect(await run('tsc', '-b')).toEqual({ status: 0, output: '' })
    const example = await run('node', 'packages/name-register/examples/01_names.ts')
    expect(example).toEqual({ status: 0, output: 'true\nfalse\n' })
  })

  it('puts its own sources into its README', () => {
    scaffold(root, { short: 'name-register', layer: 'L2' })
    const readme = readFileSync(join(root, 'packages/name-register/README.md'), 'utf8')
    expect(readme).toContain("import { nameRegisterInMemory } from '@ice/name-register'")
    expect(readme).toContain('| `ICE_NAME_REGISTER_NAME_LIMIT` |')
    expect(readme).toContain('| `NAME_BYTES_MAX` | 64 |')
    expect(readme).toContain('| `NameRegisterRegister` | `add` `has` |')
  })

  it('knows where a planned package stands, and refuses another place', () => {
    expect(scaffold(root, { short: 'audit', layer: 'L2' })).toEqual({
      refused: 'audit stands in L1, says tooling/layers.json',
    })
    expect(scaffold(root, { short: 'audit' })).toHaveProperty('written')
    expect(layers()['L1']?.filter((short) => short === 'audit')).toHaveLength(1)
  })

  it('refuses a bad name, a taken one, an unknown layer and a missing one', () => {
    const requests = [{ short: 'Names' }, { short: 'primitives' }, { short: 'x', layer: 'L9' }]
    const answers = [...requests, { short: 'x' }].map((request) => scaffold(root, request))
    expect(answers).toEqual([
      { refused: '"Names" is no name for a package: lower-case-words' },
      { refused: 'packages/primitives is there already' },
      { refused: '"L9" is no layer: L0 L1 L2 L3 L4' },
      { refused: 'say where x stands: --layer L1' },
    ])
  })
})
