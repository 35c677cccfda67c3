/** How long a line, a function and a file may be. */
import type { Rule } from '../rule.ts'
import type { SourceFile } from '../source.ts'

const LINE_COLUMNS_MAX = 100
const FUNCTION_LINES_MAX = 70
const FILE_LINES_MAX = 400
/** Ports, kits and tests are lists, which lose nothing by being long. */
const LIST_LINES_MAX = 600

interface Oversize {
  readonly line: number
  readonly message: string
}

const checkLines = (file: SourceFile): readonly Oversize[] =>
  file.lines.flatMap((text, at) =>
    [...text].length <= LINE_COLUMNS_MAX || text.includes('://')
      ? []
      : [{ line: at + 1, message: `${[...text].length} columns, of ${LINE_COLUMNS_MAX} at most` }],
  )

const checkFunctions = (file: SourceFile): readonly Oversize[] => {
  const found: Oversize[] = []
  const suites = new Set<number>()
  const measure = (node: { readonly start: number; readonly end: number }): void => {
    const line = file.lineAt(node.start)
    const count = file.lineAt(node.end) - line + 1
    if (count <= FUNCTION_LINES_MAX || suites.has(node.start)) return
    found.push({ line, message: `a function of ${count} lines, of ${FUNCTION_LINES_MAX} at most` })
  }
  file.visit({
    // The body of a `describe` is a list of tests, not a function someone has to follow.
    CallExpression: ({ callee, arguments: given }) => {
      const name = file.text.slice(callee.start, callee.end)
      if (!/^(describe|suite)\b/.test(name)) return
      for (const each of given) suites.add(each.start)
    },
    FunctionDeclaration: measure,
    FunctionExpression: measure,
    ArrowFunctionExpression: measure,
  })
  return found
}

const fileLimit = ({ path, area }: SourceFile): number =>
  area === 'test' || path.endsWith('/src/ports.ts') || path.includes('/src/contract/')
    ? LIST_LINES_MAX
    : FILE_LINES_MAX

const checkLength = (file: SourceFile): readonly Oversize[] => {
  const count = file.text.trimEnd().split('\n').length
  const limit = fileLimit(file)
  return count <= limit ? [] : [{ line: limit, message: `${count} lines, of ${limit} at most` }]
}

/** Lines with an address are as long as the address. */
export const sizes: Rule = {
  id: 'sizes',
  reason: 'What does not fit on a screen is not read as a whole, and so not checked as a whole.',
  check: (house) =>
    house.sources.flatMap((file) =>
      [...checkLines(file), ...checkFunctions(file), ...checkLength(file)].map((oversize) => ({
        path: file.path,
        ...oversize,
      })),
    ),
}
