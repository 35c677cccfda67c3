/**
 * The way of one worker to the server, which can be cut: a relay on this machine.
 *
 * A partition holds what either side says, as TCP does while it sends again, and lets it go on when
 * it heals; or the connections do not outlive it: nothing of what was said arrives, and both sides
 * find out when it heals. Neither side sees an end of a connection before that.
 *
 * `atCommit` tells of the next COMMIT once the server has it: what is done then comes into the
 * commit, or between it and its answer.
 */
import { createServer, connect as dial, type Socket } from 'node:net'
import type { PostgresServer } from '../../lib/postgres-server.ts'

/** What becomes of what is said while the way is cut. */
export type Cut = 'held' | 'swallowed'

/** A way to the server. */
export interface Lane {
  readonly url: string
  readonly port: number
  cut(cut: Cut): void
  heal(): void
  /** Ends every connection with a reset. */
  reset(): void
  /** Calls `then` at the next COMMIT of the log; with `'lost'` the connection breaks before its answer. */
  atCommit(then: () => void, answer?: 'lost'): () => void
  close(): void
}

/** A connection that is passed on. */
interface Pair {
  readonly sockets: readonly [Socket, Socket]
  readonly held: (() => void)[]
  /** Something that was said did not arrive: nobody may read on behind a gap. */
  isBroken: boolean
}

const COMMIT = Buffer.from('COMMIT\0')

/** Opens a way. Commits are told of connections to this log, and not of those beside it. */
export const openLane = async (
  { url, host, port }: PostgresServer,
  schema: string,
): Promise<Lane> => {
  const ofLog = Buffer.from(`application_name = 'ice-${schema}'`)
  const pairs = new Set<Pair>()
  let cut: Cut | null = null
  let armed: { readonly then: () => void; readonly isLost: boolean } | null = null

  const pass = (pair: Pair, what: () => void): void => {
    if (pair.isBroken) return
    if (cut === null) what()
    else if (cut === 'held') pair.held.push(what)
    else pair.isBroken = true
  }
  const breakOff = (pair: Pair): void => {
    for (const socket of pair.sockets) socket.resetAndDestroy()
    pairs.delete(pair)
  }
  const relay = createServer((client) => {
    const upstream = dial(port, host)
    const pair: Pair = { sockets: [client, upstream], held: [], isBroken: false }
    pairs.add(pair)
    let isMute = false
    let isOfLog = false
    client.on('data', (data) => {
      pass(pair, () => {
        upstream.write(data)
        isOfLog ||= data.includes(ofLog)
        if (armed === null || !isOfLog || !data.includes(COMMIT)) return
        const { then, isLost } = armed
        armed = null
        isMute = isLost
        then()
      })
    })
    upstream.on('data', (data) => {
      pass(pair, () => {
        if (isMute) breakOff(pair)
        else client.write(data)
      })
    })
    for (const socket of [client, upstream]) {
      socket.setNoDelay(true)
      socket.on('error', () => undefined)
      socket.on('close', () => pass(pair, () => breakOff(pair)))
    }
  })
  await new Promise<void>((resolve) => {
    relay.listen(0, '127.0.0.1', resolve)
  })
  const address = relay.address()
  const own = typeof address === 'object' && address !== null ? address.port : 0
  const way = new URL(url)
  way.host = `127.0.0.1:${own}`
  return {
    url: way.href,
    port: own,
    cut(next) {
      cut = next
    },
    heal() {
      cut = null
      for (const pair of [...pairs]) {
        if (pair.isBroken) breakOff(pair)
        else for (const what of pair.held.splice(0)) what()
      }
    },
    reset() {
      for (const pair of [...pairs]) breakOff(pair)
    },
    atCommit(then, answer) {
      const own = { then, isLost: answer === 'lost' }
      armed = own
      return () => {
        if (armed === own) armed = null
      }
    },
    close() {
      for (const pair of [...pairs]) breakOff(pair)
      relay.close()
    },
  }
}
