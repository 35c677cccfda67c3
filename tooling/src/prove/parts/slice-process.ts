/** Starts the process that is killed, kills it, or lets it come to its end. */
import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { ChildJob } from './slice-child.ts'

/** A process that was started. */
export interface Started {
  readonly child: ChildProcess
  /** Resolves when the run is recorded, or the process has ended. */
  readonly begun: Promise<void>
  /** Its end: the stretch it told, if it came that far. */
  readonly ended: Promise<Ending>
}

/** How it ended. */
export interface Ending {
  readonly stretch: {
    readonly kind: string
    readonly result?: { readonly conclusion: string }
  } | null
  readonly signal: NodeJS.Signals | null
  readonly code: number | null
  readonly stderr: string
}

interface Told {
  readonly run?: string
  readonly stretch?: Ending['stretch']
}

const file = fileURLToPath(new URL('./slice-child.ts', import.meta.url))

/** @param trace - where `strace` writes which files are opened; none is traced when left out */
export const start = (job: ChildJob, trace?: string): Started => {
  const node = [process.execPath, file, JSON.stringify(job)]
  const strace = ['strace', '-f', '--seccomp-bpf', '-y', '-qq', '-s', '4096', '-e', 'trace=openat']
  const [command = '', ...args] = trace === undefined ? node : [...strace, '-o', trace, ...node]
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] })
  let stretch: Ending['stretch'] = null
  let stderr = ''
  let isBegun: () => void = () => undefined
  const begun = new Promise<void>((resolve) => {
    isBegun = resolve
  })
  child.on('message', (told: Told) => {
    if (told.run !== undefined) isBegun()
    if (told.stretch !== undefined) stretch = told.stretch
  })
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr = (stderr + chunk.toString()).slice(-4_000)
  })
  const ended = new Promise<Ending>((resolve) => {
    child.once('close', (code, signal) => {
      isBegun()
      resolve({ stretch, code, signal, stderr })
    })
  })
  return { child, begun, ended }
}
