/**
 * The way of a run from what its program returned to its conclusion.
 *
 *     returned ──► ValidationStarted ──┬─ all hold ─► ValidationPassed, RunCommitted + intents
 *                     │      ▲         └─ one fails, or is denied ─► ValidationFailed, RunAborted
 *                     └ people asked ┘
 *
 * 1. What was staged is decided before the commit, and its intents stand in the append of the
 *    commit: there is no commit without them, and no act before it.
 * 2. A person who has to be asked about a staged effect is asked before the commit; a refusal, like
 *    any denial, fails the validation.
 * 3. A run in validation runs its program again when it goes on, and has to come to the same
 *    result: another one is a divergence.
 */

import type { Allotment } from '@ice/capabilities/ports'
import type { ValueRef } from '@ice/events/ports'
import { errorRecord, type Hash, type Timestamp } from '@ice/primitives'
import { putToPerson } from './asking.ts'
import { abortFacts, teardownFacts } from './conclude.ts'
import type { Desk } from './desk.ts'
import { divergence } from './divergence.ts'
import { type Call, partyOf, type Ruling, rule } from './effects.ts'
import { RUNS_CODES, RunsError } from './errors.ts'
import type { Fact } from './facts.ts'
import { givenArguments } from './given.ts'
import { givenOf } from './hand.ts'
import type { Payload } from './lifecycle.ts'
import { CONFLICTS_MAX } from './limits.ts'
import type { Staged } from './owed.ts'
import type { Program } from './ports.ts'
import { prepareCall } from './prepare.ts'
import { stagedAsk } from './staging.ts'
import { askForCheck, type Failure, failed, type Verdict, validate } from './validation.ts'
import { digestOfRef } from './value.ts'

type AbortReason = Parameters<typeof abortFacts>[2]

/**
 * Concludes a run whose program returned, as far as that can be done now.
 *
 * @returns what is to be appended; `'waits'` for people; `'committed'` when that is recorded, and
 * what was staged has begun
 */
export async function commitRun(
  desk: Desk,
  program: Program,
  returned: unknown,
): Promise<readonly Fact[] | 'waits' | 'committed'> {
  const { journal } = desk
  let verdict: Verdict
  try {
    verdict = validate(desk, program, returned)
  } catch (error) {
    return abortFacts(journal.fold, 'execution', errorRecord(error))
  }
  const begins = startedFacts(desk, verdict)
  if (verdict.failures.length > 0) return [...begins, ...failedFacts(desk, verdict)]
  for (let conflicts = 0; conflicts < CONFLICTS_MAX; conflicts += 1) {
    // One time for all of it: that a decision was made for is not behind what it led to.
    const at = journal.now()
    const started = begins.map((fact) => ({ ...fact, at }))
    const { denied, asked, lacks } = await decideStaged(desk, at)
    if (denied.length > 0) {
      journal.withdrawIntents()
      const failures = denied.map(({ fact, staged }) => failureOf(staged, fact))
      const facts = denied.map(({ fact }) => fact)
      return [...started, ...facts, ...failedFacts(desk, { ...verdict, failures })]
    }
    if (asked.length > 0 || verdict.asks.length > 0) {
      journal.withdrawIntents()
      for (const fact of started) journal.add(fact)
      for (const ask of verdict.asks) askForCheck(desk, ask)
      for (const ruling of asked) await putToPerson(journal, ruling, sourcesOf(desk))
      return 'waits'
    }
    if (lacks.length > 0) {
      journal.withdrawIntents()
      await drawn(desk, lacks)
      // Each draw brings what was lacking into hand, or makes the next decision a denial.
      conflicts -= 1
      continue
    }
    const passed = passedFacts(verdict)
    if (!journal.hasIntents) {
      return [...started, ...passed, ...teardownFacts(journal.fold, 'committed')]
    }
    const isCommitted = await commitWith(desk, [...started, ...passed])
    if (isCommitted === true) return 'committed'
    // Authority, or a budget, has moved: everything is decided anew.
    if (isCommitted !== false) {
      return [...started, ...failedFacts(desk, { ...verdict, failures: [isCommitted] })]
    }
  }
  const message = `What run ${desk.run} staged is refused again and again`
  throw new RunsError(RUNS_CODES.ownershipLost, message, { run: desk.run })
}

/** What begins the validation; nothing where it has begun. */
function startedFacts({ journal }: Desk, { sealed }: Verdict): readonly Fact[] {
  const { fold } = journal
  if (fold.view?.state === 'VALIDATING') {
    const recorded = digestOfRef(fold.result as ValueRef)
    if (recorded === sealed.digest) return []
    const why = `it returned the result ${recorded}, and now returns ${sealed.digest}`
    throw divergence({ step: '', why, event: null, asked: [] })
  }
  const { ref, digest, blob } = sealed
  const result = ref as Payload<'ValidationStarted'>['result']
  return [{ type: 'ValidationStarted', data: { result, resultDigest: digest as Hash }, blob }]
}

function passedFacts({ checks, causes, sealed }: Verdict): readonly Fact[] {
  return [
    { type: 'ValidationPassed', data: { checks: [...checks] }, causes },
    { type: 'RunCommitted', data: { resultDigest: sealed.digest } },
  ]
}

function failedFacts({ journal }: Desk, { checks, failures }: Verdict): readonly Fact[] {
  const [first] = failures
  const told = failures.slice(0, 64).map(({ check, error }) => ({ check, error: error as never }))
  const failure: Fact = {
    type: 'ValidationFailed',
    data: { checks: [...checks], failures: told },
  }
  const reason: AbortReason = first?.error ?? errorRecord(undefined)
  return [failure, ...abortFacts(journal.fold, 'validation', reason)]
}

/** @returns `false` when authority has moved; why not, when no append could hold it */
async function commitWith(desk: Desk, facts: readonly Fact[]): Promise<boolean | Failure> {
  const { journal, acts } = desk
  try {
    const flushed = await journal.appendTogether(facts)
    if (flushed === null) return false
    for (const { intent, event } of flushed.recorded) {
      const tried = journal.fold.tried.get(intent.data.effect)
      acts.start(intent, event, { since: flushed.position, tried })
    }
    return true
  } catch (error) {
    if (!(error instanceof RunsError) || error.code !== RUNS_CODES.stagedLimit) throw error
    return { check: 'staged', error: errorRecord(error) }
  }
}

interface Decided {
  readonly denied: readonly { readonly fact: Fact; readonly staged: Staged }[]
  readonly asked: readonly Extract<Ruling, { readonly kind: 'approval' }>[]
  /** Slices that have to be drawn first. */
  readonly lacks: readonly Allotment[]
}

/** Draws slices, by an append of its own. */
async function drawn({ journal, components, run }: Desk, lacks: Decided['lacks']): Promise<void> {
  journal.draw(lacks)
  const { drawn: draw } = await journal.flush()
  if (draw !== null) journal.take(await givenOf(components.authority, run, draw))
}

/** Decides all that is staged; what is allowed waits in the journal as intents. */
async function decideStaged(desk: Desk, at: Timestamp): Promise<Decided> {
  const { journal, components, run } = desk
  const { fold } = journal
  const denied: { readonly fact: Fact; readonly staged: Staged }[] = []
  const asked: Extract<Ruling, { readonly kind: 'approval' }>[] = []
  const all = [...fold.owed.staged.values()]
  if (all.length === 0) return { denied, asked, lacks: [] }
  // Whatever comes of it is final: it stands on the newest state of authority.
  await components.authority.refresh(
    [...fold.grants.values(), ...fold.standing],
    partyOf(fold, run),
  )
  for (const staged of all) {
    const call = await callOf(desk, staged)
    const purse = journal.purse()
    const init = { fold, authority: components.authority, purse, at, fresh: true }
    const ruling = 'kind' in call ? call : rule(call, { ...init, ahead: journal.isAhead })
    if (ruling.kind === 'intent') {
      if (ruling.lacks.length > 0) return { denied: [], asked: [], lacks: ruling.lacks }
      journal.addIntent(ruling.intent)
    } else if (ruling.kind === 'denied')
      denied.push({ fact: { ...ruling.fact, at } as Fact, staged })
    else asked.push(ruling)
  }
  return { denied, asked, lacks: [] }
}

async function callOf(desk: Desk, staged: Staged): Promise<Call | Ruling> {
  const { components, journal, run } = desk
  const { request, terms, bound, proposal } = await stagedAsk(components, staged)
  const { given, unfilled } = await givenArguments(bound, sourcesOf(desk))
  const own = { request, terms, bound, hold: false, batch: false }
  const asked = { run, effect: staged.effect, attempt: 1, ...own }
  const from = { askedAt: staged.version, proposal, staged: staged.event }
  return prepareCall({ ...asked, ...from, given, unfilled }, journal.fold, components.handlers)
}

function sourcesOf({ journal, components }: Desk): Parameters<typeof givenArguments>[1] {
  return { labels: journal.fold.labels, blobs: components.log.store.blobs }
}

function failureOf({ effect, action }: Staged, { data }: Fact): Failure {
  const { denial } = data as Payload<'CapabilityDenied'>
  const why = `${action}, which was staged, is denied: ${denial.message}`
  return { check: effect.slice(0, 512), error: { ...failed(effect, why).error, code: denial.code } }
}
