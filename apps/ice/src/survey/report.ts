/** The report as data: `survey.json`. */

import type { Timestamp } from '@ice/primitives'
import type { SurveyInput } from './input.ts'
import type { SurveyReport } from './ports.ts'
import type { Totals } from './totals.ts'

/** The fields of a report that tell when; everything else depends on the folder alone. */
export const TIME_FIELDS = ['startedAt', 'finishedAt', 'durationMs'] as const

/** Puts a report together. */
export function reportOf(
  totals: Totals,
  { title, skipDirectories, exclude }: SurveyInput,
  { startedAt, finishedAt }: { readonly startedAt: Timestamp; readonly finishedAt: Timestamp },
): SurveyReport {
  const { sums, languages } = totals
  const sum = (of: 'todo' | 'fixme'): number => languages.reduce((n, row) => n + row[of], 0)
  return {
    format: 'ice-survey/1',
    title,
    startedAt: iso(startedAt),
    finishedAt: iso(finishedAt),
    durationMs: finishedAt - startedAt,
    rules: [
      'Every regular file is read, hidden ones and empty ones too.',
      'Links are not followed; pipes, sockets and devices are not opened.',
      `Directories of these names are not entered: ${skipDirectories.join(', ') || 'none'}.`,
      ...(exclude.length === 0 ? [] : [`Left out by path: ${exclude.join(', ')}.`]),
      'Lines are newline characters, as wc -l counts them, of binary files too.',
      'Binary is a file with a NUL among its first 8,000 bytes.',
      'Marks are the whole words TODO and FIXME in capitals, in files that are not binary.',
    ],
    totals: sums,
    languages,
    marks: { todo: sum('todo'), fixme: sum('fixme'), files: totals.marked },
    licences: {
      files: totals.licenceFiles,
      filesFound: totals.licenceFilesFound,
      tags: totals.tags,
      declared: totals.declared,
    },
    manifests: {
      found: totals.manifestsFound,
      dependencies: totals.dependencies,
      shown: totals.manifests,
    },
    skipped: totals.skipped,
  }
}

/** The report as the text of `survey.json`. */
export function reportJson(report: SurveyReport): string {
  return `${JSON.stringify(report, undefined, 2)}\n`
}

/** A report without what tells when: what two surveys of one folder have in common. */
export function withoutTimes(text: string): string {
  const fields = TIME_FIELDS.join('|')
  return text.replaceAll(new RegExp(`("?(?:${fields})"?:) [^\\n]*`, 'g'), '$1 -')
}

function iso(time: Timestamp): string {
  return new Date(time).toISOString()
}
