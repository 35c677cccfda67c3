/**
 * Bytes in and out of open files, chunk by chunk, off the event loop and until the signal fires.
 */

import { Buffer } from 'node:buffer'
import { createHash } from 'node:crypto'
import { read, write } from 'node:fs'
import { promisify } from 'node:util'
import { EFFECTS_CODES, EffectsError } from './errors.ts'
import { CHUNK_BYTES } from './limits.ts'

/** @units bytes of the smallest chunk: a page of memory */
const SMALL_BYTES = 4_096

const readAt = promisify(read)
const writeAt = promisify(write)

/** How much was read, and what it was. */
export interface Digest {
  readonly bytes: number
  /** In lower-case hex. */
  readonly sha256: string
}

/** What to read, and how far. */
export interface ReadInit {
  readonly fd: number
  /** What the file was said to hold; it may hold more or less by now. */
  readonly size: number
  readonly limit: number
  readonly signal: AbortSignal
}

/**
 * Reads a file to its end. `sink` gets each chunk once; it is overwritten by the next one.
 *
 * @throws {EffectsError} `ICE_EFFECTS_OUTPUT_LIMIT`, `ICE_EFFECTS_ABORTED`
 */
export async function readBytes(init: ReadInit, sink: (chunk: Buffer) => void): Promise<Digest> {
  const { fd, size, limit, signal } = init
  if (size > limit) throw tooLarge(size, limit)
  // Room for what the file was said to hold, and for a file of /proc, which says 0.
  const chunk = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, Math.max(size, SMALL_BYTES)))
  const hash = createHash('sha256')
  let bytes = 0
  for (;;) {
    throwIfAborted(signal)
    const { bytesRead } = await readAt(fd, chunk, 0, chunk.length, bytes)
    if (bytesRead === 0) break
    bytes += bytesRead
    if (bytes > limit) throw tooLarge(bytes, limit)
    const part = chunk.subarray(0, bytesRead)
    hash.update(part)
    sink(part)
  }
  throwIfAborted(signal)
  return { bytes, sha256: hash.digest('hex') }
}

/** Writes all of `bytes` to a new file. @throws {EffectsError} `ICE_EFFECTS_ABORTED` */
export async function writeBytes(fd: number, bytes: Buffer, signal: AbortSignal): Promise<void> {
  let at = 0
  while (at < bytes.length) {
    throwIfAborted(signal)
    const length = Math.min(CHUNK_BYTES, bytes.length - at)
    const { bytesWritten } = await writeAt(fd, bytes, at, length, at)
    at += bytesWritten
  }
}

/** The digest of bytes at hand. */
export function digestOf(bytes: Buffer): Digest {
  return { bytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') }
}

/** @throws {EffectsError} `ICE_EFFECTS_ABORTED` */
export function throwIfAborted(signal: AbortSignal): void {
  if (!signal.aborted) return
  const cause: unknown = signal.reason
  throw new EffectsError(EFFECTS_CODES.aborted, 'The effect was aborted', {}, cause)
}

function tooLarge(size: number, limit: number): EffectsError {
  const message = `The file has ${size} bytes, and the call allows ${limit}`
  return new EffectsError(EFFECTS_CODES.outputLimit, message, { size, limit })
}
