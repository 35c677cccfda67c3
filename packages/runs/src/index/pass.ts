/**
 * One batch of the log, folded into the rows that it concerns.
 *
 * Three kinds of rows: those of runs that have events in the batch, the parents of runs that end in
 * it, and sleepers that listen for events of a type that is in it. All are loaded first, so that
 * the batch is folded in the order of the log and without waiting.
 *
 * The trap this closes: an event that came after a run looked for it, and before it was asleep.
 * Whoever falls asleep while listening is therefore looked after once, from where it was last
 * taken up.
 */

import type { EventLog, RecordedEvent } from '@ice/events/ports'
import type { RunId } from '@ice/primitives'
import type { Listening, RunRows } from '../index-ports.ts'
import { INDEX_PAGE_ROWS } from '../limits.ts'
import { createRow, type DraftRow, evolveRow, hears, receiveSignal, wake } from './row.ts'

type Reads = Pick<EventLog, 'readAll'>

/** What a batch made of rows. */
export interface Folded {
  readonly rows: readonly DraftRow[]
  /** Types that somebody listens for from here on. */
  readonly listenedFor: ReadonlySet<string>
}

/** Folds a batch. `listenedFor` are the types that sleepers in the rows listen for. */
export async function foldBatch(
  { log, rows }: { readonly log: Reads; readonly rows: Pick<RunRows, 'find'> },
  batch: readonly RecordedEvent[],
  listenedFor: ReadonlySet<string>,
): Promise<Folded> {
  const drafts = await loadRows(rows, batch, listenedFor)
  const touched = new Set<DraftRow>()
  /** Who fell asleep while listening, and the position from which it has to be looked after. */
  const fell = new Map<DraftRow, number>()
  for (const event of batch) {
    const heldAt = drafts.get(runOf(event))?.at ?? 0
    for (const row of foldEvent(drafts, event)) touched.add(row)
    if (event.type !== 'RunSuspended') continue
    const row = drafts.get(runOf(event))
    if (row?.standing === 'asleep' && row.listens.some(isForEvents)) fell.set(row, heldAt)
  }
  const types = new Set<string>()
  for (const [row, heldAt] of fell) {
    await lookAfter(log, row, heldAt)
    if (row.standing !== 'asleep') continue
    for (const one of row.listens) for (const type of typesOf(one)) types.add(type)
  }
  return { rows: [...touched], listenedFor: types }
}

/** The run whose stream, or whose inbox, an event stands in; `''` for another's. */
function runOf({ stream }: RecordedEvent): RunId {
  const slash = stream.indexOf('/')
  const family = stream.slice(0, slash)
  return (family === 'run' || family === 'inbox' ? stream.slice(slash + 1) : '') as RunId
}

function isForEvents(listening: Listening): boolean {
  return 'types' in listening
}

function typesOf(listening: Listening): readonly string[] {
  return 'types' in listening ? listening.types : []
}

async function loadRows(
  rows: Pick<RunRows, 'find'>,
  batch: readonly RecordedEvent[],
  listenedFor: ReadonlySet<string>,
): Promise<Map<RunId, DraftRow>> {
  const drafts = new Map<RunId, DraftRow>()
  const known = new Set(batch.map(runOf))
  known.delete('' as RunId)
  await loadThese(rows, drafts, [...known])
  const parents = batch.flatMap((event) => parentOf(drafts, event) ?? [])
  await loadThese(rows, drafts, [...new Set(parents)].filter((run) => !drafts.has(run)))
  const types = new Set(batch.map(({ type }) => type).filter((type) => listenedFor.has(type)))
  for (const type of types) await loadListeners(rows, drafts, type)
  return drafts
}

/** The parent of a run that begins or ends with this event. */
function parentOf(drafts: ReadonlyMap<RunId, DraftRow>, event: RecordedEvent): RunId | null {
  if (event.type === 'RunCreated') return createRow(event).parent
  return event.type === 'RunTerminated' ? (drafts.get(runOf(event))?.parent ?? null) : null
}

async function loadThese(
  rows: Pick<RunRows, 'find'>,
  drafts: Map<RunId, DraftRow>,
  runs: readonly RunId[],
): Promise<void> {
  for (let i = 0; i < runs.length; i += INDEX_PAGE_ROWS) {
    const some = runs.slice(i, i + INDEX_PAGE_ROWS)
    const found = await rows.find({ runs: some, limit: INDEX_PAGE_ROWS })
    for (const row of found) drafts.set(row.run, { ...row })
  }
}

async function loadListeners(
  rows: Pick<RunRows, 'find'>,
  drafts: Map<RunId, DraftRow>,
  type: string,
): Promise<void> {
  let after: RunId | undefined
  for (;;) {
    const page = await rows.find({
      listensFor: type,
      limit: INDEX_PAGE_ROWS,
      ...(after === undefined ? {} : { after }),
    })
    for (const row of page) if (!drafts.has(row.run)) drafts.set(row.run, { ...row })
    after = page.at(-1)?.run
    if (page.length < INDEX_PAGE_ROWS) return
  }
}

/** @returns the rows that are other than before, or may be */
function foldEvent(drafts: Map<RunId, DraftRow>, event: RecordedEvent): readonly DraftRow[] {
  const touched: DraftRow[] = []
  for (const row of drafts.values()) {
    if (row.standing !== 'asleep') continue
    if (!row.listens.some((one) => hears(one, event.type, event.stream))) continue
    wake(row, event)
    touched.push(row)
  }
  const run = runOf(event)
  if (run === '') return touched
  if (event.type === 'RunCreated') drafts.set(run, createRow(event))
  const row = drafts.get(run)
  if (row === undefined) return touched
  touched.push(row)
  if (event.stream.startsWith('inbox/')) receiveSignal(row, event)
  else if (event.type !== 'RunCreated') evolveRow(row, event)
  const parent = event.type === 'RunTerminated' ? row.parent : null
  const above = parent === null ? undefined : drafts.get(parent)
  if (above === undefined) return touched
  wake(above, event)
  return [...touched, above]
}

/** Wakes a sleeper when what it listens for came before it was asleep. */
async function lookAfter(log: Reads, row: DraftRow, heldAt: number): Promise<void> {
  for (const one of row.listens) {
    if (!('types' in one)) continue
    const filter = { types: one.types, streamPrefix: one.streamPrefix }
    const after = Math.max(one.after, heldAt)
    for await (const [event] of log.readAll({ after, limit: 1, filter })) {
      if (event !== undefined) wake(row, event)
    }
    if (row.standing !== 'asleep') return
  }
}
