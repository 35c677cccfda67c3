/// <reference lib="es2024.string" />
/**
 * The arguments of the process actions, checked and with their defaults; and what they claim.
 *
 * A secret stands in a variable or in the standard input, by a handle. It never stands in the
 * argument vector, which every process of the machine can read while the program runs.
 */

import { Buffer } from 'node:buffer'
import type { JsonObject } from '@ice/primitives'
import { z } from 'zod'
import { checked, recordable } from '../arguments.ts'
import { contentBytes } from '../content.ts'
import { EFFECTS_CODES, EffectsError } from '../errors.ts'
import { parsePath } from '../path.ts'
import {
  composedBytesMax,
  isSecretHandle,
  type SecretHandle,
  secretHandle,
} from '../secrets/handle.ts'
import { SECRET_BYTES_MAX } from '../secrets/limits.ts'
import { PROCESS_CODES, ProcessError } from './errors.ts'
import {
  ARGUMENT_BYTES_MAX,
  ARGUMENTS_MAX,
  KEPT_BYTES_DEFAULT,
  KEPT_BYTES_MAX,
  VARIABLE_BYTES_MAX,
  VARIABLES_MAX,
  WALL_MS_DEFAULT,
  WALL_MS_MAX,
} from './limits.ts'

/** Arguments of every process action. */
export interface ProcessArguments {
  readonly program: string
  readonly args: readonly string[]
  /** Texts, and handles of secrets in the place of some. */
  readonly env: Readonly<Record<string, string | SecretHandle>>
  readonly cwd: string
  readonly stdin?: string | SecretHandle | undefined
  readonly stdinEncoding: 'utf8' | 'base64'
  readonly encoding: 'auto' | 'base64'
  readonly maxBytes: number
  readonly timeoutMs: number
  readonly write: boolean
  readonly network: boolean
  readonly sandbox: 'required' | 'unsandboxed'
}

const isWord = (text: string): boolean => text.isWellFormed() && !text.includes('\0')
const error = 'text holds no NUL and no lone surrogate'
const word = z.string().refine(isWord, { error })

/** What stands around a value is held to the same rules as a text in its place. */
const secretWord = secretHandle.refine(
  ({ before = '', after = '', basic = '' }) => [before, after, basic].every(isWord),
  { error },
)

const common = {
  program: word.min(1),
  args: z.array(word).max(ARGUMENTS_MAX).default([]),
  env: z.record(word.min(1), z.union([word, secretWord])).default({}),
  cwd: z.string().default('.'),
  stdin: z.union([z.string(), secretWord]).optional(),
  stdinEncoding: z.enum(['utf8', 'base64']).default('utf8'),
  encoding: z.enum(['auto', 'base64']).default('auto'),
  maxBytes: z.int().min(0).max(KEPT_BYTES_MAX).default(KEPT_BYTES_DEFAULT),
  timeoutMs: z.int().min(1).max(WALL_MS_MAX).default(WALL_MS_DEFAULT),
}

export const runArguments: z.ZodType<ProcessArguments> = z.strictObject({
  ...common,
  write: z.boolean().default(false),
  network: z.boolean().default(false),
  sandbox: z.enum(['required', 'unsandboxed']).default('required'),
})

/** What only observes has no network, writes nothing, and is held to that by a box. */
export const observeArguments: z.ZodType<ProcessArguments> = z
  .strictObject(common)
  .transform((args) => ({ ...args, write: false, network: false, sandbox: 'required' as const }))

/**
 * Checks arguments.
 *
 * @throws {EffectsError} `ICE_EFFECTS_ARGUMENTS_UNSUPPORTED`, `ICE_EFFECTS_PATH_…`,
 * `ICE_EFFECTS_ENCODING_UNSUPPORTED`, `ICE_EFFECTS_INPUT_LIMIT`
 * @throws {ProcessError} `ICE_EFFECTS_PROC_ARGUMENTS_LIMIT`, `…_SECRET_ARGUMENT_UNSUPPORTED`
 */
export function checkedProcessArguments(
  schema: z.ZodType<ProcessArguments>,
  value: unknown,
): ProcessArguments {
  refuseSecretWords(value)
  const args = checked(schema, value)
  parsePath(args.cwd)
  checkInput(args)
  const names = Object.keys(args.env)
  const strange = names.find((name) => name.includes('='))
  if (strange !== undefined) throw refused('/env', 'the name of a variable holds no "="')
  if (args.sandbox === 'unsandboxed' && !(args.write && args.network)) {
    const message = 'without a box a program writes and has the network: say "write" and "network"'
    throw refused('/sandbox', message)
  }
  checkBytes('arguments', bytesOf(args.args), ARGUMENT_BYTES_MAX)
  if (names.length > VARIABLES_MAX) throw tooMany('variables', names.length, VARIABLES_MAX)
  const variables = Object.values(args.env).reduce((sum, one) => sum + writtenBytes(one), 0)
  checkBytes('variables', variables + bytesOf(names), VARIABLE_BYTES_MAX)
  return args
}

/** Before the schema: who puts a secret there is to be told where it belongs. */
function refuseSecretWords(value: unknown): void {
  const { args } = (value ?? {}) as { readonly args?: unknown }
  if (!Array.isArray(args) || !args.some(isSecretHandle)) return
  const message =
    'An argument vector can be read by every process of the machine, and carries no secret: ' +
    'hand it over in a variable ("env") or in the standard input ("stdin")'
  throw new ProcessError(PROCESS_CODES.secretArgument, message)
}

/** @throws {EffectsError} `ICE_EFFECTS_ENCODING_UNSUPPORTED`, `ICE_EFFECTS_INPUT_LIMIT` */
function checkInput({ stdin, stdinEncoding }: ProcessArguments): void {
  if (!isSecretHandle(stdin)) inputOf(stdin, stdinEncoding)
  else if (stdinEncoding === 'base64') {
    const message = 'A standard input that is a secret is a text'
    throw new EffectsError(EFFECTS_CODES.encoding, message)
  }
}

/** What is written of a variable. A secret has a limit of its own, and its size tells of it. */
function writtenBytes(text: string | SecretHandle): number {
  return isSecretHandle(text) ? composedBytesMax(text) - SECRET_BYTES_MAX : Buffer.byteLength(text)
}

function bytesOf(texts: readonly string[]): number {
  return texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0)
}

function checkBytes(what: string, size: number, limit: number): void {
  if (size > limit) throw tooMany(`bytes of ${what}`, size, limit)
}

function tooMany(what: string, size: number, limit: number): ProcessError {
  const message = `The call has ${size} ${what}, and may have ${limit}`
  return new ProcessError(PROCESS_CODES.argumentsLimit, message, { size, limit })
}

function refused(pointer: string, message: string): EffectsError {
  const text = `The arguments do not fit at ${pointer}: ${message}`
  return new EffectsError(EFFECTS_CODES.argumentsInvalid, text, { pointer })
}

/** Arguments as they are recorded and handed on. */
export function recordedArguments(args: ProcessArguments): JsonObject {
  return recordable(args)
}

/** The bytes a program reads, where there are any. */
export function inputOf(
  stdin: string | undefined,
  encoding: ProcessArguments['stdinEncoding'],
): Buffer | undefined {
  return stdin === undefined ? undefined : contentBytes({ content: stdin, encoding })
}

/** How many bytes a program reads; of an input that is a secret, how many it can have at most. */
export function inputBytes({ stdin, stdinEncoding }: ProcessArguments): number {
  if (isSecretHandle(stdin)) return composedBytesMax(stdin)
  return inputOf(stdin, stdinEncoding)?.length ?? 0
}

/** What a call claims of its grant. */
export function claimOf(args: ProcessArguments): JsonObject {
  const { program, cwd, write, network, sandbox } = args
  return { program, args: args.args, env: Object.keys(args.env), cwd, write, network, sandbox }
}
