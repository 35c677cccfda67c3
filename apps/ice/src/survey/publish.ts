/** Writes the report: a new file, or a replacement (to be approved) where one is already. */

import { fs } from '@ice/effects'
import type { RunContext } from '@ice/runs/ports'
import { SURVEY_CODES, SurveyError } from './errors.ts'
import { reportMarkdown } from './markdown.ts'
import type { SurveyReport, SurveyResult } from './ports.ts'
import { reportJson } from './report.ts'

/** The name of the grant under which the report is written. */
export const OUTPUT = 'output'

/** What a survey writes into its output folder. */
export const REPORT_FILES = ['survey.json', 'survey.md'] as const

type Written = SurveyResult['reports'][number]

/** Writes both files. A replacement that is refused leaves the earlier file as it is. */
export async function publish(
  context: RunContext,
  report: SurveyReport,
): Promise<readonly Written[]> {
  const contents = [reportJson(report), reportMarkdown(report)]
  const writing = REPORT_FILES.map((path, at) => writeOne(context, path, contents[at] ?? ''))
  return Promise.all(writing)
}

async function writeOne(context: RunContext, path: string, content: string): Promise<Written> {
  const earlier = await context.attempt(`stat/${path}`, fs.stat(OUTPUT, { path }))
  if (earlier.kind !== 'succeeded') {
    await context.effect(`write/${path}`, fs.write(OUTPUT, { path, content }))
    return { path, how: 'created' }
  }
  const outcome = await context.attempt(`replace/${path}`, fs.replace(OUTPUT, { path, content }))
  if (outcome.kind === 'denied') return { path, how: 'kept' }
  if (outcome.kind === 'succeeded') return { path, how: 'replaced' }
  // A report that could not be written is no survey: the run ends with that reason.
  const { code, message } = outcome.error
  throw new SurveyError(SURVEY_CODES.report, `${path} could not be replaced: ${message}`, { code })
}
