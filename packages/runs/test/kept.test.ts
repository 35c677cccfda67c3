/** Verifies: RUN-R25 */

import type { RecordedEvent, ValueRef } from '@ice/events/ports'
import type { JsonObject, JsonValue, RunId } from '@ice/primitives'
import { describe, expect, test } from 'vitest'
import { VALUE_BYTES_MAX } from '../src/limits.ts'
import type { EffectHandler } from '../src/ports.ts'
import { openValue } from '../src/value.ts'
import { doing, grants, program, tool, world } from './harness.ts'

/** A tool that keeps what it is told to keep, and gives as much as it is told to give. */
const keeping = (kept: unknown, value: JsonValue = 'done'): EffectHandler => ({
  ...tool('do'),
  perform: async () => ({ value, observed: { seen: 1 }, kept: kept as JsonObject }),
})

const once = program(async (ctx) => ctx.effect('x', doing()))

const outcomeOf = (events: readonly RecordedEvent[]): JsonObject =>
  events.find(({ type }) => type === 'EffectSucceeded')?.data as JsonObject

/** What came of one effect: the run's value, its outcome, and what can be read of what it kept. */
async function ran(effect: EffectHandler) {
  const { runs, events, log } = await world({ effects: [effect] })
  const { run, stretch } = await runs.execute(once, {}, { grants })
  const outcome = outcomeOf(await events(run))
  const kept = outcome['kept'] as unknown as ValueRef | undefined
  const opened = kept === undefined ? undefined : await openValue(kept, log.store.blobs)
  return { stretch, outcome, opened, kept }
}

describe('what an effect keeps for its compensation', () => {
  test('stands in its outcome, and is not given to the program', async () => {
    const { stretch, outcome, opened, kept } = await ran(keeping({ before: 'text' }))
    expect(stretch).toMatchObject({ result: { conclusion: 'committed', value: 'done' } })
    expect(kept).toEqual({ inline: { before: 'text' } })
    expect(opened).toEqual({ before: 'text' })
    expect(outcome['observed']).toEqual({ seen: 1 })
  })

  test('is a blob of its own where it is large, beside that of the result', async () => {
    const [large, value] = [{ before: 'x'.repeat(100_000) }, 'y'.repeat(100_000)]
    const { stretch, opened, kept } = await ran(keeping(large, value))
    expect(stretch).toMatchObject({ result: { value } })
    expect(kept).toMatchObject({ blob: { size: 100_013 } })
    expect(opened).toEqual(large)
  })

  test('is left out where there is none', async () => {
    const { outcome } = await ran(tool('do'))
    expect(Object.hasOwn(outcome, 'kept')).toBe(false)
  })

  test.each([
    ['is too large', { before: 'x'.repeat(VALUE_BYTES_MAX) }, 'size'],
    ['is not JSON', { before: Number.NaN }, 'unsupported'],
    ['has a member that JSON cannot hold', { before: 10n }, 'unsupported'],
  ])(
    'that %s does not undo the effect: it is told that it cannot be undone',
    async (_, kept, why) => {
      const { stretch, outcome } = await ran(keeping(kept))
      expect(stretch).toMatchObject({ result: { conclusion: 'committed', value: 'done' } })
      expect(outcome).toMatchObject({ observed: { seen: 1, notKept: why } })
      expect(Object.hasOwn(outcome, 'kept')).toBe(false)
    },
  )

  test('of many effects at once goes into as many appends as it needs', async () => {
    const { runs, events, log } = await world({
      effects: [
        {
          ...tool('do'),
          perform: async ({ arguments: { n } }) => ({
            value: n as JsonValue,
            observed: {},
            kept: { n: n as JsonValue, before: 'x'.repeat(10 * 1_048_576) },
          }),
        },
      ],
    })
    const bytes: number[] = []
    const { append } = log
    log.append = (request) => {
      const sizes = (request.blobs ?? []).map((blob) =>
        'bytes' in blob ? blob.bytes.byteLength : 0,
      )
      bytes.push(sizes.reduce((sum, size) => sum + size, 0))
      return append(request)
    }
    const all = program(async (ctx) =>
      Promise.all(Array.from({ length: 9 }, (_, n) => ctx.effect(`x${n}`, doing({ n })))),
    )
    const { run, stretch } = await runs.execute(all, {}, { grants })
    expect(stretch).toMatchObject({ result: { value: [0, 1, 2, 3, 4, 5, 6, 7, 8] } })
    expect(bytes.reduce((sum, size) => sum + size, 0)).toBeGreaterThan(90 * 1_048_576)
    expect(Math.max(...bytes)).toBeLessThan(64 * 1_048_576)
    const outcomes = (await events(run as RunId)).filter(({ type }) => type === 'EffectSucceeded')
    expect(outcomes.filter(({ data }) => Object.hasOwn(data as object, 'kept'))).toHaveLength(9)
  })
})
