/**
 * One side of the contest, as the contest sees it: a process that carries out loads.
 *
 * A side that cannot be opened is an answer with a reason.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Load } from '../parts/load.ts'
import type { Round } from './host.ts'

/** A side that is open. */
export interface Side {
  readonly title: string
  /** The processes that sync for it; empty where they are not on this machine. */
  readonly pids: readonly number[]
  round(load: Load): Promise<Round>
  close(): Promise<void>
}

/** What it takes to open one. */
export interface SideOptions {
  readonly title: string
  readonly adapter: string
  /** The folder its packages are in. */
  readonly cwd?: string
  readonly postgres?: string
  /** Servers that it uses, beside its own; undefined where it is not known which. */
  readonly servers?: readonly number[] | undefined
  readonly env?: Readonly<Record<string, string>>
}

const HOST = fileURLToPath(new URL('./host.ts', import.meta.url))
/** A server that has not answered by then will not. @units ms */
const OPEN_MS = 60_000
const SAID_MAX = 4_000
/** What Node says of an error that nobody caught; the source of its line stands before it. */
const COMPLAINT = /^\w*Error\b.*: /

/** @throws {TypeError} when it does not open, or ends */
export async function openSide(options: SideOptions): Promise<Side> {
  const { title, adapter, cwd, postgres = '', servers = [], env = {} } = options
  const folder = mkdtempSync(join(tmpdir(), 'ice-bench-side-'))
  const child = fork(HOST, [adapter, folder, postgres], {
    ...(cwd === undefined ? {} : { cwd }),
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  let said = ''
  const keep = (chunk: Buffer): void => {
    said = `${said}${chunk.toString()}`.slice(-SAID_MAX)
  }
  child.stdout?.on('data', keep)
  child.stderr?.on('data', keep)
  const late = setTimeout(() => child.kill('SIGKILL'), OPEN_MS)
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const remove = (): void => rmSync(folder, { recursive: true, force: true })
  try {
    const { pids } = await answer<{ readonly pids: readonly number[] }>(child, () => said)
    return {
      title,
      pids: 'servers' in options && options.servers === undefined ? [] : [...pids, ...servers],
      round: (load) => {
        child.send(load)
        return answer<Round>(child, () => said)
      },
      async close() {
        if (child.connected) child.disconnect()
        await gone
        remove()
      },
    }
  } catch (error) {
    remove()
    throw error
  } finally {
    clearTimeout(late)
  }
}

const answer = <T>(child: ChildProcess, said: () => string): Promise<T> =>
  new Promise((resolve, reject) => {
    const fail = (code: number | null): void => {
      const complaint =
        said()
          .split('\n')
          .find((line) => COMPLAINT.test(line)) ?? said()
      reject(new TypeError(`its process ended with ${code ?? 'a signal'}: ${complaint.trim()}`))
    }
    child.once('close', fail)
    child.once('message', (message) => {
      child.off('close', fail)
      resolve(message as T)
    })
  })
