/** The import graph between source files, by path. */
import { posix } from 'node:path'
import type { House } from './house.ts'
import type { SourceFile } from './source.ts'

/** The source that a built or written path stands for: `dist/a.js` is made from `src/a.ts`. */
export const sourceBehind = (house: House, path: string): string | undefined => {
  const inSrc = path.replace('/dist/', '/src/').replace(/\.d\.ts$/, '.ts')
  const candidates = [path, inSrc, inSrc.replace(/\.js$/, '.ts'), inSrc.replace(/\.js$/, '.tsx')]
  return candidates.find((candidate) => house.source(candidate) !== undefined)
}

/** Tests reach the tooling by name: `@ice/tooling/vectors` is `tooling/src/vectors.ts`. */
const TOOLING = '@ice/tooling/'

/** The path a specifier stands for, where it names a file of this house and not a package. */
const pathOf = (file: SourceFile, specifier: string): string | undefined => {
  if (specifier.startsWith(TOOLING)) return `tooling/src/${specifier.slice(TOOLING.length)}.ts`
  return specifier.startsWith('.') ? posix.join(posix.dirname(file.path), specifier) : undefined
}

/** The files a file imports by path. `'values'` leaves out what is types only. */
export const neighbours = (
  house: House,
  file: SourceFile,
  which: 'all' | 'values',
): readonly string[] =>
  file.imports
    .filter((edge) => which === 'all' || !edge.isTypeOnly)
    .flatMap((edge) => {
      const target = pathOf(file, edge.specifier)
      return target === undefined ? [] : (sourceBehind(house, target) ?? [])
    })
