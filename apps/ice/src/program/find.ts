/** From a word on the command line, or a name in the log, to a program. */
import { resolve } from 'node:path'
import type { Config } from '../config/config.ts'
import { CLI_CODES, CliError } from '../errors.ts'
import { plain } from '../terminal/text.ts'
import {
  isProgram,
  type LoadedProgram,
  loadProgramFile,
  looksLikeFile,
  NO_PARTS,
  type Place,
} from './load.ts'

/** A program, and where it comes from. */
export interface FoundProgram extends LoadedProgram {
  /**
   * Whose grants of the configuration it gets, beside those for all; `null` for none. A file that
   * merely calls itself by a configured name gets none of that name's grants.
   */
  readonly configured: string | null
  /** What a later `ice resume` has to be told, when it cannot find the program by name. */
  readonly file: string | null
}

/** Programs that come with the command, loaded when they are asked for. */
const BUILT_IN: ReadonlyMap<string, () => Promise<unknown>> = new Map([
  ['survey', async () => (await import('../survey/index.ts')).surveyProgram],
])

/** The names of the programs that come with the command. */
export function builtInNames(): readonly string[] {
  return [...BUILT_IN.keys()]
}

/** The program of a file that is named for a recorded run. @throws as `loadProgramFile` */
export async function programOfFile(file: string, place: Place): Promise<FoundProgram> {
  return { ...(await loadProgramFile(file, place)), configured: null, file }
}

/**
 * Finds a program by the word that was typed: a file, or a name.
 *
 * @throws `ICE_CLI_PROGRAM_NOT_FOUND`, and what `loadProgramFile` throws
 */
export async function findProgram(
  word: string,
  config: Config,
  place: Place,
): Promise<FoundProgram> {
  if (looksLikeFile(word)) {
    const loaded = await loadProgramFile(word, place)
    const { name } = loaded.program
    const isSame = config.programs.get(name)?.file === resolve(place.cwd, word)
    return { ...loaded, configured: isSame ? name : null, file: word }
  }
  const named = await findNamed(word, config, place)
  if (named !== undefined) return named
  const known = [...new Set([...builtInNames(), ...config.programs.keys()])].map(plain).join(', ')
  throw new CliError(CLI_CODES.programNotFound, `There is no program called "${plain(word)}"`, {
    data: { program: word },
    next: [`programs by name: ${known}`, 'a file is named by its path: ice run ./program.ts'],
  })
}

/** Finds a program by name: of the configuration, or built in. */
export async function findNamed(
  name: string,
  config: Config,
  place: Place,
): Promise<FoundProgram | undefined> {
  const configured = config.programs.get(name)
  const load = BUILT_IN.get(name)
  if (configured !== undefined && configured.file !== null) {
    if (load === undefined) return loadConfigured(name, configured.file, place)
    throw new CliError(
      CLI_CODES.config,
      `The configuration gives a file for "${plain(name)}", which is built in`,
      { next: ['give the program of the file another name'] },
    )
  }
  if (load === undefined) return undefined
  const program = await load()
  if (!isProgram(program)) {
    throw new CliError(CLI_CODES.program, `The built-in "${plain(name)}" is not a program`)
  }
  return { program, parts: NO_PARTS, configured: name, file: null }
}

async function loadConfigured(name: string, file: string, place: Place): Promise<FoundProgram> {
  const loaded = await loadProgramFile(file, place)
  const { program } = loaded
  if (program.name === name) return { ...loaded, configured: name, file: null }
  const message = `The configuration calls ${plain(file)} "${plain(name)}", and it calls itself`
  throw new CliError(CLI_CODES.config, `${message} "${plain(program.name)}"`, {
    next: ['use one name in both places: a run is resumed by it'],
  })
}
