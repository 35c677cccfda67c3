/**
 * The world outside of a box: files, processes and servers that nobody in it may reach, and a
 * runner that starts programs as one user.
 */
import { type ChildProcess, fork, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { createSocket } from 'node:dgram'
import {
  chmodSync,
  chownSync,
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { createServer, type Server } from 'node:net'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { ServerName, Who, World } from './escape-kit.ts'
import { type Answer, type Call, type Mode, numberWords } from './escape-kit.ts'
import { nameServer } from './name-server.ts'

/** Somebody without rights, where this process has them all: `nobody` of every Debian. */
const NOBODY = 65_534

/** Where the runner finds the directory it was started with. */
const HANDED_ON = 100

/** A world, and how to leave it. */
export interface OpenWorld extends World {
  /** The folder of all roots. */
  readonly folder: string
  /** Makes a directory of the user's. */
  makeRoot(name: string): string
  close(): Promise<void>
}

/** Servers, each with what it heard. */
interface Servers {
  readonly heard: (name: ServerName) => number
  readonly words: readonly string[]
  close(): Promise<void>
}

const portOf = (server: Server): number => {
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}

const serversIn = async (out: string): Promise<Servers> => {
  const counts = new Map<ServerName, number>()
  const hear = (name: ServerName): void => {
    counts.set(name, (counts.get(name) ?? 0) + 1)
  }
  const opened: Server[] = []
  const listen = async (name: ServerName, where: object): Promise<Server | undefined> => {
    const server = createServer((socket) => {
      hear(name)
      socket.on('error', () => undefined)
      socket.destroy()
    })
    const isOpen = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false))
      server.listen(where, () => resolve(true))
    })
    if (isOpen) opened.push(server)
    return isOpen ? server : undefined
  }
  const abstract = `ice-prove-${randomBytes(8).toString('hex')}`
  const path = join(out, 'sock')
  await listen('path', { path })
  await listen('abstract', { path: `\0${abstract}` })
  chmodSync(path, 0o777)
  const tcp = await listen('tcp', { host: '127.0.0.1', port: 0 })
  const tcp6 = await listen('tcp6', { host: '::1', port: 0 })
  const own = Object.values(networkInterfaces())
    .flatMap((each) => each ?? [])
    .find(({ internal, family }) => !internal && family === 'IPv4')?.address
  const machine = own === undefined ? undefined : await listen('machine', { host: own, port: 0 })
  const free = await listen('tcp', { host: '127.0.0.1', port: 0 })
  const freePort = free === undefined ? 0 : portOf(free)
  await new Promise((resolve) => free?.close(resolve))
  const udp = createSocket('udp4')
  udp.on('message', () => hear('udp'))
  await new Promise<void>((resolve) => udp.bind(0, '127.0.0.1', resolve))
  const names = await nameServer(() => ['127.0.0.1'])
  const ports = { tcp, tcp6, machine }
  return {
    heard: (name) => (name === 'names' ? names.questions.length : (counts.get(name) ?? 0)),
    words: [
      ...Object.entries(ports).map(([name, server]) => `${name}=${server ? portOf(server) : 0}`),
      `udp=${udp.address().port}`,
      `names=${names.port}`,
      `abstract=${abstract}`,
      `address=${own ?? ''}`,
      `free=${freePort}`,
    ],
    close: async () => {
      await Promise.all(opened.map((server) => new Promise((resolve) => server.close(resolve))))
      await new Promise<void>((resolve) => udp.close(() => resolve()))
      await names.close()
    },
  }
}

/** A process of the user's that only stands by; a new one when it is gone. */
const bystanderIn = (out: string, secret: string, id: object): ChildProcess => {
  const text = 'my $copy = "" . $ENV{SECRET}; sleep 600'
  const child = spawn('/usr/bin/perl', ['-e', text], {
    ...id,
    cwd: out,
    env: { SECRET: secret },
    stdio: 'ignore',
    detached: true,
  })
  child.unref()
  return child
}

/** What the runner comes back with. */
interface Told {
  readonly answer?: Answer
  readonly failure?: string
}

/** The process that starts programs, and how it is asked to. */
interface Runner {
  readonly pid: number | undefined
  start(call: Call, mode: Mode): Promise<Answer>
  end(): void
}

const runnerIn = (out: string, secret: string, id: object): Runner => {
  const fd = openSync(out, 'r')
  const stdio: ('ignore' | 'inherit' | 'ipc' | number)[] = ['ignore', 'inherit', 'inherit', 'ipc']
  while (stdio.length < HANDED_ON) stdio.push('ignore')
  stdio.push(fd)
  const file = fileURLToPath(new URL('./escape-runner.ts', import.meta.url))
  const child = fork(file, [], { ...id, stdio, env: { ICE_PROVE_SECRET: secret } })
  closeSync(fd)
  const waiting = new Map<number, (told: Told) => void>()
  child.on('message', ({ id: number, ...told }: Told & { readonly id: number }) => {
    waiting.get(number)?.(told)
    waiting.delete(number)
  })
  child.on('exit', () => {
    for (const resolve of waiting.values()) resolve({ failure: 'it ended' })
  })
  let asked = 0
  return {
    pid: child.pid,
    start: async (call, mode) => {
      asked += 1
      const number = asked
      const { answer, failure } = await new Promise<Told>((resolve) => {
        waiting.set(number, resolve)
        child.send({ id: number, call, mode })
      })
      if (answer === undefined) throw new Error(`the runner failed: ${failure}`)
      return answer
    },
    end: () => {
      if (child.connected) child.disconnect()
    },
  }
}

/** Opens a world for one user. This process has to be that user, or the superuser. */
export const openWorld = async (who: Who): Promise<OpenWorld> => {
  const isOther = who === 'user' && process.geteuid?.() === 0
  const id = isOther ? { uid: NOBODY, gid: NOBODY } : {}
  const own = (path: string): void => {
    if (isOther) chownSync(path, NOBODY, NOBODY)
  }
  const folder = mkdtempSync(join(tmpdir(), 'ice-escape-'))
  const out = join(folder, 'out')
  const secret = `secret-${randomBytes(16).toString('hex')}`
  mkdirSync(join(out, 'mount'), { recursive: true })
  for (const name of ['secret', 'target']) {
    writeFileSync(join(out, name), name === 'secret' ? secret : 'untouched')
    own(join(out, name))
  }
  writeFileSync(join(out, 'root-secret'), secret, { mode: 0o600 })
  for (const path of [folder, out]) own(path)
  const servers = await serversIn(out)
  const runner = runnerIn(out, secret, id)
  let bystander = bystanderIn(out, secret, id)
  const bystanders = [bystander]
  return {
    who,
    out,
    folder,
    secret,
    start: runner.start,
    bystander: () => {
      if (bystander.exitCode !== null || bystander.signalCode !== null) {
        bystander = bystanderIn(out, secret, id)
        bystanders.push(bystander)
      }
      return bystander.pid ?? 0
    },
    heard: servers.heard,
    get words() {
      const places = [`out=${out}`, `starter=${runner.pid}`, `bystander=${bystander.pid}`]
      return [...places, ...servers.words, ...numberWords()]
    },
    makeRoot: (name) => {
      const root = join(folder, name)
      mkdirSync(root)
      own(root)
      return root
    },
    close: async () => {
      runner.end()
      for (const each of bystanders) each.kill('SIGKILL')
      await servers.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
