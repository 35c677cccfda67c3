/** Runs as a reader sees them: folded from the log, nothing written. */
import { fold, projectStream } from '@ice/events'
import type { EventLog } from '@ice/events/ports'
import { type RunId, type StreamId, systemClock } from '@ice/primitives'
import { type RunView, runProjection, viewOf, withRights } from '@ice/runs'
import { CLI_CODES, CliError } from '../errors.ts'

/** The stream of a run. */
export function runStream(run: RunId): StreamId {
  return `run/${run}` as StreamId
}

/**
 * A run as it was at a version. Only its own stream is read.
 * @throws `ICE_CLI_EVENT_NOT_FOUND`
 */
export async function readRunAt(log: EventLog, run: RunId, version: number): Promise<RunView> {
  const state = runProjection.initialState()
  let at = 0
  for await (const batch of log.read({ stream: runStream(run), limit: Math.max(version, 1) })) {
    fold(runProjection, state, batch)
    at += batch.length
  }
  if (at === version) return viewOf(state)
  const message = `Run ${run} has the versions 1 to ${at}, and none ${version}`
  throw new CliError(CLI_CODES.eventNotFound, message, { data: { run, version } })
}

/** A run as it stands. The run must be there. */
export async function readRun(log: EventLog, run: RunId): Promise<RunView> {
  const { state } = await projectStream(log, runProjection, { stream: runStream(run) })
  const view = viewOf(state)
  if (!view.waitingFor.some(({ grant }) => grant !== undefined)) return view
  // Loaded only where somebody is asked: whether a right has ended is authority's word.
  const { createAuthority } = await import('@ice/capabilities')
  return withRights({ authority: createAuthority({ log, kinds: [] }), clock: systemClock }, view)
}

/** The steps of a run that somebody can answer now. */
export function answerable({ waitingFor, state }: RunView): RunView['waitingFor'] {
  return state !== 'TERMINATED' ? waitingFor.filter(({ ended }) => ended === undefined) : []
}

/** The ids of all runs, oldest first. */
export async function runIds(log: EventLog): Promise<readonly RunId[]> {
  const ids: RunId[] = []
  const filter = { streamPrefix: 'run/', types: ['RunCreated'] }
  for await (const batch of log.readAll({ filter })) {
    for (const { stream } of batch) ids.push(stream.slice('run/'.length) as RunId)
  }
  return ids
}

/** Which runs are meant. */
export interface RunQuery {
  readonly state?: string
  readonly program?: string
  readonly waiting?: boolean
  readonly inDoubt?: boolean
  readonly open?: boolean
  readonly quarantined?: boolean
  readonly limit?: number
}

/**
 * Runs, newest first: each is read when it is asked for.
 * @param among - ids, newest first, of those that can be meant @defaultValue all
 */
export async function* selectRuns(
  log: EventLog,
  query: RunQuery,
  among?: readonly RunId[],
): AsyncGenerator<RunView> {
  let left = query.limit ?? Number.POSITIVE_INFINITY
  for (const id of among ?? (await runIds(log)).toReversed()) {
    if (left <= 0) return
    const view = await readRun(log, id)
    if (!matches(view, query)) continue
    left -= 1
    yield view
  }
}

function matches(view: RunView, query: RunQuery): boolean {
  const { state, program, waiting, inDoubt, open, quarantined } = query
  if (quarantined === true && view.quarantine === null) return false
  if (state !== undefined && view.state !== state) return false
  if (program !== undefined && view.program.name !== program) return false
  if (waiting === true && answerable(view).length === 0) return false
  if (inDoubt === true && view.inDoubt.length === 0) return false
  return open !== true || view.state !== 'TERMINATED'
}
