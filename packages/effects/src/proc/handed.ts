/**
 * What a program is handed and nobody else sees: its variables and its standard input, secrets in
 * their places.
 *
 *     variables   the environment of the process; of a boxed one, by way of a descriptor
 *     input       a pipe
 *
 * Both are read by the program, by root, and by processes of the same user that may look into it;
 * neither is on a command line, in a file, or in anything that is recorded.
 *
 * The trap: a NUL in a value. Options of a box are told apart by it, so a secret with one would be
 * read as further options.
 */

import type { Buffer } from 'node:buffer'
import type { EffectCall } from '@ice/runs/ports'
import { SECRET_CODES, SecretError } from '../secrets/errors.ts'
import { isSecretHandle, type SecretHandle } from '../secrets/handle.ts'
import { revealed } from '../secrets/with-secrets.ts'
import { inputOf, type ProcessArguments } from './arguments.ts'

/** What a program is handed. */
export interface Handed {
  readonly env: Readonly<Record<string, string>>
  readonly input: Buffer | undefined
}

/**
 * Puts secrets in the places of their handles.
 *
 * @throws {SecretError} what `revealed` throws; `ICE_EFFECTS_SECRET_ENCODING_UNSUPPORTED` where a
 * variable would hold a NUL
 */
export async function handedOver(call: EffectCall, args: ProcessArguments): Promise<Handed> {
  const env = new Map<string, string>()
  for (const [name, text] of Object.entries(args.env)) env.set(name, await variableOf(call, text))
  const { stdin, stdinEncoding } = args
  const input = isSecretHandle(stdin) ? await revealed(call, stdin) : stdin
  return { env: Object.fromEntries(env), input: inputOf(input, stdinEncoding) }
}

async function variableOf(call: EffectCall, text: string | SecretHandle): Promise<string> {
  if (!isSecretHandle(text)) return text
  const value = await revealed(call, text)
  if (!value.includes('\0')) return value
  const message = 'The secret holds a NUL, and no variable can'
  throw new SecretError(SECRET_CODES.encoding, message, { name: text.$secret })
}
