/// <reference lib="es2024.string" />
/**
 * The arguments of each action, checked and with their defaults before anything is decided.
 *
 * A path is checked for what no path is. Where it leads is not looked at here: that is for the
 * decision, and for the walk.
 */

import { Buffer } from 'node:buffer'
import type { JsonObject } from '@ice/primitives'
import { z } from 'zod'
import { EFFECTS_CODES, EffectsError } from './errors.ts'
import {
  FOLD_BYTES_MAX,
  LIST_ENTRIES_DEFAULT,
  LIST_ENTRIES_MAX,
  READ_BYTES_DEFAULT,
} from './limits.ts'
import { PATCH_BYTES_MAX, PATCH_RESULT_BYTES_DEFAULT, PATCHED_BYTES_MAX } from './patch/limits.ts'
import { parsePath } from './path.ts'

const path = z.string()
const encoding = z.enum(['utf8', 'base64']).default('utf8')

/** Arguments of `fs.stat` and `fs.delete`. */
export interface PathArguments {
  readonly path: string
}

/** Arguments of `fs.read`. */
export interface ReadArguments extends PathArguments {
  readonly encoding: 'utf8' | 'base64'
  readonly maxBytes: number
}

/** Arguments of `fs.list`. */
export interface ListArguments extends PathArguments {
  readonly after?: string | undefined
  readonly limit: number
}

/** Arguments of `fs.write` and `fs.replace`. */
export interface WriteArguments extends PathArguments {
  readonly encoding: 'utf8' | 'base64'
  readonly content: string
}

/** Arguments of `fs.patch`. */
export interface PatchArguments extends PathArguments {
  /** A unified diff of this file. */
  readonly patch: string
  /** SHA-256 of the content the patch was made for, in lower-case hex. */
  readonly expected: string
  /** What the file may have afterwards, in bytes. */
  readonly maxBytes: number
}

export const patchArguments: z.ZodType<PatchArguments> = z.strictObject({
  path,
  patch: z
    .string()
    .refine((text) => text.isWellFormed(), 'is not well-formed Unicode')
    .refine((text) => Buffer.byteLength(text) <= PATCH_BYTES_MAX, 'is larger than a patch may be'),
  expected: z.string().regex(/^[0-9a-f]{64}$/),
  maxBytes: z.int().min(0).max(PATCHED_BYTES_MAX).default(PATCH_RESULT_BYTES_DEFAULT),
})

export const pathArguments: z.ZodType<PathArguments> = z.strictObject({ path })

export const readArguments: z.ZodType<ReadArguments> = z.strictObject({
  path,
  encoding,
  maxBytes: z.int().min(0).max(FOLD_BYTES_MAX).default(READ_BYTES_DEFAULT),
})

export const listArguments: z.ZodType<ListArguments> = z.strictObject({
  path,
  after: z.string().min(1).optional(),
  limit: z.int().min(1).max(LIST_ENTRIES_MAX).default(LIST_ENTRIES_DEFAULT),
})

export const writeArguments: z.ZodType<WriteArguments> = z.strictObject({
  path,
  encoding,
  content: z.string(),
})

/**
 * Checks arguments.
 *
 * @throws {EffectsError} `ICE_EFFECTS_ARGUMENTS_UNSUPPORTED`, `ICE_EFFECTS_PATH_UNSUPPORTED`,
 * `ICE_EFFECTS_PATH_LIMIT`
 */
export function checkedArguments<A extends PathArguments>(schema: z.ZodType<A>, value: unknown): A {
  const args = checked(schema, value)
  parsePath(args.path)
  return args
}

/** Holds arguments against a schema. @throws {EffectsError} `ICE_EFFECTS_ARGUMENTS_UNSUPPORTED` */
export function checked<A>(schema: z.ZodType<A>, value: unknown): A {
  const { data, error } = schema.safeParse(value)
  if (error !== undefined) throw refused(error)
  return data
}

/** Arguments as they are recorded: what was left out and has no default stays out. */
export function recordable(args: object): JsonObject {
  return Object.fromEntries(Object.entries(args).filter(([, value]) => value !== undefined))
}

function refused(error: z.ZodError): EffectsError {
  const [issue] = error.issues
  const pointer = (issue?.path ?? []).map((step) => `/${String(step)}`).join('')
  const place = pointer === '' ? '' : ` at ${pointer}`
  return new EffectsError(
    EFFECTS_CODES.argumentsInvalid,
    `The arguments do not fit${place}: ${issue?.message ?? 'not what the action takes'}`,
    { pointer },
  )
}
