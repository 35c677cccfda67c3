/**
 * Looks for what other processes wrote to runs that wait here: answers, aborts, takeovers.
 *
 * One look for all waiting runs of a process, and only while there are any: the log's head first,
 * which costs almost nothing, and only when it has moved a read of the few types that concern a
 * run from outside. A subscription for each run would decode every event once for every run.
 *
 * The trap this closes: what is written between a run's last look and the moment it begins to
 * wait. A look that passes in between finds nobody to wake, so whoever is new is woken once.
 */

import type { EventLog } from '@ice/events/ports'
import type { Clock, RunId } from '@ice/primitives'
import { WATCH_INTERVAL_MS } from './limits.ts'

const FROM_OUTSIDE = [
  'ApprovalGranted',
  'ApprovalRejected',
  'ApprovalEscalated',
  'ApprovalLapsed',
  'AnswerRefused',
  'EffectDoubtResolved',
  'AbortRequested',
  'SignalReceived',
  'RunQuarantined',
  'RunReleased',
  'RunClaimed',
  'RunForciblyTerminated',
  'RunTerminated',
] as const

/** Wakes waiting runs. */
export interface Watch {
  /**
   * Calls `wake` when something that concerns the run may have been written: to it, or an event of
   * one of `types` anywhere.
   */
  add(run: RunId, wake: () => void, types?: readonly string[]): () => void
  /** Wakes whoever watches this run: something has become of it that is no event. */
  poke(run: RunId): void
  close(): void
}

/** Creates a watch; it rests while nothing is added. @param onError - a look that failed */
export function createWatch(
  { log, clock }: { readonly log: EventLog; readonly clock: Clock },
  onError: (error: unknown) => void,
): Watch {
  const waiting = new Map<RunId, Set<() => void>>()
  /** Who waits for events of a type, wherever they are written. */
  const awaited = new Map<string, Set<() => void>>()
  /** Who began to wait since the last look: an earlier look may have passed what concerns it. */
  let fresh = new Set<() => void>()
  const closing = new AbortController()
  let looking = false
  let after: number | null = null

  const look = async (): Promise<void> => {
    const unsure = fresh
    fresh = new Set()
    const { position } = await log.store.head()
    if (after !== null && position !== after) {
      const filter = { types: [...FROM_OUTSIDE, ...awaited.keys()] }
      for await (const batch of log.store.readAll({ after, filter })) {
        for (const { bytes } of batch) {
          const { stream, type } = headerOf(bytes)
          wakeAll(waiting, stream.slice(stream.indexOf('/') + 1) as RunId)
          for (const wake of awaited.get(type) ?? []) wake()
        }
      }
    }
    after = position
    // They look for themselves, once: from here on, whatever comes is seen by a look of ours.
    for (const wake of unsure) wake()
  }

  const loop = async (): Promise<void> => {
    looking = true
    try {
      while (waiting.size > 0 && !closing.signal.aborted) {
        await look()
        await clock.sleep(WATCH_INTERVAL_MS, { signal: closing.signal })
      }
    } catch (error) {
      if (!closing.signal.aborted) {
        onError(error)
        // Whoever waits looks for itself and meets the error where it can be reported.
        for (const run of waiting.keys()) wakeAll(waiting, run)
      }
    } finally {
      looking = false
      after = null
    }
  }

  return {
    add(run, wake, types = []) {
      for (const type of types) awaited.set(type, (awaited.get(type) ?? new Set()).add(wake))
      const wakes = waiting.get(run) ?? new Set()
      waiting.set(run, wakes.add(wake))
      fresh.add(wake)
      if (!looking) void loop()
      return () => {
        for (const type of types) forget(awaited, type, wake)
        wakes.delete(wake)
        fresh.delete(wake)
        if (wakes.size === 0) waiting.delete(run)
      }
    },
    poke: (run) => wakeAll(waiting, run),
    close: () => closing.abort(),
  }
}

function forget(awaited: Map<string, Set<() => void>>, type: string, wake: () => void): void {
  const wakes = awaited.get(type)
  wakes?.delete(wake)
  if (wakes?.size === 0) awaited.delete(type)
}

function wakeAll(waiting: ReadonlyMap<RunId, ReadonlySet<() => void>>, run: RunId): void {
  for (const wake of waiting.get(run) ?? []) wake()
}

/** What stored bytes say first of all: whose event it is, and of which kind. */
export function headerOf(bytes: string): {
  readonly stream: string
  readonly version: number
  readonly type: string
  readonly data: unknown
} {
  return JSON.parse(bytes) as { stream: string; version: number; type: string; data: unknown }
}
