/**
 * Starting other programs from a command: the tools in `node_modules/.bin`, and Node itself.
 *
 * The bootstrap has put `node_modules/.bin` first on the path, so a tool is named, not located.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { constants } from 'node:os'
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

/** As a shell says it: 143 for SIGTERM. */
const SIGNAL_STATUS = 128

/**
 * What is sent to us is meant for the program we run; until it has ended, so do we not. Ctrl-C on a
 * terminal reaches it by itself.
 */
const passSignalsOn = (child: ChildProcess): void => {
  const passOn = (signal: NodeJS.Signals): void => {
    if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal)
  }
  const signals: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP']
  for (const signal of signals) process.on(signal, passOn)
  child.on('close', () => {
    for (const signal of signals) process.off(signal, passOn)
  })
}

/** Runs a program to its end. A program that cannot be started ends with 127. */
export const runTool = (call: ToolCall): Promise<ToolResult> =>
  new Promise((resolve) => {
    const child = spawn(call.command, call.args ?? [], {
      cwd: call.cwd ?? projectRoot,
      env: { ...process.env, ...call.env },
      stdio: call.output === 'keep' ? ['ignore', 'pipe', 'pipe'] : 'inherit',
      shell: process.platform === 'win32' && call.command !== process.execPath,
    })
    passSignalsOn(child)
    let output = ''
    const keep = (chunk: Buffer): void => {
      output += chunk.toString()
    }
    child.stdout?.on('data', keep)
    child.stderr?.on('data', keep)
    child.on('error', (error) => resolve({ status: 127, output: `${output}${error.message}\n` }))
    child.on('close', (status, signal) => {
      resolve({
        status: status ?? SIGNAL_STATUS + (signal ? constants.signals[signal] : 0),
        output,
      })
    })
  })
