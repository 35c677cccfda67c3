/** Verifies: RUN-R115 */
import type { JsonValue } from '@ice/primitives'
import { manualClock } from '@ice/primitives/testing'
import { describe, expect, it } from 'vitest'
import { CHUNK_BYTES_MAX, CHUNKS_WAITING_MAX } from '../src/limits.ts'
import type { Chunk, EffectCall } from '../src/ports.ts'
import { doing, eventually, grants, program, tool, world } from './harness.ts'

const once = program(async (ctx) => ctx.effect('say', doing()))

/** Emits these, and then says what it is told to. */
const saying = (chunks: readonly unknown[], end: () => unknown = () => 'said') =>
  tool('do', 'idempotent', async ({ emit }) => {
    for (const chunk of chunks) emit?.(chunk as JsonValue)
    return end() as JsonValue
  })

describe('what a handler emits', () => {
  it('is shown to whoever drives the run or watches it, and recorded nowhere', async () => {
    const one = await world({ effects: [saying(['a', { b: 1 }])] })
    const plain = await world({ effects: [saying([])] })
    const [driven, watched]: Chunk[][] = [[], []]
    const run = await one.runs.start(once, null, { grants })
    const leave = one.runs.watch(run, (chunk) => void watched?.push(chunk))
    const stretch = await one.runs.drive(run, { onChunk: (chunk) => void driven?.push(chunk) })
    expect(stretch).toMatchObject({ result: { value: 'said' } })
    const common = { run, effect: 'say', attempt: 1, dropped: 0 }
    const expected = [
      { ...common, sequence: 1, value: 'a' },
      { ...common, sequence: 2, value: { b: 1 } },
    ]
    expect([driven, watched]).toEqual([expected, expected])
    leave()
    const { run: other } = await plain.runs.execute(once, null, { grants })
    expect(await one.types(run)).toEqual(await plain.types(other))
  })

  it('is copied, and of what cannot be shown only the count is', async () => {
    const mutable = { n: 1 }
    const chunks = [mutable, 1n, 'x'.repeat(CHUNK_BYTES_MAX), undefined, 'last']
    const end = () => {
      mutable.n = 2
      return 'said'
    }
    const one = await world({ effects: [saying(chunks, end)] })
    const seen: Chunk[] = []
    const onChunk = (chunk: Chunk) => void seen.push(chunk)
    await one.runs.execute(once, null, { grants, onChunk })
    expect(seen.map(({ value, sequence, dropped }) => [value, sequence, dropped])).toEqual([
      [{ n: 1 }, 1, 0],
      ['last', 5, 3],
    ])
  })

  it('is dropped for a watcher that does not keep up, and nobody waits for it', async () => {
    const many = Array.from({ length: CHUNKS_WAITING_MAX + 10 }, (_, i) => i)
    const one = await world({ effects: [saying(many)] })
    const seen: Chunk[] = []
    let release: () => void = () => undefined
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    const run = await one.runs.start(once, null, { grants })
    one.runs.watch(run, async (chunk) => {
      seen.push(chunk)
      await held
    })
    // The run ends while its watcher is at the first chunk.
    expect(await one.runs.drive(run)).toMatchObject({ result: { value: 'said' } })
    expect(seen).toHaveLength(1)
    release()
    await eventually(() => seen.length).toBe(CHUNKS_WAITING_MAX + 1)
    expect(seen[1]).toMatchObject({ sequence: 2, dropped: 9 })
    expect(seen.at(-1)).toMatchObject({ sequence: CHUNKS_WAITING_MAX + 1, dropped: 0 })
  })

  it('does not harm the run where a watcher throws, and that one is not called again', async () => {
    const one = await world({ effects: [saying([1, 2, 3])] })
    let calls = 0
    const onChunk = () => {
      calls += 1
      throw new Error('a bug')
    }
    const { stretch } = await one.runs.execute(once, null, { grants, onChunk })
    expect(stretch).toMatchObject({ result: { value: 'said' } })
    expect(calls).toBe(1)
  })

  it('keeps its handler from being silent, and is nothing once that is given up', async () => {
    let late: EffectCall['emit']
    const clock = manualClock(0)
    const slow = tool('do', 'idempotent', async ({ emit, signal }) => {
      late = emit
      for (let i = 0; i < 10; i += 1) {
        await clock.sleep(40)
        signal.throwIfAborted()
        emit?.(i)
      }
      return 'said'
    })
    const one = await world({ clock, effects: [{ ...slow, heartbeatMs: 50 }] })
    const seen: Chunk[] = []
    const run = await one.runs.start(once, null, { grants })
    one.runs.watch(run, (chunk) => void seen.push(chunk))
    const going = one.runs.drive(run)
    await eventually(() => one.witness.length).toBe(1)
    await clock.advance(400)
    expect(await going).toMatchObject({ result: { value: 'said' } })
    late?.('late')
    await new Promise((resolve) => setImmediate(resolve))
    expect(seen.map(({ value }) => value)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  })
})
