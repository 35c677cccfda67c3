/**
 * The most a file effect can take: `bytes`, of contents and of names. Nothing here bounds time.
 *
 * A bound is what the effect is held to, whatever it finds: a read by `maxBytes`, a list by its
 * entries and their names, a write by its content. What it took in fact stands in its report.
 */

import { Buffer } from 'node:buffer'
import type { ListArguments, ReadArguments, WriteArguments } from './arguments.ts'
import { LIST_NAME_BYTES_MAX, NAME_BYTES_MAX } from './limits.ts'

/** What a handler says its calls can take. */
export type Bounds = { readonly bytes: number }

export const NO_BYTES: Bounds = Object.freeze({ bytes: 0 })

export function readBounds({ maxBytes }: ReadArguments): Bounds {
  return { bytes: maxBytes }
}

export function listBounds({ limit }: ListArguments): Bounds {
  return { bytes: Math.min(limit * NAME_BYTES_MAX, LIST_NAME_BYTES_MAX) }
}

export function writeBounds({ content, encoding }: WriteArguments): Bounds {
  return { bytes: Buffer.byteLength(content, encoding) }
}
