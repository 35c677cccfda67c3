/** Verifies: EVT-R57. How the kit tells: of what hangs, of what never ends, and in whose words. */
import { execFile } from 'node:child_process'
import { setImmediate } from 'node:timers/promises'
import { promisify } from 'node:util'
import { manualClock } from '@ice/primitives/testing'
import { describe, expect, test } from 'vitest'
import {
  type ContractCase,
  eventStoreCases,
  type Harness,
  runCase,
} from '../../src/contract/index.ts'
import { EVENTS_CODES, EventsError } from '../../src/errors.ts'
import { memoryEventStore } from '../../src/memory.ts'
import type { EventStore, StoredEvent } from '../../src/ports.ts'
import { spoiltHarness } from '../saboteurs.ts'

const clock = manualClock(0)

function harnessOf(spoil: (store: EventStore) => Partial<EventStore>): Harness<EventStore> {
  return {
    clock,
    open: async () => {
      const store = memoryEventStore({ clock })
      return { ...store, ...spoil(store) }
    },
    close: (store) => store.close(),
  }
}

const caseOf = (id: string): ContractCase<EventStore> =>
  eventStoreCases.find((one) => one.id === id) as ContractCase<EventStore>

describe('a case', () => {
  test('that hangs without a runner is told when the patience of the harness ends', async () => {
    const program = `
      import { eventStoreCases, runContract } from '@ice/events/contract'
      import { memoryEventStore } from '@ice/events'
      import { manualClock } from '@ice/primitives/testing'
      const clock = manualClock(0)
      const never = () => new Promise(() => {})
      const hangs = eventStoreCases.filter(({ id }) => id === 'head-is-the-last-position')
      const [result] = await runContract(hangs, {
        clock,
        open: async () => ({ ...memoryEventStore({ clock }), head: never }),
        close: (store) => store.close(),
        patience: () => AbortSignal.timeout(20),
      })
      console.log(result.outcome, result.error.message)
    `
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--input-type=module', '--eval', program],
      { cwd: new URL('../..', import.meta.url).pathname },
    )
    expect(stdout).toMatch(/^failed EVT-R35 "head is .*", but: the case has come to no end\n$/)
  })

  test('of a reader that never ends, and waits for nothing, fails', async () => {
    const harness = harnessOf((store) => ({
      async *read(query) {
        const all: (readonly StoredEvent[])[] = []
        for await (const batch of store.read(query)) all.push(batch)
        for (;;) yield* all
      },
    }))
    await expect(runCase(caseOf('read-in-order'), harness)).rejects.toThrow('events and goes on')
  })

  test('says what was expected in its own words, and what was found', async () => {
    const harness = harnessOf((store) => ({
      head: async () => store.head().then(() => ({ position: 7 })),
    }))
    const error: unknown = await runCase(caseOf('head-is-the-last-position'), harness).catch(
      (thrown: unknown) => thrown,
    )
    expect(error).toMatchObject({
      name: 'CaseFailedError',
      id: 'head-is-the-last-position',
      actual: { position: 7 },
      expected: { position: 0 },
    })
    const { message } = error as Error
    expect(message).toMatch(/^EVT-R35 "head is the position of the last event/)
    expect(message.split('strictly deep-equal')).toHaveLength(2)
    expect(message.split('position: 7')).toHaveLength(2)
  })

  test('of a store that refuses an append while it closes fails, and ends no process', async () => {
    const unhandled: unknown[] = []
    const note = (reason: unknown): number => unhandled.push(reason)
    process.on('unhandledRejection', note)
    const refusing = spoiltHarness({
      id: 'refuses while it closes',
      breaks: 'EVT-R51',
      spoil: ({ store, role }) => ({
        append: async (unit) => {
          if (role === 'first') throw new EventsError(EVENTS_CODES.notOpen, 'closing')
          return store.append(unit)
        },
        close: async () => {
          await setImmediate()
          await store.close()
        },
      }),
    })
    await expect(runCase(caseOf('reopen-after-unfinished-appends'), refusing)).rejects.toThrow(
      EVENTS_CODES.notOpen,
    )
    refusing.stop()
    process.off('unhandledRejection', note)
    expect(unhandled).toEqual([])
  })
})
