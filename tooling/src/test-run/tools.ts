/** The tools whose verdict is part of every test run; each is quick. */
import { runTool } from '../lib/tools.ts'
import { type StepResult, verdict } from './tally.ts'

/** A tool, what it is asked, and what it answers for. */
interface Tool {
  readonly name: string
  readonly command: string
  readonly args: readonly string[]
}

const tools: readonly Tool[] = [
  {
    name: 'types of tests and tooling',
    command: 'tsc',
    args: ['-p', 'tsconfig.test.json', '--checkers', '1'],
  },
  { name: 'lint and format', command: 'biome', args: ['check', '--error-on-warnings'] },
  { name: 'one version of each dependency', command: 'sherif', args: [] },
  { name: 'unused files, exports and dependencies', command: 'knip', args: ['--no-config-hints'] },
  { name: 'nothing imported that is not declared', command: 'turbo', args: ['boundaries'] },
]

/** Asks each tool; what one has to complain about is shown. */
export const runTools = async (root: string): Promise<readonly StepResult[]> => {
  const results: StepResult[] = []
  for (const { name, command, args } of tools) {
    const { status, output } = await runTool({ command, args, cwd: root, output: 'keep' })
    process.stdout.write(status === 0 ? `ok      ${name}\n` : `${output}FAILED  ${name}\n`)
    results.push(verdict(status === 0))
  }
  return results
}
