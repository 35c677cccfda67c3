/**
 * Conformance cases as data: what an implementor supplies, what a case is, and how one is run.
 *
 * Nothing here knows a test runner or an implementation, so any runner can bind the cases in a few
 * lines (see the README), and a program without a runner can call `runContract`.
 */

/** The clock a subject reads, in the hands of the kit. `manualClock` of primitives is one. */
export interface KitClock {
  /** @units epoch milliseconds, UTC */
  now(): number
  /** Sets what `now` says from here on, also back. @units epoch milliseconds, UTC */
  setWall(ms: number): void
}

/** What an implementor supplies; the kit never constructs a subject itself. */
export interface Harness<Subject> {
  /** Opens a subject with empty state of its own, which reads `clock`. */
  open(): Promise<Subject>
  /** Closes, then opens the same state again. Required when `supports.durable`. */
  reopen?(subject: Subject): Promise<Subject>
  /** A second connection to the same state. Required when `supports.sharedByProcesses`. */
  openSecond?(subject: Subject): Promise<Subject>
  /** Closes a subject, also one that is closed, and removes its state when it was the last. */
  close(subject: Subject): Promise<void>
  readonly clock: KitClock
  /**
   * A signal that fires when a wait has lasted too long. Nothing is measured by it: it turns a
   * case that would hang into one that fails.
   *
   * @defaultValue ten seconds
   */
  patience?(): AbortSignal
}

/** One conformance case: data plus `run`. */
export interface ContractCase<Subject> {
  /** `append-rejects-stale-version` */
  readonly id: string
  /** A sentence in the present tense. */
  readonly name: string
  /** `EVT-R03`, see `docs/requirements`. */
  readonly requirement: string
  /** Whether the case applies; reads `supports`, and nothing else may skip a case. */
  readonly needs?: (subject: Subject) => boolean
  /** Fulfilled when the subject conforms; rejected, by an assertion, when it does not. */
  run(harness: Harness<Subject>): Promise<void>
}

/** Runs one case. @returns `skipped` when `needs` says that it does not apply */
export async function runCase<Subject>(
  contractCase: ContractCase<Subject>,
  harness: Harness<Subject>,
): Promise<'passed' | 'skipped'> {
  const { needs } = contractCase
  if (needs !== undefined) {
    const subject = await harness.open()
    const applies = needs(subject)
    await harness.close(subject)
    if (!applies) return 'skipped'
  }
  await contractCase.run(harness)
  return 'passed'
}

/** What became of one case. */
export interface CaseResult {
  readonly id: string
  readonly name: string
  readonly requirement: string
  readonly outcome: 'passed' | 'skipped' | 'failed'
  /** Why it failed. */
  readonly error?: unknown
}

/** Runs cases one after the other and tells of each: for programs without a test runner. */
export async function runContract<Subject>(
  cases: readonly ContractCase<Subject>[],
  harness: Harness<Subject>,
): Promise<readonly CaseResult[]> {
  const results: CaseResult[] = []
  for (const one of cases) {
    const { id, name, requirement } = one
    try {
      const outcome = await runCase(one, harness)
      results.push({ id, name, requirement, outcome })
    } catch (error) {
      results.push({ id, name, requirement, outcome: 'failed', error })
    }
  }
  return results
}
