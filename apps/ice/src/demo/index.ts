/** The door of the demonstration: what `npm start` opens. */

import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import { fileURLToPath } from 'node:url'
import { MEMORY_FLAGS } from './memory.ts'

/** What a shell adds to the number of the signal that ended a process. */
const SIGNAL_EXIT = 128

/** Gives the demonstration, in a process of bounded memory. @returns its exit code */
export function demo(
  args: readonly string[],
  { cwd = process.cwd() }: { readonly cwd?: string } = {},
): Promise<number> {
  const main = fileURLToPath(new URL('./main.js', import.meta.url))
  const child = spawn(process.execPath, [...MEMORY_FLAGS, main, ...args], { cwd, stdio: 'inherit' })
  // A terminal sends its signals to both; a supervisor to this one alone.
  const passOn = (signal: NodeJS.Signals): void => {
    if (signal !== 'SIGINT' || process.stdin.isTTY !== true) child.kill(signal)
  }
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  for (const signal of signals) process.on(signal, passOn)
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => {
      for (const each of signals) process.off(each, passOn)
      resolve(code ?? SIGNAL_EXIT + (signal === null ? 0 : constants.signals[signal]))
    })
  })
}
