/**
 * What a process of the demonstration really read, kept apart from the log: a line for each file,
 * written at the moment of the act. It tells, afterwards and from outside, whether a file was read
 * that need not have been.
 */

import { createReadStream, existsSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { parseStrict } from '@ice/primitives'

function fileOf(store: string, pid: number): string {
  return join(store, `witness-${pid}`)
}

/** Opens the witness of this process. @returns takes the step id of a read that begins now */
export function openWitness(store: string): (effect: string) => void {
  const file = openSync(fileOf(store, process.pid), 'a')
  return (effect) => {
    writeSync(file, `${JSON.stringify(effect)}\n`)
  }
}

/** The steps that a process witnessed and that are among these. */
export async function witnessed(
  store: string,
  pid: number,
  among: ReadonlySet<string>,
): Promise<readonly string[]> {
  const path = fileOf(store, pid)
  if (!existsSync(path)) return []
  const found: string[] = []
  for await (const line of createInterface({ input: createReadStream(path) })) {
    const effect = parseStrict(line) as string
    if (among.has(effect)) found.push(effect)
  }
  return found
}
