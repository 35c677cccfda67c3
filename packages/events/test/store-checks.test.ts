import { describe, expect, test } from 'vitest'
import { EVENTS_CODES } from '../src/errors.ts'
import type { ReadQuery } from '../src/ports.ts'
import { memoryRoom, withCode } from './fixtures.ts'

/** Verifies: EVT-R36 */
describe('a read', () => {
  test('of what is no text is refused', async () => {
    const { store } = memoryRoom()
    for (const stream of [undefined, null, 1, {}, ['note/a'], Symbol('x')]) {
      const read = async (): Promise<void> => {
        for await (const _ of store.read({ stream } as unknown as ReadQuery)) expect(_).toBe('none')
      }
      await expect(read()).rejects.toSatisfy(withCode(EVENTS_CODES.structural))
    }
  })
})
