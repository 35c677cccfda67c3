/** Verifies: EVT-R57. A harness that is not what it should be is told in one sentence. */
import { systemClock } from '@ice/primitives'
import { manualClock } from '@ice/primitives/testing'
import { expect, test } from 'vitest'
import {
  type CaseResult,
  eventStoreCases,
  type Harness,
  runContract,
} from '../../src/contract/index.ts'
import { memoryEventStore } from '../../src/memory.ts'
import type { EventStore } from '../../src/ports.ts'
import { spoiltHarness } from '../saboteurs.ts'

const clock = manualClock(0)
const memory = (given: Pick<typeof systemClock, 'now'> = clock): EventStore =>
  memoryEventStore({ clock: given })
const durable = (): EventStore => ({
  ...memory(),
  supports: { durable: true, sharedByProcesses: false },
  durability: 'process',
})
const sound: Harness<EventStore> = {
  clock,
  open: async () => memory(),
  close: (store) => store.close(),
}
const one = memory()
const briefly = (): AbortSignal => AbortSignal.timeout(20)

function messageOf(result: CaseResult | undefined): string {
  return result?.error instanceof Error ? result.error.message : ''
}

const flawed: Readonly<Record<string, readonly [Partial<Harness<EventStore>>, string]>> = {
  'has no clock': [{ clock: undefined as never }, 'harness.clock has no now() and setWall()'],
  'has a clock that cannot be set': [{ clock: systemClock as never }, 'harness.clock has no now()'],
  'opens stores on another clock': [
    { open: async () => memory(manualClock(0)) },
    'the store does not read harness.clock',
  ],
  'opens stores on the clock of the machine': [
    { open: async () => memory(systemClock) },
    'the store does not read harness.clock',
  ],
  'opens the same store each time': [
    { open: async () => one, close: async () => undefined },
    'harness.open gives the same store each time',
  ],
  'leaves stores open': [{ close: async () => undefined }, 'harness.close has left the store open'],
  'cannot reopen what is durable': [
    { open: async () => durable() },
    'a store that supports.durable needs harness.reopen',
  ],
  'gives the open store back': [
    { open: async () => durable(), reopen: async (store) => store },
    'harness.reopen gives the same store back',
  ],
  'leaves what it reopens open': [
    { open: async () => durable(), reopen: async () => durable() },
    'harness.reopen has left the store open',
  ],
  'reopens an empty log': [
    {
      open: async () => durable(),
      reopen: async (store) => {
        await store.close()
        return durable()
      },
    },
    'behind harness.reopen the log has 0 events of 1',
  ],
  'has no second connection': [
    {
      open: async () => ({
        ...memory(),
        supports: { durable: false, sharedByProcesses: true },
      }),
    },
    'a store that supports.sharedByProcesses needs harness.openSecond',
  ],
  'opens what has no supports': [
    { open: async () => ({ ...memory(), supports: undefined as never }) },
    'the store declares no supports.durable and supports.sharedByProcesses',
  ],
  'opens no store': [{ open: async () => undefined as never }, 'harness.open gives no store'],
  'opens a store that counts in bigints': [
    { open: async () => ({ ...memory(), head: async () => ({ position: 0n as never }) }) },
    'head().position is 0n (bigint); it must be the number 0',
  ],
  'opens a store that counts in texts': [
    { open: async () => ({ ...memory(), head: async () => ({ position: '0' as never }) }) },
    "head().position is '0' (string); it must be the number 0",
  ],
  'opens a store that refuses in words of its own when it is closed': [
    {
      open: async () => {
        const store = memory()
        const head = () => store.head().catch(() => Promise.reject(new TypeError('no handle')))
        return { ...store, head }
      },
    },
    'a closed store answers head() with TypeError (no handle), not with ICE_EVENTS_NOT_OPEN',
  ],
  'opens a store whose head hangs': [
    { open: async () => ({ ...memory(), head: () => new Promise(() => {}) }), patience: briefly },
    'head() has come to no end',
  ],
  'opens a store whose append hangs': [
    { open: async () => ({ ...memory(), append: () => new Promise(() => {}) }), patience: briefly },
    'append has come to no end',
  ],
  'opens nothing at all': [
    { open: () => Promise.reject(new TypeError('no such folder')) },
    'TypeError was thrown: no such folder',
  ],
}

for (const [name, [flaw, sentence]] of Object.entries(flawed)) {
  test(`a harness that ${name} is told so, and no case is run on it`, async () => {
    const results = await runContract(eventStoreCases, { ...sound, ...flaw })
    expect(results.map(({ id, outcome }) => [id, outcome])).toEqual([
      ['harness-is-sound', 'failed'],
    ])
    expect(messageOf(results[0])).toContain(sentence)
  })
}

test('a harness that opens a log with events in it is told how many they are', async () => {
  const harness = {
    ...sound,
    open: async () => ({ ...memory(), head: async () => ({ position: 7 }) }),
  }
  const [result] = await runContract(eventStoreCases, harness)
  expect(messageOf(result)).toContain('harness.open gives a log with 7 events')
})

test('a harness that closes only by reopening is told that it leaves stores open', async () => {
  const harness = { ...spoiltHarness(), close: async () => undefined }
  const results = await runContract(eventStoreCases, harness)
  harness.stop()
  expect(results.map(({ id, outcome }) => [id, outcome])).toEqual([['harness-is-sound', 'failed']])
  expect(messageOf(results[0])).toContain('harness.close has left the store open')
})

test('a harness that does not close what it has reopened is told so', async () => {
  const sharing = spoiltHarness()
  const reopened = new Set<EventStore>()
  const harness: Harness<EventStore> = {
    ...sharing,
    async reopen(store) {
      const again = (await sharing.reopen?.(store)) as EventStore
      reopened.add(again)
      return again
    },
    close: async (store) => (reopened.has(store) ? undefined : sharing.close(store)),
  }
  const results = await runContract(eventStoreCases, harness)
  sharing.stop()
  expect(results.map(({ id, outcome }) => [id, outcome])).toEqual([['harness-is-sound', 'failed']])
  expect(messageOf(results[0])).toContain('harness.close has left the store open')
})
