import { EVENTS_CODES, verifyLog } from '@ice/events'
import { describe, expect, it } from 'vitest'
import { EVENTS_SQLITE_CODES } from '../src/errors.ts'
import { OPEN_CHECK_EVENTS } from '../src/limits.ts'
import { alice, bob, gather, notes, open, raw } from './fixture.ts'

const { corrupt } = EVENTS_SQLITE_CODES

/** A closed log of so many events; what was damaged of it is damaged now. */
async function closedLog(events: number, ...damages: readonly string[]): Promise<string> {
  const { path, log, store } = open()
  for (let left = events; left > 0; left -= 500) await log.append(notes(alice, Math.min(left, 500)))
  await store.close()
  damage(path, ...damages)
  return path
}

function damage(path: string, ...damages: readonly string[]): void {
  const db = raw(path)
  for (const sql of damages) db.exec(sql)
  db.close()
}

function refusal(path: string): unknown {
  try {
    open({ path })
  } catch (error) {
    return error
  }
  throw new TypeError('it was opened')
}

/** Turns of the event loop until something is so. */
async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 5))
}

const changed = (position: number): string =>
  `UPDATE events SET bytes = replace(bytes, '"x"', '"y"') WHERE position = ${position}`

/** Verifies: ESQ-R44 */
describe('opening', () => {
  it.each([
    ['bytes', changed(9), 9],
    ['hash', `UPDATE events SET hash = replace(hash, '0', '1') WHERE position = 10`, 10],
    ['version', 'UPDATE events SET version = 99 WHERE position = 7', 7],
    ['type', 'UPDATE events SET type = 99 WHERE position = 1', 1],
    ['event that is gone', 'DELETE FROM events WHERE position = 4', 5],
  ])('refuses a log of which the newest events are damaged: %s', async (_, sql, position) => {
    const path = await closedLog(10, sql)
    expect(refusal(path)).toMatchObject({ code: corrupt, data: { path, position } })
    const skipped = open({ path, openCheck: 'skip' })
    const { findings } = await verifyLog(skipped.store)
    expect(findings.map((one) => one.position)).toContain(position)
  })

  it('looks at what no opening has looked at, and never again', async () => {
    const path = await closedLog(3 * OPEN_CHECK_EVENTS)
    const first = open({ path })
    expect(first.store.inspect().checked).toBe(0)
    await until(() => first.store.inspect().checked === 3 * OPEN_CHECK_EVENTS)
    await first.store.close()
    damage(path, changed(5))
    const second = open({ path })
    expect(second.store.inspect().checked).toBe(3 * OPEN_CHECK_EVENTS)
    await second.log.append(notes(bob, 10))
    await second.store.close()
    const third = open({ path })
    expect(third.store.inspect().checked).toBe(3 * OPEN_CHECK_EVENTS + 10)
    // What was found sound once is looked at by a check, which also knows its root.
    const { findings } = await verifyLog(third.store)
    expect(findings.map(({ position }) => position)).toContain(5)
  })

  it('refuses a log that ends before the part that was found sound', async () => {
    const path = await closedLog(2 * OPEN_CHECK_EVENTS)
    const first = open({ path })
    await until(() => first.store.inspect().checked === 2 * OPEN_CHECK_EVENTS)
    await first.store.close()
    damage(path, 'DELETE FROM events WHERE position > 2000')
    expect(refusal(path)).toMatchObject({ code: corrupt, data: { position: 2001 } })
  })

  it('takes a mark that cannot be read for none', async () => {
    const path = await closedLog(10)
    for (const mark of ['', '{}', '{"size":3,"peaks":[]}', '{"size":-1,"peaks":[]}', 'null']) {
      damage(path, `INSERT OR REPLACE INTO meta VALUES ('checked', '${mark}')`)
      const { store } = open({ path })
      expect(store.inspect().checked).toBe(10)
      await store.close()
    }
  })
})

/** Verifies: ESQ-R45 */
describe('damage that is found after the opening', () => {
  it('closes the handle, and every call names the position', async () => {
    const path = await closedLog(3 * OPEN_CHECK_EVENTS, changed(700))
    const { store, log } = open({ path })
    const followed = (async () => {
      for await (const _ of store.subscribe({ after: 3 * OPEN_CHECK_EVENTS })) return 'an event'
      return 'the end'
    })()
    const found = { code: corrupt, data: { path, position: 700 } }
    await expect(followed).rejects.toMatchObject(found)
    await expect(log.append(notes(bob))).rejects.toMatchObject(found)
    await expect(store.head()).rejects.toMatchObject(found)
    await expect(gather(store.readAll({}))).rejects.toMatchObject(found)
    await expect(store.blobs.stage([])).rejects.toMatchObject(found)
    await store.close()
  })

  it('is found though the log is never left alone', async () => {
    const path = await closedLog(2 * OPEN_CHECK_EVENTS, changed(100))
    const { log } = open({ path })
    const busy = async (): Promise<void> => {
      for (;;) await log.append(notes(bob))
    }
    await expect(busy()).rejects.toMatchObject({ code: corrupt, data: { position: 100 } })
  })

  it('is not looked for once the store is closed', async () => {
    const path = await closedLog(2 * OPEN_CHECK_EVENTS, changed(100))
    const { store } = open({ path })
    await store.close()
    await expect(store.head()).rejects.toMatchObject({ code: EVENTS_CODES.notOpen })
  })
})
