/** `npm run style [-- rule]`: the style test alone, over the house as it lies here. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { projectRoot } from '../lib/house.ts'
import { readHouse } from '../style/house.ts'
import { checkStyle, describeReport, RULES } from '../style/style.ts'

const wanted = process.argv.slice(2)
const rules = RULES.filter(({ id }) => wanted.length === 0 || wanted.includes(id))

if (rules.length === 0) {
  process.stderr.write(`There is no such rule. The rules: ${RULES.map(({ id }) => id).join(' ')}\n`)
  process.exitCode = 2
} else {
  const reports = checkStyle(readHouse(projectRoot), rules)
  for (const report of reports) {
    for (const { path, text } of report.repairs) writeFileSync(join(projectRoot, path), text)
    const described = describeReport(report)
    if (described !== '') process.stdout.write(`${described}\n\n`)
  }
  const broken = reports.filter(({ findings }) => findings.length > 0).length
  process.stdout.write(`${rules.length - broken} of ${rules.length} rules hold\n`)
  process.exitCode = broken === 0 ? 0 : 1
}
