/**
 * The process that starts programs for the proof of their boxes: one for each user it is proved
 * for, told what to start by messages.
 *
 * It has what a program must not come by: a secret in its environment, and an open directory that
 * it was itself started with and hands on to whatever it starts without care.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { processEffects } from '@ice/effects'
import type { EffectCall } from '@ice/runs/ports'
import type { Answer, Call, Mode } from './escape-kit.ts'
import { CAPS } from './escapes-resources.ts'

/** What this process is asked. */
export interface Request {
  readonly id: number
  readonly call: Call
  readonly mode: Mode
}

const [run] = processEffects({ limits: CAPS })

/** @units milliseconds without a box, and without anybody who would end it */
const BARE_MS = 30_000

/** @units characters of standard error that are told */
const STDERR_MAX = 400

const bare = async (call: Call): Promise<Answer> => {
  const { program, args, env, cwd, root, shell = false } = call
  // Handed to a shell, words are one text: that is how they come to be read as more than words.
  const words = shell ? [program, ...args].join(' ') : program
  const child: ChildProcess = spawn(words, shell ? [] : [...args], {
    cwd: join(root, cwd),
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
    shell,
  })
  let [bytes, stderr] = [0, '']
  child.stdout?.on('data', (chunk: Buffer) => {
    bytes += chunk.length
  })
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr = `${stderr}${chunk.toString('latin1')}`.slice(0, STDERR_MAX)
  })
  const timer = setTimeout(() => child.kill('SIGKILL'), BARE_MS)
  const told = await new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(String((error as NodeJS.ErrnoException).code)))
    child.once('exit', (code, signal) => resolve(`exit ${code ?? signal}`))
  })
  clearTimeout(timer)
  return { told, bytes, stderr }
}

const boxed = async (call: Call): Promise<Answer> => {
  const { program, args, env, cwd, root, members, timeoutMs } = call
  const resource = { kind: 'proc', root, write: true, network: false, ...members }
  const isBare = members['sandbox'] === 'unsandboxed'
  const open = isBare ? { sandbox: 'unsandboxed', network: true } : {}
  try {
    if (run === undefined) throw new Error('@ice/effects has no proc.run')
    const wanted = { program, args, env, cwd, write: resource.write, timeoutMs, ...open }
    const perform = {
      action: 'proc.run',
      arguments: run.arguments.parse(wanted),
      attempt: 1,
      idempotencyKey: 'prove/step',
      signal: new AbortController().signal,
      grant: { id: 'prove', resources: [{ ...resource, ...open }] },
    }
    const { value, observed } = await run.perform(perform as unknown as EffectCall)
    const { stderr } = value as { readonly stderr: { readonly content: string | null } }
    const { ended, exitCode, stdout } = observed as {
      readonly ended: string
      readonly exitCode: number | null
      readonly stdout: { readonly bytes: number }
    }
    const said = (stderr.content ?? '').slice(0, STDERR_MAX)
    return { told: `${ended} ${exitCode}`, bytes: stdout.bytes, stderr: said }
  } catch (error) {
    const { code } = error as { readonly code?: unknown }
    if (typeof code !== 'string') throw error
    return { told: code, bytes: 0, stderr: '' }
  }
}

process.on('message', ({ id, call, mode }: Request) => {
  const answering = mode === 'bare' ? bare(call) : boxed(call)
  answering.then(
    (answer) => process.send?.({ id, answer }),
    (error: unknown) => process.send?.({ id, failure: String((error as Error).stack ?? error) }),
  )
})
process.on('disconnect', () => process.exit(0))
