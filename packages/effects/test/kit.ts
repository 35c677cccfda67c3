/** What the tests of this package share: folders, calls, and what became of them. */

import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { EventId, GrantId, JsonObject, JsonValue, RunId } from '@ice/primitives'
import type { ByteFold, EffectReport, EffectRequest } from '@ice/runs/ports'
import { afterEach } from 'vitest'
import { type Containment, fileSystemEffects } from '../src/index.ts'

const folders: string[] = []

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

/** Where a hundred thousand files are made quickly, and holes in a file take no memory to read. */
export const memory: string = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()

/** A folder that is gone after the test. */
export function folder(base: string = tmpdir()): string {
  const made = mkdtempSync(join(base, 'ice-effects-'))
  folders.push(made)
  return made
}

/** Makes a tree: `dir/` is a directory, `name -> target` a link, `name = text` a file. */
export function plant(root: string, lines: readonly string[]): void {
  for (const line of lines) {
    const link = /^(.*?) -> (.*)$/.exec(line)
    const file = /^(.*?) = (.*)$/s.exec(line)
    const name = link?.[1] ?? file?.[1] ?? line
    const place = join(root, name)
    mkdirSync(name.endsWith('/') ? place : dirname(place), { recursive: true })
    if (link !== null) symlinkSync(link[2] ?? '', place)
    else if (file !== null) writeFileSync(place, file[2] ?? '')
  }
}

/** How a call differs from a plain one. */
export interface CallOptions {
  readonly within?: readonly string[]
  /** Resources of grants above, the nearest first. */
  readonly above?: readonly JsonObject[]
  readonly attempt?: number
  readonly key?: string
  readonly signal?: AbortSignal
  readonly containment?: Containment
}

/** Performs a request below a root, as the runtime would once it is authorised. */
export async function perform(
  root: string,
  request: EffectRequest<unknown>,
  options: CallOptions = {},
): Promise<EffectReport> {
  const { within, above = [], attempt = 1, key = 'run/step', containment } = options
  const handlers = fileSystemEffects(containment === undefined ? {} : { containment })
  const handler = handlers.find(({ action }) => action === request.action)
  if (handler === undefined) throw new TypeError(`no handler for ${request.action}`)
  const args = handler.arguments.parse(request.arguments)
  const own = { kind: 'fs', root, ...(within === undefined ? {} : { within }) }
  return handler.perform({
    run: '0190a1b2-0000-7000-8000-000000000001' as RunId,
    effect: 'step',
    attempt,
    idempotencyKey: key,
    intent: 'run/0190a1b2-0000-7000-8000-000000000001@7' as EventId,
    action: request.action,
    arguments: args,
    resource: handler.resource(args),
    grant: {
      id: '0190a1b2-0000-7000-8000-000000000002' as GrantId,
      resources: [own, ...above] as readonly (JsonObject & { readonly kind: string })[],
    },
    ...(request.fold === undefined ? {} : { fold: request.fold as ByteFold }),
    signal: options.signal ?? new AbortController().signal,
  })
}

/** The value of a request. */
export async function resultOf(
  root: string,
  request: EffectRequest<unknown>,
  options: CallOptions = {},
): Promise<JsonValue> {
  return (await perform(root, request, options)).value
}

/** The code a request fails with, or `'done'`. */
export async function codeOf(
  root: string,
  request: EffectRequest<unknown>,
  options: CallOptions = {},
): Promise<string> {
  try {
    await perform(root, request, options)
    return 'done'
  } catch (error) {
    const { code } = error as { readonly code?: unknown }
    return typeof code === 'string' ? code : String(error)
  }
}

/** Descriptors this process has open. */
export function openDescriptors(): number {
  return readdirSync('/proc/self/fd').length
}
