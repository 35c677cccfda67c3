/** Files that were a log once: bytes of them are others, or missing, or in another place. */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createEventLog, verifyLog } from '@ice/events'
import { testTaxonomy } from '@ice/events/testing'
import { openSqliteEventStore } from '@ice/events-sqlite'
import type { StreamId } from '@ice/primitives'
import { manualClock } from '@ice/primitives/testing'
import type { Chance } from './chance.ts'
import { awaited, bytesOf, must, type OpenTarget, tried } from './target.ts'

const START = 1_700_000_000_000
const NAMES = ['', '-wal', '-shm']

/** The files of a log of some dozens of events; while it is open, most of it is in the WAL. */
const makeFiles = async (folder: string): Promise<readonly ReadonlyMap<string, Uint8Array>[]> => {
  const path = join(folder, 'sound.db')
  const clock = manualClock(START)
  const store = openSqliteEventStore({ path, clock })
  const log = createEventLog({ store, taxonomy: testTaxonomy(), clock })
  for (let n = 0; n < 24; n += 1) {
    const stream = `note/${n % 3}` as StreamId
    const events = [{ type: 'NumberNoted', data: { n, note: 'x'.repeat(n * 7) } }]
    await log.append({ writes: [{ stream, expectedVersion: 'any', events }] })
  }
  const open = filesOf(path)
  await store.close()
  return [open, filesOf(path)]
}

const filesOf = (path: string): ReadonlyMap<string, Uint8Array> =>
  new Map(
    NAMES.filter((name) => existsSync(`${path}${name}`)).map((name) => [
      name,
      readFileSync(`${path}${name}`),
    ]),
  )

/** A file with some of its bytes changed, cut off, or exchanged between its pages. */
const damaged = (sound: Uint8Array, chance: Chance): Uint8Array => {
  const bytes = Uint8Array.from(sound)
  if (chance.once(12)) return bytes.subarray(0, chance.below(bytes.length + 1))
  for (let left = 1 + chance.below(6); left > 0; left -= 1) {
    // Most of what decides stands at the head of a file, or of one of its pages.
    const page = chance.below(Math.max(1, bytes.length >> 12)) << 12
    const at = chance.once(3)
      ? chance.below(bytes.length)
      : (page + chance.below(128)) % bytes.length
    const dice = chance.below(6)
    if (dice === 0) bytes.fill(chance.below(256), at, at + chance.below(64))
    else if (dice === 1) bytes.copyWithin(page, chance.below(bytes.length), at)
    else bytes[at] = (bytes[at] ?? 0) ^ (1 << chance.below(8))
  }
  return bytes
}

export const openSqliteFile: OpenTarget = async (folder) => {
  mkdirSync(folder, { recursive: true })
  const kinds = await makeFiles(folder)
  const path = join(folder, 'log.db')
  const clock = manualClock(START)
  return {
    corpus: bytesOf('a file'),
    async run(_bytes, chance) {
      const files = chance.pick(kinds)
      const spoilt = chance.pick([...files.keys()])
      for (const name of NAMES) {
        rmSync(`${path}${name}`, { force: true })
        const sound = files.get(name)
        // Without its index the WAL is read anew, as after a crash.
        if (sound === undefined || (name === '-shm' && spoilt !== '-shm')) continue
        writeFileSync(`${path}${name}`, name === spoilt ? damaged(sound, chance) : sound)
      }
      const opened = tried(() => openSqliteEventStore({ path, clock, durability: 'process' }))
      if (opened === undefined) return false
      const store = opened.value
      const log = createEventLog({ store, taxonomy: testTaxonomy(), clock })
      try {
        const verified = await awaited(() => verifyLog(store))
        const stream = `note/${chance.below(4)}` as StreamId
        const events = [{ type: 'NumberNoted', data: { n: 1 } }]
        await awaited(async () => {
          for await (const batch of log.read({ stream }))
            must(batch.length > 0, 'no batch is empty')
        })
        await awaited(() => log.append({ writes: [{ stream, expectedVersion: 'any', events }] }))
        await awaited(() => store.head())
        return verified?.value.findings.length === 0
      } finally {
        await store.close()
      }
    },
  }
}
