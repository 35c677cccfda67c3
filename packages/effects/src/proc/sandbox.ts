/**
 * Whether this machine has a box that works: found out by starting something in one.
 *
 * That a file is called `bwrap` says little: namespaces may be switched off for whoever asks, a
 * container may forbid mounts, a control group may not be there to be made. So the first call that
 * needs a box has `prlimit` tell, from inside one, which limits it is held to.
 */

import { mkdtempSync, rmdirSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { errorRecord } from '@ice/primitives'
import { PROCESS_CODES, ProcessError } from './errors.ts'
import { KEPT_BYTES_DEFAULT, START_MS } from './limits.ts'
import { type ProcessOptions, type Settings, settingsOf } from './options.ts'
import type { Held } from './running.ts'
import { startBoxed } from './start-boxed.ts'
import { supervised } from './supervise.ts'

/** What was found out. */
export type Sandbox =
  | { readonly usable: true; readonly held: Held }
  | { readonly usable: false; readonly reason: string }

const proven = new WeakMap<Settings, Held>()

/**
 * Tries a box, once for each `processEffects()` that finds one; what is missing is looked for again
 * with the next call.
 */
export async function sandboxOf(settings: Settings): Promise<Sandbox> {
  const known = proven.get(settings)
  if (known !== undefined) return { usable: true, held: known }
  if (process.platform !== 'linux') return unusable('boxes are made on Linux')
  for (const path of [settings.bubblewrap, settings.prlimit]) {
    if (!isFile(path)) return unusable(`there is no ${path}`)
  }
  const tried = await attempt(settings)
  if (tried.usable) proven.set(settings, tried.held)
  return tried
}

/** @throws {ProcessError} `ICE_EFFECTS_PROC_SANDBOX_UNSUPPORTED` */
export async function requireSandbox(settings: Settings): Promise<void> {
  const sandbox = await sandboxOf(settings)
  if (sandbox.usable) return
  const message = `The call needs a box, and this machine has none that works: ${sandbox.reason}`
  throw new ProcessError(PROCESS_CODES.sandbox, message, { reason: sandbox.reason })
}

function unusable(reason: string): Sandbox {
  return { usable: false, reason }
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true
}

async function attempt(settings: Settings): Promise<Sandbox> {
  const root = mkdtempSync(join(tmpdir(), 'ice-box-'))
  try {
    return await tried(settings, root)
  } catch (error) {
    const { message, data } = errorRecord(error)
    const { reason } = (data ?? {}) as { readonly reason?: unknown }
    return unusable(typeof reason === 'string' ? reason : message)
  } finally {
    rmdirSync(root)
  }
}

async function tried(settings: Settings, root: string): Promise<Sandbox> {
  const { signal } = new AbortController()
  const running = await startBoxed({
    settings,
    plan: {
      program: settings.prlimit,
      root,
      cwd: root,
      reads: [],
      env: {},
      write: false,
      network: false,
    },
    args: ['--raw', '--noheadings', '--output=RESOURCE,HARD'],
    hasInput: false,
    root: statSync(root),
    signal,
  })
  try {
    const result = await supervised(running, {
      call: { signal },
      input: undefined,
      maxBytes: KEPT_BYTES_DEFAULT,
      timeoutMs: START_MS,
      graceMs: settings.limits.graceMs,
    })
    const { content } = result.stdout.kept('auto')
    const missing = unheld(settings, running.held, content ?? '')
    if (result.ending.exitCode === 0 && missing === undefined) {
      return { usable: true, held: running.held }
    }
    const said = result.stderr.kept('auto').content ?? ''
    return unusable(missing ?? (said.trim().slice(0, 256) || 'a trial in one failed'))
  } finally {
    running.close()
  }
}

/** A limit that does not hold in the box. */
function unheld({ limits }: Settings, held: Held, listed: string): string | undefined {
  const values = new Map(
    listed.split('\n').map((line) => {
      const [name = '', value = ''] = line.trim().split(/\s+/)
      return [name, value]
    }),
  )
  const counts = held.kind === 'bubblewrap' && held.processes === 'rlimit'
  const wanted: readonly (readonly [string, number])[] = [
    ['DATA', limits.memoryBytes],
    ['FSIZE', limits.fileBytes],
    ['NOFILE', limits.openFiles],
    ...(counts ? [['NPROC', limits.processes] as const] : []),
  ]
  const missing = wanted.find(([name, value]) => values.get(name) !== `${value}`)
  return missing === undefined ? undefined : `the limit ${missing[0]} does not hold in it`
}

/** What the process effects promise on this machine. */
export interface ProcessDescription {
  /** Whether programs are started in boxes here; where not, only unsandboxed grants start any. */
  readonly sandbox: boolean
  /** The promise, or what is missing, in a sentence. */
  readonly note: string
}

/** Says what the process effects promise here, by trying; for `describe` and `doctor`. */
export async function describeProcesses(options: ProcessOptions = {}): Promise<ProcessDescription> {
  const sandbox = await sandboxOf(settingsOf(options))
  if (!sandbox.usable) {
    const where = 'Programs are started without a box alone, where a grant says so'
    const note = `${where}: ${sandbox.reason}.`
    return { sandbox: false, note }
  }
  const { held } = sandbox
  const filtered = held.kind === 'bubblewrap' && held.syscalls === 'filtered'
  const calls = filtered ? 'with a filter of system calls' : 'without a filter of system calls'
  return { sandbox: true, note: `Programs are started in boxes of bubblewrap, ${calls}.` }
}
