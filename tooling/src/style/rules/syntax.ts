/** Syntax we do without, each with what to write instead. */
import type { Finding, Rule } from '../rule.ts'
import type { SourceFile } from '../source.ts'

type Report = (offset: number, message: string) => void

/** Names of classes a file imports from another of our packages. */
const foreignErrors = (file: SourceFile): ReadonlySet<string> => {
  const names = new Set<string>()
  file.visit({
    ImportDeclaration: (node) => {
      if (!node.source.value.startsWith('@ice/')) return
      for (const each of node.specifiers) names.add(each.local.name)
    },
  })
  return names
}

const visitEverywhere = (file: SourceFile, report: Report): void => {
  const foreign = foreignErrors(file)
  file.visit({
    ExportDefaultDeclaration: (node) => report(node.start, '`export default`: export it by name'),
    ExportAllDeclaration: (node) => {
      // All of ports.ts is public by itself, so that naming it whole hides nothing.
      const isPorts = node.exportKind === 'type' && node.source.value === './ports.ts'
      if (isPorts && file.path.endsWith('/src/index.ts')) return
      report(node.start, '`export *`: name what is exported, so that a new name is a diff')
    },
    TSEnumDeclaration: (node) => report(node.start, '`enum`: an `as const` object and its union'),
    TSModuleDeclaration: (node) => {
      if (node.kind !== 'global') report(node.start, '`namespace`: a module is one already')
    },
    TSAnyKeyword: (node) => report(node.start, '`any`: `unknown` and a guard'),
    TSNonNullExpression: (node) =>
      report(node.start, 'non-null `!`: narrow it, or `invariant(condition, why)`'),
    CatchClause: (node) => {
      if (node.body.body.length === 0) {
        report(node.start, 'empty `catch`: handle it, or add a `cause` and rethrow')
      }
    },
    BinaryExpression: (node) => {
      const { operator, right } = node
      const isError = right.type === 'Identifier' && /Error$/.test(right.name)
      if (operator === 'instanceof' && isError && foreign.has(right.name)) {
        report(node.start, '`instanceof` across packages: `hasCode(error, ICE_…)`')
      }
    },
  })
}

const visitSources = (file: SourceFile, report: Report): void =>
  file.visit({
    ThrowStatement: ({ start, argument }) => {
      const isBare =
        argument.type === 'NewExpression' &&
        argument.callee.type === 'Identifier' &&
        argument.callee.name === 'Error'
      if (isBare) report(start, '`throw new Error`: a coded class, or `invariant(condition, why)`')
    },
  })

const checkFile = (file: SourceFile): readonly Finding[] => {
  const findings: Finding[] = []
  const report: Report = (offset, message) => {
    findings.push({ path: file.path, line: file.lineAt(offset), message })
  }
  visitEverywhere(file, report)
  if (file.area === 'src' && !file.path.startsWith('tooling/')) visitSources(file, report)
  for (const comment of file.comments) {
    if (/^\s*@ts-ignore\b/.test(comment.value)) {
      report(comment.start, '`@ts-ignore`: `@ts-expect-error` and why')
    }
  }
  return findings
}

/** `throw new Error` is refused in packages and apps; tooling and tests may. */
export const syntax: Rule = {
  id: 'syntax',
  reason: 'Each of these hides a name, a type or a failure from the next reader.',
  check: (house) => house.sources.flatMap(checkFile),
}
