/**
 * A run that is taken over again and again, from owners that were dead each time, with nothing
 * settled in between: it may be what kills them. It is quarantined, by an event, so that no worker
 * takes it until a person has released it.
 *
 *     RunClaimed, RunClaimed, … ── `CRASHES_MAX` in a row, the last owner dead ──► RunQuarantined
 *          ▲                                                                          │
 *          └── counted from there on ◄── RunReleased ◄── a person who says why ◄──────┘
 *
 * 1. The index only points at it. It is decided on the stream of the run, and recorded at the
 *    version that was read: where somebody has moved the run meanwhile, nothing is recorded.
 * 2. Nobody claims it for that. Whoever was frozen and not dead conflicts, finds it set aside, and
 *    records what its handlers had come to; a claim would have kept it from that.
 *
 * The trap: a worker that finds this out for itself, and keeps it for itself. Then every worker
 * dies on the run as often as it takes, again after each restart, and nobody can list such runs.
 */

import type { EventLog } from '@ice/events/ports'
import {
  type ErrorRecord,
  type EventId,
  errorRecord,
  hasCode,
  type StreamVersion,
} from '@ice/primitives'
import { RUNS_CODES, RunsError } from '../errors.ts'
import type { RunRow } from '../index-ports.ts'
import { runStream } from '../journal.ts'
import { CRASHES_MAX } from '../limits.ts'
import type { Quarantine } from '../ports.ts'
import { quarantined } from '../quarantine-events.ts'

/** What does not count as progress between two takeovers. */
const NO_PROGRESS: ReadonlySet<string> = new Set([
  'RunClaimed',
  'RunResumed',
  'CapabilityUsed',
  'EffectInDoubt',
])

/** Takeovers of a run in a row. */
export interface Takeovers {
  /** Since anything was settled. */
  readonly count: number
  /** The last of them, the oldest first; at most `CRASHES_MAX`. */
  readonly last: readonly EventId[]
  /** Who took it over last; `null`: nobody since anything was settled. */
  readonly owner: string | null
  /** Version of the run they were read at. */
  readonly version: number
}

/** Reads how often a run was taken over since anything was settled. */
export async function takeoversOf(
  log: Pick<EventLog, 'read'>,
  { run, crashedAt }: RunRow,
): Promise<Takeovers> {
  const none = { count: 0, last: [] as readonly EventId[], owner: null as string | null }
  let found = { ...none, version: 0 }
  for await (const batch of log.read({ stream: runStream(run), after: crashedAt - 1 })) {
    for (const { type, id, data, version } of batch) {
      if (type === 'RunClaimed') {
        const { owner } = data as { readonly owner: string }
        const last = [...found.last, id].slice(-CRASHES_MAX)
        found = { count: found.count + 1, last, owner, version }
      } else {
        found = { ...found, ...(NO_PROGRESS.has(type) ? {} : none), version }
      }
    }
  }
  return found
}

/** Sets it aside. @returns `null` when somebody has moved it since it was read */
export async function setAside(
  log: Pick<EventLog, 'append'>,
  { run, program }: RunRow,
  takeovers: Takeovers,
): Promise<Quarantine | null> {
  const stream = runStream(run)
  const error = whyOf(takeovers)
  const data = quarantined(program, error)
  const event = { type: 'RunQuarantined', data, causes: takeovers.last }
  const expectedVersion = takeovers.version as StreamVersion
  try {
    const { writes } = await log.append({ writes: [{ stream, expectedVersion, events: [event] }] })
    const [at] = writes[0]?.times ?? []
    const id = `${stream}@${takeovers.version + 1}` as EventId
    return at === undefined ? null : { error, event: id, at, by: null }
  } catch (error) {
    if (hasCode(error, 'ICE_EVENTS_VERSION_CONFLICT')) return null
    throw error
  }
}

function whyOf({ count, owner }: Takeovers): ErrorRecord {
  const message =
    `It was taken over ${count} times in a row, each time from an owner that had died or ended, ` +
    'and nothing was settled in between. Find out what becomes of the processes that drive it, ' +
    'then release it'
  return errorRecord(new RunsError(RUNS_CODES.crashLoop, message, { takeovers: count, owner }))
}
