/** Other packages are reached by their exports, and by nothing else. */
import { posix } from 'node:path'
import type { House } from '../house.ts'
import type { Rule } from '../rule.ts'
import type { ImportEdge, SourceFile } from '../source.ts'

const judgeEdge = (file: SourceFile, edge: ImportEdge, house: House): string | undefined => {
  const room = house.roomOf(file.path)
  if (edge.specifier.startsWith('.')) {
    const target = posix.join(posix.dirname(file.path), edge.specifier)
    const isOutside = room !== undefined && !target.startsWith(`${room.folder}/`)
    if (isOutside && file.area === 'src')
      return `${target} lies outside the package: import it by name`
    const owner = house.roomOf(target)
    return owner !== undefined && owner !== room && target.includes('/src/')
      ? `${target} is the inside of another package: import it by name`
      : undefined
  }
  const match = /^(@ice\/[^/]+)(\/.+)?$/.exec(edge.specifier)
  const target = house.rooms.find(({ manifest }) => manifest.name === match?.[1])
  if (target === undefined) return undefined
  const entry = `.${match?.[2] ?? ''}`
  if (target.manifest.exports?.[entry] !== undefined) return undefined
  const known = Object.keys(target.manifest.exports ?? {}).join(' ')
  return `${match?.[1]} does not export ${entry}; it exports ${known}`
}

/** Tooling's own files are at hand for every test, so it is no package in this sense. */
export const deepImports: Rule = {
  id: 'deep-imports',
  reason: 'What is not exported may change any day; an import past the exports ends that freedom.',
  check: (house) =>
    house.sources.flatMap((file) =>
      file.imports.flatMap((edge) => {
        const message = judgeEdge(file, edge, house)
        return message === undefined ? [] : [{ path: file.path, line: edge.line, message }]
      }),
    ),
}
