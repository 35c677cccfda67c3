/** `fs.read`: the bytes of one file, as text, in base64, or folded as they come. */

import { Buffer } from 'node:buffer'
import { closeSync } from 'node:fs'
import type { JsonValue } from '@ice/primitives'
import type { ByteFold, EffectCall, EffectReport } from '@ice/runs/ports'
import type { Anchor } from './anchor.ts'
import type { ReadArguments } from './arguments.ts'
import { type Digest, type ReadInit, readBytes } from './bytes.ts'
import { EFFECTS_CODES, EffectsError } from './errors.ts'
import { READ_BYTES_MAX } from './limits.ts'
import { parsePath, pathText } from './path.ts'
import { fileIn } from './present.ts'
import { findRooted } from './rooted.ts'

/** Reads a file; follows links that stay within the grant. */
export async function readFile(
  anchor: Anchor,
  call: EffectCall,
  args: ReadArguments,
): Promise<EffectReport> {
  const path = parsePath(args.path)
  const { resources } = call.grant
  const file = findRooted({ anchor, resources, path, last: 'follow' }, (found) => {
    const { entry, names } = fileIn(found, args.path)
    return { fd: anchor.openFile(entry), size: entry.stats.size, names }
  })
  try {
    const { fd, size } = file
    const { fold, signal } = call
    const limit = fold === undefined ? Math.min(args.maxBytes, READ_BYTES_MAX) : args.maxBytes
    const init = { fd, size, limit, signal }
    const { value, digest } =
      fold === undefined ? await contentOf(init, args.encoding) : await foldOf(init, fold)
    const observed = { path: pathText(file.names), ...digest }
    return { value, observed, spent: { bytes: digest.bytes } }
  } finally {
    closeSync(file.fd)
  }
}

interface Result {
  readonly value: JsonValue
  readonly digest: Digest
}

async function foldOf(init: ReadInit, fold: ByteFold): Promise<Result> {
  let state = fold.start()
  const digest = await readBytes(init, (chunk) => {
    state = fold.step(state, chunk)
  })
  return { value: fold.finish(state), digest }
}

async function contentOf(init: ReadInit, encoding: 'utf8' | 'base64'): Promise<Result> {
  const chunks: Buffer[] = []
  const digest = await readBytes(init, (chunk) => {
    chunks.push(Buffer.from(chunk))
  })
  const bytes = Buffer.concat(chunks)
  return { value: encoding === 'base64' ? bytes.toString('base64') : textOf(bytes), digest }
}

function textOf(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    // Its reason is always the same one, and a replacement character would be a false record.
    const message = 'The file is not UTF-8; read it in base64, or fold its bytes'
    throw new EffectsError(EFFECTS_CODES.encoding, message)
  }
}
