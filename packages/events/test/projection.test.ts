/** Verifies: EVT-R64 */
import { describe, expect, test } from 'vitest'
import type { RecordedEvent } from '../src/ports.ts'
import { fold, type Projection, projectLog, projectStream } from '../src/projection.ts'
import { memoryRoom, noted, stream, toStream } from './fixtures.ts'

interface Sum {
  readonly sum: number
  readonly seen: readonly string[]
}

const sum: Projection<Sum> = {
  name: 'sum',
  initialState: () => ({ sum: 0, seen: [] }),
  evolve: (state, { id, type, data }) =>
    type === 'NumberNoted'
      ? { sum: state.sum + (data as { n: number }).n, seen: [...state.seen, id] }
      : state,
}

async function filled() {
  const room = memoryRoom()
  for (let n = 1; n <= 4; n += 1) await room.log.append(toStream(n % 2 === 0 ? 'b' : 'a', noted(n)))
  await room.log.append(
    toStream('a', { type: 'NumberProposed', data: { n: 9 }, origin: 'agent:x' }),
  )
  return room
}

describe('a projection', () => {
  test('of a stream folds it, and tells the version it has come to', async () => {
    const { log } = await filled()
    expect(await projectStream(log, sum, { stream: stream('a') })).toEqual({
      state: { sum: 4, seen: ['test/a@1', 'test/a@2'] },
      at: 3,
    })
    expect(await projectStream(log, sum, { stream: stream('none') })).toEqual({
      state: { sum: 0, seen: [] },
      at: 0,
    })
    const behind = { stream: stream('a'), after: 3 }
    expect((await projectStream(log, sum, behind)).at).toBe(3)
  })

  test('of the log goes on from an earlier result as if it had begun anew', async () => {
    const { log } = await filled()
    const first = await projectLog(log, sum)
    expect(first).toEqual({
      state: { sum: 10, seen: ['test/a@1', 'test/b@1', 'test/a@2', 'test/b@2'] },
      at: 5,
    })
    await log.append(toStream('c', noted(5)))
    const further = await projectLog(log, sum, {}, first)
    expect(further).toEqual(await projectLog(log, sum))
    expect([further.state.sum, further.at]).toEqual([15, 6])
  })

  test('of a part of the log folds what the filter lets through', async () => {
    const { log } = await filled()
    const { state } = await projectLog(log, sum, { filter: { streamPrefix: 'test/b' } })
    expect(state.sum).toBe(6)
    expect((await projectLog(log, sum, { after: 2 })).state.sum).toBe(7)
  })

  test('folds batches as it folds the whole', async () => {
    const { log } = await filled()
    const events: RecordedEvent[] = []
    for await (const batch of log.readAll({})) events.push(...batch)
    for (let cut = 0; cut <= events.length; cut += 1) {
      const half = fold(sum, sum.initialState(), events.slice(0, cut))
      expect(fold(sum, half, events.slice(cut))).toEqual(fold(sum, sum.initialState(), events))
    }
  })

  test('that throws stops: nothing is swallowed', async () => {
    const { log } = await filled()
    const broken: Projection<number> = {
      name: 'broken',
      initialState: () => 0,
      evolve: (state, { position }) => {
        if (position === 3) throw new RangeError('at three')
        return state + 1
      },
    }
    await expect(projectLog(log, broken)).rejects.toThrow('at three')
  })
})
