/**
 * The index of runs: follows the log, and answers from rows that an adapter keeps.
 *
 * 1. Rows and mark move in one step of the adapter. Of two processes that move shared rows at once
 *    one is refused, and goes on from where the other has come.
 * 2. Rows of another incarnation, or that are ahead of the log, are of another history: they are
 *    thrown away, and folded anew.
 * 3. Only types that can change a row are read, and those that sleepers listen for. When a batch
 *    adds to the latter, reading begins anew behind it.
 */

import type { EventLog, RecordedEvent } from '@ice/events/ports'
import { hasCode, type Timestamp } from '@ice/primitives'
import { RUNS_CODES, RunsError } from '../errors.ts'
import type { IndexMark, RunIndex, RunRows } from '../index-ports.ts'
import { CONFLICTS_MAX } from '../limits.ts'
import { foldBatch } from './pass.ts'
import { ROW_TYPES } from './row.ts'

/** What an index is made of. Closing it closes the rows, not the log. */
export interface RunIndexInit {
  readonly log: Pick<EventLog, 'readAll' | 'store'>
  readonly rows: RunRows
}

/** Creates the index of the runs of a log. It takes nothing in until it is told to catch up. */
export function createRunIndex({ log, rows }: RunIndexInit): RunIndex {
  let going: Promise<IndexMark> | null = null
  let next: Promise<IndexMark> | null = null
  /** Whoever asks while somebody reads wants what has come since: one more pass serves them all. */
  const catchUp = (signal: AbortSignal | undefined): Promise<IndexMark> => {
    if (next !== null) return next
    const before = going ?? Promise.resolve()
    const pass = before
      .then(ignore, ignore)
      .then(() => {
        next = null
        going = pass
        return takeIn({ log, rows }, signal)
      })
      .finally(() => {
        if (going === pass) going = null
      })
    next = pass
    return pass
  }
  return {
    catchUp: ({ signal } = {}) => catchUp(signal),
    async lag() {
      const [head, mark] = await Promise.all([log.store.head(), rows.mark()])
      const isOurs = mark?.incarnation === log.store.incarnation
      return head.position - (isOurs ? Math.min(mark.position, head.position) : 0)
    },
    find: (query) => rows.find(query),
    ready: (query) => rows.ready(query),
    outlook: (now) => rows.outlook(now),
    counts: (now) => rows.counts(now),
    close: () => rows.close(),
  }
}

function ignore(): void {
  // Another pass has failed before whoever asked for it.
}

async function takeIn(
  { log, rows }: RunIndexInit,
  signal: AbortSignal | undefined,
): Promise<IndexMark> {
  for (let conflicts = 0; conflicts < CONFLICTS_MAX; conflicts += 1) {
    try {
      for (;;) {
        const reached = await pass({ log, rows }, signal)
        if (reached !== null) return reached
      }
    } catch (error) {
      if (!hasCode(error, RUNS_CODES.indexConflict)) throw error
    }
  }
  const message = 'Other processes keep moving the index of runs'
  throw new RunsError(RUNS_CODES.indexConflict, message)
}

/** @returns where the rows stand now; `null` when there is more to be read, by other types */
async function pass(
  { log, rows }: RunIndexInit,
  signal: AbortSignal | undefined,
): Promise<IndexMark | null> {
  const { incarnation } = log.store
  const stored = await rows.mark()
  const head = await log.store.head()
  const isOurs = stored?.incarnation === incarnation && stored.position <= head.position
  let mark: IndexMark = { incarnation, position: 0 }
  if (isOurs) mark = stored
  else await rows.move({ from: stored, to: mark, rows: [], reset: true })
  if (mark.position === head.position) return mark
  const known = new Set((await rows.outlook(0 as Timestamp)).listenedFor)
  const types = [...new Set([...ROW_TYPES, ...known])]
  const query = { after: mark.position, filter: { types } }
  for await (const batch of log.readAll({
    ...query,
    ...(signal === undefined ? {} : { signal }),
  })) {
    const folded = await foldBatch({ log, rows }, batch, known)
    const to = { incarnation, position: positionOf(batch) }
    await rows.move({ from: mark, to, rows: folded.rows })
    mark = to
    if ([...folded.listenedFor].some((type) => !types.includes(type))) return null
    for (const type of folded.listenedFor) known.add(type)
  }
  if (mark.position >= head.position) return mark
  const to = { incarnation, position: head.position }
  await rows.move({ from: mark, to, rows: [] })
  return to
}

function positionOf(batch: readonly RecordedEvent[]): number {
  return batch.at(-1)?.position ?? 0
}
