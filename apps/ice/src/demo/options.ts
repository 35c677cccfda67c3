/** The command line of the demonstration. */

import { parseArgs } from 'node:util'

/** What the demonstration is told. */
export interface DemoOptions {
  /** As it was typed; `undefined` for the folder it is started in. */
  readonly folder: string | undefined
  /** Where the report goes, as it was typed. */
  readonly out: string | undefined
  /** Answers every question with yes. */
  readonly yes: boolean
  readonly quiet: boolean
  readonly json: boolean
}

/** Or what to say instead of running. */
export interface DemoUsage {
  readonly usage: string
  /** Why the command line was refused; absent when the usage was asked for. */
  readonly fault?: string
}

/** What `--help` says. */
export const USAGE = `usage: npm start -- [folder] [--out <folder>] [--yes] [--quiet] [--json]

Surveys a folder (default: where you stand) under grants, and shows what that means: effects that
are refused, a process that is killed and another that goes on, an approval, a revocation.
The folder is only read; reports go to ice-survey/, the log to .ice/, both where you stand.

  --out <folder>  write the reports there
  --yes           approve the replacement of an earlier report
  --quiet         print the result and nothing else
  --json          print one JSON document

exit codes: 0 everything held · 1 something did not · 2 usage, or the folder is a file ·
3 no such folder · 5 it may not be read, or nothing may be written · 6 the log does not verify
`

/** Reads the command line. */
export function parseDemo(args: readonly string[]): DemoOptions | DemoUsage {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        out: { type: 'string' },
        yes: { type: 'boolean', short: 'y', default: false },
        quiet: { type: 'boolean', short: 'q', default: false },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    })
    if (values.help) return { usage: USAGE }
    const [folder, ...more] = positionals
    if (more.length > 0) return { usage: USAGE, fault: 'One folder at a time.' }
    const { out, yes, quiet, json } = values
    return { folder, out, yes, quiet, json }
  } catch (error) {
    return { usage: USAGE, fault: error instanceof Error ? error.message : String(error) }
  }
}
