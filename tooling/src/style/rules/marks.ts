/** Marks that say something is not done, and tests that are not run. */
import type { Finding, Rule } from '../rule.ts'
import type { SourceFile } from '../source.ts'

/** At the start of a line of a comment, or with a colon: a mark, not the word. */
const MARK = /^[ \t*]*(TODO|FIXME)\b(?!\(#\d+\))|\b(TODO|FIXME):/m

const RUNNERS: ReadonlySet<string> = new Set(['it', 'test', 'describe', 'suite'])
const SWITCHES: ReadonlySet<string> = new Set(['only', 'skip', 'todo', 'fails'])

const checkComments = (file: SourceFile): readonly Finding[] =>
  file.comments.flatMap(({ value, start }) => {
    const mark = MARK.exec(value)
    if (mark === null) return []
    const line = file.lineAt(start + 2 + mark.index)
    const name = mark[1] ?? mark[2]
    return [{ path: file.path, line, message: `bare ${name}: do it, or write \`TODO(#123)\`` }]
  })

const checkTests = (file: SourceFile): readonly Finding[] => {
  const findings: Finding[] = []
  file.visit({
    MemberExpression: ({ object, property, start }) => {
      if (object.type !== 'Identifier' || property.type !== 'Identifier') return
      if (!RUNNERS.has(object.name) || !SWITCHES.has(property.name)) return
      const name = `${object.name}.${property.name}`
      const message = `\`${name}\`: a missing prerequisite is \`${object.name}.skipIf(…)\`, named`
      findings.push({ path: file.path, line: file.lineAt(start), message })
    },
  })
  return findings
}

/** Skips that depend on a prerequisite are counted and named by the run itself. */
export const marks: Rule = {
  id: 'marks',
  reason: 'A mark without an issue is never found again, and a test switched off protects nothing.',
  check: (house) =>
    house.sources.flatMap((file) => [
      ...checkComments(file),
      ...(file.area === 'test' ? checkTests(file) : []),
    ]),
}
