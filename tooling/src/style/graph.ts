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

/** The files a file imports by a relative path. `'values'` leaves out what is types only. */
export const neighbours = (
  house: House,
  file: SourceFile,
  which: 'all' | 'values',
): readonly string[] =>
  file.imports
    .filter((edge) => edge.specifier.startsWith('.') && (which === 'all' || !edge.isTypeOnly))
    .flatMap((edge) => {
      const target = posix.join(posix.dirname(file.path), edge.specifier)
      return sourceBehind(house, target) ?? []
    })
