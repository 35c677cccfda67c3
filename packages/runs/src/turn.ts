/**
 * One turn of the event loop: by then every microtask has run, so a program has come as far as it
 * can on what it was given. This, and not a count of ticks, is what "one per microtask drain"
 * means, and why a native `Promise.race` repeats itself on replay.
 */
export function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}
