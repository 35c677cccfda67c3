/**
 * The first case: whether the harness is what the others take it for. What is wrong with a harness
 * looks like a hundred faults of the store; here it is one sentence.
 */

import { fail, ok } from 'node:assert/strict'
import { inspect } from 'node:util'
import { errorRecord, hasCode, type Timestamp, UNCODED } from '@ice/primitives'
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
    run: checkHarness,
  },
]

async function checkHarness(harness: StoreHarness): Promise<void> {
  const { clock } = harness
  clock.setWall(START_MS)
  ok(clock.now() === START_MS, 'harness.clock does not say what setWall has set')
  const store = await opened(harness)
  try {
    checkSupports(harness, store)
    await checkEmpty(harness, store)
    await checkClock(harness, store)
    await checkAnother(harness, store)
    if (store.supports.durable) await checkReopen(harness, store)
  } finally {
    await closed(harness, store)
  }
  await closed(harness, store)
  await checkClosed(harness, store, LEFT_OPEN)
}

async function opened(harness: StoreHarness): Promise<EventStore> {
  const store: EventStore | undefined = await patiently(harness.open(), harness, 'harness.open')
  return store ?? fail('harness.open gives no store')
}

function closed(harness: StoreHarness, store: EventStore): Promise<void> {
  return patiently(harness.close(store), harness, 'harness.close')
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

async function checkEmpty(harness: StoreHarness, store: EventStore): Promise<void> {
  const { position } = await patiently(store.head(), harness, 'head()')
  ok(
    typeof position === 'number',
    `head().position is ${inspect(position)} (${typeof position}); it must be the number 0`,
  )
  ok(
    position === 0,
    `harness.open gives a log with ${position} events: it must give an empty one each time`,
  )
}

/** A unit that holds until now is taken, and one that held until a moment ago is not. */
async function checkClock(harness: StoreHarness, store: EventStore): Promise<void> {
  const { clock } = harness
  const append = (unit: PreparedUnit) => patiently(store.append(unit), harness, 'append')
  const unitUntil = (version: number, ms: number): PreparedUnit =>
    preparedAt(clock, {
      ...toStream('harness', version, noted(version)),
      notAfter: ms as Timestamp,
    })
  const message = 'the store does not read harness.clock: open it with that clock'
  const isTooLate = await append(unitUntil(0, START_MS)).then(
    () => false,
    (error: unknown) => {
      if (!hasCode(error, EVENTS_CODES.tooLate)) throw error
      return true
    },
  )
  ok(!isTooLate, message)
  const late = await append(unitUntil(1, START_MS - 1)).then(
    () => undefined,
    (error: unknown) => error,
  )
  ok(late !== undefined, message)
  if (!hasCode(late, EVENTS_CODES.tooLate)) throw late
}

async function checkAnother(harness: StoreHarness, store: EventStore): Promise<void> {
  const another = await opened(harness)
  try {
    ok(another !== store, 'harness.open gives the same store each time: it must give another one')
    await checkEmpty(harness, another)
  } finally {
    if (another !== store) await closed(harness, another)
  }
  await checkClosed(harness, another, LEFT_OPEN)
}

async function checkReopen(harness: StoreHarness, store: EventStore): Promise<void> {
  const reopening = patiently(Promise.resolve(harness.reopen?.(store)), harness, 'harness.reopen')
  const reopened = (await reopening) ?? fail('harness.reopen gives no store')
  try {
    ok(
      reopened !== store,
      'harness.reopen gives the same store back: it must close it and open another',
    )
    await checkClosed(harness, store, 'harness.reopen has left the store open that it was given')
    const { position } = await patiently(reopened.head(), harness, 'head()')
    ok(
      position === 1,
      `behind harness.reopen the log has ${position} events of 1: it opens another state, or the ` +
        'store has kept none',
    )
  } finally {
    if (reopened !== store) await closed(harness, reopened)
  }
  await checkClosed(harness, reopened, LEFT_OPEN)
}

async function checkClosed(
  harness: StoreHarness,
  store: EventStore,
  message: string,
): Promise<void> {
  const answering = store.head().then(
    () => undefined,
    (error: unknown) => ({ error }),
  )
  const refusal = await patiently(answering, harness, 'head() of a closed store')
  ok(refusal !== undefined, message)
  const { error } = refusal
  const { code, message: found } = errorRecord(error)
  const what = code === UNCODED && error instanceof Error ? error.name : code
  ok(
    code === EVENTS_CODES.notOpen,
    `a closed store answers head() with ${what} (${found}), not with ${EVENTS_CODES.notOpen}`,
  )
}
