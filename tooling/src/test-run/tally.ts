/**
 * What a run of checks adds up to.
 *
 * 1. Everything that was run is counted once: a test as a test, a tool's verdict as one check.
 * 2. A skip has a name, and every name is printed.
 * 3. A run in which no test was executed has failed, whatever else passed.
 */

/** What one step of a run did. */
export interface StepResult {
  readonly passed: number
  readonly failed: number
  /** The full name of each test that was not run. */
  readonly skipped: readonly string[]
  /** How many of the passed and failed are tests, as against verdicts of a tool. */
  readonly tests: number
}

/** The verdict of a tool: one check, no test. */
export const verdict = (held: boolean): StepResult => ({
  passed: held ? 1 : 0,
  failed: held ? 0 : 1,
  skipped: [],
  tests: 0,
})

/** The sum of several steps. */
export const sum = (results: readonly StepResult[]): StepResult => ({
  passed: results.reduce((total, each) => total + each.passed, 0),
  failed: results.reduce((total, each) => total + each.failed, 0),
  skipped: results.flatMap((each) => each.skipped),
  tests: results.reduce((total, each) => total + each.tests, 0),
})

/** Whether a run may end with 0. */
export const held = (total: StepResult): boolean => total.failed === 0 && total.tests > 0

/** The last lines of a run: what was skipped, by name, and the counts alone on a line. */
export const report = (total: StepResult): string => {
  const { passed, failed, skipped, tests } = total
  const names = skipped.map((name) => `skipped: ${name}\n`).join('')
  const warning = tests === 0 ? 'No test was executed, so this run has failed.\n' : ''
  const skips = skipped.length > 0 ? `, ${skipped.length} skipped` : ''
  return `${names}${warning}${passed} passed, ${failed} failed${skips}\n`
}
