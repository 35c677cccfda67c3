/** The command as a whole: from its words to its exit code. */
import { CLI_CODES, CliError } from './errors.ts'
import { EXIT, exitOf } from './exit.ts'
import { complain } from './terminal/complain.ts'
import { createPaint, wantsColour } from './terminal/paint.ts'
import { createTalk } from './terminal/talk.ts'

/** What the door knows of the command. */
export interface Door {
  readonly version: string
  /** Address of the door's file: what programs import of ours is found from here. */
  readonly home: string
  /** Addresses of what a program may import of ours, where it is bundled with the command. */
  readonly shared: ReadonlyMap<string, string>
}

/** Runs the command and ends the process with its exit code. */
export async function main(argv: readonly string[], door: Door): Promise<void> {
  // What is said to somebody who has gone is said to nobody; the data has its own watch.
  process.stderr.on('error', () => undefined)
  process.stdout.on('error', () => undefined)
  const code = await carryOut(argv, door)
  await flushed(process.stderr)
  // A program that was run may have left something open: the command is over all the same.
  process.exit(code)
}

function flushed(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    if (stream.destroyed) resolve()
    else stream.write('', () => resolve())
  })
}

async function carryOut(argv: readonly string[], door: Door): Promise<number> {
  const { commandLine } = await import('./cli.ts')
  const { program, exit, invocation } = commandLine(door, process)
  process.on('uncaughtException', (error) => {
    // Thrown by a program past its run, or by us: nothing that goes on can be relied on.
    complain(invocation() ?? early(argv), uncaught(error))
    process.exit(EXIT.unexpected)
  })
  try {
    await program.parseAsync([...argv], { from: 'user' })
    await invocation()?.out.flush()
    return exit()
  } catch (error) {
    const usage = usageError(error)
    if (usage === null) return EXIT.ok
    const call = invocation() ?? early(argv)
    call.talk.settle()
    await invocation()
      ?.out.flush()
      .catch(() => undefined)
    const isBare = codeOf(error) === 'commander.help' && call.format === 'human'
    if (isBare) process.stderr.write(`${program.helpInformation()}\n`)
    complain(call, usage)
    return exitOf(usage)
  }
}

function uncaught(cause: unknown): CliError {
  const message = 'Something failed where nobody waited for it; a run that was going on has stopped'
  return new CliError(CLI_CODES.uncaught, message, {
    cause,
    next: ['`ice runs --open` lists the runs that can be gone on with'],
  })
}

/** What to complain with when the options were not even understood. */
function early(argv: readonly string[]): Parameters<typeof complain>[0] {
  const isJson = argv.includes('--json') || argv.includes('--jsonl')
  const format = isJson ? 'json' : 'human'
  const paint = createPaint(!isJson && wantsColour(process.env, process.stderr.isTTY === true))
  return { format, talk: createTalk({ stream: process.stderr, paint, format, quiet: true }) }
}

/** What the parser of the command line throws, in our words; `null` when it only printed help. */
function usageError(error: unknown): unknown {
  const code = codeOf(error)
  if (!code.startsWith('commander.')) return error
  if (code === 'commander.helpDisplayed' || code === 'commander.version') return null
  if (code === 'commander.help') {
    return new CliError(CLI_CODES.usage, 'A verb is missing', { next: ['ice --help lists them'] })
  }
  const message = error instanceof Error ? error.message.replace(/^error: /, '') : ''
  return new CliError(CLI_CODES.usage, message, { next: ['ice --help, or ice <verb> --help'] })
}

function codeOf(error: unknown): string {
  if (typeof error !== 'object' || error === null || !('code' in error)) return ''
  return typeof error.code === 'string' ? error.code : ''
}
