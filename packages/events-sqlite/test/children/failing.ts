/**
 * Appends units until one fails, under faults that the parent injects into system calls, and says
 * what it was told of each; then what the handle says of itself.
 */
import { createEventLog } from '@ice/events'
import { noteTaxonomy } from '@ice/events/testing'
import { type StreamId, type StreamVersion, systemClock } from '@ice/primitives'
// @boundaries-ignore a child runs without the test runner, which is what finds the tooling
import { say } from '../../../../tooling/src/lib/say.ts'
import { openSqliteEventStore } from '../../src/index.ts'

const [path = '', textLength = '10'] = process.argv.slice(2)
const store = openSqliteEventStore({ path, clock: systemClock })
const log = createEventLog({ store, taxonomy: noteTaxonomy(), clock: systemClock })
const stream = 'note/alice' as StreamId
const text = 'x'.repeat(Number(textLength))

interface Told {
  readonly code?: string
  readonly data?: unknown
  readonly message?: string
}

async function append(n: number): Promise<Told | undefined> {
  const events = [{ type: 'NoteTaken', data: { text, n } }]
  try {
    await log.append({ writes: [{ stream, expectedVersion: n as StreamVersion, events }] })
    say({ acknowledged: n })
    return undefined
  } catch (error) {
    return error as Told
  }
}

let n = 0
let told: Told | undefined
while (told === undefined && n < 20_000) {
  told = await append(n)
  n += 1
}
say({ failed: n - 1, code: told?.code, data: told?.data, message: told?.message })
const after = await append(n - 1)
say({ after: after?.code ?? 'acknowledged', data: after?.data })
const head = await store.head().then(
  ({ position }) => position,
  (error: Told) => error.code,
)
say({ head })
