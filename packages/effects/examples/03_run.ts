/** Starts a program in a box, and is refused an argument that its grant does not hold. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describeProcesses, proc, processEffects } from '@ice/effects'
import type { EffectCall, EffectReport, EffectRequest } from '@ice/runs/ports'

const root = mkdtempSync(join(tmpdir(), 'ice-example-'))

// One program, and the words it may be given: where there is no box, the grant has to say so.
const { sandbox: hasBox } = await describeProcesses()
const open = hasBox ? {} : ({ write: true, network: true, sandbox: 'unsandboxed' } as const)
const args = { words: ['-n'], rest: { of: { text: 32 }, max: 2 } }
const resource = { kind: 'proc', root, programs: [{ path: '/usr/bin/echo', args }], ...open }

// What a runtime does once it has authorised a request and recorded the intent.
const handlers = processEffects()
const perform = async (request: EffectRequest<unknown>): Promise<EffectReport> => {
  const handler = handlers.find(({ action }) => action === request.action)
  if (handler === undefined) throw new TypeError(`nothing carries out ${request.action}`)
  const call = {
    action: request.action,
    arguments: handler.arguments.parse(request.arguments),
    grant: { id: '0190a1b2-0000-7000-8000-000000000002', resources: [resource] },
    idempotencyKey: '0190a1b2-0000-7000-8000-000000000001/echo',
    attempt: 1,
    signal: new AbortController().signal,
  }
  return handler.perform(call as unknown as EffectCall)
}

const program = '/usr/bin/echo'
const { value } = await perform(proc.run('tools', { program, args: ['-n', '$(id)'], ...open }))
console.log(value) // { ended: 'exit', exitCode: 0, …, stdout: { content: '$(id)', … }, … }

const slipped = proc.run('tools', { program, args: ['-n', '-e'], ...open })
const refused = await perform(slipped).catch((error) => error)
console.log(refused.code) // ICE_EFFECTS_PROC_RESOURCE_DENIED
rmSync(root, { recursive: true })
