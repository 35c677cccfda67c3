/**
 * The first case: whether the harness is what the others take it for. What is wrong with a harness
 * looks like a hundred faults of the store; here it is one sentence.
 */

import { fail, ok } from 'node:assert/strict'
import { hasCode, type Timestamp } from '@ice/primitives'
import { EVENTS_CODES } from '../errors.ts'
import type { EventStore, PreparedUnit } from '../ports.ts'
import { noted, patiently, preparedAt, START_MS, toStream } from './bench.ts'
import type { ContractCase, Harness } from './case.ts'

type StoreHarness = Harness<EventStore>

const LEFT_OPEN = 'harness.close has left the store open'

/** The case of the harness: a prerequisite of all others. */
export const harnessCases: readonly ContractCase<EventStore>[] = [
  {
    id: 'harness-is-sound',
    name: 'the harness opens, reopens and closes stores of its own on the clock it hands out',
    requirement: 'EVT-R57',
    isPrerequisite: true,
    run: (harness) => patiently(checkHarness(harness), harness, 'the check of the harness'),
  },
]

async function checkHarness(harness: StoreHarness): Promise<void> {
  const { clock } = harness
  clock.setWall(START_MS)
  ok(clock.now() === START_MS, 'harness.clock does not say what setWall has set')
  const store = await harness.open()
  try {
    checkSupports(harness, store)
    await checkEmpty(store)
    await checkClock(harness, store)
    await checkAnother(harness, store)
    if (store.supports.durable) await checkReopen(harness, store)
  } finally {
    await harness.close(store)
  }
  await harness.close(store)
  await checkClosed(store, LEFT_OPEN)
}

function checkSupports(harness: StoreHarness, { supports }: EventStore): void {
  const flags = [supports?.durable, supports?.sharedByProcesses]
  ok(
    flags.every((flag) => typeof flag === 'boolean'),
    'the store declares no supports.durable and supports.sharedByProcesses',
  )
  ok(
    !supports.durable || harness.reopen !== undefined,
    'a store that supports.durable needs harness.reopen',
  )
  ok(
    !supports.sharedByProcesses || harness.openSecond !== undefined,
    'a store that supports.sharedByProcesses needs harness.openSecond',
  )
}

async function checkEmpty(store: EventStore): Promise<void> {
  const { position } = await store.head()
  ok(
    position === 0,
    `harness.open gives a log with ${position} events: it must give an empty one each time`,
  )
}

/** A unit that holds until now is taken, and one that held until a moment ago is not. */
async function checkClock({ clock }: StoreHarness, store: EventStore): Promise<void> {
  const unitUntil = (version: number, ms: number): PreparedUnit =>
    preparedAt(clock, {
      ...toStream('harness', version, noted(version)),
      notAfter: ms as Timestamp,
    })
  const message = 'the store does not read harness.clock: open it with that clock'
  const isTooLate = await store.append(unitUntil(0, START_MS)).then(
    () => false,
    (error: unknown) => {
      if (!hasCode(error, EVENTS_CODES.tooLate)) throw error
      return true
    },
  )
  ok(!isTooLate, message)
  const late = await store.append(unitUntil(1, START_MS - 1)).then(
    () => undefined,
    (error: unknown) => error,
  )
  ok(late !== undefined, message)
  if (!hasCode(late, EVENTS_CODES.tooLate)) throw late
}

async function checkAnother(harness: StoreHarness, store: EventStore): Promise<void> {
  const another = await harness.open()
  try {
    ok(another !== store, 'harness.open gives the same store each time: it must give another one')
    await checkEmpty(another)
  } finally {
    if (another !== store) await harness.close(another)
  }
  await checkClosed(another, LEFT_OPEN)
}

async function checkReopen(harness: StoreHarness, store: EventStore): Promise<void> {
  const reopened = (await harness.reopen?.(store)) ?? fail('harness.reopen gives no store')
  try {
    ok(
      reopened !== store,
      'harness.reopen gives the same store back: it must close it and open another',
    )
    await checkClosed(store, 'harness.reopen has left the store open that it was given')
    const { position } = await reopened.head()
    ok(
      position === 1,
      `behind harness.reopen the log has ${position} events of 1: it opens another state, or the ` +
        'store has kept none',
    )
  } finally {
    if (reopened !== store) await harness.close(reopened)
  }
  await checkClosed(reopened, LEFT_OPEN)
}

async function checkClosed(store: EventStore, message: string): Promise<void> {
  const answer = await store.head().then(
    () => undefined,
    (error: unknown) => error,
  )
  ok(hasCode(answer, EVENTS_CODES.notOpen), message)
}
