/** Runs the command as its users do: as a process of its own, in a folder of its own. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll } from 'vitest'

const BIN = fileURLToPath(new URL('../../bin/ice.mjs', import.meta.url))

/** What a process came to. */
export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

/** A process that goes on. */
export interface Going {
  readonly child: ChildProcessWithoutNullStreams
  /** Resolves once what it has written so far matches. Rejects when it ends before. */
  until(stream: 'stdout' | 'stderr', pattern: RegExp): Promise<RegExpExecArray>
  readonly ended: Promise<Ended>
}

/** A folder with nothing in it but what a test puts there. */
export interface Folder {
  readonly path: string
  file(name: string, text: string | Uint8Array): string
  /** Runs the command to its end. */
  ice(...args: readonly string[]): Promise<Ended>
  /** Runs it with settings of its own. */
  iceWith(options: StartOptions, ...args: readonly string[]): Promise<Ended>
  start(options: StartOptions, ...args: readonly string[]): Going
}

/** How a process is started. */
export interface StartOptions {
  readonly env?: Readonly<Record<string, string>>
  readonly input?: string | Uint8Array
  /** Leaves stdin open behind the input: the caller writes to it, or never does. */
  readonly holdInput?: boolean
  readonly nodeArgs?: readonly string[]
}

/** Makes an empty folder outside of this project, so that it holds no packages. */
export function emptyFolder(): Folder {
  const path = realpathSync(mkdtempSync(join(tmpdir(), 'ice-cli-')))
  const going = new Set<ChildProcessWithoutNullStreams>()
  afterAll(() => {
    for (const child of going) child.kill('SIGKILL')
    rmSync(path, { recursive: true, force: true })
  })
  const startIn = (options: StartOptions, args: readonly string[]): Going => {
    const process = launch(path, options, args)
    going.add(process.child)
    void process.ended.then(() => going.delete(process.child))
    return process
  }
  return {
    path,
    file(name, text) {
      const place = join(path, name)
      mkdirSync(dirname(place), { recursive: true })
      writeFileSync(place, text)
      return place
    },
    ice: (...args) => startIn({}, args).ended,
    iceWith: (options, ...args) => startIn(options, args).ended,
    start: (options, ...args) => startIn(options, args),
  }
}

/** Nothing of the surroundings that the command would heed. */
function cleanEnv(): Record<string, string | undefined> {
  const { PATH, HOME, TMPDIR } = process.env
  return { PATH, HOME, ...(TMPDIR === undefined ? {} : { TMPDIR }) }
}

function launch(cwd: string, options: StartOptions, args: readonly string[]): Going {
  const { env = {}, input, holdInput, nodeArgs = [] } = options
  const child = spawn(process.execPath, [...nodeArgs, BIN, ...args], {
    cwd,
    env: { ...cleanEnv(), ...env },
  })
  const text = { stdout: '', stderr: '' }
  const watchers = new Set<() => void>()
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].setEncoding('utf8').on('data', (chunk: string) => {
      text[stream] += chunk
      for (const watch of watchers) watch()
    })
  }
  child.stdin.on('error', () => undefined)
  if (holdInput !== true) child.stdin.end(input)
  else if (input !== undefined) child.stdin.write(input)
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => {
      resolve({ code, signal, ...text })
      for (const watch of watchers) watch()
    })
  })
  return {
    child,
    ended,
    until: (stream, pattern) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const found = pattern.exec(text[stream])
          if (found !== null) resolve(found)
          else if (child.exitCode === null && child.signalCode === null) return
          else reject(new TypeError(`ended without ${pattern}: ${text.stdout}${text.stderr}`))
          watchers.delete(look)
        }
        watchers.add(look)
        look()
      }),
  }
}

/** The one JSON document that a process printed. */
export function json<T = Readonly<Record<string, unknown>>>({ stdout, stderr }: Ended): T {
  try {
    return JSON.parse(stdout) as T
  } catch {
    throw new TypeError(`not one JSON document: ${stdout}\n${stderr}`)
  }
}

/** Lines of JSON. */
export function jsonLines<T = Readonly<Record<string, unknown>>>(text: string): readonly T[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as T)
}

/** The error record at the end of what was said on stderr. */
export function complaint({ stderr }: Ended): {
  readonly code: string
  readonly message: string
  readonly next?: readonly string[]
  readonly issues?: readonly string[]
  readonly data?: Readonly<Record<string, unknown>>
} {
  const last = jsonLines<{ readonly error?: never }>(stderr).at(-1)
  if (last?.error === undefined) throw new TypeError(`no error record: ${stderr}`)
  return last.error
}
