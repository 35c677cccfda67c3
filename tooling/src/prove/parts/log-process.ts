/** Starts the process under proof, by itself or under `strace`, and waits for its end. */
import { spawn, spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { ChildJob } from './log-child.ts'
import { TRACED } from './log-trace.ts'

/** What is done to one system call of the process. */
export interface Injection {
  readonly syscall: string
  /** Which call of that name, of the thread that has them all. */
  readonly nth: number
  /** As `strace` takes it: `signal=SIGKILL`, `error=EIO`. */
  readonly effect: string
}

/** How a process is watched, and hindered. */
export interface Watch {
  /** Where traces go, one file for each thread: `<trace>.<thread>`. */
  readonly trace?: string
  /** Whether the trace has the bytes that were written. */
  readonly withBytes?: boolean
  readonly injection?: Injection
  /** A command in front of the process alone: `prlimit …`. */
  readonly before?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

/** How it ended. */
export interface Ending {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stderr: string
}

const child = fileURLToPath(new URL('./log-child.ts', import.meta.url))

/** More than any write of a store. @units bytes */
const WRITE_BYTES_MAX = 4_194_304

/**
 * A trace follows every thread, so that none is overlooked. An injection follows the first alone,
 * and stops it at each call: with `--seccomp-bpf` a signal would be announced and not delivered.
 */
const straceOf = ({ trace, withBytes, injection }: Watch): readonly string[] => {
  if (trace === undefined && injection === undefined) return []
  const shown = ['-qq', '-y', '-xx', '-s', String(withBytes === true ? WRITE_BYTES_MAX : 0)]
  if (injection === undefined) {
    return ['strace', '-ff', '--seccomp-bpf', ...shown, '-o', `${trace}`, '-e', `trace=${TRACED}`]
  }
  const { syscall, effect, nth } = injection
  const into = trace === undefined ? '/dev/null' : `${trace}.main`
  const traced = `trace=${trace === undefined ? syscall : TRACED}`
  const inject = `inject=${syscall}:${effect}:when=${nth}`
  return ['strace', ...shown, '-o', into, '-e', traced, '-e', inject]
}

/** Runs a script of this folder; its counts of calls are those of one thread. */
export const runScript = (
  script: string,
  args: readonly string[],
  watch: Watch = {},
): Promise<Ending> =>
  new Promise((resolve, reject) => {
    const [command = '', ...rest] = [
      ...straceOf(watch),
      ...(watch.before ?? []),
      process.execPath,
      script,
      ...args,
    ]
    const started = spawn(command, rest, {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, UV_THREADPOOL_SIZE: '1', ...watch.env },
    })
    let stderr = ''
    started.stderr.on('data', (chunk: Buffer) => {
      stderr = (stderr + chunk.toString()).slice(-4_000)
    })
    started.once('error', reject)
    started.once('close', (code, signal) => resolve({ code, signal, stderr }))
  })

/** Runs the process that plays a scenario. */
export const play = (job: ChildJob, watch: Watch = {}): Promise<Ending> =>
  runScript(child, [JSON.stringify(job)], watch)

/** Why nothing can be traced here; nothing when it can. */
export const whyNoTrace = (): string | undefined => {
  const args = ['-f', '--seccomp-bpf', '-qq', '-o', '/dev/null', 'true']
  return spawnSync('strace', args).status === 0
    ? undefined
    : 'strace is not there, or may not trace here'
}
