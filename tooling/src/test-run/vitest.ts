/** Runs vitest with its own report on the terminal, and reads the counts from its JSON report. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runTool } from '../lib/tools.ts'
import type { StepResult } from './tally.ts'

/** As much of vitest's JSON report as is counted. */
export interface VitestReport {
  readonly testResults: readonly {
    readonly name: string
    readonly status: string
    readonly message: string
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[]
  }[]
}

/** Counts each test, and each file that could not be collected as one failure. */
export const countTests = (report: VitestReport): StepResult => {
  const all = report.testResults.flatMap((file) => file.assertionResults)
  const unreadable = report.testResults.filter(
    (file) => file.status === 'failed' && file.assertionResults.length === 0,
  )
  const passed = all.filter((test) => test.status === 'passed').length
  const failed = all.filter((test) => test.status === 'failed').length + unreadable.length
  const skipped = all.filter((test) => !['passed', 'failed'].includes(test.status))
  return {
    passed,
    failed,
    skipped: skipped.map((test) => test.fullName),
    tests: passed + failed - unreadable.length,
  }
}

/** @param filters - as vitest takes them; none runs every test. */
export const runVitest = async (root: string, filters: readonly string[]): Promise<StepResult> => {
  const folder = mkdtempSync(join(tmpdir(), 'ice-test-'))
  const file = join(folder, 'report.json')
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`]
  const { status } = await runTool({
    command: 'vitest',
    args: ['run', ...reporters, ...filters],
    cwd: root,
    // Left alone it colours pipes and files too.
    env: process.stdout.isTTY ? {} : { NO_COLOR: '1' },
  })
  if (!existsSync(file)) return { passed: 0, failed: 1, skipped: [], tests: 0 }
  const counted = countTests(JSON.parse(readFileSync(file, 'utf8')) as VitestReport)
  rmSync(folder, { recursive: true })
  // An error outside any test (an unhandled rejection) fails the run without a test to blame.
  const isUnexplained = status !== 0 && counted.failed === 0
  return isUnexplained ? { ...counted, failed: 1 } : counted
}
