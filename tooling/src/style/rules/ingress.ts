/**
 * JSON comes in through one door, the strict parser of `@ice/primitives`.
 *
 * The name itself is what is looked for, called or handed on: `lines.map(JSON.parse)` reads, too.
 */
import type { Rule } from '../rule.ts'
import type { SourceFile } from '../source.ts'

const findings = (file: SourceFile) => {
  const found: { path: string; line: number; message: string }[] = []
  file.visit({
    MemberExpression: ({ start, object, property }) => {
      if (object.type !== 'Identifier' || object.name !== 'JSON') return
      const name = property.type === 'Identifier' ? property.name : undefined
      if (name !== 'parse' && property.type === 'Identifier') return
      if (property.type === 'Literal' && property.value !== 'parse') return
      found.push({ path: file.path, line: file.lineAt(start), message: INSTEAD })
    },
    VariableDeclarator: ({ start, init }) => {
      if (init?.type !== 'Identifier' || init.name !== 'JSON') return
      found.push({ path: file.path, line: file.lineAt(start), message: INSTEAD })
    },
  })
  return found
}

const INSTEAD =
  '`JSON.parse`: `parseStrict(bytes, limits)`; if the text was verified or written by us and the ' +
  'path is hot, say so in a comment and in `exemptions.ts`'

/** In `src` of packages and apps; tests, benches and the tooling read what they wrote. */
export const ingress: Rule = {
  id: 'ingress',
  reason: 'What two parsers read differently is checked as one thing and acted upon as another.',
  check: (house) =>
    house.sources
      .filter(({ area, path }) => area === 'src' && !path.startsWith('tooling/'))
      .flatMap(findings),
}
