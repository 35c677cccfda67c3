/** From what was typed to an id: whole ids, prefixes of ids, event ids, positions. */
import type { EventLog, RecordedEvent } from '@ice/events/ports'
import {
  type EventId,
  type GrantId,
  hasCode,
  isEventId,
  isGrantId,
  isRunId,
  type RunId,
  type StreamId,
} from '@ice/primitives'
import { CLI_CODES, CliError } from '../errors.ts'
import { CANDIDATES_SHOWN, PREFIX_CHARS_MIN } from '../limits.ts'
import { plain } from '../terminal/text.ts'

const PREFIX = /^[0-9a-f][0-9a-f-]*$/

/**
 * Finds a run by its id or the beginning of it.
 *
 * @throws `ICE_CLI_RUN_NOT_FOUND`, `ICE_CLI_AMBIGUOUS_UNSUPPORTED`
 */
export async function findRun(log: EventLog, typed: string): Promise<RunId> {
  const text = typed.startsWith('run/') ? typed.slice(4) : typed
  const found = await startingWith(log, { kind: 'run', text, first: 'RunCreated' })
  if (isRunId(found)) return found
  throw new CliError(CLI_CODES.runNotFound, `No run of this log begins with "${plain(typed)}"`, {
    data: { run: typed },
    next: ['`ice runs` lists the runs of this log'],
  })
}

/** Finds a grant by its id or the beginning of it. @throws `ICE_CLI_GRANT_NOT_FOUND`, … */
export async function findGrant(log: EventLog, typed: string): Promise<GrantId> {
  const text = typed.startsWith('grant/') ? typed.slice(6) : typed
  const found = await startingWith(log, { kind: 'grant', text, first: 'CapabilityGranted' })
  if (isGrantId(found)) return found
  throw new CliError(
    CLI_CODES.grantNotFound,
    `No grant of this log begins with "${plain(typed)}"`,
    {
      data: { grant: typed },
      next: ['`ice grants` lists the grants of this log'],
    },
  )
}

interface Sought {
  readonly kind: 'run' | 'grant'
  readonly text: string
  /** The type with which such a stream begins. */
  readonly first: string
}

async function startingWith(log: EventLog, sought: Sought): Promise<string | undefined> {
  const { kind, text, first } = sought
  if (!PREFIX.test(text) || text.length > 36) return undefined
  if (text.length < PREFIX_CHARS_MIN) {
    const message = `"${text}" is too short for the beginning of an id`
    throw new CliError(CLI_CODES.ambiguous, message, {
      next: [`give at least ${PREFIX_CHARS_MIN} characters`],
    })
  }
  // A whole id names its stream: nothing else of the log is looked at, however long it is.
  if (text.length === 36 && (await begins(log, `${kind}/${text}` as StreamId, first))) return text
  const filter = { streamPrefix: `${kind}/${text}`, types: [first] }
  const found: string[] = []
  for await (const batch of log.readAll({ filter, limit: CANDIDATES_SHOWN + 1 })) {
    for (const { stream } of batch) found.push(stream.slice(kind.length + 1))
  }
  if (found.length <= 1) return found[0]
  const more = found.length > CANDIDATES_SHOWN ? ' and more' : ''
  const message = `Several ${kind}s of this log begin with "${text}"`
  throw new CliError(CLI_CODES.ambiguous, message, {
    data: { candidates: found.slice(0, CANDIDATES_SHOWN) },
    next: [`give more of the id: ${found.slice(0, CANDIDATES_SHOWN).join(', ')}${more}`],
  })
}

async function begins(log: EventLog, stream: StreamId, type: string): Promise<boolean> {
  for await (const [event] of log.read({ stream, limit: 1 })) return event?.type === type
  return false
}

/**
 * Finds an event: by its id (`run/0190…@7`, where the run may be a prefix) or its position (`42`).
 *
 * @throws `ICE_CLI_EVENT_NOT_FOUND`, `ICE_CLI_AMBIGUOUS_UNSUPPORTED`
 */
export async function findEvent(log: EventLog, typed: string): Promise<RecordedEvent> {
  const found = /^\d{1,15}$/.test(typed)
    ? await eventAt(log, Number(typed))
    : await eventCalled(log, typed)
  if (found !== undefined) return found
  throw new CliError(CLI_CODES.eventNotFound, `No event of this log is "${plain(typed)}"`, {
    data: { event: typed },
    next: [
      'an event is named by its position (42) or its id (run/<id>@7)',
      '`ice events` lists them',
    ],
  })
}

async function eventAt(log: EventLog, position: number): Promise<RecordedEvent | undefined> {
  if (position < 1) return undefined
  for await (const [event] of log.readAll({ after: position - 1, limit: 1 })) return event
  return undefined
}

async function eventCalled(log: EventLog, typed: string): Promise<RecordedEvent | undefined> {
  const [, kind, prefix, version] = /^(run|grant)\/([0-9a-f-]{4,36})@(\d{1,15})$/.exec(typed) ?? []
  const whole = kind === undefined || prefix?.length === 36 ? typed : await completed(log)
  return isEventId(whole) ? readEvent(log, whole) : undefined

  async function completed(of: EventLog): Promise<string> {
    const find = kind === 'run' ? findRun : findGrant
    return `${kind}/${await find(of, prefix ?? '')}@${version}`
  }
}

/** An event by its id, or nothing where there is none. */
export async function readEvent(log: EventLog, id: EventId): Promise<RecordedEvent | undefined> {
  try {
    return await log.event(id)
  } catch (error) {
    if (hasCode(error, 'ICE_EVENTS_EVENT_NOT_FOUND')) return undefined
    throw error
  }
}
