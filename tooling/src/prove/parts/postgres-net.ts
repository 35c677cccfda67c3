/**
 * A writer behind a network that can be taken away: in a network namespace of its own, where the
 * kernel's TCP meets a dead link, or, where namespaces are not permitted, behind a relay that
 * swallows what it is given.
 *
 *     writer ─ veth ═ veth ─ gate ─ Unix socket ─ relay ─ server
 *     └ namespace ┘  └ namespace ┘  └──── this machine ────────┘
 *
 * Nothing of this machine's own network is touched: both ends of the link are in namespaces that go
 * with their processes.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, connect as dial, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { PostgresServer } from '../../lib/postgres-server.ts'
import type { FloodJob } from './postgres-flood.ts'
import { FLOOD, type FloodWriter, listen } from './postgres-writers.ts'

/** What the network does. */
export type Weather =
  | 'clear'
  /** The link is down, both ways. */
  | 'down'
  /** What the server says does not arrive. */
  | 'deaf'
  /** What the writer says does not arrive. */
  | 'mute'

/** A writer, and its network. */
export interface FarWriter extends FloodWriter {
  weather(next: Weather): Promise<void>
  /** Ends the network once the writer has ended. */
  close(): void
}

/** Why there can be no namespaces here; `undefined` when there can. */
export const whyNoNamespaces = (): string | undefined => {
  const probe =
    'ip link add name near type veth peer name far && unshare -n true && nsenter --version'
  const { status, error, stderr } = spawnSync('unshare', ['-rn', 'sh', '-c', probe])
  if (status === 0) return undefined
  return `network namespaces are not permitted here: ${error?.message ?? String(stderr).trim()}`
}

const GATE = fileURLToPath(new URL('./postgres-gate.ts', import.meta.url))

/** Starts a writer in a namespace of its own. */
export const startBehindLink = async (
  server: PostgresServer,
  job: Omit<FloodJob, 'url'>,
): Promise<FarWriter> => {
  const folder = mkdtempSync(join(tmpdir(), 'ice-link-'))
  const path = join(folder, 'server')
  const relay = await openRelay(server, path)
  const url = new URL(server.url)
  url.host = '10.77.0.1:5432'
  const flood = JSON.stringify({ ...job, url: url.href })
  const gate = spawn('unshare', ['-rn', process.execPath, GATE, path, FLOOD, flood], {
    stdio: ['pipe', 'pipe', 'pipe', 'ipc'],
  })
  const weather = (next: Weather): Promise<void> => ask(gate, next)
  return {
    ...listen(gate),
    weather,
    close() {
      relay.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Starts a writer behind a relay. */
export const startBehindRelay = async (
  server: PostgresServer,
  job: Omit<FloodJob, 'url'>,
): Promise<FarWriter> => {
  const relay = await openRelay(server, 0)
  const url = new URL(server.url)
  url.host = `127.0.0.1:${relay.port}`
  const flood = JSON.stringify({ ...job, url: url.href })
  const child = spawn(process.execPath, [FLOOD, flood], { stdio: 'pipe' })
  return {
    ...listen(child),
    async weather(next) {
      relay.weather = next
    },
    close: () => relay.close(),
  }
}

const ask = (gate: ChildProcess, next: Weather): Promise<void> =>
  new Promise((resolve, reject) => {
    const gone = (): void => reject(new Error('the gate of the network has ended'))
    gate.once('exit', gone)
    gate.once('message', () => {
      gate.removeListener('exit', gone)
      resolve()
    })
    gate.send(next)
  })

interface Relay {
  weather: Weather
  readonly port: number
  close(): void
}

/** Passes connections on to the server. */
const openRelay = async (server: PostgresServer, at: string | 0): Promise<Relay> => {
  const sockets = new Set<Socket>()
  const relay = createServer()
  const state: { weather: Weather } = { weather: 'clear' }
  relay.on('connection', (client) => {
    const upstream = dial(server.port, server.host)
    passOn(client, upstream, () => state.weather === 'clear' || state.weather === 'deaf')
    passOn(upstream, client, () => state.weather === 'clear' || state.weather === 'mute')
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.once('close', () => sockets.delete(socket))
    }
  })
  await new Promise<void>((resolve) => {
    if (at === 0) relay.listen(0, '127.0.0.1', resolve)
    else relay.listen(at, resolve)
  })
  return {
    get weather() {
      return state.weather
    },
    set weather(next) {
      state.weather = next
    },
    port: portOf(relay),
    close() {
      for (const socket of sockets) socket.destroy()
      relay.close()
    },
  }
}

/** What has lost a byte stays silent: nobody may read on behind a gap. */
const passOn = (from: Socket, to: Socket, passes: () => boolean): void => {
  let isSilent = false
  from.setNoDelay(true)
  from.on('error', () => to.destroy())
  from.on('data', (data) => {
    isSilent ||= !passes()
    if (!isSilent) to.write(data)
  })
  // A network that is silent does not say that the other side is gone, either.
  from.on('close', () => {
    if (!isSilent && passes()) to.destroy()
  })
}

const portOf = (server: Server): number => {
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}
