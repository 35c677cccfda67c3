/** The shape of a package: which files it has, and what stands in those with a fixed meaning. */
import type { House, Room } from '../house.ts'
import type { Finding, Rule } from '../rule.ts'
import type { SourceFile } from '../source.ts'

const REQUIRED = ['README.md', 'package.json', 'tsconfig.json']
const SECTIONS = ['## Example', '## Guarantees', '## Not guaranteed']
/** Of what is written by hand: generated tables are looked up, not read. */
const README_LINES_MAX = 150
const GENERATED = /<!-- generated:\w+ -->[\s\S]*?<!-- \/generated -->/g

const missingFiles = (house: House, { folder, layer }: Room): readonly Finding[] => {
  const wanted = layer === 'apps' ? REQUIRED : [...REQUIRED, 'src/index.ts']
  const missing = wanted.filter((name) => !house.has(`${folder}/${name}`))
  const isTested = house.paths.some(
    (path) => path.startsWith(`${folder}/test/`) && path.endsWith('.test.ts'),
  )
  return [...missing, ...(isTested ? [] : ['test/*.test.ts'])].map((name) => ({
    path: folder,
    line: 1,
    message: `has no ${name}`,
  }))
}

const checkReadme = (house: House, { folder, layer }: Room): readonly Finding[] => {
  const path = `${folder}/README.md`
  if (layer === 'apps' || !house.has(path)) return []
  const lines = house.text(path).trimEnd().split('\n')
  const missing = SECTIONS.filter((section) => !lines.some((line) => line.startsWith(section)))
  const findings = missing.map((section) => ({ path, line: 1, message: `has no "${section}"` }))
  const written = house.text(path).replaceAll(GENERATED, '').trimEnd().split('\n').length
  if (written <= README_LINES_MAX) return findings
  const message = `${written} lines, of ${README_LINES_MAX} at most`
  return [...findings, { path, line: README_LINES_MAX, message }]
}

/** Statements of a file that are neither an import nor a re-export. */
const logicIn = (file: SourceFile): readonly number[] =>
  file.program.body
    .filter((node) => {
      if (node.type === 'ImportDeclaration') return false
      if (node.type === 'ExportAllDeclaration') return false
      return !(node.type === 'ExportNamedDeclaration' && node.declaration === null)
    })
    .map((node) => node.start)

/** Statements of a file that leave something at run time. */
const runtimeCodeIn = (file: SourceFile): readonly number[] =>
  file.program.body
    .filter((node) => {
      if (node.type === 'ImportDeclaration') return node.importKind !== 'type'
      if (node.type === 'ExportNamedDeclaration') return node.exportKind !== 'type'
      return !['TSInterfaceDeclaration', 'TSTypeAliasDeclaration'].includes(node.type)
    })
    .map((node) => node.start)

const checkStatements = (
  file: SourceFile | undefined,
  offsets: (file: SourceFile) => readonly number[],
  message: string,
): readonly Finding[] =>
  file === undefined
    ? []
    : offsets(file).map((offset) => ({ path: file.path, line: file.lineAt(offset), message }))

/** Apps have commands instead of a face, so of them less is asked. */
export const layout: Rule = {
  id: 'layout',
  reason: 'Whoever has found the way in one package has found it in all of them.',
  check: (house) =>
    house.rooms.flatMap((room) => [
      ...missingFiles(house, room),
      ...checkReadme(house, room),
      ...checkStatements(
        room.layer === 'apps' ? undefined : house.source(`${room.folder}/src/index.ts`),
        logicIn,
        'index.ts only exports: move this into the file of its concept',
      ),
      ...checkStatements(
        house.source(`${room.folder}/src/ports.ts`),
        runtimeCodeIn,
        'ports.ts holds types only (`import type`, `export interface`, `export type`)',
      ),
    ]),
}
