/**
 * The report as a page: `survey.md`.
 *
 * Names of files come from the folder and are hostile: in the page they stand as code, with
 * everything that could end the code, start a cell or steer a terminal taken out of them.
 */

import type { LanguageRow, Skipped, SurveyReport } from './ports.ts'
import { TIME_FIELDS } from './report.ts'

/** Writes the page. */
export function reportMarkdown(report: SurveyReport): string {
  return `${[
    `# ${plain(report.title)}`,
    times(report),
    totals(report),
    section('Languages', languages(report.languages)),
    section('Licences', licences(report)),
    section('Marks', marks(report)),
    section('Dependencies', manifests(report)),
    section('Left out', skipped(report.skipped)),
    section('How it was counted', report.rules.map((rule) => `- ${plain(rule)}`).join('\n')),
  ].join('\n\n')}\n`
}

function section(title: string, body: string): string {
  return `## ${title}\n\n${body}`
}

/** One field a line, so that a comparison can pass over exactly these. */
function times(report: SurveyReport): string {
  return TIME_FIELDS.map((field) => `- ${field}: ${report[field]}`).join('\n')
}

function totals({ totals: sums }: SurveyReport): string {
  const { files, lines, bytes, directories, skipped: left, namesNotUtf8 } = sums
  return table(
    ['files', 'lines', 'bytes', 'directories', 'left out', 'names that are not UTF-8'],
    [[files, lines, bytes, directories, left, namesNotUtf8].map(number)],
  )
}

function languages(rows: readonly LanguageRow[]): string {
  if (rows.length === 0) return 'There are no files.'
  return table(
    ['language', 'files', 'lines', 'bytes', 'marks'],
    rows.map(({ language, files, lines, bytes, todo, fixme }) => [
      plain(language),
      ...[files, lines, bytes, todo + fixme].map(number),
    ]),
  )
}

function licences({ licences: found }: SurveyReport): string {
  const { files, filesFound, tags, declared } = found
  const counted = (rows: readonly { readonly name: string; readonly count: number }[]): string =>
    rows.map(({ name, count }) => `${plain(name)} (${number(count)})`).join(', ') || 'none'
  const named = files.map(({ path, licence }) => [code(path), plain(licence)])
  const more =
    filesFound > files.length ? `\n\n… and ${number(filesFound - files.length)} more.` : ''
  return [
    files.length === 0 ? 'No licence file.' : table(['licence file', 'licence'], named) + more,
    `Tags in files: ${counted(tags)}`,
    `Declared by manifests: ${counted(declared)}`,
  ].join('\n\n')
}

function marks({ marks: found }: SurveyReport): string {
  const { todo, fixme, files } = found
  const sums = `${number(todo)} to do, ${number(fixme)} to fix.`
  if (files.length === 0) return sums
  const rows = files.map((each) => [code(each.path), number(each.todo), number(each.fixme)])
  return `${sums}\n\n${table(['most of them in', 'to do', 'to fix'], rows)}`
}

function manifests({ manifests: found }: SurveyReport): string {
  const { found: count, dependencies, shown } = found
  const sums = `${number(dependencies)} declared by ${number(count)} manifests.`
  const parts = shown.map((manifest) => {
    const head = `### ${code(manifest.path)}`
    if (manifest.unreadable !== undefined)
      return `${head}\n\nNot read: ${plain(manifest.unreadable)}`
    const names = manifest.dependencies.map(({ name, version, scope }) =>
      [
        code(name),
        version === '' ? '' : code(version),
        scope === undefined ? '' : `(${plain(scope)})`,
      ]
        .filter((part) => part !== '')
        .join(' '),
    )
    const rest = manifest.count - manifest.dependencies.length
    if (rest > 0) names.push(`and ${number(rest)} more`)
    return `${head}\n\n${names.length === 0 ? 'No dependencies.' : names.join(', ')}`
  })
  const more = count > shown.length ? [`… and ${number(count - shown.length)} more manifests.`] : []
  return [sums, ...parts, ...more].join('\n\n')
}

function skipped(rows: readonly Skipped[]): string {
  if (rows.length === 0) return 'Nothing.'
  return table(
    ['why', 'how many', 'for example'],
    rows.map(({ reason, count, examples }) => {
      const rest = count > examples.length ? ' …' : ''
      return [plain(reason), number(count), examples.map(code).join(' ') + rest]
    }),
  )
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}

function number(value: number): string {
  return value.toLocaleString('en-US')
}

/** Text with nothing in it that Markdown, HTML or a terminal would act on. */
function plain(text: string): string {
  return visible(text).replaceAll(/[\\`*_[\]<>|#~]/g, (character) => `\\${character}`)
}

function code(text: string): string {
  return `\`${visible(text).replaceAll('`', "'").replaceAll('|', '¦')}\``
}

/** Control characters and marks of direction become visible escapes. */
function visible(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) => {
    return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`
  })
}
