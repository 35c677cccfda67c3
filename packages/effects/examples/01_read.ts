/** Reads and writes below a root, and is refused where a link leads out of it. */
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileSystemEffects, fs } from '@ice/effects'
import type { EffectCall, EffectReport, EffectRequest } from '@ice/runs/ports'

const root = mkdtempSync(join(tmpdir(), 'ice-example-'))
symlinkSync('/etc/passwd', join(root, 'shortcut'))

// What a runtime does once it has authorised a request and recorded the intent.
const handlers = fileSystemEffects()
const perform = async (request: EffectRequest<unknown>): Promise<EffectReport> => {
  const handler = handlers.find(({ action }) => action === request.action)
  if (handler === undefined) throw new TypeError(`nothing carries out ${request.action}`)
  const call = {
    arguments: handler.arguments.parse(request.arguments),
    grant: { id: '0190a1b2-0000-7000-8000-000000000002', resources: [{ kind: 'fs', root }] },
    idempotencyKey: '0190a1b2-0000-7000-8000-000000000001/greet',
    attempt: 1,
    signal: new AbortController().signal,
  }
  return handler.perform(call as unknown as EffectCall)
}

await perform(fs.write('notes', { path: 'hello.txt', content: 'hello' }))
const { value, observed } = await perform(fs.read('notes', { path: 'hello.txt' }))
console.log(value, observed) // hello { path: 'hello.txt', bytes: 5, sha256: '2cf24dba…' }

const refused = await perform(fs.read('notes', { path: 'shortcut' })).catch((error) => error)
console.log(refused.code) // ICE_EFFECTS_PATH_ESCAPE_DENIED
rmSync(root, { recursive: true })
