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
  const isBuilt = built.status === 0
  say(isBuilt ? 'ok      build' : `${built.output}FAILED  build`)
  // A package that does not compile must not keep others from testing theirs.
  if (filters.length > 0) return [verdict(isBuilt), await runVitest(projectRoot, filters)]
  if (!isBuilt) return [verdict(false)]
  const verdicts = await runTools(projectRoot)
  const tests = await runVitest(projectRoot, [])
  const examples = await runExamples(projectRoot)
  say(`examples: ${examples.passed} of ${examples.tests} ran`)
  return [verdict(true), ...verdicts, tests, examples]
}

const total = sum(await runAll())
process.stdout.write(report(total))
process.exitCode = held(total) ? 0 : 1
