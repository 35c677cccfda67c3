/** Keeps what a program prints out of the command's data. */

/**
 * Sends everything said on stdout to stderr from now on: stdout holds the result, and a program
 * that prints while it works must not break whoever parses that. The command's own sink has taken
 * hold of stdout before.
 */
export function keepStdoutForData(): void {
  process.stdout.write = process.stderr.write.bind(process.stderr)
}
