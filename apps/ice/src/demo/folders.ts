/** The folders of a demonstration: what is surveyed, and where it writes. */

import { mkdirSync, opendirSync, readdirSync, rmSync, statSync } from 'node:fs'
import { join, relative, resolve, sep } from 'node:path'
import { DEMO_CODES, DemoError } from './errors.ts'

/** Absolute paths. */
export interface DemoFolders {
  /** What is surveyed; only read. */
  readonly source: string
  /** Where reports go. */
  readonly output: string
  /** Where the log is kept, beside everything else of this demonstration. */
  readonly store: string
}

/** Demonstrations whose logs are kept. */
const KEPT = 5

/** Checks the folder, and makes the two others. */
export function openFolders(
  cwd: string,
  { folder = '.', out = 'ice-survey' }: { readonly folder?: string; readonly out?: string },
): DemoFolders {
  const source = checkedSource(resolve(cwd, folder), folder)
  const output = resolve(cwd, out)
  const root = join(cwd, '.ice', 'demo')
  const name = `${new Date().toISOString().replaceAll(/[-:.]/g, '')}-${process.pid}`
  const store = join(root, name)
  for (const path of [output, store]) make(path)
  removeOld(root)
  return { source, output, store }
}

function checkedSource(path: string, typed: string): string {
  // A grant's root is text with `/` between names; some names of folders are neither.
  if (sep === '/' && path.includes('\\')) {
    const message = `The path of ${typed} holds a backslash, which no grant can name.`
    throw new DemoError(DEMO_CODES.folder, message, { path })
  }
  try {
    if (!statSync(path).isDirectory()) {
      const message = `${typed} is a file. The survey takes a folder.`
      throw new DemoError(DEMO_CODES.folder, message, { path })
    }
    opendirSync(path).closeSync()
    return path
  } catch (error) {
    throw folderFault(error, path, typed)
  }
}

function folderFault(error: unknown, path: string, typed: string): unknown {
  const system = systemCode(error)
  if (system === undefined) return error
  if (system === 'ENOENT' || system === 'ENOTDIR') {
    return new DemoError(DEMO_CODES.folderNotFound, `There is no folder ${typed} (${path}).`)
  }
  const message = `The folder ${typed} may not be read by this user (${system}).`
  return new DemoError(DEMO_CODES.unreadable, message, { path, system })
}

function make(path: string): void {
  try {
    mkdirSync(path, { recursive: true })
  } catch (error) {
    const system = systemCode(error)
    if (system === undefined) throw error
    const message =
      `Nothing can be written to ${path} (${system}). Stand in a folder of your own, ` +
      'or name another one with --out.'
    throw new DemoError(DEMO_CODES.unwritable, message, { path, system })
  }
}

function systemCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('syscall' in error) || !('code' in error)) return undefined
  return String(error.code)
}

/** Keeps the newest: their names begin with their time. */
function removeOld(root: string): void {
  for (const name of readdirSync(root).sort().slice(0, -KEPT)) {
    rmSync(join(root, name), { recursive: true, force: true })
  }
}

/** Where `inner` lies in `outer`, with `/` between names; `undefined` when it does not. */
export function within(outer: string, inner: string): string | undefined {
  const path = relative(outer, inner)
  if (path === '' || path === '..' || path.startsWith(`..${sep}`) || resolve(path) === path) {
    return undefined
  }
  return path.split(sep).join('/')
}

/** As the root of a grant: `/` between names. */
export function rootOf(path: string): string {
  return path.split(sep).join('/')
}
