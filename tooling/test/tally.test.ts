import { describe, expect, it } from 'vitest'
import { held, report, sum, verdict } from '../src/test-run/tally.ts'

const three = { passed: 3, failed: 0, skipped: [], tests: 3 }

describe('the tally of a run', () => {
  it('ends with the counts alone on a line', () => {
    expect(report(sum([three, verdict(true)]))).toBe('4 passed, 0 failed\n')
  })

  it('names each skip before the counts', () => {
    const total = sum([three, { passed: 0, failed: 1, skipped: ['needs vectors/ssrf'], tests: 1 }])
    expect(report(total)).toBe('skipped: needs vectors/ssrf\n3 passed, 1 failed, 1 skipped\n')
    expect(held(total)).toBe(false)
  })

  it('fails when no test was executed, whatever the tools said', () => {
    const total = sum([verdict(true), verdict(true)])
    expect(held(total)).toBe(false)
    expect(report(total)).toContain('No test was executed')
  })
})
