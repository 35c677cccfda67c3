/**
 * R7: recorded histories replay equal; and a program that was changed at one step is told at that
 * step, with what is recorded and what is asked for instead.
 */

import type { EventLog } from '@ice/events'
import type { RunId, StreamId } from '@ice/primitives'
import { checkHistories, checkHistory, type HistoryCheck } from '@ice/runs'
import type { EffectRequest, Program, RunContext } from '@ice/runs/ports'
import type { CheckRecorder } from '../../harness/recorder.ts'
import type { TopicContext } from '../../harness/topics.ts'
import { historyNames, historyPrograms, openHistory } from './runs-recorded.ts'

/** Makes the proof. */
export const runsHistories = async (context: TopicContext & CheckRecorder): Promise<void> => {
  const programs = await historyPrograms()
  for (const name of historyNames()) {
    const log = await openHistory(name)
    const { position } = await log.store.head()
    await context.check(`the runs of "${name}" replay equal, and nothing is appended`, async () => {
      const checks = await all(log, programs)
      const odd = checks.find(({ outcome }) => outcome !== 'equal')
      if (odd !== undefined) throw new Error(JSON.stringify(odd))
      if ((await log.store.head()).position !== position) throw new Error('the log has grown')
      return checks.length
    })
  }
  for (const [what, change] of CHANGES) {
    await context.check(`a program that ${what} is told at that step`, async () => {
      let cases = 0
      for (const name of historyNames()) cases += await told(name, programs, { what, change })
      return cases
    })
  }
}

const all = async (log: EventLog, programs: readonly Program[]): Promise<HistoryCheck[]> => {
  const checks: HistoryCheck[] = []
  for await (const check of checkHistories({ log, programs })) checks.push(check)
  return checks
}

type Asked = readonly [id: string, request: EffectRequest<unknown>]
type Change = (id: string, request: EffectRequest<unknown>) => Asked

const CHANGES: readonly (readonly [what: string, change: Change])[] = [
  ['renames an effect', (id, request) => [`${id}-too`, request]],
  [
    'asks with other arguments',
    (id, request) => [id, { ...request, arguments: { ...request.arguments, changed: true } }],
  ],
  ['asks for another action', (id, request) => [id, { ...request, action: 'other' }]],
]

interface Sabotage {
  readonly what: string
  readonly change: Change
}

/** Changes every effect of every run in turn. @returns how many */
const told = async (
  name: string,
  programs: readonly Program[],
  { what, change }: Sabotage,
): Promise<number> => {
  const log = await openHistory(name)
  let cases = 0
  for (const { run } of await all(log, programs)) {
    for (const step of await effectsOf(log, run)) {
      const changed = programs.map((program) => changedAt(program, step, change))
      const check = await checkHistory({ log, run, programs: changed })
      const { difference } = check
      const isTold = check.outcome === 'different' && difference?.step === step
      const hasBoth = difference?.recorded != null && isNamed(difference, step)
      if (!isTold || !hasBoth) {
        throw new Error(`${name}: ${what} at "${step}" of ${run}: ${JSON.stringify(check)}`)
      }
      cases += 1
    }
  }
  return cases
}

const isNamed = (
  { asked, nearest }: NonNullable<HistoryCheck['difference']>,
  step: string,
): boolean => asked?.step === step || nearest.some((each) => each.step === `${step}-too`)

const effectsOf = async (log: EventLog, run: RunId): Promise<readonly string[]> => {
  const steps: string[] = []
  for await (const batch of log.read({ stream: `run/${run}` as StreamId })) {
    for (const { type, data } of batch) {
      const { action, effect } = data as { readonly action?: string; readonly effect?: string }
      if (type === 'CapabilityUsed' && action !== 'run.spawn') steps.push(effect ?? '')
    }
  }
  return steps
}

/** The program, but that it asks otherwise for one effect, wherever in its scopes that is. */
const changedAt = (program: Program, step: string, change: Change): Program => ({
  ...program,
  run: (context, input) => program.run(wrapped(context, { prefix: '', step, change }), input),
})

interface Place {
  readonly prefix: string
  readonly step: string
  readonly change: Change
}

const wrapped = (context: RunContext, place: Place): RunContext => {
  const { prefix, step, change } = place
  const within = (name: string): Place => ({ ...place, prefix: `${prefix}${name}/` })
  const asked = (id: string, request: EffectRequest<unknown>): Asked =>
    prefix + id === step ? change(id, request) : [id, request]
  const branched = (id: string, branches: Readonly<Record<string, never>>): object =>
    Object.fromEntries(
      Object.entries(branches).map(([name, branch]) => [
        name,
        (inner: RunContext) =>
          (branch as (context: RunContext) => unknown)(wrapped(inner, within(`${id}/${name}`))),
      ]),
    )
  const own: Partial<Record<string, unknown>> = {
    attempt: (id: string, request: never) => context.attempt(...asked(id, request)),
    effect: (id: string, request: never) => context.effect(...asked(id, request)),
    hold: (id: string, request: never) => context.hold(...asked(id, request)),
    scope: (name: string) => wrapped(context.scope(name), within(name)),
    race: (id: string, branches: never) => context.race(id, branched(id, branches) as never),
    any: (id: string, branches: never) => context.any(id, branched(id, branches) as never),
    all: (id: string, branches: never) => context.all(id, branched(id, branches) as never),
    map: (
      id: string,
      items: readonly unknown[],
      each: (context: RunContext, item: unknown, index: number) => Promise<unknown>,
    ) =>
      context.map(id, items, (inner, item, index) =>
        each(wrapped(inner, within(`${id}/${index}`)), item, index),
      ),
  }
  return new Proxy(context, {
    get: (target, name) =>
      Object.hasOwn(own, name) ? own[name as string] : Reflect.get(target, name, target),
  })
}
