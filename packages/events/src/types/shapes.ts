/** Shapes that several payloads share. */

import { z } from 'zod'

/**
 * A short name: a step, a grant's name in a run, an action. Any text of up to 512 characters: a
 * step may be named after a file, and a file's name may hold a line break.
 */
export const name = z.string().min(1).max(512)

/** 64 lower-case hex digits. */
export const digest = z.string().regex(/^[0-9a-f]{64}$/)

/** A UUIDv7 in its text form (RFC 9562). */
export const uuid = z
  .string()
  .regex(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)

/** A whole number of zero or more. */
export const count = z.int().min(0)

/** Epoch milliseconds, UTC. */
export const time = z.int().min(0)

/** `<stream>@<version>`. */
export const eventId = z.string().min(3).max(300)

/** Prose for people. */
export const text = z.string().max(2048)

/** A content-addressed value (see `BlobRef`). */
export const blobRef = z.strictObject({
  $blob: digest,
  size: count,
  key: z.string().max(128).optional(),
})

/** A value: inline JSON, or a reference to a blob that holds it. */
export const value = z.union([
  z.strictObject({ inline: z.unknown() }),
  z.strictObject({ blob: blobRef }),
])

/** What anything thrown becomes (see `errorRecord` in `@ice/primitives`). */
export const errorRecord = z.strictObject({
  code: z.string().max(128),
  message: z.string().max(4096),
  data: z.record(z.string(), z.unknown()).optional(),
  retryable: z.boolean(),
  cause: z.unknown().optional(),
})

/** One coded cause in the tree of a denial. */
export const denial = z.strictObject({
  code: z.string().max(128),
  message: text,
  data: z.record(z.string(), z.unknown()),
  causes: z.array(z.unknown()).max(64),
})

/** A unit of a budget: `uses`, `rate`, `tokens`, `bytes`, `ms`, `money/<ISO 4217>`. */
const unit = z.string().regex(/^(uses|rate|tokens|bytes|ms|money\/[A-Z]{3})$/)

/** The most that a call can take of each unit. */
export const bounds = z.record(unit, count)

/** So much of a budget: money in millionths of the currency, `window` of a rate by its number. */
export const share = z.strictObject({ grant: uuid, unit, amount: count, window: count.optional() })

/** Where a value came from and who may read it; no sources is trusted, `null` readers is all. */
export const label = z.strictObject({
  sources: z.array(name).max(32),
  readers: z.array(name).max(64).nullable(),
})

/** Whose child a run is, by which step, and how many runs lie above it. */
export const parentage = z.strictObject({
  run: uuid,
  step: name,
  depth: z.int().min(1).max(64),
  /** It does not end with its parent. */
  detached: z.literal(true).optional(),
})

/** For which run another goes on, the first of their line, and which signals were taken. */
export const succession = z.strictObject({
  run: uuid,
  first: uuid,
  taken: z.record(z.string(), count),
})
