/** What becomes of a planted link: our own file handlers, or a bare call of Node, follow it. */

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileSystemEffects } from '@ice/effects'
import type { EffectCall } from '@ice/runs/ports'
import type { Attempt } from './escape-kit.ts'

/** Reads a path into the loot, or writes to it, in the way of the attempt. */
export const rootedFiles = async (
  attempt: Attempt,
  verb: 'read' | 'replace',
  path: string,
): Promise<void> => {
  const { mode, root } = attempt
  const whole = join(root, path)
  if (mode === 'bare') {
    if (verb === 'read') writeFileSync(join(root, 'loot'), readFileSync(whole))
    else writeFileSync(whole, 'x')
    return
  }
  const handler = fileSystemEffects().find(({ action }) => action === `fs.${verb}`)
  if (handler === undefined) throw new Error(`@ice/effects has no fs.${verb}`)
  const content = verb === 'read' ? {} : { content: 'x' }
  const call = {
    arguments: handler.arguments.parse({ path, ...content }),
    grant: { id: 'prove', resources: [{ kind: 'fs', root }] },
    attempt: 1,
    idempotencyKey: 'prove/step',
    signal: new AbortController().signal,
  }
  try {
    const { value } = await handler.perform(call as unknown as EffectCall)
    if (verb === 'read') writeFileSync(join(root, 'loot'), String(value))
  } catch (error) {
    const { code } = error as { readonly code?: unknown }
    if (typeof code !== 'string' || !code.startsWith('ICE_EFFECTS_')) throw error
  }
}
