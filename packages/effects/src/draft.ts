/**
 * A draft: content that is complete and durable before it gets the name it was asked for.
 *
 *     name = ".ice-" 16( hex of the effect's key ) "-" 16( hex of chance ) ".tmp"
 *
 * 1. A draft is a new file, made with `O_EXCL`: nothing that was there is opened for writing.
 * 2. Two attempts never share a name, so an attempt that was thought dead and goes on cannot
 *    publish the half-written draft of its successor.
 * 3. What a killed attempt left behind is taken away by the next attempt of that effect.
 */

import type { Buffer } from 'node:buffer'
import { createHash, randomBytes } from 'node:crypto'
import { closeSync, constants, fchmodSync, fstatSync, openSync } from 'node:fs'
import { opendir, unlink } from 'node:fs/promises'
import { hasCode } from '@ice/primitives'
import type { EffectCall } from '@ice/runs/ports'
import type { HeldDirectory, Place } from './anchor.ts'
import { throwIfAborted, writeBytes } from './bytes.ts'
import { errnoOf } from './errno.ts'
import { EFFECTS_CODES } from './errors.ts'
import { below, syncFile } from './place.ts'

const { O_CREAT, O_EXCL, O_WRONLY } = constants
const { O_NOFOLLOW = 0 } = constants

/** The permission bits of a file that is replaced; never set-user-id and its like. */
const MODE_BITS = 0o777

/** Whose draft it is: an effect, or what undoes one. */
export type Drafting = Pick<EffectCall, 'attempt' | 'idempotencyKey' | 'signal'>

/** What to publish, and where. */
export interface DraftInit {
  readonly directory: HeldDirectory
  readonly call: Drafting
  readonly bytes: Buffer
  /** Permissions to take over. @defaultValue those of any new file */
  readonly mode: number | undefined
}

/**
 * Writes a draft, lets `publish` give it its name, and makes that durable. Whatever fails, no name
 * of the draft is left. When that fails too, an abort is told by this: `ICE_EFFECTS_ABORTED` says
 * that nothing was changed.
 */
export async function published(
  init: DraftInit,
  publish: (draft: Place) => Promise<void>,
): Promise<void> {
  const { directory, call } = init
  if (call.attempt > 1) await sweep(directory, call)
  throwIfAborted(call.signal)
  const name = `${prefixOf(call)}${randomBytes(8).toString('hex')}.tmp`
  const draft = below(directory.place, name)
  const fd = openSync(draft, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o666)
  try {
    await filled(fd, init)
    throwIfAborted(call.signal)
    await publish(draft)
  } catch (error) {
    // The first failure is the one to tell; a draft that stays as well goes with the next attempt.
    await remove(draft).catch((left: unknown) => {
      if (hasCode(error, EFFECTS_CODES.aborted)) throw left
    })
    throw error
  }
  await remove(draft)
  await directory.sync()
}

async function filled(fd: number, { bytes, mode, call }: DraftInit): Promise<void> {
  try {
    if (mode !== undefined && (fstatSync(fd).mode & MODE_BITS) !== (mode & MODE_BITS)) {
      fchmodSync(fd, mode & MODE_BITS)
    }
    await writeBytes(fd, bytes, call.signal)
    await syncFile(fd)
  } finally {
    closeSync(fd)
  }
}

function prefixOf({ idempotencyKey }: Drafting): string {
  const digest = createHash('sha256').update(idempotencyKey).digest('hex')
  return `.ice-${digest.slice(0, 16)}-`
}

/** Takes away the drafts of earlier attempts of this effect. */
async function sweep(directory: HeldDirectory, call: Drafting): Promise<void> {
  const prefix = prefixOf(call)
  for await (const { name } of await opendir(directory.place, { encoding: 'latin1' })) {
    if (name.startsWith(prefix)) await remove(below(directory.place, name))
  }
}

/** A renamed draft has no name left to take away. */
async function remove(draft: Place): Promise<void> {
  try {
    await unlink(draft)
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error
  }
}
