/** Small programs of the system that prepare a start: run to their end, without an environment. */

import { execFile } from 'node:child_process'
import { START_MS } from './limits.ts'

/** Runs one. @returns whether it succeeded */
export function ran(program: string, args: readonly string[]): Promise<boolean> {
  return new Promise((resolve) => {
    const options = { env: {}, cwd: '/', timeout: START_MS, killSignal: 'SIGKILL' as const }
    execFile(program, [...args], options, (error) => resolve(error === null))
  })
}
