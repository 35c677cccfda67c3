/** What stands at a path that a grant names. */
import { statSync } from 'node:fs'
import { basename, dirname, resolve, sep } from 'node:path'

/** A folder, or a file in one, or why it is neither. */
export type FoundPlace =
  | { readonly root: string; readonly file?: string }
  | { readonly fault: string }

/** Looks at a path. */
export type FolderProbe = (path: string) => FoundPlace

/**
 * Looks on this machine, with relative paths counted from `base`.
 *
 * A place that is not there is refused now, where a person can still mend the command, and not in
 * the middle of the run.
 */
export function folderProbe(base: string): FolderProbe {
  return (path) => {
    if (path.includes('\0')) return { fault: 'a path holds no NUL' }
    const absolute = resolve(base, path)
    try {
      const stats = statSync(absolute)
      if (stats.isDirectory()) return { root: slashed(absolute) }
      if (stats.isFile()) return { root: slashed(dirname(absolute)), file: basename(absolute) }
      return { fault: `${absolute} is neither a folder nor a file` }
    } catch (error) {
      return { fault: faultOf(absolute, error) }
    }
  }
}

function faultOf(path: string, error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : String(error)
  if (code === 'ENOENT') return `there is nothing at ${path}; create it first`
  if (code === 'EACCES' || code === 'EPERM') return `${path} may not be looked at by this user`
  return `${path} cannot be looked at (${code})`
}

/** Roots of grants have `/` between their segments on every system. */
function slashed(path: string): string {
  return sep === '/' ? path : path.replaceAll(sep, '/')
}
