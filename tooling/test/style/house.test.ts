import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { projectRoot } from '../../src/lib/house.ts'
import { staleReferences } from '../../src/lib/references.ts'
import { readHouse } from '../../src/style/house.ts'
import { checkStyle, describeReport } from '../../src/style/style.ts'

const reports = checkStyle(readHouse(projectRoot))

describe('this house', () => {
  it.each(reports.map((report) => ({ id: report.rule.id, report })))('keeps $id', ({ report }) => {
    for (const { path, text } of report.repairs) writeFileSync(join(projectRoot, path), text)
    expect(describeReport(report)).toBe('')
  })

  it('refers to every package its manifests depend on', () => {
    expect(staleReferences(projectRoot)).toEqual([])
  })
})
