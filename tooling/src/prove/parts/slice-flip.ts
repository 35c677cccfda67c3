/** Flips bytes of stored events in the file of a log, one at a time, and verifies each time. */
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs'
import { verifyLog } from '@ice/events'
import { openSqliteEventStore } from '@ice/events-sqlite'
import { type Random, systemClock } from '@ice/primitives'

/** Every byte of every event of a closed log. @returns how many were flipped, all of them found */
export const flipEveryByte = async (
  path: string,
  random: Random,
  progress: (flipped: number, of: number) => void,
): Promise<number> => {
  const places = await placesOf(path)
  let flipped = 0
  for (const place of places) {
    const other = place.byte ^ (1 + (random.uint32() % 255))
    write(path, place.at, other)
    if (!(await isFound(path))) {
      throw new Error(`byte ${place.at} of the file, in event ${place.position}, is not missed`)
    }
    write(path, place.at, place.byte)
    flipped += 1
    if (flipped % 500 === 0) progress(flipped, places.length)
  }
  if (await isFound(path)) throw new Error('the log is not what it was before')
  return flipped
}

interface Place {
  readonly at: number
  readonly byte: number
  readonly position: number
}

interface Stored {
  readonly position: number
  readonly bytes: Buffer
}

const storedEvents = async (path: string): Promise<readonly Stored[]> => {
  const store = openSqliteEventStore({ path, clock: systemClock, openCheck: 'skip' })
  const events: Stored[] = []
  try {
    for await (const batch of store.readAll({})) {
      for (const { position, bytes } of batch) events.push({ position, bytes: Buffer.from(bytes) })
    }
    return events
  } finally {
    await store.close()
  }
}

const placesOf = async (path: string): Promise<readonly Place[]> => {
  const places: Place[] = []
  for (const event of await storedEvents(path)) {
    const { position, bytes } = event
    const start = await startOf(path, event)
    for (const [at, byte] of bytes.entries()) places.push({ at: start + at, byte, position })
  }
  return places
}

/**
 * Where an event lies in the file. SQLite leaves what it has moved where it was, so the same bytes
 * may stand there twice: the place is the one whose change a reader of the event sees.
 */
const startOf = async (path: string, { position, bytes }: Stored): Promise<number> => {
  const file = readFileSync(path)
  for (let at = file.indexOf(bytes); at >= 0; at = file.indexOf(bytes, at + 1)) {
    write(path, at, 0x20)
    const now = (await storedEvents(path)).find((event) => event.position === position)
    write(path, at, bytes[0] ?? 0)
    if (now === undefined || !now.bytes.equals(bytes)) return at
  }
  throw new Error(`event ${position} does not lie in the file in one piece`)
}

const write = (path: string, at: number, byte: number): void => {
  const file = openSync(path, 'r+')
  writeSync(file, Buffer.from([byte]), 0, 1, at)
  closeSync(file)
}

/** Whether a verification, or the opening before it, finds anything. */
const isFound = async (path: string): Promise<boolean> => {
  const store = openSqliteEventStore({ path, clock: systemClock, openCheck: 'skip' })
  try {
    return (await verifyLog(store, { findingsMax: 1 })).findings.length > 0
  } finally {
    await store.close()
  }
}
