/**
 * Work that waits until nobody else wants the connection.
 *
 * It is done in slices of a few milliseconds. A slice is due when nothing was asked of the log
 * since the last look; a log that is never left alone gives it one slice in a second, so that it
 * comes to an end. Nothing here keeps a process alive.
 */
import { BACKGROUND_LOOKS_MAX, BACKGROUND_PAUSE_MS, BACKGROUND_WAIT_MS } from './limits.ts'

/** What is to be done in the background. */
export interface BackgroundWork {
  /** A few milliseconds of it. Errors are its own business. @returns whether there is more */
  readonly slice: () => Promise<boolean>
  /** Counts what was asked of the log. */
  readonly activity: () => number
}

/** Begins work in the background. @returns a call that ends it: no slice begins afterwards */
export function inBackground({ slice, activity }: BackgroundWork): () => void {
  let seen = activity()
  let looks = 0
  let isEnded = false
  let timer: NodeJS.Timeout | undefined
  const after = (ms: number): void => {
    timer = setTimeout(look, ms).unref()
  }
  const look = (): void => {
    const now = activity()
    looks += 1
    if (now !== seen && looks < BACKGROUND_LOOKS_MAX) {
      seen = now
      after(BACKGROUND_WAIT_MS)
      return
    }
    seen = now
    looks = 0
    void slice().then((isMore) => {
      if (isMore && !isEnded) after(BACKGROUND_PAUSE_MS)
    })
  }
  after(BACKGROUND_WAIT_MS)
  return () => {
    isEnded = true
    clearTimeout(timer)
  }
}
