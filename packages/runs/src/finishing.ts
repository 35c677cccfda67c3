/**
 * What a run does between its conclusion and its end: it carries out what was staged, or undoes
 * what it did. No program is needed for that, and none is run.
 *
 * It is driven like a program of the runtime's own, which asks for exactly these steps: what was
 * staged all at once, compensations one after another, the latest outcome first. So a crash, a
 * doubt, a retry and a person who is asked are what they are for every effect.
 *
 * What is in doubt and would have to be undone holds the run until somebody says whether it
 * happened; everything else is undone meanwhile.
 */

import type { RunId, StreamVersion, Timestamp } from '@ice/primitives'
import type { Components } from './components.ts'
import { teardownFacts } from './conclude.ts'
import type { Desk } from './desk.ts'
import type { EffectIntent } from './effects.ts'
import { RUNS_CODES, RunsError } from './errors.ts'
import { Execution } from './execution.ts'
import type { Fact } from './facts.ts'
import type { Journal } from './journal.ts'
import { isHeldByDoubt, owes, readOwed } from './owed.ts'
import type { Program } from './ports.ts'
import { resolvedOutcome } from './resolved.ts'
import { stagedAsk } from './staging.ts'
import type { Ask } from './steps.ts'
import { unwanted } from './unwanted.ts'

const any = { parse: (value: unknown): unknown => value }

/** Begins to finish a run that has concluded. */
export async function finish(
  components: Components,
  journal: Journal<EffectIntent>,
  run: RunId,
): Promise<Execution> {
  const { view, owed } = journal.fold
  const asks: (readonly [id: string, ask: Ask])[] = []
  const isCommitted = view?.conclusion === 'committed'
  if (isCommitted) {
    for (const staged of owed.staged.values()) {
      // To be denied for want of a handler would be the end of what the commit has promised.
      if (!components.handlers.has(staged.action)) throw noHandler(staged.action)
      asks.push([staged.effect, await stagedAsk(components, staged)])
    }
  } else {
    for (const one of (await readOwed(components.log, run)).toReversed()) {
      asks.push([one.effect, { kind: 'compensation', owed: one }])
    }
  }
  const version = journal.version as StreamVersion
  const execution = new Execution(run, { time: journal.now() as Timestamp, version })
  const ask = ([id, what]: (typeof asks)[number]): Promise<void> =>
    execution.ask(id, what, { finish: id }, () => undefined)
  const program: Program = {
    ...{ name: 'finish', version: '1', input: any, output: any },
    run: async () => {
      if (isCommitted) await Promise.all(asks.map(ask))
      else for (const one of asks) await ask(one)
    },
  }
  await execution.begin(program, null)
  return execution
}

function noHandler(action: string): RunsError {
  const message = `No handler here carries out "${action}", which was staged; go on elsewhere`
  return new RunsError(RUNS_CODES.handlerNotFound, message, { action })
}

/** The end of a run that has nothing left to do; `'owes'` when something has come up meanwhile. */
export async function conclude({ journal }: Desk): Promise<readonly Fact[] | 'owes'> {
  const { fold } = journal
  const conclusion = fold.view?.conclusion ?? 'terminated_by_runtime'
  const isOwing = conclusion !== 'terminated_by_runtime' && owes(fold, conclusion)
  return isOwing ? 'owes' : teardownFacts(fold, conclusion)
}

/** Whether an effect holds the end of a run that has concluded. */
export function holdsEnd({ journal }: Desk, effect: string): boolean {
  const { fold } = journal
  return fold.view?.conclusion === 'committed' || isHeldByDoubt(fold, effect)
}

/** Settles effects in doubt of a run that has aborted: nobody asks for them any more. */
export function settleResolved({ journal }: Desk): void {
  const { fold } = journal
  if (fold.view?.conclusion !== 'aborted') return
  for (const [effect, { intent }] of [...fold.open]) {
    const resolution = fold.resolutions.get(effect)
    if (resolution === undefined) continue
    if (resolution.data.happened) {
      journal.add(resolvedOutcome(intent, resolution))
      continue
    }
    const why = 'It did not happen, and is wanted no longer: its run has aborted'
    journal.add(unwanted(intent, why, [resolution.id]))
  }
}
