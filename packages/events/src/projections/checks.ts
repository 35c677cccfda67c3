/// <reference lib="es2024.string" />
/** Checks that every store of projections makes alike, on what it is given. */

import { type Hash, isHash, leafHash, type StreamId } from '@ice/primitives'
import { shown, structural } from '../draft.ts'
import { EVENTS_CODES, EventsError } from '../errors.ts'
import type { EventStore, StoredEvent } from '../ports.ts'
import { NAME_CHARACTERS_MAX } from './limits.ts'
import type {
  Checkpoint,
  CheckpointMove,
  ProcessorKey,
  ServingChange,
  Snapshot,
  SnapshotKey,
} from './ports.ts'

function checkName(name: unknown, what: string): void {
  const isName = typeof name === 'string' && name !== '' && name.length <= NAME_CHARACTERS_MAX
  if (isName && name.isWellFormed() && !name.includes('\0')) return
  throw structural(
    `${what} is a text of 1 to ${NAME_CHARACTERS_MAX} characters, not ${shown(name)}`,
  )
}

/** A count of at least one event. */
export function isPlace(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 1
}

/** @throws `ICE_EVENTS_STRUCTURAL_VIOLATION` */
export function checkProcessorKey({ name, version }: ProcessorKey): void {
  checkName(name, 'The name of a processor')
  checkName(version, 'The version of a processor')
}

/** @throws `ICE_EVENTS_STRUCTURAL_VIOLATION` */
export function checkSnapshotKey({ projection, version, source }: SnapshotKey): void {
  checkName(projection, 'The name of a projection')
  checkName(version, 'The version of a projection')
  checkName(source, 'What a projection is folded from')
}

/** @throws `ICE_EVENTS_STRUCTURAL_VIOLATION` */
export function checkSnapshot(snapshot: Snapshot): void {
  checkSnapshotKey(snapshot)
  checkName(snapshot.incarnation, 'An incarnation')
  const { at, hash, bytes, digest } = snapshot
  if (isPlace(at) && isHash(hash) && isHash(digest) && typeof bytes === 'string') return
  throw structural('A snapshot has a place from 1, two hashes and its bytes')
}

/** @throws `ICE_EVENTS_STRUCTURAL_VIOLATION` — no checkpoint, or a move that leads nowhere */
export function checkMove({ processor, from, to }: CheckpointMove): void {
  checkProcessorKey(processor)
  for (const checkpoint of from === undefined ? [to] : [from, to]) {
    checkName(checkpoint.incarnation, 'An incarnation')
    if (!isPlace(checkpoint.position) || !isHash(checkpoint.hash)) {
      throw structural('A checkpoint has a position from 1 and the hash of its event')
    }
  }
  if (from === undefined) return
  if (from.incarnation !== to.incarnation) throw structural('A move stays in one incarnation')
  if (from.position >= to.position) throw structural('A move leads forward')
}

/** @throws `ICE_EVENTS_STRUCTURAL_VIOLATION` */
export function checkServing({ name, from, to }: ServingChange): void {
  checkProcessorKey({ name, version: to })
  if (from !== undefined) checkProcessorKey({ name, version: from })
}

/** Whether two checkpoints are the same place of the same history. */
export function sameCheckpoint(a: Checkpoint | undefined, b: Checkpoint | undefined): boolean {
  if (a === undefined || b === undefined) return a === b
  return a.position === b.position && a.incarnation === b.incarnation && a.hash === b.hash
}

/** The refusal of a move whose checkpoint is not the stored one. */
export function moved(
  { processor, from }: CheckpointMove,
  stored: Checkpoint | undefined,
): EventsError {
  const { name, version } = processor
  return new EventsError(
    EVENTS_CODES.checkpointConflict,
    `Processor ${name}@${version} stands at ${stored?.position ?? 0}, not at ` +
      `${from?.position ?? 0} as was believed: another one is at work`,
    { name, version, reason: 'moved', stored: stored?.position ?? 0, from: from?.position ?? 0 },
  )
}

/** What a store knows when it is asked to change what serves. */
export interface ServingFacts {
  readonly serving: string | undefined
  /** The checkpoint of `change.from`. */
  readonly from: Checkpoint | undefined
  /** The checkpoint of `change.to`. */
  readonly to: Checkpoint | undefined
}

/** Judges a change of what serves. @throws `ICE_EVENTS_CHECKPOINT_CONFLICT` */
export function judgeServing({ name, from, to }: ServingChange, facts: ServingFacts): void {
  const refuse = (reason: string, why: string): EventsError =>
    new EventsError(EVENTS_CODES.checkpointConflict, why, { name, reason, to })
  if (facts.serving !== from) {
    throw refuse('moved', `${name} is served by ${facts.serving ?? 'none'}, not ${from ?? 'none'}`)
  }
  if (facts.from === undefined) return
  if (facts.to === undefined) throw refuse('behind', `${name}@${to} has no checkpoint yet`)
  const isComparable = facts.from.incarnation === facts.to.incarnation
  if (isComparable && facts.from.position > facts.to.position) {
    throw refuse('behind', `${name}@${to} lies behind ${name}@${from}, which serves`)
  }
}

/** The refusal of everything by a store that is closed. */
export function closedError(): EventsError {
  return new EventsError(EVENTS_CODES.notOpen, 'The store of projections is closed')
}

/** The leaf hash of the event at a place, computed from its bytes; `undefined` if none is there. */
export async function leafAt(
  store: Pick<EventStore, 'read' | 'readAll'>,
  source: 'log' | StreamId,
  at: number,
): Promise<Hash | undefined> {
  const query = { after: at - 1, limit: 1 }
  const batches = source === 'log' ? store.readAll(query) : store.read({ ...query, stream: source })
  for await (const [stored] of batches) return stored === undefined ? undefined : leafOf(stored)
  return undefined
}

function leafOf({ bytes }: StoredEvent): Hash {
  return leafHash(bytes.toWellFormed())
}
