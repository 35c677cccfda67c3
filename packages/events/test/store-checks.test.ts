import { describe, expect, test } from 'vitest'
import { EVENTS_CODES } from '../src/errors.ts'
import type { EventStore } from '../src/ports.ts'
import { memoryRoom, withCode } from './fixtures.ts'

/** Reads to the end. */
async function drain(batches: AsyncIterable<unknown>): Promise<void> {
  for await (const batch of batches) expect(batch).toBe('none')
}

/** Verifies: EVT-R36 */
describe('what is no query is refused', () => {
  const { store } = memoryRoom()
  const read = (query: unknown) => drain(store.read(query as Parameters<EventStore['read']>[0]))
  const readAll = (query: unknown) => drain(store.readAll(query as object))
  const refused = expect.toSatisfy(withCode(EVENTS_CODES.structural))

  test.each([undefined, null, 1, {}, ['note/a'], Symbol('x')])(
    'as a stream: %s',
    async (stream) => {
      await expect(read({ stream })).rejects.toEqual(refused)
    },
  )

  test.each([null, 'true', 0, {}, []])('as a direction: %s', async (backwards) => {
    await expect(read({ stream: 'note/a', backwards })).rejects.toEqual(refused)
  })

  test.each([null, 'run/', 1, true])('as a filter: %s', async (filter) => {
    await expect(readAll({ filter })).rejects.toEqual(refused)
  })
})
