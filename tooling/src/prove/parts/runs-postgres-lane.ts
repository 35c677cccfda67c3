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
  cut(cut: Cut): void
  heal(): void
  /**
   * Calls `then` at the next COMMIT of the log; with `'lost'` the connection breaks before its
   * answer. @returns an end to that
   */
  atCommit(then: () => void, answer?: 'lost'): () => void
  close(): void
}

/** A connection that is passed on. */
interface Pair {
  readonly client: Socket
  readonly upstream: Socket
  readonly held: (() => void)[]
  /** Something that was said did not arrive: nobody may read on behind a gap. */
  isBroken: boolean
  /** It leads to the log, and not to what workers keep beside it. */
  isOfLog: boolean
  /** What the server says to it from now on is lost, and it with that. */
  isMute: boolean
}

interface Armed {
  readonly then: () => void
  readonly isLost: boolean
}

const COMMIT = Buffer.from('COMMIT\0')

/** Opens a way to the log in this schema. */
export const openLane = async (server: PostgresServer, schema: string): Promise<Lane> => {
  const way = new Way(Buffer.from(`application_name = 'ice-${schema}'`))
  const relay = createServer((client) => way.add(client, dial(server.port, server.host)))
  await new Promise<void>((resolve) => {
    relay.listen(0, '127.0.0.1', resolve)
  })
  const address = relay.address()
  const url = new URL(server.url)
  url.host = `127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`
  return {
    url: url.href,
    cut: (next) => way.cut(next),
    heal: () => way.heal(),
    atCommit(then, answer) {
      const armed = { then, isLost: answer === 'lost' }
      way.armed = armed
      return () => {
        if (way.armed === armed) way.armed = null
      }
    },
    close() {
      way.close()
      relay.close()
    },
  }
}

class Way {
  armed: Armed | null = null
  readonly #ofLog: Buffer
  readonly #pairs = new Set<Pair>()
  #cut: Cut | null = null

  constructor(ofLog: Buffer) {
    this.#ofLog = ofLog
  }

  add(client: Socket, upstream: Socket): void {
    const flags = { isBroken: false, isOfLog: false, isMute: false }
    const pair: Pair = { client, upstream, held: [], ...flags }
    this.#pairs.add(pair)
    client.on('data', (data) => this.#pass(pair, () => this.#send(pair, data)))
    upstream.on('data', (data) => this.#pass(pair, () => this.#answer(pair, data)))
    for (const socket of [client, upstream]) {
      socket.setNoDelay(true)
      socket.on('error', () => undefined)
      socket.on('close', () => this.#pass(pair, () => this.#break(pair)))
    }
  }

  cut(cut: Cut): void {
    this.#cut = cut
  }

  heal(): void {
    this.#cut = null
    for (const pair of [...this.#pairs]) {
      if (pair.isBroken) this.#break(pair)
      else for (const what of pair.held.splice(0)) what()
    }
  }

  close(): void {
    for (const pair of [...this.#pairs]) this.#break(pair)
  }

  #pass(pair: Pair, what: () => void): void {
    if (pair.isBroken) return
    if (this.#cut === null) what()
    else if (this.#cut === 'held') pair.held.push(what)
    else pair.isBroken = true
  }

  #send(pair: Pair, data: Buffer): void {
    pair.upstream.write(data)
    pair.isOfLog ||= data.includes(this.#ofLog)
    const { armed } = this
    if (armed === null || !pair.isOfLog || !data.includes(COMMIT)) return
    this.armed = null
    pair.isMute = armed.isLost
    armed.then()
  }

  #answer(pair: Pair, data: Buffer): void {
    if (pair.isMute) this.#break(pair)
    else pair.client.write(data)
  }

  #break(pair: Pair): void {
    pair.client.resetAndDestroy()
    pair.upstream.resetAndDestroy()
    this.#pairs.delete(pair)
  }
}
