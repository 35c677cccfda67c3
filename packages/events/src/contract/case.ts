/**
 * Conformance cases as data: what an implementor supplies, what a case is, and how one is run.
 *
 * Nothing here knows a test runner or an implementation, so any runner can bind the cases in a few
 * lines (see the README), and a program without a runner can call `runContract`.
 */

import { ok } from 'node:assert/strict'
import { systemClock } from '@ice/primitives'
import { toldBy } from './verdict.ts'

/** The clock a subject reads, in the hands of the kit. `manualClock` of primitives is one. */
export interface KitClock {
  /** @units epoch milliseconds, UTC */
  now(): number
  /** Sets what `now` says from here on, also back. @units epoch milliseconds, UTC */
  setWall(ms: number): void
}

/** What `Harness.damage` is to change, behind the back of the subject. */
export type Damage =
  /** A byte of the stored event at this position, its hash left as it is. */
  | { readonly kind: 'event'; readonly position: number }
  /** A byte of the blob kept under this digest. */
  | { readonly kind: 'blob'; readonly digest: string }

/**
 * What an implementor supplies; the kit never constructs a subject itself. Cases run one after the
 * other on one harness, unless it is made for each.
 */
export interface Harness<Subject> {
  /** Opens a subject with empty state of its own, each time anew, which reads `clock`. */
  open(): Promise<Subject>
  /**
   * Closes, then opens the same state again, as another subject; the one given is closed then.
   * Required when `supports.durable`.
   */
  reopen?(subject: Subject): Promise<Subject>
  /** A second connection to the same state. Required when `supports.sharedByProcesses`. */
  openSecond?(subject: Subject): Promise<Subject>
  /** Closes a subject, also one that is closed, and removes its state when it was the last. */
  close(subject: Subject): Promise<void>
  readonly clock: KitClock
  /**
   * Changes what is kept, as a failing disk would, while the subject is open. Left out, the cases
   * of what `check` finds and what is not handed out are skipped.
   */
  damage?(subject: Subject, what: Damage): Promise<void>
  /**
   * A signal that fires when a wait has lasted too long. Nothing is measured by it: it turns a
   * case that would hang into one that fails. Subscriptions of a case are ended by the first such
   * signal; what comes to no end even so fails when a second one, asked for then, has fired.
   *
   * @defaultValue ten seconds; a case that hangs fails after twenty
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
  /** Whether the case applies; reads `supports`, and whether the harness can do damage. Nothing
   * else may skip a case. */
  readonly needs?: (subject: Subject, harness: Harness<Subject>) => boolean
  /** When it fails, no other case says anything of the subject: `runContract` ends with it. */
  readonly isPrerequisite?: boolean
  /** Fulfilled when the subject conforms; rejected, by an assertion, when it does not. */
  run(harness: Harness<Subject>): Promise<void>
}

/**
 * Runs one case. The process stays alive meanwhile: a case that hangs is told when the patience of
 * the harness ends, and does not end the program without a word.
 *
 * @returns `skipped` when `needs` says that it does not apply
 * @throws what was expected, in the words of the case, and what was found; `cause` is the original
 */
export async function runCase<Subject>(
  contractCase: ContractCase<Subject>,
  harness: Harness<Subject>,
): Promise<'passed' | 'skipped'> {
  const over = new AbortController()
  // The end of the wait is ours to give: it is withdrawn, and that is no failure of anything.
  const alive = systemClock
    .sleep(Number.MAX_SAFE_INTEGER, { signal: over.signal })
    .catch(() => undefined)
  try {
    return await judged(contractCase, harness)
  } catch (error) {
    throw toldBy(contractCase, error)
  } finally {
    over.abort()
    await alive
  }
}

async function judged<Subject>(
  contractCase: ContractCase<Subject>,
  harness: Harness<Subject>,
): Promise<'passed' | 'skipped'> {
  const { needs } = contractCase
  const clock: Partial<KitClock> | undefined = harness.clock
  ok(
    typeof clock?.now === 'function' && typeof clock.setWall === 'function',
    'harness.clock has no now() and setWall(): it is the clock that the store reads, in the ' +
      'hands of the kit',
  )
  if (needs !== undefined) {
    const subject = await harness.open()
    const applies = needs(subject, harness)
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

/**
 * Runs cases one after the other and tells of each: for programs without a test runner. When a
 * prerequisite fails, that is the last that is told.
 */
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
      if (one.isPrerequisite === true) break
    }
  }
  return results
}
