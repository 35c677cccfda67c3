/** `ice approve`, `ice reject`, `ice resolve`: what a person says to a step that waits. */

import type { JsonValue } from '@ice/primitives'
import { parseStrict, type RunId } from '@ice/primitives'
import type { RunView, WaitingStep } from '@ice/runs/ports'
import { type StandingOptions, standingLines, standingOf } from '../args/standing.ts'
import { answerCommands } from '../drive/waiting.ts'
import { CLI_CODES, CliError } from '../errors.ts'
import { EXIT } from '../exit.ts'
import type { Invocation } from '../invocation.ts'
import { findRun } from '../log/find.ts'
import { openRuntime, using } from '../log/open.ts'
import { plain } from '../terminal/text.ts'

/** Options of `approve` and `reject`. */
export interface AnswerOptions extends StandingOptions {
  readonly comment?: string
  readonly digest?: string
}

/** Carries `approve` or `reject` out. @returns the exit code */
export async function answer(
  invocation: Invocation,
  target: { readonly run: string; readonly step: string | undefined; readonly approved: boolean },
  options: AnswerOptions,
): Promise<number> {
  const { comment, digest, dryRun = false } = options
  const standing = standingOf(options, Date.now())
  return using(await openRuntime(invocation, { create: false }), async (runtime) => {
    const run = await findRun(runtime.log, target.run)
    const view = await runtime.runs.view(run)
    const waiting = chooseStep(invocation, view, target.step, false)
    // The digest of what waits now: if it changes before the answer is written, nothing is.
    const answered = await runtime.runs.answer(run, {
      step: waiting.step,
      approved: target.approved,
      digest: digest ?? waiting.digest,
      ...(comment === undefined ? {} : { comment }),
      ...(standing === undefined ? {} : { standing, dryRun }),
    })
    const word = dryRun ? 'would approve' : target.approved ? 'approved' : 'rejected'
    const grant = answered.standing
    await invocation.print(
      () => [
        `${word}  ${plain(waiting.step)}: ${plain(waiting.prompt)}`,
        ...(grant === null
          ? []
          : [`${dryRun ? 'and then' : 'and'} always`, ...standingLines(grant)]),
        ...(grant === null || dryRun ? [] : [`  as grant ${grant.id}`]),
      ],
      () => ({
        ...{ run, step: waiting.step, approved: target.approved, digest: waiting.digest },
        ...(grant === null ? {} : { standing: grant, dryRun }),
      }),
    )
    if (dryRun) return EXIT.ok
    await sayWhatNext(invocation, await runtime.runs.view(run))
    return EXIT.ok
  })
}

/** Options of `resolve`. */
export interface ResolveOptions {
  readonly happened?: boolean
  readonly didNotHappen?: boolean
  readonly evidence?: string
  readonly result?: string
}

/** Carries `resolve` out. @returns the exit code */
export async function resolveDoubt(
  invocation: Invocation,
  target: { readonly run: string; readonly step: string | undefined },
  options: ResolveOptions,
): Promise<number> {
  const happened = options.happened === true
  if (happened === (options.didNotHappen === true)) {
    throw new CliError(CLI_CODES.usage, 'Say one of --happened and --did-not-happen')
  }
  const { evidence } = options
  if (evidence === undefined || evidence === '') {
    throw new CliError(CLI_CODES.usage, 'Say what was found out: --evidence <text>')
  }
  const result = resultOf(options.result)
  return using(await openRuntime(invocation, { create: false }), async (runtime) => {
    const run = await findRun(runtime.log, target.run)
    const waiting = chooseStep(invocation, await runtime.runs.view(run), target.step, true)
    const effect = waiting.step
    await runtime.runs.resolveDoubt(run, {
      effect,
      happened,
      evidence,
      ...(result === undefined ? {} : { result }),
    })
    const word = happened ? 'it happened' : 'it did not happen'
    await invocation.print(
      () => [`resolved  ${plain(effect)}: ${word}`],
      () => ({ run, step: effect, happened, evidence }),
    )
    await sayWhatNext(invocation, await runtime.runs.view(run))
    return EXIT.ok
  })
}

function resultOf(text: string | undefined): JsonValue | undefined {
  if (text === undefined) return undefined
  try {
    return parseStrict(text) as JsonValue
  } catch (cause) {
    throw new CliError(CLI_CODES.input, '--result is not JSON as it has to be', { cause })
  }
}

/** The step that is meant: the named one, or the only one there is. */
function chooseStep(
  invocation: Invocation,
  view: RunView,
  named: string | undefined,
  doubts: boolean,
): WaitingStep {
  const { run, waitingFor, conclusion } = view
  if (conclusion !== null) {
    const message = `Run ${run} has ended (${conclusion}): there is nothing to answer any more`
    throw new CliError(CLI_CODES.concluded, message, {
      data: { run, conclusion },
      next: [invocation.command(['show', run])],
    })
  }
  const steps = waitingFor.filter(({ kind }) => (kind === 'doubt') === doubts)
  if (named !== undefined) {
    const step = steps.find((each) => each.step === named)
    if (step !== undefined) return step
    const other = waitingFor.find((each) => each.step === named)
    throw missing(invocation, run, {
      what: `Step "${plain(named)}" of run ${run} does not wait for that`,
      steps: other === undefined ? waitingFor : [other],
    })
  }
  const [only, second] = steps
  if (only !== undefined && second === undefined) return only
  if (only === undefined) {
    const what = `Run ${run} waits for no such answer`
    throw missing(invocation, run, { what, steps: waitingFor })
  }
  throw new CliError(CLI_CODES.ambiguous, `Run ${run} waits for several answers: name the step`, {
    data: { run, steps: steps.map(({ step }) => step) },
    next: commandsFor(invocation, run, steps),
  })
}

function missing(
  invocation: Invocation,
  run: RunId,
  { what, steps }: { readonly what: string; readonly steps: readonly WaitingStep[] },
): CliError {
  const next = commandsFor(invocation, run, steps)
  return new CliError(CLI_CODES.stepNotFound, what, {
    data: { run, waiting: steps.map(({ step }) => step) },
    next: next.length > 0 ? next : [invocation.command(['show', run])],
  })
}

function commandsFor(
  invocation: Invocation,
  run: RunId,
  steps: readonly WaitingStep[],
): readonly string[] {
  return steps.slice(0, 8).flatMap((step) => answerCommands(invocation, run, step).slice(0, 1))
}

async function sayWhatNext(invocation: Invocation, view: RunView): Promise<void> {
  const { run, waitingFor, suspended } = view
  if (waitingFor.length > 0) {
    invocation.talk.say(`still waiting: ${waitingFor.map(({ step }) => plain(step)).join(', ')}`)
  } else if (suspended) {
    invocation.talk.say(`go on with it: ${invocation.command(['resume', run])}`)
  }
}
