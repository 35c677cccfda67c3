/// <reference lib="es2024.string" />
/** The arguments of the process actions, checked and with their defaults; and what they claim. */

import { Buffer } from 'node:buffer'
import type { JsonObject } from '@ice/primitives'
import { z } from 'zod'
import { checked, recordable } from '../arguments.ts'
import { contentBytes } from '../content.ts'
import { EFFECTS_CODES, EffectsError } from '../errors.ts'
import { parsePath } from '../path.ts'
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
  readonly env: Readonly<Record<string, string>>
  readonly cwd: string
  readonly stdin?: string | undefined
  readonly stdinEncoding: 'utf8' | 'base64'
  readonly encoding: 'auto' | 'base64'
  readonly maxBytes: number
  readonly timeoutMs: number
  readonly write: boolean
  readonly network: boolean
  readonly sandbox: 'required' | 'unsandboxed'
}

const word = z.string().refine((text) => text.isWellFormed() && !text.includes('\0'), {
  error: 'text holds no NUL and no lone surrogate',
})

const common = {
  program: word.min(1),
  args: z.array(word).max(ARGUMENTS_MAX).default([]),
  env: z.record(word.min(1), word).default({}),
  cwd: z.string().default('.'),
  stdin: z.string().optional(),
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
 * @throws {ProcessError} `ICE_EFFECTS_PROC_ARGUMENTS_LIMIT`
 */
export function checkedProcessArguments(
  schema: z.ZodType<ProcessArguments>,
  value: unknown,
): ProcessArguments {
  const args = checked(schema, value)
  parsePath(args.cwd)
  stdinOf(args)
  const names = Object.keys(args.env)
  const strange = names.find((name) => name.includes('='))
  if (strange !== undefined) throw refused('/env', 'the name of a variable holds no "="')
  if (args.sandbox === 'unsandboxed' && !(args.write && args.network)) {
    const message = 'without a box a program writes and has the network: say "write" and "network"'
    throw refused('/sandbox', message)
  }
  checkSize('arguments', args.args, ARGUMENT_BYTES_MAX)
  if (names.length > VARIABLES_MAX) throw tooMany('variables', names.length, VARIABLES_MAX)
  checkSize('variables', Object.entries(args.env).flat(), VARIABLE_BYTES_MAX)
  return args
}

function checkSize(what: string, texts: readonly string[], limit: number): void {
  const size = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0)
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
export function stdinOf({ stdin, stdinEncoding }: ProcessArguments): Buffer | undefined {
  if (stdin === undefined) return undefined
  return contentBytes({ content: stdin, encoding: stdinEncoding })
}

/** What a call claims of its grant. */
export function claimOf(args: ProcessArguments): JsonObject {
  const { program, cwd, write, network, sandbox } = args
  return { program, args: args.args, env: Object.keys(args.env), cwd, write, network, sandbox }
}
