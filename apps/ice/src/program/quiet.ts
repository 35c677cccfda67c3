/** Keeps what a program prints out of the command's data. */
import { Console } from 'node:console'

/**
 * Sends everything said on the console to stderr from now on: stdout holds the result, and a
 * program that prints while it works must not break whoever parses that.
 */
export function keepStdoutForData(): void {
  globalThis.console = new Console(process.stderr, process.stderr)
}
