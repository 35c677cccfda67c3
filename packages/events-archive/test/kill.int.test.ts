/** A retention that is killed at random moments, again and again. */
import { existsSync, readdirSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { verifyLog } from '@ice/events'
import { gather } from '@ice/events/testing'
import { seededRandom } from '@ice/primitives'
import { start } from '@ice/tooling/lib/children'
import { describe, expect, it } from 'vitest'
import { begin, end, folder, picture, type Room, room, work } from './fixture.ts'

const ROUNDS = Number(process.env['ICE_ROUNDS'] ?? 25)
const SCRIPT = new URL('./children/retainer.ts', import.meta.url)

/** Runs side by side, so that their events lie between each other. */
async function fill(place: Room, runs: number): Promise<void> {
  const open = await Promise.all(Array.from({ length: runs }, () => begin(place)))
  for (let n = 0; n < 3; n += 1) {
    await Promise.all(open.map((run) => work(place, run, 8, 'k'.repeat(300))))
  }
  for (const [n, run] of open.entries()) {
    if (n % 4 !== 0) continue
    await picture(place, run.stream, new Uint8Array(3_000).fill(n))
    run.version += 1
  }
  await Promise.all(open.slice(1).map((run) => end(place, run)))
}

/** What a killed retention has left. */
async function leftBehind({ archive, base, directory }: Room) {
  const names = existsSync(directory) ? readdirSync(directory) : []
  if (names.some((name) => name.includes('.partial-'))) return 'partial'
  const records = await archive.segments()
  const known = new Set(records.map(({ segment }) => segment))
  if (names.some((name) => !known.has(name))) return 'unrecorded'
  const done = (await base.eviction.segments()).filter(({ isDone }) => isDone).length
  return done < records.length ? 'unfinished' : 'nothing'
}

/** Verifies: EVA-R11, EVA-R12 */
describe('a process that is killed while it retains', () => {
  it('loses and doubles nothing, and the next one goes on', { timeout: 180_000 }, async () => {
    const random = seededRandom('kill')
    const where = folder()
    const first = room(where)
    await fill(first, 40)
    let before = await gather(first.archive.readAll({}))
    const noted = []
    const { root, events } = await verifyLog(first.archive)
    noted.push({ size: events, root })
    await first.archive.close()
    let killed = 0
    const found = { nothing: 0, partial: 0, unrecorded: 0, unfinished: 0 }
    for (let round = 0; round < ROUNDS; round += 1) {
      const child = start(SCRIPT, { args: [where] })
      await child.until((line) => line === 'ready')
      await sleep(Math.floor(random.float() * 150))
      child.process.kill('SIGKILL')
      if ((await child.ended()).signal === 'SIGKILL') killed += 1
      const place = room(where)
      found[await leftBehind(place)] += 1
      const now = await gather(place.archive.readAll({}))
      expect(now.slice(0, before.length), `round ${round}`).toEqual(before)
      if (round % 5 === 4) {
        await fill(place, 12)
        const verification = await verifyLog(place.archive, { noted })
        expect(verification.findings, `round ${round}`).toEqual([])
        noted.push({ size: verification.events, root: verification.root })
      }
      before = await gather(place.archive.readAll({}))
      await place.archive.close()
    }
    const last = room(where)
    await last.retain()
    const all = await gather(last.archive.readAll({}))
    expect(all.slice(0, before.length)).toEqual(before)
    const { findings } = await verifyLog(last.archive, { noted })
    expect(findings).toEqual([])
    const segments = await last.archive.segments()
    const { moved } = last.base.inspect()
    expect(moved).toEqual({
      segments: segments.length,
      events: segments.reduce((sum, one) => sum + one.events, 0),
    })
    // Everything but the open runs and what says what was sealed is in segments, each event once.
    const types = all.map(({ bytes }) => (JSON.parse(bytes) as { type: string }).type)
    const open = 1 + Math.floor(ROUNDS / 5)
    expect(types.filter((type) => type === 'RunCreated').length).toBeGreaterThan(open)
    expect(moved.events).toBeGreaterThan(900)
    expect(killed).toBeGreaterThan(ROUNDS / 3)
    console.log(
      `killed ${killed} of ${ROUNDS}, leaving ${JSON.stringify(found)}; ` +
        `${moved.events} events in ${segments.length} segments`,
    )
  })
})

/** Verifies: EVA-R13 */
describe('processes that retain at once', () => {
  it('move everything once, each finishing or being told', { timeout: 60_000 }, async () => {
    const where = folder()
    const place = room(where)
    await fill(place, 30)
    const before = await gather(place.archive.readAll({}))
    const children = [1, 2, 3].map(() => start(SCRIPT, { args: [where] }))
    await Promise.all(children.map((child) => child.ended()))
    await place.retain()
    const all = await gather(place.archive.readAll({}))
    expect(all.slice(0, before.length)).toEqual(before)
    expect((await verifyLog(place.archive)).findings).toEqual([])
    const { moved } = place.base.inspect()
    const segments = await place.archive.segments()
    expect(moved.events).toBe(segments.reduce((sum, one) => sum + one.events, 0))
    expect(moved.events).toBe(before.length - 26)
  })
})
