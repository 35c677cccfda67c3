/** The handlers: each action with its fate, its outcome, its arguments and its act. */

import type {
  CompensationCall,
  CompensationReport,
  EffectCall,
  EffectHandler,
  EffectReport,
  Fate,
} from '@ice/runs/ports'
import type { z } from 'zod'
import type { Anchor } from './anchor.ts'
import {
  checkedArguments,
  listArguments,
  type PathArguments,
  patchArguments,
  pathArguments,
  readArguments,
  recordable,
  writeArguments,
} from './arguments.ts'
import { type Bounds, listBounds, NO_BYTES, readBounds, writeBounds } from './bounds.ts'
import { anchorOf, type FileSystemOptions } from './choose.ts'
import { deleteEntry } from './delete.ts'
import { translated } from './errno.ts'
import { KEPT_BYTES_MAX } from './limits.ts'
import { listDirectory } from './list.ts'
import { patchFile } from './patch/patch.ts'
import { readFile } from './read.ts'
import { replaceFile } from './replace.ts'
import { statEntry } from './stat.ts'
import { createFile } from './write.ts'

/** What is told of an action once. */
interface Action<A extends PathArguments> {
  readonly action: string
  readonly fate: Fate
  readonly outcome: string
  readonly schema: z.ZodType<A>
  readonly bounds: (args: A) => Bounds
  /** What it tells stands in files, which anybody may have written. */
  readonly tells?: true
  /** It changes something, and can be undone. */
  readonly undone?: true
  readonly act: (anchor: Anchor, call: EffectCall, args: A) => Promise<EffectReport>
}

/**
 * The handlers of the file effects: `fs.read`, `fs.list`, `fs.stat`, `fs.write`, `fs.replace`,
 * `fs.patch` and `fs.delete`. They hold nothing between calls and may act at the same time.
 *
 * @throws {EffectsError} `ICE_EFFECTS_PLATFORM_UNSUPPORTED` — `anchored` is wanted and impossible
 */
export function fileSystemEffects(options: FileSystemOptions = {}): readonly EffectHandler[] {
  const anchor = anchorOf(options)
  const keptBytesMax = Math.min(options.keptBytesMax ?? KEPT_BYTES_MAX, KEPT_BYTES_MAX)
  const observe = { fate: 'observe', tells: true } as const
  const idempotent = { fate: 'idempotent', undone: true } as const
  const written = {
    ...idempotent,
    outcome: 'FileWritten',
    schema: writeArguments,
    bounds: writeBounds,
  } as const
  return [
    handlerOf(anchor, {
      ...observe,
      action: 'fs.read',
      outcome: 'FileRead',
      schema: readArguments,
      bounds: readBounds,
      act: readFile,
    }),
    handlerOf(anchor, {
      ...observe,
      action: 'fs.list',
      outcome: 'DirectoryListed',
      schema: listArguments,
      bounds: listBounds,
      act: listDirectory,
    }),
    handlerOf(anchor, {
      ...observe,
      action: 'fs.stat',
      outcome: 'EffectSucceeded',
      schema: pathArguments,
      bounds: () => NO_BYTES,
      act: statEntry,
    }),
    handlerOf(anchor, { ...written, action: 'fs.write', act: createFile }),
    handlerOf(anchor, {
      ...written,
      action: 'fs.replace',
      act: (...call) => replaceFile(...call, keptBytesMax),
    }),
    handlerOf(anchor, {
      ...written,
      action: 'fs.patch',
      schema: patchArguments,
      act: (...call) => patchFile(...call, keptBytesMax),
      bounds: ({ maxBytes }) => ({ bytes: maxBytes }),
    }),
    handlerOf(anchor, {
      ...idempotent,
      action: 'fs.delete',
      outcome: 'FileDeleted',
      schema: pathArguments,
      bounds: () => NO_BYTES,
      act: (...call) => deleteEntry(...call, keptBytesMax),
    }),
  ]
}

function handlerOf<A extends PathArguments>(
  anchor: Anchor,
  { action, fate, outcome, schema, bounds, tells, undone, act }: Action<A>,
): EffectHandler {
  return Object.freeze({
    action,
    fate,
    outcome,
    arguments: { parse: (value: unknown) => recordable(checkedArguments(schema, value)) },
    resource: (args: EffectCall['arguments']) => ({ path: args['path'] ?? '' }),
    // Only ever asked about arguments that `parse` gave back.
    bounds: (args: EffectCall['arguments']) => bounds(args as unknown as A),
    source: ({ path }: EffectCall['arguments']) => (tells === true ? `fs:${path}` : null),
    async perform(call: EffectCall): Promise<EffectReport> {
      const args = checkedArguments(schema, call.arguments)
      try {
        return await act(anchor, call, args)
      } catch (error) {
        throw translated(error, args.path)
      }
    },
    ...(undone === true ? { compensate: compensation(anchor) } : {}),
  })
}

/** One for all that changes files: what was kept says what is to be put back. */
function compensation(anchor: Anchor) {
  return async (call: CompensationCall): Promise<CompensationReport> => {
    const { restored } = await import('./restore.ts')
    return restored(anchor, call)
  }
}
