/** Steps that wait for a person, and how a person answers them. */
import type { StandardPayloads } from '@ice/events'
import type { EventLog } from '@ice/events/ports'
import type { RunId } from '@ice/primitives'
import type { WaitingStep } from '@ice/runs/ports'
import type { Invocation } from '../invocation.ts'
import { readEvent } from '../log/find.ts'
import { clip, plain } from '../terminal/text.ts'

/** What the request of a step says beside its prompt, as far as it stands in the event. */
export async function detailsOf(log: EventLog, step: WaitingStep): Promise<unknown> {
  if (step.kind === 'doubt') return null
  const event = await readEvent(log, step.request)
  const details = (event?.data as Partial<StandardPayloads['ApprovalRequested']> | undefined)
    ?.details
  return details !== undefined && 'inline' in details ? details.inline : (details ?? null)
}

/** The command that answers a step. */
export function answerCommands(
  invocation: Invocation,
  run: RunId,
  step: WaitingStep,
): readonly string[] {
  if (step.kind !== 'doubt') {
    return [
      invocation.command(['approve', run, step.step]),
      invocation.command(['reject', run, step.step]),
    ]
  }
  const evidence = ['--evidence', 'what was found']
  return [
    invocation.command(['resolve', run, step.step, '--happened', ...evidence]),
    invocation.command(['resolve', run, step.step, '--did-not-happen', ...evidence]),
  ]
}

/** The command that goes on with a run. */
export function resumeCommand(invocation: Invocation, run: RunId, file: string | null): string {
  const program = file === null ? [] : ['--program', file]
  return invocation.command(['resume', run, ...program])
}

/** What waits, and what to type about it. */
export function waitingLines(
  invocation: Invocation,
  run: RunId,
  steps: readonly WaitingStep[],
): readonly string[] {
  const { paint } = invocation.talk
  return steps.flatMap((step) => [
    `  ${paint.bold(plain(step.step))}  ${clip(plain(step.prompt), 200)}`,
    ...(step.ended === undefined
      ? answerCommands(invocation, run, step).map((command) => `    ${paint.cyan(command)}`)
      : [`    no answer counts: ${clip(plain(step.ended.message), 200)}`]),
  ])
}
