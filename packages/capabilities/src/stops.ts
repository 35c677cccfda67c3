/**
 * Stop switches: the streams that end authority for whole scopes at once, and give it back.
 *
 *     stop/all                     everything
 *     stop/run/<run>               what this run does
 *     stop/agent/<agent>           what is done for this agent, or follows a proposal of its
 *     stop/session/<session>       what is done in this session
 *     stop/operator/<principal>    what is done on this principal's command
 *
 * Each also concerns what is done under a grant that came through the hands of its run, agent,
 * session or principal: the holder of any link of the chain.
 *
 *     principal in a stream = *( segment character but "~" / "~" HEX HEX ), or
 *                             "~~" SHA-256 in hex where that would be too long
 *
 * 1. `AuthorityStopped` stops, `AuthorityResumed` of the same scope lifts, and anything else in
 *    such a stream stops: a switch that is not understood is thrown.
 * 2. An event counts only as the next of its stream. Who knows an old version decides on it and
 *    guards it, so that the append refuses what the switch would.
 *
 * The trap: a switch that is looked at when a decision is made and not when its intent is
 * recorded. Each intent guards every switch that concerns it, also those never thrown.
 */
import type { Guard, RecordedEvent } from '@ice/events/ports'
import {
  type EventId,
  isAgentId,
  isPrincipalId,
  isRunId,
  isSessionId,
  type StreamId,
  sha256Hex,
} from '@ice/primitives'
import type { HolderParts } from './holder.ts'
import { isRecord, own } from './plain.ts'
import type { Party, StopScope, StopState } from './ports.ts'

/** The switches that have an event, by stream. */
export type StopSwitches = Map<string, StopState>

const PREFIX = 'stop/'
const ESCAPED = /[^A-Za-z0-9._:+-]/g
/** @units characters of a principal in a stream id, before its digest stands there instead */
const PRINCIPAL_CHARS_MAX = 192

const GRAMMARS: ReadonlyMap<string, (id: unknown) => boolean> = new Map([
  ['run', isRunId as (id: unknown) => boolean],
  ['agent', isAgentId],
  ['session', isSessionId],
  ['operator', isPrincipalId],
])

/** Whether this is the scope of a stop switch. */
export function isStopScope(text: unknown): text is StopScope {
  if (text === 'all') return true
  if (typeof text !== 'string') return false
  const slash = text.indexOf('/')
  return GRAMMARS.get(text.slice(0, Math.max(slash, 0)))?.(text.slice(slash + 1)) === true
}

/** The stream of a scope's switch. */
export function stopStream(scope: StopScope): StreamId {
  if (!scope.startsWith('operator/')) return `${PREFIX}${scope}` as StreamId
  return `${PREFIX}operator/${segmentOf(scope.slice('operator/'.length))}` as StreamId
}

/** A principal may hold what a stream id may not: `key:abc/1`, `.`. */
function segmentOf(principal: string): string {
  const escaped = principal
    .replace(ESCAPED, (c) => `~${c.charCodeAt(0).toString(16).padStart(2, '0')}`)
    .replace(/^\.{1,2}$/, (dots) => '~2e'.repeat(dots.length))
  return escaped.length <= PRINCIPAL_CHARS_MAX ? escaped : `~~${sha256Hex(principal)}`
}

/** The switch of a holder; a tool has none, it acts for a run. */
export function stopsOfHolder(holder: HolderParts | undefined): readonly StreamId[] {
  if (holder === undefined) return []
  const scope = `${holder.kind === 'principal' ? 'operator' : holder.kind}/${holder.id}`
  return isStopScope(scope) ? [stopStream(scope)] : []
}

/** The streams of the switches that concern whoever asks, widest first; at most 6. */
export function stopStreams(party: Party): readonly StreamId[] {
  const { run, agent, session, principal, proposer } = party
  return [
    'stop/all' as StreamId,
    stopStream(`run/${run}`),
    ...(agent === undefined ? [] : [stopStream(`agent/${agent}`)]),
    ...(session === undefined ? [] : [stopStream(`session/${session}`)]),
    ...(principal === undefined ? [] : [stopStream(`operator/${principal}`)]),
    ...(proposer === undefined || proposer === agent ? [] : [stopStream(`agent/${proposer}`)]),
  ]
}

/** Those of whoever asks, then those of the holders of a chain; each once. */
function streamsOf(party: Party, held: readonly StreamId[]): readonly StreamId[] {
  const own = stopStreams(party)
  const more = held.filter((stream) => !own.includes(stream))
  return more.length === 0 ? own : [...own, ...more]
}

/**
 * What an intent has to guard of the switches, at the versions they are known at.
 *
 * @param held - the switches of the holders of its chain
 */
export function stopGuards(
  stops: StopSwitches,
  party: Party,
  held: readonly StreamId[],
): readonly Guard[] {
  const version = (stream: StreamId): number => stops.get(stream)?.version ?? 0
  return streamsOf(party, held).map((stream) => ({ stream, version: version(stream) }))
}

/** The switches that are thrown and concern the request, or a holder of its chain. */
export function stopsAgainst(
  stops: StopSwitches,
  party: Party,
  held: readonly StreamId[],
): readonly StopState[] {
  if (stops.size === 0) return []
  return streamsOf(party, held).flatMap((stream) => {
    const known = stops.get(stream)
    return known?.stopped === true ? [known] : []
  })
}

/** Adds one event of a switch's stream. */
export function evolveStop(stops: StopSwitches, event: RecordedEvent): void {
  const { stream, version } = event
  if (version !== (stops.get(stream)?.version ?? 0) + 1) return
  const scope = scopeOf(event)
  const reason = isRecord(event.data) ? own(event.data, 'reason') : undefined
  stops.set(stream, {
    scope: scope ?? (stream.slice(PREFIX.length) as StopScope),
    stopped: event.type !== 'AuthorityResumed' || scope === undefined,
    version,
    event: event.id as EventId,
    at: event.time,
    by: event.principal ?? null,
    reason: typeof reason === 'string' ? reason : null,
  })
}

/** The scope that an event names, if it is that of its stream. */
function scopeOf({ stream, data }: RecordedEvent): StopScope | undefined {
  const scope = isRecord(data) ? own(data, 'scope') : undefined
  return isStopScope(scope) && stopStream(scope) === stream ? scope : undefined
}
