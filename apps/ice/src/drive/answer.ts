/**
 * Answers given while a run is driven here: by `--yes`, or by the person at the terminal.
 *
 * Each is recorded as the principal's answer to exactly the call that was shown (its digest), so
 * what is allowed is what was seen. A step that somebody answered elsewhere meanwhile is no
 * failure: their answer holds.
 */
import { hasCode, type RunId } from '@ice/primitives'
import type { WaitingStep } from '@ice/runs/ports'
import type { Runtime } from '@ice/runtime'
import type { Invocation } from '../invocation.ts'
import { jsonText, plain } from '../terminal/text.ts'
import { detailsOf } from './waiting.ts'

/** How the steps of a run are answered. */
export type Answering = 'nobody' | 'yes' | 'ask'

/** Somebody was faster, or the right has ended meanwhile: the next drive finds out. */
const ANSWERED = [
  'ICE_RUNS_STEP_NOT_FOUND',
  'ICE_RUNS_STEP_CONFLICT',
  'ICE_RUNS_RIGHT_ENDED_CONFLICT',
] as const

/** What answers are given with. */
export interface AnswerInit {
  readonly runtime: Runtime
  readonly run: RunId
  readonly invocation: Invocation
  readonly signal: AbortSignal
}

/** Answers what waits. @returns whether the run may have something to go on with */
export async function answerSteps(
  init: AnswerInit,
  how: Answering,
  steps: readonly WaitingStep[],
): Promise<boolean> {
  if (how === 'nobody') return false
  let answered = 0
  for (const step of steps) {
    // Whether something happened is a question of fact: consent is no answer to it.
    if (how === 'yes' && step.kind === 'doubt') continue
    const isAnswered = how === 'yes' ? await approve(init, step) : await ask(init, step)
    if (isAnswered) answered += 1
  }
  return answered > 0
}

async function approve({ runtime, run, invocation }: AnswerInit, step: WaitingStep): Promise<true> {
  await tolerated(() =>
    runtime.runs.answer(run, {
      step: step.step,
      approved: true,
      digest: step.digest,
      comment: 'approved by --yes',
    }),
  )
  const line = `approved by --yes: ${plain(step.prompt)} (${plain(step.step)})`
  invocation.talk.note(line, { notice: 'approved', run, step: step.step })
  return true
}

async function tolerated(act: () => Promise<unknown>): Promise<void> {
  try {
    await act()
  } catch (error) {
    if (!ANSWERED.some((code) => hasCode(error, code))) throw error
  }
}

/** Puts a step to the person at the terminal. @returns false when they leave it open */
async function ask(init: AnswerInit, step: WaitingStep): Promise<boolean> {
  const { runtime, run, invocation, signal } = init
  invocation.talk.settle()
  const details = await detailsOf(runtime.log, step)
  if (details !== null) invocation.talk.say(plain(jsonText(details)))
  const { isCancel, select } = await import('@clack/prompts')
  const [yes, no] = step.kind === 'doubt' ? ['it happened', 'it did not'] : ['approve', 'reject']
  const said = await select({
    message: `${plain(step.prompt)} (${plain(step.step)})`,
    options: [
      { value: 'yes', label: yes },
      { value: 'no', label: no },
      { value: 'later', label: 'leave it open' },
    ],
    output: process.stderr,
    signal,
  })
  if (isCancel(said) || said === 'later') return false
  const yesSaid = said === 'yes'
  await tolerated(() =>
    step.kind === 'doubt'
      ? runtime.runs.resolveDoubt(run, {
          effect: step.step,
          happened: yesSaid,
          evidence: 'said at the terminal',
        })
      : runtime.runs.answer(run, { step: step.step, approved: yesSaid, digest: step.digest }),
  )
  return true
}
