/**
 * `npm start [folder]`: builds what changed and starts the demonstration of `apps/ice`, in the
 * folder the user stands in.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { build } from '../lib/build.ts'
import { projectRoot } from '../lib/house.ts'
import { runTool } from '../lib/tools.ts'

const entry = join(projectRoot, 'apps/ice/dist/demo/main.js')

const built = await build(projectRoot, 'keep')
if (built.status !== 0 || !existsSync(entry)) {
  process.stderr.write(`${built.output}The build failed; there is nothing to start.\n`)
  process.exitCode = 1
} else {
  const { status } = await runTool({
    command: process.execPath,
    args: [entry, ...process.argv.slice(2)],
    cwd: process.env['INIT_CWD'] ?? projectRoot,
  })
  process.exitCode = status
}
