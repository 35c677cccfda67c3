/** What effects say they take at most, and what they say they took. */
import { describe, expect, it } from 'vitest'
import { fileSystemEffects, fs, networkEffects } from '../src/index.ts'
import { folder, perform, plant } from './kit.ts'

const handlers = [...fileSystemEffects(), ...networkEffects()]

/** The bounds of a call with these arguments, defaults filled in. */
function boundsOf(action: string, given: object): unknown {
  const handler = handlers.find((one) => one.action === action)
  return handler?.bounds?.(handler.arguments.parse(given))
}

/** Verifies: EFF-R28 */
describe('a call states what it takes at most', () => {
  it.each<[string, object, object]>([
    ['fs.read', { path: 'a' }, { bytes: 1_048_576 }],
    ['fs.read', { path: 'a', maxBytes: 7 }, { bytes: 7 }],
    ['fs.list', { path: 'a', limit: 2 }, { bytes: 510 }],
    ['fs.list', { path: 'a', limit: 20_000 }, { bytes: 4 * 1_048_576 }],
    ['fs.stat', { path: 'a' }, { bytes: 0 }],
    ['fs.delete', { path: 'a' }, { bytes: 0 }],
    ['fs.write', { path: 'a', content: 'é' }, { bytes: 2 }],
    ['fs.replace', { path: 'a', content: 'AAAA', encoding: 'base64' }, { bytes: 3 }],
    [
      'net.fetch',
      { url: 'https://example.com/', maxBytes: 9, timeoutMs: 50 },
      { bytes: 9, ms: 50 },
    ],
    [
      'net.send',
      { url: 'https://example.com/', method: 'POST', body: 'four', maxBytes: 1, timeoutMs: 5 },
      { bytes: 5, ms: 5 },
    ],
    [
      'net.send',
      {
        url: 'https://example.com/',
        method: 'POST',
        body: 'four',
        maxBytes: Number.MAX_SAFE_INTEGER,
        redirect: 'follow',
      },
      { bytes: Number.MAX_SAFE_INTEGER, ms: 60_000 },
    ],
  ])('%s %j: %j', (action, given, bounds) => {
    expect(boundsOf(action, given)).toEqual(bounds)
  })

  it('and never takes more of a file than that', async () => {
    const root = folder()
    plant(root, ['f = 12345'])
    await expect(perform(root, fs.read('g', { path: 'f', maxBytes: 4 }))).rejects.toMatchObject({
      code: expect.stringMatching(/_LIMIT$/),
    })
    const report = await perform(root, fs.read('g', { path: 'f', maxBytes: 5 }))
    expect(report.spent).toEqual({ bytes: 5 })
  })
})
