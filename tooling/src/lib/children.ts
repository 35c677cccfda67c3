/** Child processes of the tests: started, told things, waited for, killed. */
import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'

/** A child that says JSON lines. */
export interface Child {
  readonly process: ChildProcess
  /** What it has said so far. */
  readonly said: readonly unknown[]
  /** Waits for a line that fits. */
  until(fits: (line: unknown) => boolean): Promise<unknown>
  /** Waits for the end. */
  ended(): Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>
}

/** How a child is started. */
export interface ChildOptions {
  readonly args?: readonly string[]
  readonly uid?: number
  /** A command in front of Node's: `strace …`. */
  readonly before?: readonly string[]
}

/** Starts a script on the Node that runs the tests; it ends with the test at the latest. */
export const start = (script: URL, options: ChildOptions = {}): Child => {
  const file = fileURLToPath(script)
  const [command, ...rest] = [
    ...(options.before ?? []),
    process.execPath,
    file,
    ...(options.args ?? []),
  ] as [string, ...string[]]
  const child = spawn(command, rest, {
    stdio: ['pipe', 'pipe', 'pipe'],
    ...(options.uid === undefined ? {} : { uid: options.uid, gid: options.uid }),
  })
  onTestFinished(() => {
    child.kill('SIGKILL')
  })
  return listen(child)
}

const listen = (child: ChildProcess): Child => {
  const said: unknown[] = []
  const waiting = new Set<() => void>()
  let complaint = ''
  let isOver = false
  const ended = new Promise<Awaited<ReturnType<Child['ended']>>>((resolve) => {
    child.on('close', (code, signal) => {
      isOver = true
      for (const look of [...waiting]) look()
      resolve({ code, signal })
    })
  })
  child.stderr?.on('data', (data) => {
    complaint += String(data)
  })
  if (child.stdout !== null) {
    createInterface({ input: child.stdout }).on('line', (line) => {
      said.push(JSON.parse(line))
      for (const look of [...waiting]) look()
    })
  }
  return {
    process: child,
    said,
    ended: () => ended,
    until: (fits) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const line = said.find(fits)
          if (line === undefined && !isOver) return
          waiting.delete(look)
          if (line !== undefined) resolve(line)
          else reject(new TypeError(`the child ended before it said so:\n${complaint}`))
        }
        waiting.add(look)
        look()
      }),
  }
}
