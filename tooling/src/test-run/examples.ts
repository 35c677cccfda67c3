/** Runs each example as its reader would, with Node alone, and counts it as one test. */
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { workspacePackages } from '../lib/house.ts'
import { runTool } from '../lib/tools.ts'
import type { StepResult } from './tally.ts'

/**
 * Every example of the house, at the root and beside each package: a file `01_words.ts`, or a
 * folder `01_words/` with a `main.ts`.
 */
export const exampleFiles = (root: string): readonly string[] =>
  ['.', ...workspacePackages(root).map((each) => each.folder)].flatMap((folder) => {
    const examples = join(root, folder, 'examples')
    if (!existsSync(examples)) return []
    return readdirSync(examples)
      .filter((name) => /^\d+_/.test(name))
      .sort()
      .map((name) => join(folder, 'examples', name.endsWith('.ts') ? name : `${name}/main.ts`))
  })

/** Runs them one after another, each in an empty folder; what one that fails said is shown. */
export const runExamples = async (root: string): Promise<StepResult> => {
  let passed = 0
  let failed = 0
  const folder = mkdtempSync(join(tmpdir(), 'ice-examples-'))
  for (const example of exampleFiles(root)) {
    const { status, output } = await runTool({
      command: process.execPath,
      args: [join(root, example)],
      cwd: mkdtempSync(join(folder, 'example-')),
      output: 'keep',
    })
    if (status === 0) passed += 1
    else {
      failed += 1
      process.stdout.write(`${output}${example} ended with ${status}\n`)
    }
  }
  rmSync(folder, { recursive: true })
  return { passed, failed, skipped: [], tests: passed + failed }
}
