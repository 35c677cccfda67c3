/**
 * A name server on loopback, whose answers a test makes up question by question: the one that
 * rebinds is `(_, asked) => asked === 1 ? ['192.0.2.1'] : ['127.0.0.1']`.
 *
 * Speaks as much of RFC 1035 as a resolver of Node asks for: one question, A and AAAA, over UDP.
 */
import { createSocket, type RemoteInfo } from 'node:dgram'
import { Resolver } from 'node:dns/promises'
import { isIP } from 'node:net'

/** The addresses of a name, of both families. `undefined`: there is no such name. */
export type Answering = (name: string, asked: number) => readonly string[] | undefined

/** A server that answers. */
export interface NameServer {
  /** Where it listens, on 127.0.0.1. */
  readonly port: number
  /** Every question so far, such as `rebind.test A`. */
  readonly questions: readonly string[]
  /** All addresses of a name, as this server has them now; A is asked for first. */
  resolve(name: string): Promise<readonly string[]>
  close(): Promise<void>
}

const TYPES: Readonly<Record<number, 'A' | 'AAAA'>> = { 1: 'A', 28: 'AAAA' }
const FAMILY = { A: 4, AAAA: 6 } as const
const HEAD_BYTES = 12
const NO_SUCH_NAME = 3

interface Question {
  readonly name: string
  readonly type: number
  /** Where it ends in the message. */
  readonly end: number
}

const questionOf = (message: Buffer): Question => {
  const labels: string[] = []
  let at = HEAD_BYTES
  for (let length = message[at] ?? 0; length > 0; length = message[at] ?? 0) {
    labels.push(message.toString('latin1', at + 1, at + 1 + length))
    at += 1 + length
  }
  return { name: labels.join('.').toLowerCase(), type: message.readUInt16BE(at + 1), end: at + 5 }
}

/** An address as the bytes of a record. */
const bytesOf = (address: string): Buffer => {
  if (isIP(address) === 4) return Buffer.from(address.split('.').map(Number))
  const groups = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::')
  const [head = [], tail = []] = groups.map((half) => (half === '' ? [] : half.split(':')))
  const zeros = Array.from({ length: 8 - head.length - tail.length }, () => '0')
  const bytes = Buffer.alloc(16)
  for (const [at, group] of [...head, ...zeros, ...tail].entries()) {
    bytes.writeUInt16BE(Number.parseInt(group, 16), at * 2)
  }
  return bytes
}

const recordOf = (type: number, address: string): Buffer => {
  const data = bytesOf(address)
  const record = Buffer.alloc(12)
  record.writeUInt16BE(0xc00c, 0) // the name of the question
  record.writeUInt16BE(type, 2)
  record.writeUInt16BE(1, 4) // IN
  record.writeUInt32BE(0, 6) // for no time at all: so a rebinding server is asked again
  record.writeUInt16BE(data.length, 10)
  return Buffer.concat([record, data])
}

const answerTo = (
  message: Buffer,
  { type, end }: Question,
  addresses: readonly string[] | undefined,
): Buffer => {
  const family = TYPES[type] === undefined ? 0 : FAMILY[TYPES[type]]
  const records = (addresses ?? []).filter((address) => isIP(address) === family)
  const head = Buffer.from(message.subarray(0, HEAD_BYTES))
  head.writeUInt16BE(0x8580 | (addresses === undefined ? NO_SUCH_NAME : 0), 2)
  head.writeUInt16BE(1, 4)
  head.writeUInt16BE(records.length, 6)
  head.writeUInt32BE(0, 8)
  const question = message.subarray(HEAD_BYTES, end)
  return Buffer.concat([head, question, ...records.map((address) => recordOf(type, address))])
}

/** Starts a server; `asked` counts the questions for the A records of each name, from 1. */
export const nameServer = async (answering: Answering): Promise<NameServer> => {
  const questions: string[] = []
  const asked = new Map<string, number>()
  const socket = createSocket('udp4')
  socket.on('message', (message: Buffer, { port, address }: RemoteInfo) => {
    const question = questionOf(message)
    const { name, type } = question
    const kind = TYPES[type] ?? String(type)
    questions.push(`${name} ${kind}`)
    if (kind === 'A') asked.set(name, (asked.get(name) ?? 0) + 1)
    const answer = answerTo(message, question, answering(name, asked.get(name) ?? 1))
    socket.send(answer, port, address)
  })
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
  const resolver = new Resolver({ timeout: 2_000, tries: 2 })
  resolver.setServers([`127.0.0.1:${socket.address().port}`])
  return {
    port: socket.address().port,
    questions,
    resolve: async (name) => {
      const v4 = await resolver.resolve4(name).catch(noneOf)
      const v6 = await resolver.resolve6(name).catch(noneOf)
      return [...v4, ...v6]
    },
    close: () => new Promise((resolve) => socket.close(() => resolve())),
  }
}

const noneOf = (error: NodeJS.ErrnoException): readonly string[] => {
  if (error.code === 'ENODATA') return []
  throw error
}
