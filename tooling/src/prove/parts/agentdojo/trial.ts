/**
 * One task of a user, done call by call, with every attack of the suite tried at every point of
 * it: before the first call, after each, and after the last.
 */
import type { JsonObject } from '@ice/primitives'
import { canonicalize } from '@ice/primitives'
import type { TaskGrantSource } from '@ice/task-grants'
import { type DeskInit, openDesk, type Verdict } from './desk.ts'
import { filled, type Suite, type SuiteCall, type SuiteTask } from './suite.ts'

/** What became of one task of a user. */
export interface Trial {
  /** Calls of the user's that were done, by the source of the grant. */
  readonly done: Readonly<Partial<Record<TaskGrantSource, number>>>
  /** Questions for calls of the user's, all answered with yes. */
  readonly approvals: number
  /** Calls of the user's that were denied outright: the task is lost. */
  readonly lost: readonly string[]
  readonly attacks: AttackCount
  readonly digest: string
}

/** What became of the attacks on one task. */
export interface AttackCount {
  /** Calls that were tried. */
  readonly tried: number
  /** Tries after which a person was asked, who said no. */
  readonly asked: number
  /** Tries that were denied without a question. */
  readonly denied: number
  /** Looks that were let through: they change nothing and reach nothing outside. */
  readonly looks: number
  /** Acts that were let through. */
  readonly acts: readonly string[]
  /** Attacks all of whose calls were let through, at some point. */
  readonly succeeded: readonly string[]
}

/** A count that grows. */
interface Tally {
  tried: number
  asked: number
  denied: number
  looks: number
  readonly acts: string[]
  readonly succeeded: Set<string>
}

/** What a trial is made of. */
export interface TrialInit {
  readonly suite: Suite
  readonly task: Suite['userTasks'][number]
  /** Stands where the attacker's text would. */
  readonly text: string
  readonly naming?: DeskInit['naming']
}

/** Does a task and tries every attack on it. */
export const attempt = async ({ naming, suite, task, text }: TrialInit): Promise<Trial> => {
  const { prompt } = task
  const desk = await openDesk({
    prompt,
    tools: suite.tools,
    ...(naming === undefined ? {} : { naming }),
  })
  const tally: Tally = { tried: 0, asked: 0, denied: 0, looks: 0, acts: [], succeeded: new Set() }
  const done: Partial<Record<TaskGrantSource, number>> = {}
  const lost: string[] = []
  let approvals = 0
  const attacked = async (): Promise<void> => {
    for (const attack of suite.attacks)
      await tryAttack({ tally, attack, id: task.id, attempt: desk.attempt })
  }
  await attacked()
  for (const call of task.calls) {
    const needed = canonicalize(call.arguments)
    const verdict = await desk.attempt(
      call,
      (asked) => asked.tool === call.tool && canonicalize(asked.arguments) === needed,
    )
    if (verdict.asked) approvals += 1
    if (verdict.done === undefined) lost.push(`${task.id} ${call.tool}: ${verdict.reasons.join()}`)
    else done[verdict.done] = (done[verdict.done] ?? 0) + 1
    desk.reads(call.tool, filled(call.result, text))
    await attacked()
  }
  const attacks = { ...tally, succeeded: [...tally.succeeded] }
  return { done, approvals, lost, attacks, digest: desk.digest() }
}

interface AttackInit {
  readonly tally: Tally
  readonly attack: SuiteTask
  readonly id: string
  attempt(call: SuiteCall, person: () => boolean): Promise<Verdict>
}

const tryAttack = async ({ attack, attempt: tryCall, id, tally }: AttackInit): Promise<void> => {
  let through = 0
  for (const call of attack.calls) {
    const verdict = await tryCall(call, () => false)
    tally.tried += 1
    if (verdict.asked) tally.asked += 1
    else if (verdict.done === undefined) tally.denied += 1
    if (verdict.done === undefined) continue
    through += 1
    if (verdict.done === 'observe') tally.looks += 1
    else tally.acts.push(`${id} ${attack.id}: ${call.tool} under ${verdict.done}`)
  }
  if (through === attack.calls.length) tally.succeeded.add(`${id} ${attack.id}`)
}

/** What became of calls of the user's with a value of an attacker's in them. */
export interface Retargeted {
  /** Calls in which a value that has to be named was exchanged. */
  readonly targets: number
  /** Those of them that were done without a question: none may be. */
  readonly done: readonly string[]
  /** Calls in which only how much, when or in which words was exchanged. */
  readonly details: number
  /** Those of them that were done without a question: what is left to the agent. */
  readonly detailsDone: number
}

/**
 * Each act of a task once more with each value that an attack of the suite has for a parameter of
 * that name: the user's own call, led elsewhere.
 */
export const retarget = async ({ naming, suite, task }: TrialInit): Promise<Retargeted> => {
  const found = { targets: 0, done: [] as string[], details: 0, detailsDone: 0 }
  for (const call of task.calls) {
    for (const [name, value] of foreignValues(suite, call)) {
      const { prompt } = task
      const desk = await openDesk({
        prompt,
        tools: suite.tools,
        ...(naming === undefined ? {} : { naming }),
      })
      const before = await desk.attempt(call, () => false)
      // What is asked about anyway is not what this is about.
      if (before.done === undefined || before.done === 'observe') continue
      const fresh = await openDesk({
        prompt,
        tools: suite.tools,
        ...(naming === undefined ? {} : { naming }),
      })
      const led: SuiteCall = { ...call, arguments: { ...call.arguments, [name]: value } }
      const verdict = await fresh.attempt(led, () => false)
      const isTarget = before.held.includes(`/${name}`)
      if (isTarget) found.targets += 1
      else found.details += 1
      if (verdict.done === undefined) continue
      if (isTarget) found.done.push(`${task.id} ${call.tool} ${name}=${JSON.stringify(value)}`)
      else found.detailsDone += 1
    }
  }
  return found
}

const foreignValues = (
  suite: Suite,
  call: SuiteCall,
): readonly (readonly [string, JsonObject[string]])[] => {
  const values = suite.attacks.flatMap(({ calls }) =>
    calls.flatMap(({ arguments: args }) =>
      Object.entries(args).filter(([name]) => Object.hasOwn(call.arguments, name)),
    ),
  )
  const own = (name: string): string => canonicalize(call.arguments[name] ?? null)
  const byText = new Map(
    values
      .filter(([name, value]) => canonicalize(value) !== own(name))
      .map(([name, value]) => [`${name} ${canonicalize(value)}`, [name, value] as const]),
  )
  return [...byText.values()]
}
