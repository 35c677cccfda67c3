import type { EventLog } from '@ice/events/ports'
import { type RunId, systemClock } from '@ice/primitives'
import { expect, test } from 'vitest'
import { createWatch } from '../src/watch.ts'
import { eventually } from './harness.ts'

/** Verifies: RUN-R13 */
test('who begins to wait after a look has passed its event is woken all the same', async () => {
  let position = 0
  let looks = 0
  const log = {
    store: {
      head: async () => ({ position }),
      async *readAll() {
        looks += 1
        yield [{ position: 1, bytes: '{"stream":"run/b"}', hash: '' }]
      },
    },
  } as unknown as EventLog
  const errors: unknown[] = []
  const watch = createWatch({ log, clock: systemClock }, (error) => errors.push(error))
  let a = 0
  let b = 0
  watch.add('a' as RunId, () => {
    a += 1
  })
  await eventually(() => a).toBe(1)
  position = 1
  await eventually(() => looks).toBe(1)
  watch.add('b' as RunId, () => {
    b += 1
  })
  await eventually(() => b).toBe(1)
  expect(a).toBe(1)
  expect(errors).toEqual([])
  watch.close()
})
