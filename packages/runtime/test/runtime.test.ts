import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createAuthority } from '@ice/capabilities'
import { defineEventType, memoryEventStore } from '@ice/events'
import { systemClock } from '@ice/primitives'
import { defineProgram, memoryOwnership } from '@ice/runs'
import type { EffectHandler } from '@ice/runs/ports'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { createRuntime } from '../src/index.ts'
import { VERSIONS } from '../src/versions.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ice-runtime-'))
})
afterEach(() => {
  rmSync(folder, { recursive: true, force: true })
})

const ping: EffectHandler = {
  action: 'ping',
  fate: 'observe',
  outcome: 'EffectSucceeded',
  arguments: z.strictObject({}),
  resource: () => ({ name: 'ping' }),
  perform: async () => ({ value: 'pong', observed: {} }),
}

const program = defineProgram({
  name: 'ping',
  version: '1',
  input: z.unknown(),
  output: z.string(),
  run: (ctx) => ctx.effect<string>('ping', { action: 'ping', grant: 'p', arguments: {} }),
})
const grants = { p: { actions: ['ping'], resource: { kind: 'tool', name: 'ping' } } }

async function typesOf(ice: Awaited<ReturnType<typeof createRuntime>>): Promise<string[]> {
  const types: string[] = []
  for await (const batch of ice.log.read({ stream: 'runtime/log' as never })) {
    types.push(...batch.map(({ type }) => type))
  }
  return types
}

/** Verifies: RTM-R01 */
describe('a runtime', () => {
  test('is one line, keeps its log in one file, and goes on with it later', async () => {
    const path = join(folder, 'deep', 'er', 'ice.db')
    const ice = await createRuntime({ path, effects: [ping] })
    const { run } = await ice.runs.execute(program, null, { grants })
    await ice.close()
    expect(existsSync(path)).toBe(true)
    const again = await createRuntime({ path })
    expect(await again.runs.result(run)).toEqual({ conclusion: 'committed', value: 'pong' })
    await again.close()
  })

  test('records its taxonomy and durability once, and again when they change', async () => {
    const path = join(folder, 'ice.db')
    for (let i = 0; i < 3; i += 1) await (await createRuntime({ path })).close()
    const TeaMade = defineEventType({
      type: 'TeaMade',
      category: 'domain',
      description: 'Tea was made.',
      payload: z.strictObject({}),
    })
    const other = await createRuntime({ path, types: [TeaMade] })
    expect(await typesOf(other)).toEqual(['LogConfigured', 'TaxonomyAdopted', 'TaxonomyAdopted'])
    await other.close()
    // Two programs that take turns do not fill the log with their taxonomies.
    for (let i = 0; i < 2; i += 1) {
      await (await createRuntime({ path, types: [TeaMade] })).close()
      await (await createRuntime({ path })).close()
    }
    const last = await createRuntime({ path })
    expect(await typesOf(last)).toHaveLength(3)
    await last.close()
  })

  test('started by many at once on a new file is one log', async () => {
    const path = join(folder, 'ice.db')
    const all = await Promise.all(Array.from({ length: 5 }, () => createRuntime({ path })))
    const [first] = all
    expect(await typesOf(first as never)).toEqual(['LogConfigured', 'TaxonomyAdopted'])
    for (const ice of all) await ice.close()
  })

  test('keeps schemas that another program can read the log with', async () => {
    const ice = await createRuntime({ path: ':memory:' })
    const adopted = await ice.log.event('runtime/log@2' as never)
    const { schemas, digest } = adopted.data as {
      digest: string
      schemas: { blob: { $blob: never } }
    }
    const bytes = await ice.log.store.blobs.read(schemas.blob.$blob)
    expect(digest).toBe(ice.describe().taxonomy.digest)
    expect(JSON.parse(Buffer.from(bytes).toString())).toEqual(ice.describe().taxonomy.types)
    await ice.close()
  })
})

/** Verifies: RTM-R02 */
describe('a subsystem of the reader’s own', () => {
  test('replaces the default and is not closed by the runtime', async () => {
    const clock = systemClock
    const store = memoryEventStore({ clock })
    let closed = false
    store.close = async () => {
      closed = true
    }
    const ownership = memoryOwnership().join('mine')
    const ice = await createRuntime({ store, ownership, clock, bare: true, effects: [ping] })
    const { stretch } = await ice.runs.execute(program, null, { grants })
    expect(stretch).toMatchObject({ result: { value: 'pong' } })
    expect(ice.describe()).toMatchObject({
      durability: 'memory',
      limits: { events: { eventBytesMax: 61_440 }, runs: { stepIdBytesMax: 512 } },
      effects: [{ action: 'ping', fate: 'observe', outcome: 'EffectSucceeded' }],
      subsystems: { store: { name: 'custom' }, ownership: { self: 'mine', custom: true } },
    })
    await ice.close()
    expect(closed).toBe(false)
  })

  test('may replace one built-in effect and leave the others', async () => {
    const read: EffectHandler = { ...ping, action: 'fs.read' }
    const ice = await createRuntime({ path: ':memory:', effects: [read] })
    const actions = ice.describe().effects.map(({ action }) => action)
    expect(new Set(actions).size).toBe(actions.length)
    expect(actions).toContain('fs.write')
    expect(ice.describe().effects.find(({ action }) => action === 'fs.read')).toMatchObject({
      outcome: 'EffectSucceeded',
    })
    await ice.close()
  })

  test('may be an authority that denies everything', async () => {
    const denied = { code: 'MY_DENIED', message: 'not today', data: {}, causes: [] }
    const ice = await createRuntime({
      path: ':memory:',
      effects: [ping],
      authority: (init) => ({ ...createAuthority(init), decide: () => ({ denied }) }),
    })
    const { run } = await ice.runs.execute(program, null, { grants })
    expect(await ice.runs.view(run)).toMatchObject({
      conclusion: 'aborted',
      reason: '"ping" was denied: not today',
    })
    await ice.close()
  })
})

test('the versions it describes are those of the manifests', () => {
  const packages = new URL('../../', import.meta.url)
  for (const [name, version] of Object.entries(VERSIONS)) {
    const manifest = new URL(`${name.slice(5)}/package.json`, packages)
    expect(JSON.parse(readFileSync(manifest, 'utf8'))).toMatchObject({ name, version })
  }
})
