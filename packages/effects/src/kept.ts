/**
 * What a change of a file keeps so that it can be undone: what it found, and what it left.
 *
 *     kept   = { path, before, now }
 *     path   = the way that was gone, links undone, relative to the root of the grant
 *     before = null / file with its content / link          ; what the effect found
 *     now    = null / file                                  ; what it left
 *     file   = { kind: "file", mode, bytes, sha256, [content, encoding] }
 *     link   = { kind: "link", target }                     ; base64 of its bytes
 *
 * Recorded with the outcome, and read back by the compensation. What comes back is held against
 * this shape and against its own digest before a byte of it is written.
 *
 * The trap: keeping what cannot be put back as it was. A file of another owner, of further names or
 * with a set-user-id bit would come back as another file that looks the same; so such a change
 * keeps nothing, and says why.
 */

import { Buffer, isUtf8 } from 'node:buffer'
import type { Stats } from 'node:fs'
import type { JsonObject } from '@ice/primitives'
import type { EffectReport } from '@ice/runs/ports'
import { z } from 'zod'
import { type Digest, digestOf } from './bytes.ts'
import { EFFECTS_CODES, EffectsError } from './errors.ts'
import type { EntryKind } from './walk.ts'

/** A file as an effect left it. */
export interface LeftFile extends Digest {
  readonly kind: 'file'
  /** Permissions, all twelve bits. */
  readonly mode: number
}

/** A file as an effect found it, with all of its content. */
export interface KeptFile extends LeftFile {
  readonly content: string
  readonly encoding: 'utf8' | 'base64'
}

/** A link as an effect found it. */
export interface KeptLink {
  readonly kind: 'link'
  readonly target: string
}

/** What a compensation needs. */
export interface Kept {
  readonly path: string
  readonly before: KeptFile | KeptLink | null
  readonly now: LeftFile | null
}

/** Why a change keeps nothing, and so cannot be undone. */
export type NotKept =
  | 'size' // larger than is kept here
  | 'kind' // a pipe, a socket, a device
  | 'unreadable' // not this process's to read
  | 'mode' // a set-user-id bit or its like, which no effect sets
  | 'owner' // somebody else's, which no effect can give back
  | 'links' // one of several names of a file
  | 'changed' // somebody changed it between the look and the act
  | 'repeated' // an earlier attempt may have done it, and what that one found is lost

/** All twelve bits that `chmod(2)` knows. */
const ALL_BITS = 0o7777
/** Those that no effect sets. */
const SPECIAL_BITS = 0o7000

/** A report with what was kept, or with why nothing was. */
export function keeping(
  report: EffectReport,
  kept: Kept | { readonly notKept: NotKept },
): EffectReport {
  if (!('notKept' in kept)) return { ...report, kept: kept as unknown as JsonObject }
  return { ...report, observed: { ...report.observed, ...kept } }
}

/** The permissions of these stats. */
export function modeOf({ mode }: Stats): number {
  return mode & ALL_BITS
}

/** Why what has these stats could not be put back, as far as they tell. */
export function unkeepable(
  { stats, kind, directory }: { stats: Stats; kind: EntryKind; directory: Stats },
  bytesMax: number,
): NotKept | undefined {
  if (kind !== 'file' && kind !== 'link') return 'kind'
  if (stats.nlink > 1) return 'links'
  if (!isOwn(stats, directory)) return 'owner'
  if (kind === 'link') return undefined
  if ((stats.mode & SPECIAL_BITS) !== 0) return 'mode'
  return stats.size > bytesMax ? 'size' : undefined
}

/** Whether a new entry of this directory would belong to the same user and group. */
function isOwn({ uid, gid }: Stats, directory: Stats): boolean {
  const [user, group] = [process.geteuid?.(), process.getegid?.()]
  if (user === undefined || group === undefined) return true // no owners on this platform
  const inherited = (directory.mode & 0o2000) === 0 ? group : directory.gid
  return uid === user && gid === inherited
}

/** A file with its content, as it is kept. */
export function keptFile(bytes: Buffer, mode: number): KeptFile {
  const file = { kind: 'file', mode, ...digestOf(bytes) } as const
  const text = isUtf8(bytes) ? bytes.toString('utf8') : undefined
  // Control characters take six bytes each in JSON: base64 is then the shorter one.
  const isShort = text !== undefined && JSON.stringify(text).length <= (4 * bytes.length) / 3 + 2
  if (isShort) return { ...file, content: text, encoding: 'utf8' }
  return { ...file, content: bytes.toString('base64'), encoding: 'base64' }
}

/** The bytes of what was kept. @throws {EffectsError} `ICE_EFFECTS_KEPT_CORRUPT` */
export function bytesOfKept({ content, encoding, sha256 }: KeptFile): Buffer {
  const bytes = Buffer.from(content, encoding)
  if (digestOf(bytes).sha256 === sha256) return bytes
  throw corrupt('its content does not have its digest')
}

const path = z.string().min(1)
const left = {
  kind: z.literal('file'),
  mode: z.int().min(0).max(ALL_BITS),
  bytes: z.int().min(0),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
}
const file = z.strictObject({
  ...left,
  mode: z.int().min(0).max(0o777),
  content: z.string(),
  encoding: z.enum(['utf8', 'base64']),
})
const link = z.strictObject({ kind: z.literal('link'), target: z.string().min(1) })

const kept: z.ZodType<Kept> = z.strictObject({
  path,
  before: z.union([file, link]).nullable(),
  now: z.strictObject(left).nullable(),
})

/** What was kept, read back. @throws {EffectsError} `ICE_EFFECTS_KEPT_CORRUPT` */
export function readKept(value: JsonObject): Kept {
  const { data, error } = kept.safeParse(value)
  if (error !== undefined) throw corrupt('it has another shape')
  if (data.before?.kind === 'link' && data.now !== null) throw corrupt('a link is never replaced')
  return data
}

function corrupt(why: string): EffectsError {
  return new EffectsError(EFFECTS_CODES.keptCorrupt, `What was kept cannot be put back: ${why}`)
}
