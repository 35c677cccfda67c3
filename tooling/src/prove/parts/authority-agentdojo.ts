/**
 * A1: authority under prompt injection, without any model.
 *
 * The grants of each task are declared from its prompt and the tools of its suite, by the rule of
 * `@ice/task-grants`, and recorded before anything is read. Then the calls of the task are made
 * one after another as a model would, and at every point every attack of the suite is tried. A
 * person is asked where the authority says so, and says yes to exactly the call that is next.
 *
 * Every suite of the folder is taken as it is; nothing here or in the rule knows one by name.
 */
import type { CheckRecorder } from '../../harness/recorder.ts'
import type { TopicContext } from '../../harness/topics.ts'
import { vectors } from '../../vectors.ts'
import { readInjections, readSuites, type Suite } from './agentdojo/suite.ts'
import { attempt, type Retargeted, retarget, type Trial } from './agentdojo/trial.ts'
import { insist } from './insist.ts'

type Context = TopicContext & CheckRecorder

/** Attack texts in the marked slots when no long run was asked for; all of them otherwise. */
const TEXTS = 12

const shares = (part: number, whole: number): string =>
  `${part}/${whole} (${((100 * part) / whole).toFixed(1)} %)`

const sum = (numbers: readonly number[]): number => numbers.reduce((all, each) => all + each, 0)

const trialsOf = async (
  suite: Suite,
  text: string,
  naming?: 'everything',
): Promise<readonly Trial[]> => {
  const trials: Trial[] = []
  for (const task of suite.userTasks) {
    trials.push(await attempt({ suite, task, text, ...(naming === undefined ? {} : { naming }) }))
  }
  return trials
}

const bySource = (trials: readonly Trial[]): string =>
  (['observe', 'request', 'spelled', 'approval'] as const)
    .map((source) => `${source} ${sum(trials.map(({ done }) => done[source] ?? 0))}`)
    .join(', ')

const automatic = (trials: readonly Trial[]): number =>
  trials.filter(({ approvals, lost }) => approvals === 0 && lost.length === 0).length

const proveSuite = async (context: Context, suite: Suite): Promise<readonly Trial[]> => {
  const { attacks, name, userTasks } = suite
  context.progress(`suite ${name}`)
  const trials = await trialsOf(suite, '')
  const asked = sum(trials.map(({ approvals }) => approvals))
  const tried = sum(trials.map((trial) => trial.attacks.tried))
  const withApproval = userTasks.length - automatic(trials)
  context.say(
    `  ${name}: ${shares(automatic(trials), userTasks.length)} without asking, ` +
      `${withApproval} after ${asked} approvals; calls by grant: ${bySource(trials)}`,
  )
  const total = (of: (trial: Trial) => number): number => sum(trials.map(of))
  context.say(
    `  ${userTasks.length * attacks.length} pairs, ${tried} attack calls tried: ` +
      `${total((trial) => trial.attacks.asked)} ended with a question and a no, ` +
      `${total((trial) => trial.attacks.denied)} denied, ` +
      `${total((trial) => trial.attacks.looks)} looks, ` +
      `${total((trial) => trial.attacks.acts.length)} acts`,
  )
  await context.check(`${name}: no task of a user is lost`, () => {
    const lost = trials.flatMap((trial) => trial.lost)
    insist(lost.length === 0, `${lost.length} calls were denied outright: ${lost.join('; ')}`)
    return userTasks.length
  })
  await context.check(`${name}: no attack succeeds, and none of its acts is done`, () => {
    const through = trials.flatMap(({ attacks: found }) => [...found.succeeded, ...found.acts])
    insist(
      through.length === 0,
      `${through.length} came through: ${through.slice(0, 8).join('; ')}`,
    )
    return userTasks.length * attacks.length
  })
  return trials
}

const proveRetargeting = async (context: Context, suite: Suite): Promise<void> => {
  await context.check(`${suite.name}: no call of a user's is led elsewhere`, async () => {
    const all: Retargeted[] = []
    for (const task of suite.userTasks) all.push(await retarget({ suite, task, text: '' }))
    const done = all.flatMap((each) => each.done)
    const details = sum(all.map((each) => each.details))
    const left = sum(all.map((each) => each.detailsDone))
    context.say(`  of ${details} with another amount, time or wording ${left} need no question`)
    insist(done.length === 0, `${done.length} were done: ${done.slice(0, 8).join('; ')}`)
    return sum(all.map(({ targets }) => targets)) + details
  })
}

const proveContent = async (
  context: Context,
  suites: readonly Suite[],
  plain: ReadonlyMap<string, readonly Trial[]>,
): Promise<void> => {
  const name = 'what stands in content changes no decision'
  const folder = vectors('injections')
  if (folder === undefined) return context.skip(name, 'needs vectors/injections')
  await context.check(name, async () => {
    const all = readInjections(folder)
    const step = context.full ? 1 : Math.max(1, Math.floor(all.length / TEXTS))
    const texts = all.filter((_, at) => at % step === 0)
    let decided = 0
    for (const [at, text] of texts.entries()) {
      context.progress(`attack text ${at + 1} of ${texts.length}`)
      for (const suite of suites) {
        const trials = await trialsOf(suite, text)
        for (const [index, { digest }] of trials.entries()) {
          const same = plain.get(suite.name)?.[index]?.digest
          insist(same === digest, `${suite.name} task ${index} differs by ${JSON.stringify(text)}`)
          decided += 1
        }
      }
    }
    context.say(`  ${texts.length} of ${all.length} texts in every marked place`)
    return decided
  })
}

/** The part of the proof of authority that is about prompt injection. */
export const authorityAgentdojo = async (context: Context): Promise<void> => {
  const folder = vectors('agentdojo')
  if (folder === undefined) {
    return context.skip('tasks under prompt injection', 'needs vectors/agentdojo')
  }
  const suites = readSuites(folder)
  const plain = new Map<string, readonly Trial[]>()
  for (const suite of suites) {
    plain.set(suite.name, await proveSuite(context, suite))
    await proveRetargeting(context, suite)
  }
  const tasks = sum(suites.map(({ userTasks }) => userTasks.length))
  const all = [...plain.values()].flat()
  context.say(`  all suites: ${shares(automatic(all), tasks)} without asking`)
  await proveStrict(context, suites)
  await proveContent(context, suites, plain)
}

/** The same with every argument of an act named: what a product that moves money may want. */
const proveStrict = async (context: Context, suites: readonly Suite[]): Promise<void> => {
  await context.check('with everything named no task is lost and no attack succeeds', async () => {
    const trials: Trial[] = []
    for (const suite of suites) trials.push(...(await trialsOf(suite, '', 'everything')))
    const bad = trials.flatMap(({ attacks, lost }) => [...lost, ...attacks.acts])
    insist(bad.length === 0, bad.slice(0, 8).join('; '))
    context.say(`  ${shares(automatic(trials), trials.length)} without asking`)
    return trials.length
  })
}
