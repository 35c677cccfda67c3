/** Processors that are killed, in the middle of what they do. */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { EventLog } from '@ice/events'
import type { StreamId } from '@ice/primitives'
import { type Child, start } from '@ice/tooling/lib/children'
import Database from 'better-sqlite3'
import { describe, expect, it, onTestFinished } from 'vitest'
import { sqliteProcessorStore } from '../src/index.ts'
import { folder, gather, notes, open, script } from './fixture.ts'

interface Said {
  readonly position: number
}

const isSaid = (line: unknown): line is Said => typeof line === 'object' && line !== null

/** Appends to several streams until it is told to stop. */
function appending(log: EventLog) {
  let isOver = false
  const work = (async () => {
    for (let n = 0; !isOver; n += 1) {
      await log.append(notes(`note/s${n % 5}` as StreamId, 1 + (n % 9)))
      await sleep(4)
    }
  })()
  return async (): Promise<void> => {
    isOver = true
    await work
  }
}

/** The effects that a version has had, in the order in which they were written. */
function effectsOf(db: Database.Database, version: string): unknown[] {
  return db.prepare(`SELECT position, id, n FROM effects_${version} ORDER BY rowid`).all()
}

/** The effects that the events of the log are to have. */
async function wanted(log: EventLog): Promise<unknown[]> {
  const events = await gather(log.readAll({}))
  return events.map(({ position, id, data }) => ({ position, id, n: (data as { n: number }).n }))
}

function setUp() {
  const { log, path } = open()
  const mine = join(folder(), 'mine.db')
  const db = new Database(mine)
  onTestFinished(() => {
    db.close()
  })
  db.pragma('journal_mode = WAL')
  return { log, path, mine, db }
}

/** Lets a child come so far, then kills it. @returns how many effects it had begun */
async function killAfter(count: number, args: readonly string[]): Promise<number> {
  const child = start(script('processor'), { args })
  await child.until((line) => isSaid(line) && child.said.filter(isSaid).length >= count)
  child.process.kill('SIGKILL')
  expect((await child.ended()).signal).toBe('SIGKILL')
  return child.said.filter(isSaid).length
}

/** Waits until a child has processed the whole log, then kills it. @returns the log's head */
async function finish(
  child: Child,
  { log, db, version }: { log: EventLog; db: Database.Database; version: string },
): Promise<number> {
  const { position: head } = await log.store.head()
  const store = sqliteProcessorStore(db)
  await child.until((line) => isSaid(line) && line.position === head)
  while ((await store.checkpoint({ name: 'effects', version }))?.position !== head) await sleep(5)
  child.process.kill('SIGKILL')
  await child.ended()
  return head
}

/** Verifies: PRJ-R30 */
describe('a processor killed in the middle of processing', () => {
  it('has had the effect of each event once, in order, twenty times over', async () => {
    const { log, path, mine, db } = setUp()
    await log.append(notes('note/backlog' as StreamId, 512))
    const stop = appending(log)
    let begun = 0
    for (let round = 0; round < 20; round += 1) {
      begun += await killAfter(1 + ((round * 37) % 60), [path, mine, '1', 'run'])
    }
    await stop()
    const last = start(script('processor'), { args: [path, mine, '1', 'run'] })
    const head = await finish(last, { log, db, version: '1' })
    const effects = effectsOf(db, '1')
    expect(effects).toEqual(await wanted(log))
    expect(effects.length).toBe(head)
    // Some effects were begun by a transaction that died, and had by another.
    expect(begun + last.said.filter(isSaid).length).toBeGreaterThan(head)
  })

  it('goes on alone when two were started', async () => {
    const { log, path, mine, db } = setUp()
    const args = [path, mine, '1', 'run']
    const both = [start(script('processor'), { args }), start(script('processor'), { args })]
    for (const one of both) await one.until((line) => line === 'running')
    const stop = appending(log)
    const ended = await Promise.race(both.map(async (one) => ({ one, ...(await one.ended()) })))
    expect(ended.code).toBe(1)
    await stop()
    const other = both.find((one) => one !== ended.one) as Child
    await finish(other, { log, db, version: '1' })
    expect(effectsOf(db, '1')).toEqual(await wanted(log))
  })
})

/** Verifies: PRJ-R40 */
describe('a rebuild killed in the middle', () => {
  it('goes on where it stood, while the old version serves and events are appended', async () => {
    const { log, path, mine, db } = setUp()
    for (let i = 0; i < 4; i += 1) await log.append(notes(`note/s${i}` as StreamId, 250))
    const old = start(script('processor'), { args: [path, mine, '1', 'rebuild'] })
    await old.until((line) => line === 'serving')
    const stop = appending(log)
    const store = sqliteProcessorStore(db)
    for (let round = 0; round < 8; round += 1) {
      await killAfter(1 + ((round * 29) % 50), [path, mine, '2', 'rebuild'])
      expect(await store.serving('effects')).toBe('1')
    }
    const next = start(script('processor'), { args: [path, mine, '2', 'rebuild'] })
    await next.until((line) => line === 'serving')
    expect(await store.serving('effects')).toBe('2')
    await stop()
    for (const [version, child] of [
      ['1', old],
      ['2', next],
    ] as const) {
      await finish(child, { log, db, version })
      expect(effectsOf(db, version)).toEqual(await wanted(log))
    }
  })
})
