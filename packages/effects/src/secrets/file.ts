/**
 * Secrets in a file that nobody else can read.
 *
 *     file = JSON object: { "github/token": "…", … }      ; at most 1 MiB
 *
 * Opened without following a link, then looked at through the descriptor: a regular file of this
 * user, with no permission for group or others. It is read whenever a secret is asked for, so a
 * replaced value is the next one that is used. On Windows, permissions say nothing, and it is
 * refused.
 */

import { Buffer } from 'node:buffer'
import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { parseStrict } from '@ice/primitives'
import { errnoOf } from '../errno.ts'
import { SECRET_CODES, SecretError } from './errors.ts'
import { SECRETS_FILE_BYTES_MAX } from './limits.ts'
import { type SecretStore, secretNotFound } from './store.ts'

const { O_RDONLY } = constants
const { O_NOFOLLOW = 0, O_NONBLOCK = 0 } = constants
const OTHERS = 0o077

/** Secrets in a file of mode 0600 (or less) that belongs to this user. */
export function fileSecrets(path: string): SecretStore {
  return {
    names: async () => [...(await valuesIn(path)).keys()],
    resolve: async (name) => {
      const value = (await valuesIn(path)).get(name)
      if (value === undefined) throw secretNotFound(name)
      return Buffer.from(value)
    },
  }
}

async function valuesIn(path: string): Promise<ReadonlyMap<string, string>> {
  const file = await opened(path)
  try {
    await checkOwner(file)
    return parsed(await contentOf(file))
  } finally {
    await file.close()
  }
}

async function opened(path: string): Promise<FileHandle> {
  try {
    return await open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
  } catch (error) {
    // The path is the owner's, and an error of the system would carry it into a record.
    const errno = errnoOf(error) ?? 'unknown'
    throw refused(errno === 'ELOOP' ? 'is a link' : `cannot be opened (${errno})`)
  }
}

async function checkOwner(file: FileHandle): Promise<void> {
  const { mode, uid, size } = await file.stat()
  if ((mode & constants.S_IFMT) !== constants.S_IFREG) throw refused('is no regular file')
  const own = process.getuid?.()
  if (own === undefined) throw refused('has permissions that say nothing on this platform')
  if (uid !== own) throw refused('belongs to someone else')
  if ((mode & OTHERS) !== 0) throw refused('can be read or written by others: chmod 600')
  if (size > SECRETS_FILE_BYTES_MAX) throw refused('is too large')
}

async function contentOf(file: FileHandle): Promise<Buffer> {
  const room = Buffer.alloc(SECRETS_FILE_BYTES_MAX + 1)
  let bytes = 0
  for (;;) {
    const { bytesRead } = await file.read(room, bytes, room.length - bytes, bytes)
    if (bytesRead === 0) return room.subarray(0, bytes)
    bytes += bytesRead
    if (bytes > SECRETS_FILE_BYTES_MAX) throw refused('is too large')
  }
}

/** Without what the parser says: it quotes the text it stumbles over. */
function parsed(bytes: Buffer): ReadonlyMap<string, string> {
  const value = parsedJson(bytes)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw refused('is no JSON object')
  }
  const entries = Object.entries(value as Readonly<Record<string, unknown>>)
  return new Map(
    entries.map(([name, secret]) => {
      if (typeof secret !== 'string') throw refused('has a value that is no text')
      return [name, secret]
    }),
  )
}

function parsedJson(bytes: Buffer): unknown {
  try {
    return parseStrict(bytes, { bytesMax: SECRETS_FILE_BYTES_MAX })
  } catch {
    throw refused('is no JSON object')
  }
}

function refused(why: string): SecretError {
  return new SecretError(SECRET_CODES.file, `The file of secrets ${why}`)
}
