/** What the story of a run says of its waits, its children, its branches and its versions. */
import type { StandardPayloads } from '@ice/events'
import { isoTime } from '../terminal/format.ts'
import type { TimelineEntry } from './timeline.ts'

type Told = Omit<TimelineEntry, 'event' | 'time' | 'phase'>
type Payload<T extends keyof StandardPayloads> = StandardPayloads[T]

function on<T extends keyof StandardPayloads>(
  tell: (data: Payload<T>) => Told,
): (data: unknown) => Told {
  return (data) => tell(data as Payload<T>)
}

function until(expiresAt: number | null): string {
  return expiresAt === null ? '' : `, until ${isoTime(expiresAt)}`
}

/** By type of event; what ends a wait is told with how long it lasted. */
export const WAIT_STORY: ReadonlyMap<string, (data: unknown) => Told> = new Map([
  [
    'TimerSet',
    on<'TimerSet'>(({ step, due }) => ({ kind: 'wait', text: `until ${isoTime(due)}`, step })),
  ],
  [
    'TimerFired',
    on<'TimerFired'>(({ step }) => ({ kind: 'came', text: 'its time has come', step })),
  ],
  [
    'SignalAwaited',
    on<'SignalAwaited'>(({ step, signal, expiresAt }) => ({
      kind: 'wait',
      text: `for the signal ${signal}${until(expiresAt)}`,
      step,
    })),
  ],
  [
    'SignalConsumed',
    on<'SignalConsumed'>(({ step, name }) => ({
      kind: 'came',
      text: `the signal ${name} was taken`,
      step,
    })),
  ],
  [
    'EventAwaited',
    on<'EventAwaited'>(({ step, types, expiresAt }) => ({
      kind: 'wait',
      text: `for ${types.join(' or ')}${until(expiresAt)}`,
      step,
    })),
  ],
  ['EventMatched', on<'EventMatched'>(({ step, event }) => ({ kind: 'came', text: event, step }))],
  [
    'WaitLapsed',
    on<'WaitLapsed'>(({ step }) => ({ kind: 'came', text: 'nothing came in time', step })),
  ],
  [
    'ChildAwaited',
    on<'ChildAwaited'>(({ step, child }) => ({ kind: 'wait', text: `for run ${child}`, step })),
  ],
  [
    'ChildConcluded',
    on<'ChildConcluded'>(({ step, child, conclusion }) => ({
      kind: 'came',
      text: `run ${child} has ${conclusion.replaceAll('_', ' ')}`,
      step,
    })),
  ],
  [
    'ScopeCancelled',
    on<'ScopeCancelled'>(({ step, scopes, reason }) => ({
      kind: 'state',
      text: `${scopes.join(', ')}: wanted no longer; ${reason}`,
      step,
    })),
  ],
  [
    'PatchMarked',
    on<'PatchMarked'>(({ step }) => ({ kind: 'state', text: 'goes the patched way', step })),
  ],
  [
    'ProgramChanged',
    on<'ProgramChanged'>(({ from, to }) => ({
      kind: 'state',
      text: `version ${to} drives it on, in the place of ${from}`,
    })),
  ],
])
