/** One call of the command: its options, its voices, and where it stands. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type Config, loadConfig } from './config/config.ts'
import { parseStore, placeRecord, repeatable, type StorePlace } from './config/store.ts'
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
  /** Where the log is, and how it was chosen. @throws `ICE_CLI_STORE_UNSUPPORTED` */
  store(): Promise<StoreChoice>
  /** A command line of this command on the same log, to be copied. */
  command(words: readonly string[]): string
  /** Data on stdout: a line of JSON, or lines for people. */
  print(human: () => readonly string[], record: () => unknown): Promise<void>
}

/** Where the log is, and who said so. */
export type StoreChoice = StorePlace & {
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
    ...(store === undefined ? [] : ['--store', repeatable(store)]),
    ...(config === undefined ? [] : config === false ? ['--no-config'] : ['--config', config]),
  ]
}

async function chooseStore(
  { store }: GlobalOptions,
  env: Host['env'],
  { cwd, loaded }: { readonly cwd: string; readonly loaded: () => Promise<Config> },
): Promise<StoreChoice> {
  if (store === '') {
    throw new CliError(CLI_CODES.usage, '--store takes the path of a log, or postgres://…')
  }
  if (store !== undefined) return { ...parseStore(store, cwd), by: '--store' }
  const named = env['ICE_STORE']
  if (named !== undefined && named !== '') return { ...parseStore(named, cwd), by: 'ICE_STORE' }
  const { store: configured } = await loaded()
  if (configured !== null) return { ...configured, by: 'config' }
  return { ...parseStore(DEFAULT_STORE, cwd), by: 'default' }
}

/**
 * A log that has to be there. Whether a server has it is found out when it is opened.
 *
 * @throws `ICE_CLI_STORE_NOT_FOUND`, `ICE_CLI_STORE_UNSUPPORTED`
 */
export async function existingStore(invocation: Invocation): Promise<StoreChoice> {
  const store = await invocation.store()
  if (store.kind === 'postgres' || existsSync(store.path)) return store
  throw noLog(store)
}

/** The refusal of a log that is not there. */
export function noLog(
  store: StorePlace & { readonly by?: StoreChoice['by'] },
  cause?: unknown,
): CliError {
  const { by = 'default', name } = store
  const chosen = by === 'default' ? '' : `, which ${by === 'config' ? 'ice.config.json' : by} names`
  return new CliError(CLI_CODES.storeNotFound, `There is no log at ${plain(name)}${chosen}`, {
    data: placeRecord(store),
    next: ['`ice run` begins one', 'name another with --store <path or address>, or ICE_STORE'],
    cause,
  })
}
