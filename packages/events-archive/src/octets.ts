/** Octets of a file, or of memory: what a segment is read from. */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { corrupt, systemFailure } from './errors.ts'
import type { Octets } from './layout.ts'

/** Octets of an open file. */
export interface FileOctets extends Octets {
  close(): void
}

/**
 * Opens a regular file for reading. A symbolic link is refused: a segment is a file that someone
 * can copy, and what a link leads to may change behind it.
 *
 * @throws {EventsArchiveError} `ICE_EVENTS_ARCHIVE_SEGMENT_NOT_FOUND`,
 * `ICE_EVENTS_ARCHIVE_SEGMENT_CORRUPT`, `ICE_EVENTS_ARCHIVE_UNAVAILABLE`
 */
export function fileOctets(path: string): FileOctets {
  let descriptor: number
  try {
    // O_NONBLOCK: a pipe of that name would be waited for.
    const flags = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)
    descriptor = openSync(path, flags)
  } catch (error) {
    throw systemFailure(error, path)
  }
  try {
    const stats = fstatSync(descriptor)
    if (!stats.isFile()) throw corrupt(path, 'it is no regular file')
    return {
      path,
      size: stats.size,
      read: (at, length) => readExactly({ descriptor, path, at, length }),
      close: () => closeSync(descriptor),
    }
  } catch (error) {
    closeSync(descriptor)
    throw systemFailure(error, path)
  }
}

interface Portion {
  readonly descriptor: number
  readonly path: string
  readonly at: number
  readonly length: number
}

function readExactly({ descriptor, path, at, length }: Portion): Buffer {
  const buffer = Buffer.allocUnsafeSlow(length)
  let filled = 0
  try {
    while (filled < length) {
      const count = readSync(descriptor, buffer, filled, length - filled, at + filled)
      if (count === 0) throw corrupt(path, `it ends before byte ${at + length}`)
      filled += count
    }
  } catch (error) {
    throw systemFailure(error, path)
  }
  return buffer
}

/** Octets in memory. @param path - names them in messages */
export function memoryOctets(bytes: Uint8Array, path: string): Octets {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return {
    path,
    size: buffer.length,
    read(at, length) {
      if (at < 0 || at + length > buffer.length) throw corrupt(path, 'it is cut off')
      return buffer.subarray(at, at + length)
    },
  }
}
