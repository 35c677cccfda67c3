/** Files that are named on the command line. */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { CLI_CODES, CliError } from '../errors.ts'
import { plain } from '../terminal/text.ts'

/** The text of a file that was named. @throws `ICE_CLI_FILE_NOT_FOUND` */
export function readText(path: string, cwd: string): string {
  try {
    return readFileSync(resolve(cwd, path), 'utf8')
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown'
    const message = `The file ${plain(path)} cannot be read (${code})`
    throw new CliError(CLI_CODES.fileNotFound, message, { cause })
  }
}
