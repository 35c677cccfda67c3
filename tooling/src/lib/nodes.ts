/**
 * Other versions of Node, from the npm packages that hold one: installed outside the project, and
 * kept for the next time.
 */
import { existsSync, mkdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { runTool } from './tools.ts'

/** A Node, or why there is none. */
export type FoundNode =
  | { readonly version: string; readonly path: string }
  | { readonly version: string; readonly path: undefined; readonly why: string }

const cache = (): string =>
  join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'ice-nodes')

/** @param version - exact, as the registry has it */
export const findNode = async (version: string): Promise<FoundNode> => {
  if (process.platform !== 'linux') return { version, path: undefined, why: 'only for Linux' }
  const name = `node-linux-${process.arch}`
  const prefix = join(cache(), version)
  const path = join(prefix, 'node_modules', name, 'bin/node')
  if (existsSync(path)) return { version, path }
  mkdirSync(prefix, { recursive: true })
  const flags = ['--no-save', '--ignore-scripts', '--no-audit', '--no-fund']
  const { status, output } = await runTool({
    command: 'npm',
    args: ['install', '--prefix', prefix, ...flags, `${name}@${version}`],
    cwd: prefix,
    output: 'keep',
  })
  if (status === 0 && existsSync(path)) return { version, path }
  return {
    version,
    path: undefined,
    why: `npm does not install ${name}@${version}: ${output.slice(-300)}`,
  }
}
