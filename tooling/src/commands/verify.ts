/**
 * `npm run verify`: everything a release must pass: the whole of `npm test`, then each package as a
 * stranger would meet it.
 */
import { join } from 'node:path'
import { projectRoot } from '../lib/house.ts'
import { runTool } from '../lib/tools.ts'

const commands = join(projectRoot, 'tooling/src/commands')

const runCommand = async (name: string): Promise<number> => {
  const { status } = await runTool({ command: process.execPath, args: [join(commands, name)] })
  return status
}

const tested = await runCommand('test.ts')
process.exitCode = tested === 0 ? await runCommand('check-packages.ts') : tested
