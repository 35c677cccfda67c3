import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hasCode } from '@ice/primitives'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { CONFIG_NAME, configuredGrants, loadConfig } from '../src/config/config.ts'
import { CLI_CODES } from '../src/errors.ts'

const folder = mkdtempSync(join(tmpdir(), 'ice-config-'))
mkdirSync(join(folder, 'src'))
afterAll(() => rmSync(folder, { recursive: true }))

async function load(text: string | Uint8Array) {
  writeFileSync(join(folder, CONFIG_NAME), text)
  return await loadConfig(undefined, folder)
}

/** Verifies: CLI-R16 */
describe('the configuration', () => {
  it('is empty where there is no file', async () => {
    const none = await loadConfig(undefined, join(folder, 'src'))
    expect(none).toEqual({
      path: null,
      store: null,
      secrets: null,
      programs: new Map(),
      grants: {},
    })
  })

  it('has its paths made absolute', async () => {
    const grant = { actions: ['fs.read'], resource: { kind: 'fs', root: 'src' }, expires: '10m' }
    const text = { store: 'a/b.db', programs: { p: './p.ts', survey: { grants: { own: grant } } } }
    const config = await load(JSON.stringify({ ...text, grants: { all: grant } }))
    const path = join(folder, 'a/b.db')
    expect(config.store).toEqual({ kind: 'file', path, name: path })
    expect(config.programs.get('p')).toEqual({ file: join(folder, 'p.ts'), grants: {} })
    const spec = {
      actions: ['fs.read'],
      resource: { kind: 'fs', root: join(folder, 'src') },
      expiresAt: 600_000,
    }
    expect(configuredGrants(config, 'p', 0)).toEqual({ all: spec })
    expect(configuredGrants(config, null, 0)).toEqual({ all: spec })
    expect(configuredGrants(config, 'survey', 0)).toEqual({ all: spec, own: spec })
  })

  it('names a store of secrets: variables one by one, or a file beside it', async () => {
    const listed = { environment: { 'github/token': 'GITHUB_TOKEN' } }
    const variables = await load(JSON.stringify({ secrets: listed }))
    expect(variables.secrets).toEqual(listed)
    const file = await load('{"secrets":{"file":"keys.json"}}')
    expect(file.secrets).toEqual({ file: join(folder, 'keys.json') })
  })

  it.each([
    '{"secrets":{}}',
    '{"secrets":"keys.json"}',
    '{"secrets":{"file":""}}',
    '{"secrets":{"file":"a","environment":{}}}',
    '{"secrets":{"environment":["A"]}}',
    '{"secrets":{"environment":{"a":"ghp_this is a value"}}}',
    '{"secrets":{"environment":{"a":{"value":"x"}}}}',
    '{"secrets":{"github/token":"GITHUB_TOKEN"}}',
  ])('refuses %s', async (text) => {
    await expect(load(text)).rejects.toMatchObject({ code: CLI_CODES.config })
  })

  it('takes caveats of every kind, and refuses those that are not understood', async () => {
    const grantOf = (caveat: unknown) => ({
      grants: {
        g: { actions: ['a.b'], resource: { kind: 'tool', name: 't' }, caveats: [caveat] },
      },
    })
    const known = [
      { kind: 'trusted', paths: ['/url'] },
      { kind: 'readers', paths: [''], include: ['os:bob'] },
      { kind: 'rate', max: 2, windowMs: 1000 },
      { kind: 'budget', unit: 'tokens', max: 5 },
      { kind: 'time-window', from: 0, to: 60 },
      { kind: 'arguments', schema: { type: 'object' } },
      { kind: 'approval', by: ['os:ann'], timeoutMs: 60_000 },
    ]
    for (const caveat of known) {
      const config = await load(JSON.stringify(grantOf(caveat)))
      expect(configuredGrants(config, null, 0)['g']?.caveats).toEqual([caveat])
    }
    const odd = [
      { kind: 'trust', paths: ['/url'] },
      { kind: 'trusted', path: ['/url'] },
      { kind: 'trusted', paths: ['url'] },
      { kind: 'constructor' },
      { kind: 'approval', aproval: true },
    ]
    for (const caveat of odd) {
      const config = await load(JSON.stringify(grantOf(caveat)))
      expect(() => configuredGrants(config, null, 0)).toThrow(
        expect.objectContaining({ code: CLI_CODES.config }),
      )
    }
  })

  it('starts programs in folders that are relative to it', async () => {
    const resource = { kind: 'proc', programs: [{ path: '/bin/true' }], root: 'src' }
    const grants = { p: { actions: ['proc.observe'], resource } }
    const config = await load(JSON.stringify({ grants }))
    const { p } = configuredGrants(config, null, 0)
    expect(p?.resource).toEqual({ ...resource, root: join(folder, 'src') })
    const lost = { p: { ...grants.p, resource: { ...resource, root: 'none' } } }
    const none = await load(JSON.stringify({ grants: lost }))
    expect(() => configuredGrants(none, null, 0)).toThrow(/there is nothing at/)
  })

  it('takes keys as they are, whatever objects inherit', async () => {
    await expect(load('{"__proto__":{"store":"x"}}')).rejects.toMatchObject({
      code: CLI_CODES.config,
    })
    const grant = '{"actions":["a"],"resource":{"kind":"tool","name":"t"}}'
    const config = await load(
      `{"grants":{"constructor":${grant}},"programs":{"toString":"./x.ts"}}`,
    )
    expect(Object.keys(configuredGrants(config, 'hasOwnProperty', 0))).toEqual(['constructor'])
    expect([...config.programs.keys()]).toEqual(['toString'])
  })

  it('is a configuration or a coded error, whatever the bytes', async () => {
    const key = fc.constantFrom('store', 'programs', 'grants', 'actions', 'resource', 'kind', 'x')
    const json = fc.letrec((tie) => ({
      value: fc.oneof({ maxDepth: 4 }, fc.jsonValue(), fc.dictionary(key, tie('value'))),
    })).value
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 64 }),
      json.map((value) => new TextEncoder().encode(JSON.stringify(value))),
    )
    await fc.assert(
      fc.asyncProperty(bytes, async (text) => {
        try {
          const config = await load(text)
          configuredGrants(config, 'x', 0)
        } catch (error) {
          expect(hasCode(error, CLI_CODES.config)).toBe(true)
        }
      }),
      { numRuns: 500 },
    )
  })
})
