/** A copy of the log in which one byte of one event is another one: a verification must find it. */

import { randomInt } from 'node:crypto'
import { closeSync, fsyncSync, openSync, readSync, writeSync } from 'node:fs'
import { verifyLog } from '@ice/events'
import type { EventStore, StoredEvent } from '@ice/events/ports'
import { openSqliteEventStore } from '@ice/events-sqlite'
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
export async function tamper(path: string, copy: string): Promise<Tampered> {
  const { position, byte } = await copyAndChange(path, copy)
  const damaged = openSqliteEventStore({ path: copy, clock: systemClock, openCheck: 'skip' })
  try {
    const { findings } = await verifyLog(damaged, { findingsMax: 1 })
    const [finding] = findings
    const found = finding ? { position: finding.position, message: finding.message } : null
    return { copy, position, byte, found }
  } finally {
    await damaged.close()
  }
}

async function copyAndChange(path: string, copy: string): Promise<Place> {
  const store = openSqliteEventStore({ path, clock: systemClock, openCheck: 'skip' })
  try {
    await store.backup(copy)
    return await changeSomewhere(store, copy)
  } finally {
    await store.close()
  }
}

/** Changes one byte of one event in the file. */
async function changeSomewhere(store: EventStore, copy: string): Promise<Place> {
  const { position: head } = await store.head()
  for (let tries = 0; tries < TRIES; tries += 1) {
    const position = 1 + randomInt(head)
    const bytes = Buffer.from((await eventAt(store, position)).bytes)
    const byte = randomInt(bytes.length)
    const change = 1 + randomInt(255)
    // An event that does not fit on a page lies in pieces; another one is taken then. And SQLite
    // leaves what it has moved where it was: a copy that no reader sees is not the event.
    for (let at = find(copy, bytes, 0); at !== undefined; at = find(copy, bytes, at + 1)) {
      changeByte(copy, at + byte, change)
      if (await isChanged(copy, position, bytes)) return { position, byte }
      changeByte(copy, at + byte, change)
    }
  }
  invariant(false, 'most events of a log lie in its file in one piece')
}

interface Place {
  readonly position: number
  readonly byte: number
}

async function isChanged(copy: string, position: number, bytes: Buffer): Promise<boolean> {
  const store = openSqliteEventStore({ path: copy, clock: systemClock, openCheck: 'skip' })
  try {
    return !Buffer.from((await eventAt(store, position)).bytes).equals(bytes)
  } finally {
    await store.close()
  }
}

async function eventAt(store: EventStore, position: number): Promise<StoredEvent> {
  for await (const [event] of store.readAll({ after: position - 1, limit: 1 })) {
    if (event !== undefined) return event
  }
  invariant(false, 'positions up to the head have an event')
}

/** Where a text lies in a file, from a place on; read block by block. */
function find(path: string, wanted: Buffer, start: number): number | undefined {
  const file = openSync(path, 'r')
  try {
    const block = Buffer.alloc(BLOCK_BYTES + wanted.length)
    for (let from = start; ; from += BLOCK_BYTES) {
      const length = readSync(file, block, 0, block.length, from)
      if (length < wanted.length) return undefined
      const at = block.subarray(0, length).indexOf(wanted)
      if (at >= 0) return from + at
    }
  } finally {
    closeSync(file)
  }
}

/** Changes a byte; the same change once more takes it back. */
function changeByte(path: string, at: number, change: number): void {
  const file = openSync(path, 'r+')
  try {
    const byte = Buffer.alloc(1)
    readSync(file, byte, 0, 1, at)
    byte[0] = (byte[0] ?? 0) ^ change
    writeSync(file, byte, 0, 1, at)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}
