/**
 * Whether breakers let through no more than they say, by a model of their own.
 *
 * 1. Nothing that one covers is tried past it: only what is staged is released without.
 * 2. While it is open nothing is tried, and what probes does so at its time or later; while one
 *    probes, nobody else does before the time of the probe is over.
 * 3. The failure that makes its count full opens it, at once.
 *
 * Times are those of who decided: of its run, not of the stream of the breaker. Clocks are wrong,
 * so a failure that is nearly as old as the window may have counted, or not.
 */
import type { RecordedEvent } from '@ice/events/ports'
import type { JsonObject } from '@ice/primitives'
import type { Breaker } from '../ports.ts'

interface Told {
  readonly action?: string
  readonly batch?: number
  readonly breaker?: string
  readonly effect?: string
  readonly resource?: JsonObject
  readonly run?: string
  readonly staged?: string
  readonly until?: number
}

/** How one stands, as far as its stream goes. */
interface Standing {
  state: 'closed' | 'open' | 'probing'
  until: number
  /** Who probes: run and effect. */
  prober: string | null
  failures: number[]
  /** The failure that should have opened it. */
  isOverdue: string | null
}

/** @units events of one append: more than any run makes. */
const UNIT_EVENTS = 64
/** How far the clocks of two processes are apart at most. */
const APART_MS = 10_000

/** @returns what is wrong with what was tried under breakers */
export function heldByBreakers(
  events: readonly RecordedEvent[],
  breakers: readonly Breaker[],
): string | null {
  const standings = new Map(breakers.map((each) => [each.name, fresh()]))
  for (const event of events) {
    const broken = event.type.startsWith('Breaker')
      ? follow(event, breakers, { standings, events })
      : tried(event, breakers, { standings, events })
    if (broken !== null) return broken
  }
  return null
}

interface Seen {
  readonly standings: ReadonlyMap<string, Standing>
  readonly events: readonly RecordedEvent[]
}

function fresh(): Standing {
  return { state: 'closed', until: 0, prober: null, failures: [], isOverdue: null }
}

function follow(
  { id, type, data, time, position }: RecordedEvent,
  breakers: readonly Breaker[],
  { standings, events }: Seen,
): string | null {
  const { breaker: name = '', run, effect, until = 0 } = data as Told
  const breaker = breakers.find((each) => each.name === name)
  const at = standings.get(name)
  if (breaker === undefined || at === undefined) return null
  if (at.isOverdue !== null && type !== 'BreakerOpened') {
    return `${at.isOverdue} makes the count of "${name}" full, and it is not opened`
  }
  at.isOverdue = null
  if (type === 'BreakerClosed') Object.assign(at, fresh())
  if (type === 'BreakerOpened') Object.assign(at, { state: 'open', until, prober: null })
  if (type === 'BreakerProbed') {
    if (at.state === 'closed') return `${id} probes "${name}", which is closed`
    const decided = events.findLast(
      (each) => each.position < position && each.stream === `run/${run}`,
    )
    const now = decided?.time ?? time
    if (now < at.until) return `${id} probes "${name}" at ${now}, before ${at.until}`
    Object.assign(at, { state: 'probing', until, prober: `run/${run} ${effect}` })
  }
  if (type !== 'BreakerFailed') return null
  const sure = breaker.windowMs - APART_MS
  at.failures = [...at.failures, time].filter((each) => each > time - sure)
  const isFull = at.state === 'closed' && at.failures.length >= breaker.failures
  if (isFull || at.prober === `run/${run} ${effect}`) at.isOverdue = id
  return null
}

function tried(
  event: RecordedEvent,
  breakers: readonly Breaker[],
  { standings, events }: Seen,
): string | null {
  const { id, type, data } = event
  if (type !== 'CapabilityUsed') return null
  const { action = '', resource = {}, breaker: name, effect, staged } = data as Told
  const covering = breakers.find((each) => each.covers(action, resource))
  if (covering !== undefined && staged === undefined && name !== covering.name) {
    return `${id} tries "${effect}" past "${covering.name}"`
  }
  const at = name === undefined ? undefined : standings.get(name)
  if (at === undefined || at.state === 'closed') return null
  const told = `${id} tries "${effect}" under "${name}", which is ${at.state}`
  return isProbe(event, events) ? null : told
}

/** Whether the next that is told of its breaker, in the same append, is that it probes. */
function isProbe({ stream, data, position }: RecordedEvent, events: readonly RecordedEvent[]) {
  const { breaker, effect } = data as Told
  const next = events.find(
    (each) => each.position > position && each.stream === `breaker/${breaker}`,
  )
  const { run, effect: probing } = (next?.data ?? {}) as Told
  const isNext = next?.type === 'BreakerProbed' && next.position - position < UNIT_EVENTS
  return isNext && `run/${run}` === stream && probing === effect
}
