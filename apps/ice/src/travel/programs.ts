/** The programs that drive a recorded run: of a file, or by the name that is recorded. */
import type { RunView } from '@ice/runs/ports'
import { CLI_CODES, CliError } from '../errors.ts'
import type { Invocation } from '../invocation.ts'
import { type FoundProgram, findNamed, programOfFile } from '../program/find.ts'
import { plain } from '../terminal/text.ts'

/**
 * Finds the program of a run.
 * @param file - where it is, if it cannot be found by its name
 * @throws `ICE_CLI_PROGRAM_NOT_FOUND`
 */
export async function programFor(
  { program: { name } }: Pick<RunView, 'program'>,
  file: string | undefined,
  invocation: Invocation,
): Promise<FoundProgram> {
  const config = await invocation.config()
  if (file !== undefined) return programOfFile(file, invocation)
  const found = await findNamed(name, config, invocation)
  if (found !== undefined) return found
  throw new CliError(CLI_CODES.programNotFound, `There is no program called "${plain(name)}"`, {
    data: { program: name },
    next: ['name its file: --program ./program.ts'],
  })
}
