/**
 * What a log that was restored, or imported, does to the runs that were open in it.
 *
 * Its events end where the backup was taken. What its runs did afterwards, the world knows and it
 * does not: every effect with an intent and no outcome may have happened, whatever its fate. So
 * each is in doubt, until somebody says what became of it. And a run whose effects are all settled
 * may have gone on from there: so each is set aside, until somebody releases it.
 *
 * The fold is one of its own, and forgives: the log may come from elsewhere, and a run that does
 * not follow the lifecycle is no reason to leave the others without their doubts.
 */

import type { StandardPayloads } from '@ice/events/define'
import type { EventLog, NewEvent, RecordedEvent, StreamWrite } from '@ice/events/ports'
import { type EventId, errorRecord, type StreamId, type StreamVersion } from '@ice/primitives'
import { RUNS_CODES, RunsError } from './errors.ts'
import { UNIT_EVENTS_MAX } from './limits.ts'
import { isOutcome } from './outcome.ts'
import { quarantined } from './quarantine-events.ts'

/** What is open in a log, and now in doubt. */
export interface OpenInDoubt {
  /** Runs that have not ended, whether anything of them is in doubt or not: all are set aside. */
  readonly runs: number
  /** Effects in doubt, those included that were before. */
  readonly doubts: number
}

interface OpenIntent {
  readonly intent: EventId
  readonly effect: string
  readonly attempt: number
  doubt: boolean
}

interface OpenRun {
  version: number
  readonly intents: Map<string, OpenIntent>
  /** Of the run, as its first event says it. */
  readonly program: StandardPayloads['RunQuarantined']['program'] | null
  isHeld: boolean
}

/**
 * Records `EffectInDoubt` for every effect that has an intent and no outcome, in every run of the
 * log that has not ended, and sets all of these runs aside: what they did after the backup was
 * taken would be done again. Doing it again records nothing more.
 *
 * Nobody may drive runs of this log meanwhile. Each run is one append: when it fails, the runs
 * before are done.
 *
 * @throws `ICE_EVENTS_VERSION_CONFLICT` — a run moved meanwhile —, and as `EventLog.append`
 */
export async function doubtOpenEffects(
  log: Pick<EventLog, 'append' | 'readAll'>,
): Promise<OpenInDoubt> {
  const open = await openRuns(log)
  let doubts = 0
  for (const [stream, { version, intents, program, isHeld }] of open) {
    const fresh = [...intents.values()].filter(({ doubt }) => !doubt)
    doubts += intents.size
    const facts = [...fresh.map(inDoubt), ...(isHeld ? [] : [setAside(program)])]
    for (let at = 0; at < facts.length; at += UNIT_EVENTS_MAX) {
      const events = facts.slice(at, at + UNIT_EVENTS_MAX)
      const expectedVersion = (version + at) as StreamVersion
      const write: StreamWrite = { stream, expectedVersion, events }
      await log.append({ writes: [write] })
    }
  }
  return { runs: open.size, doubts }
}

/** Ends of an effect that are no outcome. */
const SETTLED: ReadonlySet<string> = new Set([
  'CapabilityDenied',
  'EffectFailed',
  'EffectRetryScheduled',
  'EffectRevoked',
])

function inDoubt({ effect, attempt, intent }: OpenIntent): NewEvent {
  const data: StandardPayloads['EffectInDoubt'] = { effect, attempt, intent }
  return { type: 'EffectInDoubt', data, causes: [intent] }
}

function setAside(program: OpenRun['program']): NewEvent {
  const message =
    'The log was restored: what this run did after the backup was taken is not in it, and would ' +
    'be done again. Look at what it did, and release it'
  const error = errorRecord(new RunsError(RUNS_CODES.restored, message))
  return { type: 'RunQuarantined', data: quarantined(program ?? undefined, error) }
}

/** Memory is what is open, not what was ever run. */
async function openRuns(log: Pick<EventLog, 'readAll'>): Promise<Map<StreamId, OpenRun>> {
  const open = new Map<StreamId, OpenRun>()
  for await (const batch of log.readAll({ filter: { streamPrefix: 'run/' } })) {
    for (const event of batch) evolve(open, event)
  }
  return open
}

function evolve(open: Map<StreamId, OpenRun>, event: RecordedEvent): void {
  const { stream, version, type } = event
  if (type === 'RunTerminated') {
    open.delete(stream)
    return
  }
  const run = open.get(stream) ?? {
    version,
    intents: new Map(),
    program: programOf(event),
    isHeld: false,
  }
  open.set(stream, run)
  run.version = version
  if (type === 'RunQuarantined') run.isHeld = true
  else if (type === 'RunReleased') run.isHeld = false
  else if (type === 'CapabilityUsed') {
    const { effect, attempt } = event.data as StandardPayloads['CapabilityUsed']
    run.intents.set(effect, { intent: event.id, effect, attempt, doubt: false })
  } else if (type === 'EffectInDoubt') {
    const { effect } = event.data as StandardPayloads['EffectInDoubt']
    const intent = run.intents.get(effect)
    if (intent !== undefined) intent.doubt = true
  } else if (SETTLED.has(type)) {
    run.intents.delete((event.data as { readonly effect: string }).effect)
  } else if (typeof event.data === 'object' && event.data !== null && isOutcome(event)) {
    run.intents.delete(event.data.effect)
  }
}

function programOf({ type, data }: RecordedEvent): OpenRun['program'] {
  if (type !== 'RunCreated') return null
  const { program } = data as Partial<StandardPayloads['RunCreated']>
  const { name, version } = program ?? {}
  // The log may come from elsewhere: what is no program is told as unknown.
  return typeof name === 'string' && typeof version === 'string' ? { name, version } : null
}
