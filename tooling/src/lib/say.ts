/** What a child process says to its test: one JSON line each, written before it goes on. */
import { writeSync } from 'node:fs'

/** Says a line, synchronously: a child that is killed afterwards has said it. */
export const say = (line: unknown): void => {
  writeSync(1, `${JSON.stringify(line)}\n`)
}
