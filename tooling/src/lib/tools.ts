/**
 * Starting other programs from a command: the tools in `node_modules/.bin`, and Node itself.
 *
 * The bootstrap has put `node_modules/.bin` first on the path, so a tool is named, not located.
 */
import { spawn } from 'node:child_process'
import { projectRoot } from './house.ts'

/** What to start, and how. */
export interface ToolCall {
  readonly command: string
  readonly args?: readonly string[]
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  /** `show` hands our terminal on; `keep` collects what is said, both streams in one text. */
  readonly output?: 'show' | 'keep'
}

/** How it ended. `status` is 128 or more when a signal ended it. */
export interface ToolResult {
  readonly status: number
  readonly output: string
}

const signalStatus = 128

/** Runs a program to its end. A program that cannot be started ends with 127. */
export const runTool = (call: ToolCall): Promise<ToolResult> =>
  new Promise((resolve) => {
    const child = spawn(call.command, call.args ?? [], {
      cwd: call.cwd ?? projectRoot,
      env: { ...process.env, ...call.env },
      stdio: call.output === 'keep' ? ['ignore', 'pipe', 'pipe'] : 'inherit',
      shell: process.platform === 'win32' && call.command !== process.execPath,
    })
    let output = ''
    const keep = (chunk: Buffer): void => {
      output += chunk.toString()
    }
    child.stdout?.on('data', keep)
    child.stderr?.on('data', keep)
    child.on('error', (error) => resolve({ status: 127, output: `${output}${error.message}\n` }))
    child.on('close', (status) => resolve({ status: status ?? signalStatus, output }))
  })
