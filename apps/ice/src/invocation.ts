/** One call of the command: its options, its voices, and where it stands. */
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { type Config, loadConfig } from './config/config.ts'
import { CLI_CODES, CliError } from './errors.ts'
import type { Door } from './main.ts'
import { createPaint, type Paint, wantsColour } from './terminal/paint.ts'
import { createSink, type Sink } from './terminal/sink.ts'
import { createTalk, type Format, type Talk } from './terminal/talk.ts'
import { jsonText, plain, shellWord } from './terminal/text.ts'

/** Options that every verb takes. */
export interface GlobalOptions {
  readonly store?: string
  /** A path; `false` for `--no-config`. */
  readonly config?: string | false
  readonly json?: boolean
  readonly jsonl?: boolean
  readonly quiet?: boolean
}

/** What verbs work with. */
export interface Invocation {
  readonly format: Format
  readonly quiet: boolean
  readonly cwd: string
  /** Where programs find what they import of ours. */
  readonly door: Pick<Door, 'home' | 'shared'>
  readonly out: Sink
  readonly talk: Talk
  /** Marks of stdout. */
  readonly paint: Paint
  /** Columns of the terminal that stdout is; `undefined` where it is none. */
  readonly columns: number | undefined
  /** Whether a person can be asked. */
  readonly canAsk: boolean
  /** @throws `ICE_CLI_CONFIG_UNSUPPORTED`, `ICE_CLI_CONFIG_NOT_FOUND` */
  config(): Promise<Config>
  /** Absolute path of the log, and how it was chosen. */
  store(): Promise<StoreChoice>
  /** A command line of this command on the same log, to be copied. */
  command(words: readonly string[]): string
  /** Data on stdout: a line of JSON, or lines for people. */
  print(human: () => readonly string[], record: () => unknown): Promise<void>
}

/** Where the log is, and who said so. */
export interface StoreChoice {
  readonly path: string
  readonly by: '--store' | 'ICE_STORE' | 'config' | 'default'
}

/** Where logs are kept when nothing else is said. */
export const DEFAULT_STORE: string = join('.ice', 'ice.db')

/** The streams and surroundings of a process. */
export type Host = Pick<NodeJS.Process, 'stdin' | 'stdout' | 'stderr' | 'env' | 'cwd'>

/** Gathers what a call is made of. */
export function createInvocation(
  options: GlobalOptions,
  host: Host,
  door: Pick<Door, 'home' | 'shared'>,
): Invocation {
  if (options.json === true && options.jsonl === true) {
    throw new CliError(CLI_CODES.usage, '--json and --jsonl exclude each other')
  }
  const { stdout, stderr, env } = host
  const cwd = host.cwd()
  const format = options.json === true ? 'json' : options.jsonl === true ? 'jsonl' : 'human'
  const quiet = options.quiet === true
  const out = createSink(stdout)
  const colours = createPaint(format === 'human' && wantsColour(env, stderr.isTTY === true))
  const talk = createTalk({ stream: stderr, paint: colours, format, quiet })
  let config: Promise<Config> | undefined
  const loaded = (): Promise<Config> => {
    config ??= loadConfig(options.config, cwd)
    return config
  }
  return {
    format,
    quiet,
    cwd,
    door,
    out,
    talk,
    paint: createPaint(format === 'human' && wantsColour(env, stdout.isTTY === true)),
    // A terminal that does not know its width says 0.
    columns: stdout.isTTY === true ? stdout.columns || 80 : undefined,
    // Looked at when it is asked for: a process that never reads its stdin need not open it.
    get canAsk() {
      return format === 'human' && !quiet && host.stdin.isTTY === true && stderr.isTTY === true
    },
    config: loaded,
    store: () => chooseStore(options, env, { cwd, loaded }),
    command: (words) => ['ice', ...words, ...repeated(options)].map(shellWord).join(' '),
    async print(human, record) {
      const text = format === 'human' ? human().join('\n') : jsonText(record())
      if (text !== '') await out.write(`${text}\n`)
    },
  }
}

/** Options that a later command has to repeat to mean the same log. */
function repeated({ store, config }: GlobalOptions): readonly string[] {
  return [
    ...(store === undefined ? [] : ['--store', store]),
    ...(config === undefined ? [] : config === false ? ['--no-config'] : ['--config', config]),
  ]
}

async function chooseStore(
  { store }: GlobalOptions,
  env: Host['env'],
  { cwd, loaded }: { readonly cwd: string; readonly loaded: () => Promise<Config> },
): Promise<StoreChoice> {
  if (store === '') throw new CliError(CLI_CODES.usage, '--store takes the path of a log')
  if (store !== undefined) return { path: resolve(cwd, store), by: '--store' }
  const named = env['ICE_STORE']
  if (named !== undefined && named !== '') return { path: resolve(cwd, named), by: 'ICE_STORE' }
  const { store: configured } = await loaded()
  if (configured !== null) return { path: configured, by: 'config' }
  return { path: resolve(cwd, DEFAULT_STORE), by: 'default' }
}

/** The path of a log that has to be there. @throws `ICE_CLI_STORE_NOT_FOUND` */
export async function existingStore(invocation: Invocation): Promise<string> {
  const { path, by } = await invocation.store()
  if (existsSync(path)) return path
  const chosen = by === 'default' ? '' : `, which ${by === 'config' ? 'ice.config.json' : by} names`
  throw new CliError(CLI_CODES.storeNotFound, `There is no log at ${plain(path)}${chosen}`, {
    data: { path },
    next: ['`ice run` begins one', 'name another with --store <path>, or ICE_STORE'],
  })
}
