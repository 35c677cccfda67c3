/**
 * Every connection this process tries to open, as Node itself tells of it: the subject is not
 * asked. What is looked up is told of by the address it came to.
 */
import { type ChannelListener, subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { Socket } from 'node:net'

/** A log of connections. */
export interface ConnectLog {
  /** Addresses, each as often as a connection to it was tried: `127.0.0.1:80`. */
  readonly tried: readonly string[]
  /** Ends the log. */
  stop(): void
}

const CHANNEL = 'net.client.socket'

/** Begins a log. */
export const connectLog = (): ConnectLog => {
  const tried: string[] = []
  const listen: ChannelListener = (message) => {
    const { socket } = message as { readonly socket: Socket }
    socket.on('connectionAttempt', (address: string, port: number) => {
      tried.push(address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`)
    })
  }
  subscribe(CHANNEL, listen)
  return { tried, stop: () => void unsubscribe(CHANNEL, listen) }
}
