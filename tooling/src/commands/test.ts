/**
 * `npm test [-- filters]`: everything a change must pass. With filters, the tests they name and
 * nothing else.
 */
import { build } from '../lib/build.ts'
import { projectRoot } from '../lib/house.ts'
import { runExamples } from '../test-run/examples.ts'
import { held, report, type StepResult, sum, verdict } from '../test-run/tally.ts'
import { runTools } from '../test-run/tools.ts'
import { runVitest } from '../test-run/vitest.ts'

const filters = process.argv.slice(2)
const say = (line: string): boolean => process.stdout.write(`${line}\n`)

const runAll = async (): Promise<readonly StepResult[]> => {
  const built = await build(projectRoot, 'keep')
  say(built.status === 0 ? 'ok      build' : `${built.output}FAILED  build`)
  if (built.status !== 0) return [verdict(false)]
  if (filters.length > 0) return [await runVitest(projectRoot, filters)]
  const verdicts = await runTools(projectRoot)
  const tests = await runVitest(projectRoot, [])
  const examples = await runExamples(projectRoot)
  say(`examples: ${examples.passed} of ${examples.tests} ran`)
  return [verdict(true), ...verdicts, tests, examples]
}

const total = sum(await runAll())
process.stdout.write(report(total))
process.exitCode = held(total) ? 0 : 1
