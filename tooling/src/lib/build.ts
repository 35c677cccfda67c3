/** Builds packages: one compiler process, in the order of the references, what changed only. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { workspacePackages } from './house.ts'
import { writeReferences } from './references.ts'
import { runTool, type ToolResult } from './tools.ts'

/**
 * Brings the references in step with the manifests, then compiles. `keep` holds the output back.
 *
 * @param folders - the packages to build, with what they refer to; all when left out
 */
export const build = async (
  root: string,
  output: 'show' | 'keep',
  folders: readonly string[] = [],
): Promise<ToolResult> => {
  writeReferences(root)
  if (workspacePackages(root).length === 0) return { status: 0, output: '' }
  const args = ['-b', '--checkers', '1', ...folders]
  const compiled = await runTool({ command: 'tsc', args, cwd: root, output })
  return compiled.status === 0 ? await bundle(root, output, folders) : compiled
}

/** Lets packages that have a `bundle.mjs` make theirs; one that is not stale costs a look. */
const bundle = async (
  root: string,
  output: 'show' | 'keep',
  folders: readonly string[],
): Promise<ToolResult> => {
  for (const { folder } of workspacePackages(root)) {
    const script = join(root, folder, 'bundle.mjs')
    const isWanted = folders.length === 0 || folders.includes(folder)
    if (!isWanted || !existsSync(script)) continue
    const made = await runTool({ command: process.execPath, args: [script], cwd: root, output })
    if (made.status !== 0) return made
  }
  return { status: 0, output: '' }
}
