/**
 * One batch of the log, folded into the rows that it concerns.
 *
 * Three kinds of rows: those of runs that have events in the batch, the parents of runs that end in
 * it, and sleepers that listen for events of a type that is in it. All are loaded first, so that
 * the batch is folded in the order of the log and without waiting.
 *
 * The trap this closes: an event, or the end of a child, that came after a run looked for it, and
 * before it was asleep. Whoever falls asleep while listening is therefore looked after once, from
 * where it was last taken up. (Signals need it not: a run that suspends guards its inbox.)
 */

import type { EventLog, RecordedEvent } from '@ice/events/ports'
import type { Position, RunId } from '@ice/primitives'
import type { Listening, RunRows } from '../index-ports.ts'
import { INDEX_PAGE_ROWS } from '../limits.ts'
import {
  createRow,
  type DraftRow,
  evolveRow,
  hears,
  receiveSignal,
  takeUpEnd,
  wake,
} from './row.ts'

type Reads = Pick<EventLog, 'readAll'>

/** A line has one run with such a standing, or none. */
const OPEN = ['ready', 'asleep', 'held', 'quarantined'] as const

/** What a batch made of rows. */
export interface Folded {
  readonly rows: readonly DraftRow[]
  /** Types that somebody listens for from here on. */
  readonly listenedFor: ReadonlySet<string>
}

/** Rows while a batch is folded: by run, and by line the one that is not ended. */
class Drafts {
  readonly all: Map<RunId, DraftRow> = new Map()
  readonly #current = new Map<RunId, DraftRow>()

  add(row: DraftRow): void {
    this.all.set(row.run, row)
    if (row.standing !== 'ended') this.#current.set(row.line, row)
  }

  /** The row that an event of a run's stream, or of its inbox, is about. */
  about({ stream }: RecordedEvent): DraftRow | undefined {
    const { family, run } = placeOf(stream)
    return family === 'inbox' ? this.#current.get(run) : this.all.get(run)
  }
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
    const heldAt = drafts.about(event)?.at ?? 0
    for (const row of foldEvent(drafts, event)) touched.add(row)
    const row = event.type === 'RunSuspended' ? drafts.about(event) : undefined
    if (row?.standing === 'asleep' && row.listens.length > 0) fell.set(row, heldAt)
  }
  const types = new Set<string>()
  for (const [row, heldAt] of fell) {
    if (row.standing === 'asleep') await lookForEvents(log, row, heldAt)
    if (row.standing === 'asleep') await lookForChildren(rows, drafts, row)
    if (row.standing !== 'asleep') continue
    for (const one of row.listens) for (const type of typesOf(one)) types.add(type)
  }
  return { rows: [...touched], listenedFor: types }
}

/** The run whose stream, or of whose line the inbox, an event stands in; `''` for another's. */
function placeOf(stream: string): { readonly family: string; readonly run: RunId } {
  const slash = stream.indexOf('/')
  const family = stream.slice(0, slash)
  const isOurs = family === 'run' || family === 'inbox'
  return { family, run: (isOurs ? stream.slice(slash + 1) : '') as RunId }
}

function typesOf(listening: Listening): readonly string[] {
  return 'types' in listening ? listening.types : []
}

async function loadRows(
  rows: Pick<RunRows, 'find'>,
  batch: readonly RecordedEvent[],
  listenedFor: ReadonlySet<string>,
): Promise<Drafts> {
  const drafts = new Drafts()
  const places = batch.map(({ stream }) => placeOf(stream))
  const of = (wanted: string): readonly RunId[] => [
    ...new Set(places.flatMap(({ family, run }) => (family === wanted ? [run] : []))),
  ]
  await loadThese(rows, drafts, 'runs', of('run'))
  await loadThese(rows, drafts, 'lines', of('inbox'))
  const parents = batch.flatMap((event) => parentOf(drafts, event) ?? [])
  await loadThese(rows, drafts, 'runs', [...new Set(parents)])
  const types = new Set(batch.map(({ type }) => type).filter((type) => listenedFor.has(type)))
  for (const type of types) await loadListeners(rows, drafts, type)
  return drafts
}

/** The parent of a run that begins or ends with this event. */
function parentOf(drafts: Drafts, event: RecordedEvent): RunId | null {
  if (event.type === 'RunCreated') return createRow(event).parent
  return event.type === 'RunTerminated' ? (drafts.about(event)?.parent ?? null) : null
}

async function loadThese(
  rows: Pick<RunRows, 'find'>,
  drafts: Drafts,
  by: 'lines' | 'runs',
  runs: readonly RunId[],
): Promise<void> {
  const standings = by === 'lines' ? { standings: OPEN } : {}
  for (let i = 0; i < runs.length; i += INDEX_PAGE_ROWS) {
    const some = runs.slice(i, i + INDEX_PAGE_ROWS)
    const found = await rows.find({ [by]: some, ...standings, limit: INDEX_PAGE_ROWS })
    for (const row of found) if (!drafts.all.has(row.run)) drafts.add({ ...row })
  }
}

async function loadListeners(
  rows: Pick<RunRows, 'find'>,
  drafts: Drafts,
  type: string,
): Promise<void> {
  let after: RunId | undefined
  for (;;) {
    const page = await rows.find({
      listensFor: type,
      limit: INDEX_PAGE_ROWS,
      ...(after === undefined ? {} : { after }),
    })
    for (const row of page) if (!drafts.all.has(row.run)) drafts.add({ ...row })
    after = page.at(-1)?.run
    if (page.length < INDEX_PAGE_ROWS) return
  }
}

/** @returns the rows that are other than before, or may be */
function foldEvent(drafts: Drafts, event: RecordedEvent): readonly DraftRow[] {
  const touched: DraftRow[] = []
  for (const row of drafts.all.values()) {
    if (row.standing !== 'asleep') continue
    if (!row.listens.some((one) => hears(one, event.type, event.stream))) continue
    wake(row, event)
    touched.push(row)
  }
  const { family } = placeOf(event.stream)
  const isBegin = family === 'run' && event.type === 'RunCreated'
  if (isBegin) drafts.add(createRow(event))
  const row = drafts.about(event)
  if (row === undefined) return touched
  touched.push(row)
  if (family === 'inbox') receiveSignal(row, event)
  else if (!isBegin) evolveRow(row, event)
  const isEnd = family === 'run' && event.type === 'RunTerminated' && row.parent !== null
  const above = isEnd ? drafts.all.get(row.parent as RunId) : undefined
  if (above === undefined) return touched
  takeUpEnd(above, row, event)
  return [...touched, above]
}

/** Wakes a sleeper when an event it listens for came before it was asleep. */
async function lookForEvents(log: Reads, row: DraftRow, heldAt: number): Promise<void> {
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

/** The same for the end of a child. */
async function lookForChildren(
  rows: Pick<RunRows, 'find'>,
  drafts: Drafts,
  row: DraftRow,
): Promise<void> {
  const children = row.listens.flatMap((one) => ('child' in one ? [one.child] : []))
  for (const child of children) {
    const kept = await rows.find({ lines: [child], standings: ['ended'], limit: INDEX_PAGE_ROWS })
    const folded = [...drafts.all.values()].filter(({ line }) => line === child)
    const end = [...kept, ...folded].find(
      ({ standing, continuedAs }) => standing === 'ended' && continuedAs === null,
    )
    if (end === undefined) continue
    wake(row, { time: end.since, position: end.at as Position })
    return
  }
}
