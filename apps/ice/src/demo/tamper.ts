/** A copy of the log in which one byte of one event is another one: a verification must find it. */

import { randomInt } from 'node:crypto'
import { closeSync, fsyncSync, openSync, readSync, writeSync } from 'node:fs'
import { verifyLog } from '@ice/events'
import type { EventStore, StoredEvent } from '@ice/events/ports'
import { openSqliteEventStore, type SqliteEventStore } from '@ice/events-sqlite'
import { invariant, systemClock } from '@ice/primitives'

/** What was changed, and what a verification said. */
export interface Tampered {
  readonly copy: string
  /** Of the event that was changed. */
  readonly position: number
  /** Which of its bytes, from 0. */
  readonly byte: number
  /** How the verification of the copy named it; `null` when it found nothing. */
  readonly found: { readonly position: number; readonly message: string } | null
}

const TRIES = 64
const BLOCK_BYTES = 4 * 1_048_576

/** Copies a log by its backup, changes one byte at a random place, and verifies the copy. */
export async function tamper(store: EventStore, copy: string): Promise<Tampered> {
  await (store as SqliteEventStore).backup(copy)
  const { head, place } = await randomPlace(store, copy)
  changeByte(copy, place.at)
  const damaged = openSqliteEventStore({ path: copy, clock: systemClock })
  try {
    const { findings } = await verifyLog(damaged, { findingsMax: 1 })
    const [finding] = findings
    const found = finding ? { position: finding.position, message: finding.message } : null
    invariant(place.position <= head, 'the changed event is one of the log')
    return { copy, position: place.position, byte: place.byte, found }
  } finally {
    await damaged.close()
  }
}

interface Place {
  readonly position: number
  readonly byte: number
  /** In the file. */
  readonly at: number
}

/** An event and a byte of it, and where in the file that byte is. */
async function randomPlace(
  store: EventStore,
  copy: string,
): Promise<{ readonly head: number; readonly place: Place }> {
  const { position: head } = await store.head()
  for (let tries = 0; tries < TRIES; tries += 1) {
    const position = 1 + randomInt(head)
    const bytes = Buffer.from((await eventAt(store, position)).bytes)
    const byte = randomInt(bytes.length)
    // An event that does not fit on a page lies in pieces; another one is taken then.
    const at = find(copy, bytes)
    if (at !== undefined) return { head, place: { position, byte, at: at + byte } }
  }
  invariant(false, 'most events of a log lie in its file in one piece')
}

async function eventAt(store: EventStore, position: number): Promise<StoredEvent> {
  for await (const [event] of store.readAll({ after: position - 1, limit: 1 })) {
    if (event !== undefined) return event
  }
  invariant(false, 'positions up to the head have an event')
}

/** Where a text lies in a file, read block by block. */
function find(path: string, wanted: Buffer): number | undefined {
  const file = openSync(path, 'r')
  try {
    const block = Buffer.alloc(BLOCK_BYTES + wanted.length)
    for (let from = 0; ; from += BLOCK_BYTES) {
      const length = readSync(file, block, 0, block.length, from)
      if (length < wanted.length) return undefined
      const at = block.subarray(0, length).indexOf(wanted)
      if (at >= 0) return from + at
    }
  } finally {
    closeSync(file)
  }
}

function changeByte(path: string, at: number): void {
  const file = openSync(path, 'r+')
  try {
    const byte = Buffer.alloc(1)
    readSync(file, byte, 0, 1, at)
    byte[0] = (byte[0] ?? 0) ^ (1 + randomInt(255))
    writeSync(file, byte, 0, 1, at)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}
