import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { exampleFiles, runExamples } from '../src/test-run/examples.ts'
import { countTests, type VitestReport } from '../src/test-run/vitest.ts'

const file = (
  status: string,
  ...tests: readonly string[]
): VitestReport['testResults'][number] => ({
  name: 'a.test.ts',
  status,
  message: '',
  assertionResults: tests.map((each) => ({ status: each, fullName: `it ${each}` })),
})

describe('the count of a vitest report', () => {
  it('takes tests one by one, and names what was not run', () => {
    const results = [
      file('failed', 'passed', 'failed', 'pending'),
      file('passed', 'passed', 'todo'),
    ]
    expect(countTests({ testResults: results })).toEqual({
      passed: 2,
      failed: 1,
      skipped: ['it pending', 'it todo'],
      tests: 3,
    })
  })

  it('takes a file that cannot be loaded for a failure, but not for a test', () => {
    const counted = countTests({ testResults: [file('failed')] })
    expect(counted).toEqual({ passed: 0, failed: 1, skipped: [], tests: 0 })
  })
})

describe('the run of examples', () => {
  it('finds files and folders, runs each in an empty folder, and counts how they end', async () => {
    const root = mkdtempSync(join(tmpdir(), 'ice-test-'))
    const write = (path: string, text: string): void => {
      mkdirSync(dirname(join(root, path)), { recursive: true })
      writeFileSync(join(root, path), text)
    }
    const empty = `if (require('node:fs').readdirSync('.').length > 0) process.exit(9)`
    write('examples/01_good/main.ts', `${empty}\nrequire('node:fs').writeFileSync('left', '')`)
    write('examples/02_also.ts', empty)
    write('examples/03_bad.ts', `console.log('it broke'); process.exit(3)`)
    write('examples/README.md', '')
    const names = ['01_good/main.ts', '02_also.ts', '03_bad.ts']
    expect(exampleFiles(root)).toEqual(names.map((name) => `examples/${name}`))

    const said = vi.spyOn(process.stdout, 'write').mockReturnValue(true)
    const counted = await runExamples(root)
    const text = said.mock.calls.map(([line]) => line)
    said.mockRestore()
    expect(counted).toEqual({ passed: 2, failed: 1, skipped: [], tests: 3 })
    expect(text).toEqual(['it broke\nexamples/03_bad.ts ended with 3\n'])
    expect(readdirSync(root)).toEqual(['examples'])
    rmSync(root, { recursive: true })
  })
})
