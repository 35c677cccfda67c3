/** The table of ports, from `src/ports.ts`: each exported interface that has methods. */
import type { SourceFile } from '../source.ts'
import { docBefore, firstSentence, row } from './doc-comments.ts'

/** @returns lines of Markdown, or none when the file exports no interface with a method. */
export const portsTable = (file: SourceFile): readonly string[] => {
  const rows = file.program.body.flatMap((node) => {
    if (node.type !== 'ExportNamedDeclaration') return []
    const { declaration, start } = node
    if (declaration?.type !== 'TSInterfaceDeclaration') return []
    const methods = declaration.body.body.flatMap((member) =>
      member.type === 'TSMethodSignature' && member.key.type === 'Identifier'
        ? [`\`${member.key.name}\``]
        : [],
    )
    if (methods.length === 0) return []
    const meaning = firstSentence(docBefore(file, start))
    return [row(`\`${declaration.id.name}\``, [...new Set(methods)].join(' '), meaning)]
  })
  if (rows.length === 0) return []
  return [row('port', 'methods', 'what it is'), row('---', '---', '---'), ...rows]
}
