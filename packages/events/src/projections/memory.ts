/**
 * The reference stores of projections: everything in memory, complete and short.
 *
 * The effects of processors are a table of primitives here: a value that can be changed in place
 * could not be taken back when the work throws.
 */

import type { JsonPrimitive } from '@ice/primitives'
import {
  checkMove,
  checkProcessorKey,
  checkServing,
  checkSnapshot,
  checkSnapshotKey,
  closedError,
  judgeServing,
  moved,
  sameCheckpoint,
} from './checks.ts'
import type { Checkpoint, ProcessorKey, ProcessorStore, Snapshot, SnapshotStore } from './ports.ts'

/** Opens an empty store of snapshots. */
export function memorySnapshotStore(): SnapshotStore {
  const caches = new Map<string, Map<number, Snapshot>>()
  const cacheOf = (
    key: Parameters<SnapshotStore['list']>[0],
  ): Map<number, Snapshot> | undefined => {
    if (closed) throw closedError()
    checkSnapshotKey(key)
    return caches.get(textOf(key.projection, key.version, key.source))
  }
  let closed = false
  return {
    supports: { durable: false, sharedByProcesses: false },
    async put(snapshot) {
      const cache = cacheOf(snapshot) ?? new Map<number, Snapshot>()
      checkSnapshot(snapshot)
      const { projection, version, source, at, incarnation, hash, bytes, digest } = snapshot
      const copy = { projection, version, source, at, incarnation, hash, bytes, digest }
      caches.set(textOf(projection, version, source), cache.set(at, Object.freeze(copy)))
    },
    async latest(key, atMost) {
      const cache = cacheOf(key)
      const at = [...(cache?.keys() ?? [])].filter((each) => each <= atMost)
      return cache?.get(Math.max(...at))
    },
    async list(key) {
      return [...(cacheOf(key)?.keys() ?? [])].toSorted((a, b) => a - b)
    },
    async drop(key, at) {
      const cache = cacheOf(key)
      if (at === undefined) cache?.clear()
      else cache?.delete(at)
    },
    async close() {
      closed = true
    },
  }
}

/** What work writes its effects with: a table, and what it will be once the work has ended. */
export interface MemoryTransaction {
  get(key: string): JsonPrimitive | undefined
  set(key: string, value: JsonPrimitive): void
  delete(key: string): void
}

/** A processor store in memory, and the table of its effects. */
export interface MemoryProcessorStore extends ProcessorStore<MemoryTransaction> {
  readonly table: ReadonlyMap<string, JsonPrimitive>
}

/** Opens an empty processor store. */
export function memoryProcessorStore(): MemoryProcessorStore {
  const table = new Map<string, JsonPrimitive>()
  const checkpoints = new Map<string, Checkpoint>()
  const serving = new Map<string, string>()
  const checkpointOf = ({ name, version }: ProcessorKey): Checkpoint | undefined =>
    checkpoints.get(textOf(name, version))
  let turn: Promise<unknown> = Promise.resolve()
  let closed = false
  const mustBeOpen = (): void => {
    if (closed) throw closedError()
  }
  return {
    table,
    supports: { durable: false, sharedByProcesses: false, asyncWork: true },
    async checkpoint(processor) {
      mustBeOpen()
      checkProcessorKey(processor)
      return checkpointOf(processor)
    },
    async transact(move, work) {
      mustBeOpen()
      checkMove(move)
      const transact = async (): Promise<void> => {
        mustBeOpen()
        const { processor, from, to } = move
        const stored = checkpointOf(processor)
        if (!sameCheckpoint(stored, from)) throw moved(move, stored)
        const changes = new Map<string, JsonPrimitive | undefined>()
        await work(transactionOn(table, changes))
        keep(table, changes)
        checkpoints.set(textOf(processor.name, processor.version), Object.freeze({ ...to }))
      }
      // One after the other: a work that waits holds the next one up, and nobody sees in between.
      const mine = turn.then(transact)
      turn = mine.catch(() => undefined)
      await mine
    },
    async serving(name) {
      mustBeOpen()
      checkProcessorKey({ name, version: 'any' })
      return serving.get(name)
    },
    async serve(change) {
      mustBeOpen()
      checkServing(change)
      const { name, from, to } = change
      judgeServing(change, {
        serving: serving.get(name),
        from: from === undefined ? undefined : checkpointOf({ name, version: from }),
        to: checkpointOf({ name, version: to }),
      })
      serving.set(name, to)
    },
    async forget(processor) {
      mustBeOpen()
      checkProcessorKey(processor)
      checkpoints.delete(textOf(processor.name, processor.version))
    },
    async close() {
      closed = true
      await turn
    },
  }
}

function transactionOn(
  table: ReadonlyMap<string, JsonPrimitive>,
  changes: Map<string, JsonPrimitive | undefined>,
): MemoryTransaction {
  return {
    get: (key) => (changes.has(key) ? changes.get(key) : table.get(key)),
    set: (key, value) => {
      changes.set(key, value)
    },
    delete: (key) => {
      changes.set(key, undefined)
    },
  }
}

function keep(
  table: Map<string, JsonPrimitive>,
  changes: ReadonlyMap<string, JsonPrimitive | undefined>,
): void {
  for (const [key, value] of changes) {
    if (value === undefined) table.delete(key)
    else table.set(key, value)
  }
}

/** One text for several, which no other texts give. */
function textOf(...parts: readonly string[]): string {
  return JSON.stringify(parts)
}
