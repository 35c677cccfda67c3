/** Builds packages: one compiler process, in the order of the references, what changed only. */
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
  return await runTool({ command: 'tsc', args, cwd: root, output })
}
