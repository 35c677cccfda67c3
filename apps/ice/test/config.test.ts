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
    expect(none).toEqual({ path: null, store: null, programs: new Map(), grants: {} })
  })

  it('has its paths made absolute', async () => {
    const grant = { actions: ['fs.read'], resource: { kind: 'fs', root: 'src' }, expires: '10m' }
    const text = { store: 'a/b.db', programs: { p: './p.ts', survey: { grants: { own: grant } } } }
    const config = await load(JSON.stringify({ ...text, grants: { all: grant } }))
    expect(config.store).toBe(join(folder, 'a/b.db'))
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
