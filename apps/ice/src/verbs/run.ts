/** `ice run`: starts a program under the grants that were given, and drives it from here. */
import type { RunId, Timestamp } from '@ice/primitives'
import type { GrantSpec } from '@ice/runs/ports'
import { parseExpiry } from '../args/duration.ts'
import { folderProbe } from '../args/folder.ts'
import { parseGrant } from '../args/grant.ts'
import { readInput } from '../args/input.ts'
import { inputMarks } from '../args/marks.ts'
import { tagsOf } from '../args/values.ts'
import { configuredGrants } from '../config/config.ts'
import { driveRun } from '../drive/drive.ts'
import { listenForStop } from '../drive/stop.ts'
import { CLI_CODES, CliError } from '../errors.ts'
import { EXIT } from '../exit.ts'
import type { Invocation } from '../invocation.ts'
import { TAG_CHARS_MAX } from '../limits.ts'
import { openRuntime, using } from '../log/open.ts'
import { findProgram } from '../program/find.ts'
import { keepStdoutForData } from '../program/quiet.ts'
import { plain } from '../terminal/text.ts'

/** Options of `run`. */
export interface RunOptions {
  readonly input?: string
  readonly grant: readonly string[]
  readonly key?: string
  readonly agent?: string
  readonly session?: string
  readonly tag: readonly string[]
  readonly label: readonly string[]
  readonly reader: readonly string[]
  readonly hold: readonly string[]
  readonly queue?: string
  readonly concurrencyKey?: string
  readonly priority?: number
  readonly deadline?: string
  readonly wait?: boolean
  readonly yes?: boolean
}

/** Carries `run` out. @returns the exit code */
export async function run(
  invocation: Invocation,
  word: string,
  options: RunOptions,
): Promise<number> {
  const { cwd, talk } = invocation
  const config = await invocation.config()
  const now = Date.now()
  const given = grantsOf(options.grant, { cwd, now })
  const tags = tagsOf(options.tag)
  checkKey(options.key)
  const placement = placementOf(options, now)
  keepStdoutForData()
  const found = await findProgram(word, config, invocation)
  const grants = { ...configuredGrants(config, found.configured, now), ...given }
  const input = await readInput(options.input, { cwd, stdin: process.stdin })
  const marks = inputMarks(options, input)
  const stop = listenForStop(talk, 'the run')
  try {
    const runtime = await openRuntime(invocation, {
      create: true,
      programs: [found],
      secrets: config.secrets,
    })
    return await using(runtime, async () => {
      const started: RunId = await runtime.runs.start(found.program, input, {
        grants,
        ...marks,
        ...placement,
        ...(options.key === undefined ? {} : { key: options.key }),
        ...(options.tag.length === 0 ? {} : { tags }),
        ...(options.agent === undefined ? {} : { agent: options.agent }),
        ...(options.session === undefined ? {} : { session: options.session }),
      })
      const { name, version } = found.program
      talk.note(`run ${started}  ${plain(name)} ${plain(version)}`, { notice: 'run', run: started })
      if (options.queue !== undefined) {
        await invocation.print(
          () => [started],
          () => ({ run: started, queue: options.queue }),
        )
        return EXIT.ok
      }
      return driveRun({
        runtime,
        run: started,
        invocation,
        stop,
        wait: options.wait === true,
        answering: () => answeringOf(invocation, options),
        file: found.file,
      })
    })
  } finally {
    stop.release()
  }
}

/** Where the run waits for a worker. @throws `ICE_CLI_USAGE_UNSUPPORTED` */
function placementOf({ queue, concurrencyKey, priority, deadline }: RunOptions, now: number) {
  const end = deadline === undefined ? null : parseExpiry(deadline, now)
  if (end !== null && 'fault' in end)
    throw new CliError(CLI_CODES.usage, `--deadline: ${end.fault}`)
  const isOdd = queue === undefined && (concurrencyKey !== undefined || priority !== undefined)
  if (queue === '' || isOdd) {
    const message = '--concurrency-key and --priority are for a run that waits in a queue'
    throw new CliError(CLI_CODES.usage, message, { next: ['name one with --queue <name>'] })
  }
  return {
    ...(queue === undefined ? {} : { queue }),
    ...(concurrencyKey === undefined ? {} : { concurrencyKey }),
    ...(priority === undefined ? {} : { priority }),
    ...(end === null ? {} : { deadline: end.at as Timestamp }),
  }
}

/** Who answers: `--yes`, else the person at the terminal unless they chose to wait for others. */
export function answeringOf(
  invocation: Pick<Invocation, 'canAsk'>,
  { yes, wait }: { readonly yes?: boolean; readonly wait?: boolean },
): 'nobody' | 'yes' | 'ask' {
  if (yes === true) return 'yes'
  return wait !== true && invocation.canAsk ? 'ask' : 'nobody'
}

function grantsOf(
  texts: readonly string[],
  { cwd, now }: { readonly cwd: string; readonly now: number },
): Readonly<Record<string, GrantSpec>> {
  const specs = new Map<string, GrantSpec>()
  for (const text of texts) {
    const { name, spec } = parseGrant(text, { now, probe: folderProbe(cwd) })
    if (specs.has(name)) {
      throw new CliError(CLI_CODES.grant, `The grant "${plain(name)}" was given twice`, {
        next: ['one --grant may hold several actions: source=fs.read,fs.list:./src'],
      })
    }
    specs.set(name, spec)
  }
  return Object.fromEntries(specs)
}

function checkKey(key: string | undefined): void {
  if (key === undefined || (key !== '' && key.length <= TAG_CHARS_MAX * 2)) return
  throw new CliError(CLI_CODES.usage, `--key takes 1 to ${TAG_CHARS_MAX * 2} characters`)
}
