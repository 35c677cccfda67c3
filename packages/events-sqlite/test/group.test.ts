import {
  type Appended,
  type AppendRequest,
  createEventLog,
  EVENTS_CODES,
  type EventStore,
  type PreparedUnit,
} from '@ice/events'
import { type StreamVersion, systemClock, timestamp } from '@ice/primitives'
import { describe, expect, it, onTestFinished } from 'vitest'
import { openQueue } from '../src/queue.ts'
import { CommitLost } from '../src/writer.ts'
import { alice, bob, gather, notes, open, positionOf, raw, taxonomy } from './fixture.ts'

/** Commits that another connection has seen: one for each transaction that wrote. */
function countCommits(path: string): () => number {
  const db = raw(path)
  const version = db.prepare<[], number>('PRAGMA data_version').pluck()
  let seen = version.get()
  let commits = 0
  return () => {
    const now = version.get()
    if (now !== seen) commits += 1
    seen = now
    return commits
  }
}

/** Verifies: ESQ-R10 */
describe('units that arrive together', () => {
  it('are committed together, in the order of their arrival', async () => {
    const { path, log } = open()
    const commits = countCommits(path)
    const order: number[] = []
    const units = Array.from({ length: 50 }, (_, i) =>
      log.append(notes(i % 2 === 0 ? alice : bob)).then((appended) => {
        order.push(positionOf(appended))
        return commits()
      }),
    )
    expect(Math.max(...(await Promise.all(units)))).toBe(1)
    expect(order).toEqual(Array.from({ length: 50 }, (_, i) => i + 1))
  })

  it('are judged each on what those before them have become', async () => {
    const { log } = open()
    const settled = await Promise.allSettled([
      log.append(notes(alice, 2, 'no_stream', 'a')),
      log.append(notes(alice, 1, 'no_stream', 'b')),
      log.append(notes(alice, 1, 2 as StreamVersion, 'c')),
      log.append(notes(alice, 2, 'no_stream', 'a')),
      log.append({ ...notes(bob), guards: [{ stream: alice, version: 2 }] }),
      log.append({ ...notes(bob), guards: [{ stream: alice, version: 3 }] }),
    ])
    const outcome = settled.map((each) =>
      each.status === 'fulfilled' ? positionOf(each.value) : each.reason.code,
    )
    expect(outcome).toEqual([1, EVENTS_CODES.versionConflict, 3, 1, EVENTS_CODES.guardConflict, 4])
    expect((await gather(log.readAll({}))).map(({ id }) => id)).toEqual([
      'note/alice@1',
      'note/alice@2',
      'note/alice@3',
      'note/bob@1',
    ])
  })

  it('go into a further transaction beyond 512 events', async () => {
    const { path, log } = open()
    const commits = countCommits(path)
    const units = Array.from({ length: 5 }, () =>
      log.append(notes(alice, 200)).then(() => commits()),
    )
    expect(await Promise.all(units)).toEqual([1, 1, 2, 2, 3])
  })

  it('go into a further transaction beyond 1 MiB', async () => {
    const { path, log } = open()
    const commits = countCommits(path)
    const text = 'x'.repeat(8000)
    const units = Array.from({ length: 4 }, () =>
      log.append(notes(alice, 70, 'any', text)).then(() => commits()),
    )
    expect(await Promise.all(units)).toEqual([1, 1, 2, 2])
  })

  it('let timers fire between transactions', async () => {
    const { log } = open()
    let ticks = 0
    const timer = setInterval(() => {
      ticks += 1
    }, 1)
    onTestFinished(() => clearInterval(timer))
    const lane = async (): Promise<void> => {
      while (ticks < 5) await log.append(notes(alice))
    }
    await Promise.all(Array.from({ length: 64 }, lane))
    expect(ticks).toBeGreaterThanOrEqual(5)
  })
})

/** Verifies: ESQ-R11 */
describe('a unit in the queue', () => {
  it('is withdrawn by its signal and leaves the others alone', async () => {
    const { log, store } = open()
    const controller = new AbortController()
    const first = log.append(notes(alice))
    const second = log.append({ ...notes(alice, 1, 'any', 'no'), signal: controller.signal })
    const third = log.append(notes(alice))
    controller.abort(new TypeError('changed my mind'))
    await expect(second).rejects.toMatchObject({
      code: EVENTS_CODES.aborted,
      cause: new TypeError('changed my mind'),
    })
    expect([positionOf(await first), positionOf(await third)]).toEqual([1, 2])
    expect(await store.head()).toEqual({ position: 2 })
  })

  it('is finished by close, and nothing is taken after it', async () => {
    const { log, store } = open()
    const units = Array.from({ length: 1500 }, () => log.append(notes(alice)))
    const closed = store.close()
    await expect(log.append(notes(alice))).rejects.toMatchObject({ code: EVENTS_CODES.notOpen })
    expect((await Promise.all(units)).map(positionOf).at(-1)).toBe(1500)
    await closed
    await expect(store.head()).rejects.toMatchObject({ code: EVENTS_CODES.notOpen })
    await store.close()
  })

  it('that is all the queue held and was withdrawn lets close go on', async () => {
    const { log, store } = open()
    const controller = new AbortController()
    const only = log.append({ ...notes(alice), signal: controller.signal })
    const closed = store.close()
    controller.abort()
    await expect(only).rejects.toMatchObject({ code: EVENTS_CODES.aborted })
    await closed
  })
})

/** Verifies: ESQ-R12 */
describe('a write lock that another process holds', () => {
  it('makes units wait in their order, while the event loop and reads go on', async () => {
    const { path, log } = open()
    await log.append(notes(alice))
    const other = raw(path)
    other.exec('BEGIN IMMEDIATE')
    const units = [log.append(notes(alice, 1, 1 as StreamVersion)), log.append(notes(bob))]
    await new Promise((resolve) => setTimeout(resolve, 60))
    expect((await gather(log.readAll({}))).length).toBe(1)
    other.exec('ROLLBACK')
    expect((await Promise.all(units)).map(positionOf)).toEqual([2, 3])
  })

  it('is given up on with an error that may be retried', async () => {
    const { path, log, store } = open({ lockWaitMs: 50 })
    const other = raw(path)
    other.exec('BEGIN IMMEDIATE')
    const refused = {
      code: EVENTS_CODES.unavailable,
      retryable: true,
      data: { reason: 'busy', fate: 'none' },
    }
    const units = [log.append(notes(alice)), log.append(notes(bob))]
    for (const unit of units) await expect(unit).rejects.toMatchObject(refused)
    other.exec('ROLLBACK')
    expect(positionOf(await log.append(notes(alice)))).toBe(1)
    expect(store.inspect().queued).toBe(0)
  })

  it('lets what others wrote be seen by the units that waited', async () => {
    const { path, log } = open()
    const second = open({ path })
    await log.append(notes(alice, 1, 'no_stream', 'first'))
    await second.log.append(notes(alice, 1, 1 as StreamVersion, 'second'))
    await expect(log.append(notes(alice, 1, 1 as StreamVersion, 'mine'))).rejects.toMatchObject({
      code: EVENTS_CODES.versionConflict,
      data: { expected: 1, actual: 2 },
    })
    await second.log.append(notes(bob, 1, 'no_stream'))
    await expect(log.append(notes(bob, 1, 'no_stream', 'mine'))).rejects.toMatchObject({
      code: EVENTS_CODES.versionConflict,
    })
  })
})

/** A queue over a writer that does what the test says. */
function queueOver(steps: { commit?: () => void; rollback?: () => void }): {
  readonly queue: ReturnType<typeof openQueue>
  readonly lost: unknown[]
} {
  const lost: unknown[] = []
  const answer: Appended = { writes: [], retried: false }
  const writer = {
    begin: () => false,
    take: () => ({ appended: answer, events: 1, bytes: 10 }),
    commit: steps.commit ?? (() => {}),
    rollback: steps.rollback ?? (() => {}),
  }
  const events = { grown: () => {}, lost: (cause: unknown) => lost.push(cause) }
  const options = { path: 'log.db', lockWaitMs: 10 }
  return { queue: openQueue(writer, events, options), lost }
}

/** The writer of these tests takes anything. */
const unit = {
  writes: [{ stream: alice, expectedVersion: 'any', events: [{}] }],
} as unknown as PreparedUnit

/** Verifies: ESQ-R13 */
describe('a commit that fails', () => {
  const sync = Object.assign(new Error('disk I/O error'), { code: 'SQLITE_IOERR_FSYNC' })
  const full = Object.assign(new Error('database or disk is full'), { code: 'SQLITE_FULL' })

  it('in its sync leaves the fate of its units unknown and gives the handle up', async () => {
    const { queue, lost } = queueOver({
      commit: () => {
        throw new CommitLost(sync)
      },
    })
    const taken = [queue.add(unit, undefined), queue.add(unit, undefined)]
    for (const each of taken) {
      await expect(each).rejects.toMatchObject({
        code: EVENTS_CODES.unavailable,
        data: { fate: 'unknown', reason: 'io', sqlite: 'SQLITE_IOERR_FSYNC' },
      })
    }
    expect(lost).toEqual([sync])
  })

  it('for want of space keeps nothing, and the handle goes on', async () => {
    let isFull = true
    const { queue, lost } = queueOver({
      commit: () => {
        if (isFull) throw full
      },
    })
    await expect(queue.add(unit, undefined)).rejects.toMatchObject({
      code: EVENTS_CODES.unavailable,
      data: { fate: 'none', reason: 'disk_full' },
    })
    isFull = false
    expect(await queue.add(unit, undefined)).toMatchObject({ retried: false })
    expect(lost).toEqual([])
  })

  it('and cannot be rolled back gives the handle up too', async () => {
    const { queue, lost } = queueOver({
      commit: () => {
        throw full
      },
      rollback: () => {
        throw new CommitLost(sync)
      },
    })
    await expect(queue.add(unit, undefined)).rejects.toMatchObject({ data: { fate: 'none' } })
    expect(lost).toEqual([sync])
  })
})

/** Verifies: ESQ-R14 */
describe('what is not a unit of the gateway', () => {
  it('is refused alone, in the middle of a group', async () => {
    const { log, store } = open()
    const forged = {
      writes: [
        { stream: alice, expectedVersion: 'any', events: [{ type: 'NoteTaken', causes: [] }] },
      ],
    } as unknown as PreparedUnit
    const settled = await Promise.allSettled([
      log.append(notes(alice)),
      store.append(forged),
      store.append({} as PreparedUnit),
      store.append(null as unknown as PreparedUnit),
      log.append(notes(alice)),
    ])
    expect(settled.map(({ status }) => status)).toEqual([
      'fulfilled',
      'rejected',
      'rejected',
      'rejected',
      'fulfilled',
    ])
    expect(await store.head()).toEqual({ position: 2 })
  })

  it('writes one stream twice in a unit and keeps nothing', async () => {
    const { log, store } = open()
    const units: PreparedUnit[] = []
    const spy = { ...store, append: async (each: PreparedUnit) => store.append(keep(each)) }
    const keep = (each: PreparedUnit): PreparedUnit => {
      units.push(each)
      const [write] = each.writes
      return write === undefined ? each : { writes: [write, write] }
    }
    await expect(appendThrough(spy, notes(alice))).rejects.toThrow(TypeError)
    expect(await store.head()).toEqual({ position: 0 })
    expect(positionOf(await log.append(notes(alice)))).toBe(1)
    expect(units.length).toBe(1)
  })
})

async function appendThrough(store: EventStore, request: AppendRequest): Promise<Appended> {
  return createEventLog({ store, taxonomy, clock: systemClock }).append(request)
}

describe('the store clock', () => {
  it('refuses a unit whose time has passed', async () => {
    const { log } = open({ clock: { now: () => timestamp(5_000) } })
    await expect(log.append({ ...notes(alice), notAfter: timestamp(4_999) })).rejects.toMatchObject(
      { code: EVENTS_CODES.tooLate },
    )
    expect(positionOf(await log.append({ ...notes(alice), notAfter: timestamp(5_000) }))).toBe(1)
  })
})
