/**
 * A handle: what stands in arguments in the place of a secret.
 *
 *     { "$secret": name, "grant": name of a grant, ["before": text], ["after": text] }
 *     { "$secret": name, "grant": name of a grant, "basic": user }
 *
 * It is recorded as it is. The value takes its place inside the effect, between `before` and
 * `after`; with `basic`, as the password of that user, in the way of RFC 7617.
 */

import { Buffer } from 'node:buffer'
import { z } from 'zod'
import { HANDLE_TEXT_CHARS_MAX, SECRET_BYTES_MAX } from './limits.ts'

/** What stands in arguments in the place of a secret. */
export type SecretHandle = {
  /** The name of the secret: `github/token`. */
  readonly $secret: string
  /** The name that a grant of the kind `secret` has in the run. */
  readonly grant: string
  readonly before?: string
  readonly after?: string
  /** The user whose password it is, in a header `authorization`. */
  readonly basic?: string
}

const text = z.string().max(HANDLE_TEXT_CHARS_MAX)

/** Members that are left out stay out: arguments have passed through JSON. */
export const secretHandle: z.ZodType<SecretHandle> = z.union([
  z.strictObject({
    $secret: z.string().min(1).max(256),
    grant: z.string().min(1).max(256),
    before: text.optional(),
    after: text.optional(),
  }),
  z.strictObject({
    $secret: z.string().min(1).max(256),
    grant: z.string().min(1).max(256),
    basic: text.regex(/^[^:]*$/),
  }),
]) as z.ZodType as z.ZodType<SecretHandle>

/** A text, or what stands in its place. */
export const textOrSecret: z.ZodType<string | SecretHandle> = z.union([z.string(), secretHandle])

/** Whether this stands in the place of a text. */
export function isSecretHandle(value: unknown): value is SecretHandle {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, '$secret')
}

/** The text that a handle stands for. */
export function composed({ before = '', after = '', basic }: SecretHandle, value: string): string {
  if (basic === undefined) return `${before}${value}${after}`
  return `Basic ${Buffer.from(`${basic}:${value}`).toString('base64')}`
}

/** The most bytes a handle can stand for: its true size would tell of the value. */
export function composedBytesMax({ before = '', after = '', basic }: SecretHandle): number {
  if (basic === undefined) return Buffer.byteLength(before + after) + SECRET_BYTES_MAX
  const pair = Buffer.byteLength(basic) + 1 + SECRET_BYTES_MAX
  return 'Basic '.length + Math.ceil(pair / 3) * 4
}
