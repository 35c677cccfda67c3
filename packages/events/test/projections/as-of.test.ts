/** Verifies: PRJ-R01 */
import { describe, expect, test } from 'vitest'
import { EVENTS_CODES } from '../../src/errors.ts'
import { projectLog, projectStream } from '../../src/projection.ts'
import { asOf } from '../../src/projections/as-of.ts'
import { codeOf, memoryRoom, stream } from '../fixtures.ts'
import { fill, sums } from './sums.ts'

async function filled(count = 30) {
  const room = memoryRoom()
  await fill(room.log, 1, count)
  return room
}

describe('asOf', () => {
  test('of the log is at every position the fold of the events up to it', async () => {
    const { log } = await filled()
    for (let at = 0; at <= 30; at += 1) {
      const { state } = await projectLog(log, sums, { limit: at })
      expect(await asOf(log, sums, { at })).toEqual({
        at,
        state: at === 0 ? { sum: 0, seen: [] } : state,
      })
    }
    expect(await asOf(log, sums)).toEqual(await asOf(log, sums, { at: 30 }))
  })

  test('is the same where only some types are read', async () => {
    const { log } = await filled()
    const narrow = { ...sums, types: ['NumberNoted'] }
    for (let at = 0; at <= 30; at += 1) {
      expect(await asOf(log, narrow, { at })).toEqual(await asOf(log, sums, { at }))
    }
  })

  test('leaves types out that are not looked at, also of a stream', async () => {
    const { log } = await filled()
    const strict = {
      ...sums,
      types: ['NumberNoted'],
      evolve(state: { sum: number; seen: string[] }, event: Parameters<typeof sums.evolve>[1]) {
        if (event.type !== 'NumberNoted') throw new TypeError('not looked at')
        return sums.evolve(state, event)
      },
    }
    expect(await asOf(log, strict)).toEqual(await asOf(log, sums))
    expect(await asOf(log, strict, { stream: stream('a') })).toEqual(
      await asOf(log, sums, { stream: stream('a') }),
    )
    expect(await projectLog(log, strict)).toEqual(await projectLog(log, sums))
  })

  test('of a stream counts in its versions', async () => {
    const { log } = await filled()
    for (let at = 1; at <= 15; at += 1) {
      const query = { stream: stream('a'), limit: at }
      expect(await asOf(log, sums, { stream: stream('a'), at })).toEqual(
        await projectStream(log, sums, query),
      )
    }
    expect(await asOf(log, sums, { stream: stream('none') })).toEqual({
      at: 0,
      state: { sum: 0, seen: [] },
    })
  })

  test('refuses a place that is not there yet, and what is no count', async () => {
    const { log } = await filled(10)
    const { positionNotFound, structural } = EVENTS_CODES
    expect(await codeOf(asOf(log, sums, { at: 11 }))).toBe(positionNotFound)
    expect(await codeOf(asOf(log, sums, { at: 6, stream: stream('a') }))).toBe(positionNotFound)
    for (const at of [-1, 1.5, Number.NaN, '3' as never]) {
      expect(await codeOf(asOf(log, sums, { at }))).toBe(structural)
    }
  })

  test('names the event at which the fold threw, and ends when it is withdrawn', async () => {
    const { log } = await filled(10)
    const failing = {
      ...sums,
      evolve: () => {
        throw new TypeError('no')
      },
    }
    await expect(asOf(log, failing)).rejects.toMatchObject({
      code: EVENTS_CODES.foldFailed,
      data: { event: 'test/a@1', position: 1 },
    })
    const signal = AbortSignal.abort()
    expect(await codeOf(asOf(log, sums, { signal }))).toBe(EVENTS_CODES.aborted)
  })
})
