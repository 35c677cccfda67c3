/** From the options of `fork` to what is another than recorded. */
import { type JsonValue, parseStrict } from '@ice/primitives'
import type { ReplacedOutcome, Replacements } from '@ice/runs'
import { readInput } from '../args/input.ts'
import { CLI_CODES, CliError } from '../errors.ts'
import { INPUT_BYTES_MAX, INPUT_NODES_MAX } from '../limits.ts'
import { plain } from '../terminal/text.ts'

/** What can be replaced on the command line. */
export interface ReplacementOptions {
  readonly outcome: readonly string[]
  readonly failure: readonly string[]
  readonly answer: readonly string[]
  readonly signal: readonly string[]
  readonly input?: string
}

/** @throws `ICE_CLI_USAGE_UNSUPPORTED`, `ICE_CLI_INPUT_UNSUPPORTED` */
export async function readReplacements(
  options: ReplacementOptions,
  cwd: string,
): Promise<Replacements> {
  const outcomes: (readonly [string, ReplacedOutcome])[] = [
    ...pairsOf(options.outcome, '--outcome').map(([step, text]) => {
      return [step, { value: jsonOf(text, '--outcome') }] as const
    }),
    ...pairsOf(options.failure, '--failure').map(([step, message]) => {
      return [step, { error: { code: 'ICE_CLI_REPLACED', message } }] as const
    }),
  ]
  const answers = pairsOf(options.answer, '--answer').map(([step, text]) => {
    return [step, answerOf(text)] as const
  })
  const signals = pairsOf(options.signal, '--signal').map(([step, text]) => {
    return [step, { value: jsonOf(text, '--signal') }] as const
  })
  const input =
    options.input === undefined
      ? {}
      : { input: { value: await readInput(options.input, { cwd, stdin: process.stdin }) } }
  return {
    ...input,
    outcomes: once(outcomes),
    answers: once(answers),
    signals: once(signals),
  }
}

/** The first `=` ends the step; more may stand in the value. */
function pairsOf(texts: readonly string[], option: string): readonly (readonly [string, string])[] {
  return texts.map((text) => {
    const at = text.indexOf('=')
    if (at > 0) return [text.slice(0, at), text.slice(at + 1)]
    throw new CliError(CLI_CODES.usage, `${option} takes <step>=<value>, not "${plain(text)}"`)
  })
}

function answerOf(text: string): { readonly approved: boolean; readonly comment?: string } {
  const [, word, comment] = /^(yes|no)(?::([\s\S]*))?$/.exec(text) ?? []
  if (word === undefined) {
    const message = `--answer takes <step>=yes or <step>=no, with :<comment> or without`
    throw new CliError(CLI_CODES.usage, `${message}, not "${plain(text)}"`)
  }
  return { approved: word === 'yes', ...(comment === undefined ? {} : { comment }) }
}

function jsonOf(text: string, option: string): JsonValue {
  try {
    return parseStrict(text, { bytesMax: INPUT_BYTES_MAX, nodesMax: INPUT_NODES_MAX }) as JsonValue
  } catch (cause) {
    throw new CliError(CLI_CODES.usage, `What ${option} gives is not JSON as it has to be`, {
      next: ['quote it for the shell: --outcome \'step={"name":"value"}\''],
      cause,
    })
  }
}

function once<T>(entries: readonly (readonly [string, T])[]): Readonly<Record<string, T>> {
  const known = new Set<string>()
  for (const [step] of entries) {
    if (known.has(step)) {
      throw new CliError(CLI_CODES.usage, `"${plain(step)}" is replaced twice`)
    }
    known.add(step)
  }
  return Object.fromEntries(entries)
}
