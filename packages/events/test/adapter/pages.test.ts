/** Verifies: EVT-R84. Reads made of pages, over readers that break their contract. */
import type { StreamVersion } from '@ice/primitives'
import { expect, test } from 'vitest'
import { type PageReader, readLog, readStream, type StreamRange } from '../../src/adapter/index.ts'
import { READ_PAGE_EVENTS } from '../../src/limits.ts'
import type { StoredEvent } from '../../src/ports.ts'
import { stream } from '../fixtures.ts'

/** So many events in one stream. */
const COUNT = 3 * READ_PAGE_EVENTS

function event(position: number): StoredEvent {
  return { position: position as never, bytes: '{}', hash: '' as never }
}

function pageOf({ after, upTo, limit, backwards }: StreamRange): StoredEvent[] {
  const all = Array.from({ length: COUNT }, (_, i) => event(i + 1))
  const part = all.slice(after, Math.min(upTo, COUNT))
  if (backwards) part.reverse()
  return part.slice(0, Math.min(limit, READ_PAGE_EVENTS))
}

const sound: PageReader = {
  mustBeOpen: () => undefined,
  head: async () => COUNT,
  version: async () => COUNT,
  async ofStream(range) {
    const events = pageOf(range)
    return { events, last: events.at(-1)?.position ?? range.after }
  },
  async ofLog({ after, upTo }) {
    const end = Math.min(after + READ_PAGE_EVENTS, upTo)
    return { events: [event(end)], upTo: end, end: end === upTo }
  },
}

async function lengthOf(batches: AsyncIterable<readonly StoredEvent[]>): Promise<number> {
  let length = 0
  for await (const batch of batches) length += batch.length
  return length
}

const query = { stream: stream('a'), after: 0 as StreamVersion }

test('pages that lead on make one reading, in both directions', async () => {
  expect(await lengthOf(readStream(sound, query))).toBe(COUNT)
  expect(await lengthOf(readStream(sound, { ...query, backwards: true }))).toBe(COUNT)
  expect(await lengthOf(readLog(sound, {}))).toBe(3)
})

test('a page of a stream that does not lead on is told, not read for ever', async () => {
  const flawed: readonly (readonly [boolean, (events: readonly StoredEvent[]) => number])[] = [
    [false, () => 0],
    [false, (events) => events[0]?.position ?? 0],
    [true, (events) => events[0]?.position ?? 0],
    [true, () => Number.NaN],
    [false, () => Number.NaN],
  ]
  for (const [backwards, lastOf] of flawed) {
    const reader: PageReader = {
      ...sound,
      async ofStream(range) {
        const events = pageOf(range)
        return { events, last: lastOf(events) }
      },
    }
    await expect(lengthOf(readStream(reader, { ...query, backwards }))).rejects.toThrow('invariant')
  }
})

test('a page of the log that stays where it is, is told, not read for ever', async () => {
  const reader: PageReader = {
    ...sound,
    ofLog: async ({ after }) => ({ events: [], upTo: after, end: false }),
  }
  await expect(lengthOf(readLog(reader, {}))).rejects.toThrow('invariant')
})
