/** Of the JSONTestSuite no case is an event, and none is more than a refusal with a code. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { errorRecord } from '@ice/primitives'
import { vectorTest } from '@ice/tooling/vectors'
import { describe, expect } from 'vitest'
import { importLog } from '../src/exchange/import.ts'
import { prepareStored } from '../src/prepare-stored.ts'
import { testTaxonomy } from '../src/testing/index.ts'
import { memoryRoom } from './fixtures.ts'

const taxonomy = testTaxonomy()

function suiteOf(folder: string): readonly (readonly [string, Uint8Array])[] {
  const names = readdirSync(join(folder, 'test_parsing'))
  expect(names.length).toBeGreaterThan(300)
  return names.map((name) => [name, readFileSync(join(folder, 'test_parsing', name))])
}

async function codeOf(work: () => unknown): Promise<string> {
  try {
    await work()
    return 'taken'
  } catch (error) {
    return errorRecord(error).code
  }
}

/** Verifies: EVT-R91 */
describe('of the JSONTestSuite, every case', () => {
  vectorTest('json-test-suite', 'is refused as a stored event', async (folder) => {
    for (const [name, bytes] of suiteOf(folder)) {
      const text = Buffer.from(bytes).toString()
      const code = await codeOf(() => prepareStored(text, { taxonomy }))
      expect([name, code]).toEqual([name, expect.stringMatching(/^ICE_EVENTS_/)])
    }
  })

  vectorTest('json-test-suite', 'is refused as an export, and leaves nothing', async (folder) => {
    for (const [name, bytes] of suiteOf(folder)) {
      const { store } = memoryRoom()
      const code = await codeOf(() => importLog(store, [bytes, '\n'], { taxonomy }))
      expect([name, code]).toEqual([name, expect.stringMatching(/^ICE_EVENTS_/)])
      expect((await store.head()).position).toBe(0)
    }
  })
})
