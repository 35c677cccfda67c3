/**
 * Waiting, as a program asks for it: for a time, for what somebody sends, for an event of the log.
 *
 * Every time is absolute once it is asked for: the deterministic now of the run plus what the
 * program said. So a replay asks for the same, and a run that was asleep longer than it wanted
 * goes on at once.
 */

import { invariant, type Timestamp } from '@ice/primitives'
import { RUNS_CODES, RunsError } from './errors.ts'
import type { Execution } from './execution.ts'
import { AWAITED_TYPES_MAX, WAIT_MS_MAX } from './limits.ts'
import type { EventQuery, Program, Received, RunContext, WaitTerms } from './ports.ts'
import type { EventAsk, Settlement, SignalAsk, TimerAsk } from './steps.ts'

/** The waits of a context. */
export function createWaits(
  execution: Execution,
  program: Program,
  full: (id: unknown) => string,
): Pick<RunContext, 'event' | 'signal' | 'sleep'> {
  return {
    sleep: async (id, until) => {
      const ask: TimerAsk = { kind: 'timer', due: dueOf(execution.now, until) }
      await execution.ask(full(id), ask, { sleep: { due: ask.due } }, () => undefined)
    },
    signal: async <T>(id: string, signal: string, terms: WaitTerms = {}) => {
      const { parse } = schemaOf(program, signal)
      const expiresAt = expiryOf(execution.now, terms)
      const ask: SignalAsk = { kind: 'signal', signal, expiresAt }
      return execution.ask(full(id), ask, { signal, expiresAt }, (given) => {
        return given.kind === 'lapsed' ? null : received<T>(given, parse)
      })
    },
    event: async (id, query, terms = {}) => {
      const expiresAt = expiryOf(execution.now, terms)
      const ask: EventAsk = { kind: 'event', ...checkQuery(query), expiresAt }
      return execution.ask(full(id), ask, { event: { ...query }, expiresAt }, (given) => {
        if (given.kind === 'lapsed') return null
        invariant(given.kind === 'matched', 'an event is settled by one')
        return given.event
      })
    },
  }
}

/** @throws what the schema throws, as `ICE_RUNS_SIGNAL_UNSUPPORTED` */
function received<T>(given: Settlement, parse: (value: unknown) => unknown): Received<T> {
  invariant(given.kind === 'received', 'a signal is settled by what was sent')
  const { by, event } = given
  try {
    return { value: parse(given.value) as T, by, event }
  } catch (cause) {
    const message = 'What was sent does not fit the schema that the program declares for it'
    throw new RunsError(RUNS_CODES.signalInvalid, message, { event }, cause)
  }
}

/** @throws `ICE_RUNS_SIGNAL_UNSUPPORTED` */
function schemaOf(program: Program, signal: string): { parse(value: unknown): unknown } {
  const { signals = {} } = program
  const schema = Object.hasOwn(signals, signal) ? signals[signal] : undefined
  if (schema !== undefined) return { parse: (value) => schema.parse(value) }
  const known = Object.keys(signals).join(', ') || 'none'
  const message = `${program.name} declares no signal "${signal}"; it declares: ${known}`
  throw new RunsError(RUNS_CODES.signalInvalid, message, { signal })
}

function dueOf(now: Timestamp, until: number | { readonly until: Timestamp }): Timestamp {
  if (typeof until === 'number') return (now + checkMs(until)) as Timestamp
  const { until: due } = until
  checkMs(Math.max(0, due - now))
  if (Number.isSafeInteger(due) && due >= 0) return due
  throw badWait('A time is epoch milliseconds, a whole number of at least 0')
}

function expiryOf(now: Timestamp, { timeoutMs }: WaitTerms): Timestamp | null {
  return timeoutMs === undefined ? null : ((now + checkMs(timeoutMs)) as Timestamp)
}

function checkMs(ms: unknown): number {
  if (typeof ms === 'number' && Number.isInteger(ms) && ms >= 0 && ms <= WAIT_MS_MAX) return ms
  throw badWait(`A wait is a whole number of milliseconds from 0 to ${WAIT_MS_MAX}`)
}

function checkQuery({ types, streamPrefix }: EventQuery): Omit<EventAsk, 'expiresAt' | 'kind'> {
  const areTypes =
    Array.isArray(types) &&
    types.length > 0 &&
    types.length <= AWAITED_TYPES_MAX &&
    types.every((type) => typeof type === 'string' && type.length > 0 && type.length <= 64)
  if (!areTypes) throw badWait(`An event is awaited by 1 to ${AWAITED_TYPES_MAX} types`)
  return { types: [...types], ...(streamPrefix === undefined ? {} : { streamPrefix }) }
}

function badWait(message: string): RunsError {
  return new RunsError(RUNS_CODES.waitInvalid, message)
}
