/**
 * Checks of a proof: each has a name, looks at a number of cases, and holds or falls short.
 *
 * 1. A check that looked at nothing has not held.
 * 2. A check that falls short does not end the proof: the others are made, and all are reported.
 * 3. A skip has a reason, and a proof in which nothing held has failed.
 */

/** What a topic records its checks with. */
export interface CheckRecorder {
  /**
   * Makes one check. It falls short by throwing, and otherwise says how many cases it looked at.
   * @returns whether it held, for checks that only make sense after it
   */
  check(name: string, run: () => number | Promise<number>): Promise<boolean>
  /** Leaves a check out, because something it needs is missing. */
  skip(name: string, reason: string): void
  /** What is being done just now; shown every few seconds while nothing else is. */
  progress(status: string): void
}

/** The recorder's other side, for the command. */
export interface Recording extends CheckRecorder {
  /** Ends the recording. @returns the last line, and whether the proof held */
  finish(): { readonly line: string; readonly held: boolean }
}

const PROGRESS_MS = 4_000

/** @param say - takes a line for people; the checks are reported there as they are made. */
export const record = (topic: string, say: (line: string) => void): Recording => {
  const counts = { passed: 0, failed: 0, skipped: 0 }
  const started = Date.now()
  let status = 'starting'
  const timer = setInterval(() => {
    say(`  ${Math.round((Date.now() - started) / 1000)} s: ${status}`)
  }, PROGRESS_MS)
  timer.unref()
  const fallShort = (name: string, why: string): false => {
    counts.failed += 1
    say(`FAILED   ${name}: ${why}`)
    return false
  }
  return {
    async check(name, run) {
      status = name
      try {
        const cases = await run()
        if (!(cases > 0)) return fallShort(name, 'it looked at no case')
        counts.passed += 1
        say(`ok       ${name} (${cases.toLocaleString('en-US')})`)
        return true
      } catch (error) {
        return fallShort(name, error instanceof Error ? (error.stack ?? error.message) : `${error}`)
      }
    },
    skip(name, reason) {
      counts.skipped += 1
      say(`skipped  ${name}: ${reason}`)
    },
    progress(next) {
      status = next
    },
    finish() {
      clearInterval(timer)
      const { passed, failed, skipped } = counts
      return {
        line: `${topic}: ${passed} checks passed, ${failed} failed, ${skipped} skipped`,
        held: failed === 0 && passed > 0,
      }
    },
  }
}
