/** Whatever is moved, and in whatever steps, the log is the log it was. */
import { verifyLog } from '@ice/events'
import { gather } from '@ice/events/testing'
import { streamId } from '@ice/primitives'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { begin, end, note, picture, type Room, type Run, room, START_MS, work } from './fixture.ts'

type Step =
  | { readonly kind: 'begin' | 'end' | 'work' | 'picture'; readonly which: number }
  | { readonly kind: 'other'; readonly which: number }
  | { readonly kind: 'pass'; readonly ms: number }
  | { readonly kind: 'retain'; readonly ageMs: number; readonly bytes: number }
  | { readonly kind: 'reopen' }

const which = fc.nat(9)
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('begin' as const), which }) },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('end' as const), which }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('work' as const), which }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('picture' as const), which }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('other' as const), which }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: fc.nat(1_000) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('retain' as const),
      ageMs: fc.constantFrom(0, 0, 500, 5_000),
      bytes: fc.constantFrom(1, 2_000, 1_000_000),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('reopen' as const) }) },
)

/** What is expected of the log: its events in order, as they were appended. */
interface Model {
  readonly open: Run[]
  readonly noted: { size: number; root: string }[]
}

async function take(place: Room, { open }: Model, one: Step): Promise<void> {
  switch (one.kind) {
    case 'begin':
      open.push(await begin(place))
      return
    case 'pass':
      place.clock.setWall(place.clock.now() + one.ms)
      return
    case 'retain':
      await place.retain({ concludedForMs: one.ageMs, segmentBytesMax: one.bytes })
      return
    case 'other': {
      const writes = [
        {
          stream: streamId(`note/${one.which % 3}`),
          expectedVersion: 'any' as const,
          events: [note(one.which)],
        },
      ]
      await place.log.append({ writes })
      return
    }
    case 'reopen':
      return
    default: {
      const run = open[one.which % Math.max(1, open.length)]
      if (run === undefined) return
      if (one.kind === 'work') await work(place, run, 1 + one.which)
      else if (one.kind === 'end') {
        await end(place, run)
        open.splice(open.indexOf(run), 1)
      } else {
        await picture(place, run.stream, new Uint8Array(200 + one.which).fill(one.which))
        run.version += 1
      }
    }
  }
}

/** Verifies: EVA-R03 */
describe('random histories and policies', () => {
  it('leave every event, blob and root as it was', { timeout: 120_000 }, async () => {
    const moved: number[] = []
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 25, maxLength: 70 }), async (steps) => {
        let place = room()
        place.clock.setWall(START_MS)
        const model: Model = { open: [], noted: [] }
        let before = await gather(place.archive.readAll({}))
        for (const one of steps) {
          await take(place, model, one)
          if (one.kind === 'reopen') {
            await place.archive.close()
            place = room(place.path.slice(0, -'/log.db'.length), place.clock)
          }
          if (one.kind !== 'retain' && one.kind !== 'reopen') continue
          const now = await gather(place.archive.readAll({}))
          expect(now.slice(0, before.length)).toEqual(before)
          before = now
          const noted = model.noted.map(({ size, root }) => ({ size, root: root as never }))
          const { findings, root, events } = await verifyLog(place.archive, { noted })
          expect(findings).toEqual([])
          expect(events).toBe(now.length)
          model.noted.push({ size: events, root })
        }
        const byStream = new Map<string, string[]>()
        for (const { bytes } of await gather(place.archive.readAll({}))) {
          const { stream } = JSON.parse(bytes) as { stream: string }
          byStream.set(stream, [...(byStream.get(stream) ?? []), bytes])
        }
        for (const [stream, expected] of byStream) {
          const query = { stream: streamId(stream) }
          const forwards = await gather(place.archive.read(query))
          expect(forwards.map(({ bytes }) => bytes)).toEqual(expected)
          const backwards = await gather(
            place.archive.read({ ...query, backwards: true, after: 1, limit: 7 }),
          )
          expect(backwards.map(({ bytes }) => bytes)).toEqual(
            expected.slice(1).toReversed().slice(0, 7),
          )
        }
        moved.push(place.base.inspect().moved.events)
        await place.archive.close()
      }),
      { numRuns: Number(process.env['ICE_RUNS'] ?? 25) },
    )
    expect(moved.filter((count) => count > 0).length).toBeGreaterThan(moved.length / 2)
  })
})
