/**
 * Hearing of what other processes append: a look at `PRAGMA data_version` every few milliseconds,
 * for as long as somebody waits and no longer.
 *
 * A process hears of its own commits at once. There is no message between processes that could be
 * lost: the file is asked, so a subscriber misses nothing and is late by at most one look.
 */
import type { WakeUp, WakeUpBell } from '@ice/events/adapter'
import { POLL_MS } from './limits.ts'

/** How a watch looks. */
export interface WatchOptions {
  /** Looks whether other connections have committed. */
  readonly look: () => boolean
  /** Whether waiting keeps the process alive. */
  readonly keepAlive: boolean
}

/** A bell that is also rung by other processes. */
export function createWatch(bell: WakeUpBell, { look, keepAlive }: WatchOptions): WakeUp {
  let waiting = 0
  let timer: NodeJS.Timeout | undefined
  const isNew = (): boolean => {
    try {
      return look()
    } catch {
      // Whoever waits then reads, and meets the error where it can be told to its caller.
      return true
    }
  }
  const tick = (): void => {
    if (isNew()) bell.ring()
  }
  const start = (): void => {
    waiting += 1
    if (timer !== undefined) return
    timer = setInterval(tick, POLL_MS)
    if (!keepAlive) timer.unref()
  }
  const stop = (): void => {
    waiting -= 1
    if (waiting > 0) return
    clearInterval(timer)
    timer = undefined
  }
  return {
    get count() {
      return bell.count
    },
    get closed() {
      return bell.closed
    },
    async wait(seen, signal) {
      start()
      try {
        await bell.wait(seen, signal)
      } finally {
        stop()
      }
    },
  }
}
