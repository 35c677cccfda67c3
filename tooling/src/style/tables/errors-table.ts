/**
 * The table of error codes, from `src/errors.ts`: each code once, with the comment of the class
 * or of the property that declares it.
 */
import type { SourceFile } from '../source.ts'
import { docBefore, row } from './doc-comments.ts'

const CODE = /ICE_[A-Z0-9]+(?:_[A-Z0-9]+)+/

/** The comment often begins with the code itself, which the table has in its first column. */
const withoutCode = (doc: string): string => doc.replace(/^`ICE_[A-Z0-9_]+`\s*[:—–-]*\s*/, '')

/** Codes and what they mean, in the order of the source. */
const codesOf = (file: SourceFile): ReadonlyMap<string, string> => {
  const codes = new Map<string, string>()
  const add = (text: string, doc: string): void => {
    const code = CODE.exec(text)?.[0]
    if (code !== undefined && doc !== '' && !codes.has(code)) codes.set(code, withoutCode(doc))
  }
  file.visit({
    Property: ({ value, start }) => {
      if (value.type === 'Literal') add(String(value.value), docBefore(file, start))
    },
    ExportNamedDeclaration: ({ declaration, start }) => {
      if (declaration?.type === 'ClassDeclaration') {
        const { body } = declaration.body
        const code = body.find((member) => CODE.test(file.text.slice(member.start, member.end)))
        if (code !== undefined) add(file.text.slice(code.start, code.end), docBefore(file, start))
      }
      if (declaration?.type === 'VariableDeclaration') {
        const init = declaration.declarations[0]?.init
        if (init?.type === 'Literal') add(String(init.value), docBefore(file, start))
      }
    },
  })
  return codes
}

/** @returns lines of Markdown, or none when the file declares no code. */
export const errorsTable = (file: SourceFile): readonly string[] => {
  const codes = [...codesOf(file)]
  if (codes.length === 0) return []
  return [
    row('code', 'when'),
    row('---', '---'),
    ...codes.map(([code, meaning]) => row(`\`${code}\``, meaning)),
  ]
}
