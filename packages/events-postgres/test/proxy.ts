/** A network in the hands of a test: a TCP proxy in front of the server. */
import { connect, createServer, type Server, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'
import { server } from './server.ts'

/** What the network does with what it is given. */
export type Weather =
  /** Passes everything on. */
  | 'clear'
  /** Swallows everything, and says nothing of it. */
  | 'silent'
  /** Refuses every connection, and breaks those that are there. */
  | 'cut'
  /** Breaks at the next COMMIT, before the server gets it. */
  | 'commit-lost'
  /** Breaks at the next COMMIT, when the server has got it, before the answer. */
  | 'answer-lost'
  /** Swallows everything from the next COMMIT on, and the COMMIT as well. */
  | 'silent-at-commit'

/** A proxy. */
export interface Proxy {
  /** The server's address, by way of the proxy. */
  readonly url: string
  weather(next: Weather): void
  /** COMMITs that were lost, with or without their answer. */
  readonly lost: number
  /** Pieces of what clients said that were swallowed. */
  readonly swallowed: number
}

const COMMIT = Buffer.from('COMMIT\0')

/** Puts a proxy in front of the server. */
export async function openProxy(): Promise<Proxy> {
  let weather: Weather = 'clear'
  const gone = { lost: 0, swallowed: 0 }
  const sockets = new Set<Socket>()
  const change = (next: Weather): void => {
    weather = next
    if (next === 'cut') for (const socket of sockets) socket.destroy()
  }

  const proxy = createServer((client) => {
    if (weather === 'cut') {
      client.destroy()
      return
    }
    const upstream = connect(server.port, server.host)
    let isMute = false
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(socket)
      socket.setNoDelay(true)
      socket.on('error', () => other.destroy())
      socket.on('close', () => {
        sockets.delete(socket)
        // A network that is silent does not say that the other side is gone, either.
        if (weather !== 'silent') other.destroy()
      })
    }
    client.on('data', (data) => {
      if (weather === 'silent') {
        gone.swallowed += 1
        return
      }
      if (data.includes(COMMIT)) {
        if (weather === 'commit-lost' || weather === 'silent-at-commit') {
          gone.lost += 1
          if (weather === 'commit-lost') client.destroy()
          change(weather === 'commit-lost' ? 'clear' : 'silent')
          return
        }
        if (weather === 'answer-lost') {
          gone.lost += 1
          isMute = true
          change('clear')
        }
      }
      upstream.write(data)
    })
    upstream.on('data', (data) => {
      if (isMute) client.destroy()
      else if (weather !== 'silent') client.write(data)
    })
  })
  const url = await listen(proxy)
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    proxy.close()
  })
  return {
    url,
    weather: change,
    get lost() {
      return gone.lost
    },
    get swallowed() {
      return gone.swallowed
    },
  }
}

/** @returns the server's address, by way of the proxy */
async function listen(proxy: Server): Promise<string> {
  await new Promise<void>((resolve) => {
    proxy.listen(0, '127.0.0.1', resolve)
  })
  const address = proxy.address()
  const url = new URL(server.url)
  url.hostname = '127.0.0.1'
  url.port = String(typeof address === 'object' ? address?.port : '')
  return url.href
}
