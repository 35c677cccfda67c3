/**
 * Parts of a README that are written from source, between two marks:
 *
 *     <!-- generated:errors -->
 *     …
 *     <!-- /generated -->
 *
 * A part that is stale is rewritten, and the test fails, so that the new text is looked at.
 */
import type { House, Room } from '../house.ts'
import type { Finding, Repair, Rule } from '../rule.ts'
import type { SourceFile } from '../source.ts'
import { errorsTable } from '../tables/errors-table.ts'
import { limitsTable } from '../tables/limits-table.ts'
import { portsTable } from '../tables/ports-table.ts'

const PART = /(<!-- generated:(\w+) -->\n)([\s\S]*?)(<!-- \/generated -->)/g

/** The first example of a package, as a block; comment lines at its head stay with the file. */
const exampleBlock = (file: SourceFile): readonly string[] => ['```ts', file.text.trim(), '```']

interface Part {
  readonly name: string
  readonly lines: readonly string[]
}

const from = (
  name: string,
  file: SourceFile | undefined,
  write: (file: SourceFile) => readonly string[],
): readonly Part[] => {
  const lines = file === undefined ? [] : write(file)
  return lines.length === 0 ? [] : [{ name, lines }]
}

const partsOf = (house: House, { folder, layer }: Room): readonly Part[] => {
  if (layer === 'apps') return []
  const first = house.paths.find((path) => path.startsWith(`${folder}/examples/01_`))
  return [
    ...from('example', first === undefined ? undefined : house.source(first), exampleBlock),
    ...from('ports', house.source(`${folder}/src/ports.ts`), portsTable),
    ...from('errors', house.source(`${folder}/src/errors.ts`), errorsTable),
    ...from('limits', house.source(`${folder}/src/limits.ts`), limitsTable),
  ]
}

/** The README with each part as its source has it. */
const refreshed = (text: string, parts: readonly Part[]): string =>
  text.replaceAll(PART, (whole, head: string, name: string, _old: string, tail: string) => {
    const part = parts.find((each) => each.name === name)
    return part === undefined ? whole : `${head}${part.lines.join('\n')}\n${tail}`
  })

const readmes = (house: House): readonly { path: string; parts: readonly Part[] }[] =>
  house.rooms
    .map((room) => ({ path: `${room.folder}/README.md`, parts: partsOf(house, room) }))
    .filter(({ path }) => house.has(path))

const repair = (house: House): readonly Repair[] =>
  readmes(house).flatMap(({ path, parts }) => {
    const text = refreshed(house.text(path), parts)
    return text === house.text(path) ? [] : [{ path, text }]
  })

const checkMarks = (house: House): readonly Finding[] =>
  readmes(house).flatMap(({ path, parts }) => {
    const marked = [...house.text(path).matchAll(PART)].map((match) => match[2] ?? '')
    const missing = parts
      .filter(({ name }) => !marked.includes(name))
      .map(({ name }) => `has no <!-- generated:${name} --> … <!-- /generated -->`)
    const unknown = marked
      .filter((name) => !parts.some((part) => part.name === name))
      .map((name) => `nothing in the source makes generated:${name}`)
    return [...missing, ...unknown].map((message) => ({ path, line: 1, message }))
  })

/** Ports, errors, limits and the first example. */
export const generated: Rule = {
  id: 'generated',
  reason: 'A table kept by hand is right on the day it is written.',
  check: (house) => [
    ...checkMarks(house),
    ...repair(house).map(({ path }) => ({
      path,
      line: 1,
      message: 'differs from what the source says; it was rewritten: look at it and commit it',
    })),
  ],
  repair,
}
