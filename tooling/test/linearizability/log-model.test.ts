import { createEventLog, type EventStore } from '@ice/events'
import { testTaxonomy } from '@ice/events/testing'
import { seededRandom } from '@ice/primitives'
import { manualClock } from '@ice/primitives/testing'
import { describe, expect, it } from 'vitest'
import {
  operationsOf,
  type RecordLine,
  runClient,
  tagsIn,
} from '../../src/linearizability/client.ts'
import { findFault, type LogHistory } from '../../src/linearizability/examine.ts'
import { APPENDS, brokenStore, staleReader } from './broken-stores.ts'

const START = 1_000
const GROUPS = [
  ['note/a', 'note/b', 'note/c'],
  ['job/a', 'job/b'],
]
const taxonomy = testTaxonomy()

type Clock = ReturnType<typeof manualClock>
type Open = (clock: Clock, random: () => number) => EventStore

/** Six clients on one store, and a clock that is moved under them, also back. */
const record = async (open: Open, seed: string): Promise<LogHistory> => {
  const clock = manualClock(START)
  const store = open(clock, seededRandom(`${seed}/store`).uint32)
  const log = createEventLog({ store, taxonomy, clock })
  const lines: RecordLine[] = []
  let time = 0
  const tick = (): number => {
    time += 1
    return time
  }
  const write = (line: RecordLine): void => {
    lines.push(line)
  }
  const clients = Array.from({ length: 6 }, (_, at) => {
    const random = seededRandom(`${seed}/${at}`)
    return runClient({
      name: `c${at}`,
      log,
      random,
      groups: GROUPS,
      clock,
      operations: 12,
      tick,
      write,
    })
  })
  const mover = seededRandom(`${seed}/clock`)
  const move = async (): Promise<void> => {
    for (let moves = 0; moves < 20; moves += 1) {
      const now = clock.now() + (mover.uint32() % 12) - 5
      write({ id: `clock.${moves}`, at: tick(), input: { kind: 'clock', now } })
      clock.setWall(now)
      write({ id: `clock.${moves}`, at: tick(), output: { kind: 'moved' } })
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
  await Promise.all([...clients, move()])
  for (const stream of GROUPS.flat()) {
    write({ id: stream, at: tick(), input: { kind: 'read', stream } })
    write({ id: stream, at: tick(), output: { kind: 'events', tags: await tagsIn(log, stream) } })
  }
  const placed: { position: number; tag: string }[] = []
  for await (const batch of log.readAll({})) {
    for (const { position, data } of batch) {
      placed.push({ position, tag: (data as { readonly note: string }).note })
    }
  }
  return { of: seed, clock: START, operations: operationsOf(lines), log: placed }
}

/** How many of so many histories are found out. */
const caught = async (open: Open, histories: number): Promise<number> => {
  let count = 0
  for (let seed = 0; seed < histories; seed += 1) {
    if (findFault(await record(open, `seed ${seed}`)) !== undefined) count += 1
  }
  return count
}

describe('a history of the log', () => {
  it('has an order when the store is sound', async () => {
    const open: Open = (clock, random) =>
      brokenStore(APPENDS.sound, { clock: clock as never, random })
    for (let seed = 0; seed < 10; seed += 1) {
      expect(findFault(await record(open, `seed ${seed}`))).toBe(undefined)
    }
  })

  const { sound: _, ...broken } = APPENDS
  it.each(Object.entries(broken))('betrays %s', async (_name, append) => {
    const open: Open = (clock, random) => brokenStore(append, { clock: clock as never, random })
    expect(await caught(open, 10)).toBeGreaterThan(0)
  })

  it('betrays readers that see the past', async () => {
    const open: Open = (clock, random) =>
      staleReader(brokenStore(APPENDS.sound, { clock: clock as never, random }), random)
    expect(await caught(open, 10)).toBeGreaterThan(0)
  })
})
