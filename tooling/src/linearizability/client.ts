/**
 * A client that works on a log by chance, and writes down what it calls before it does and what it
 * is answered after: what a client that is killed has not written down has not been called.
 *
 * What is chosen follows from the seed and from the answers.
 */
import { type Appended, type AppendRequest, EVENTS_CODES, type EventLog } from '@ice/events'
import { errorRecord, type Random, type StreamId, timestamp } from '@ice/primitives'
import type { LogInput, LogOutput, TaggedUnit, TaggedWrite } from './log-model.ts'

/** A line of a client's record: a call, or the answer to one. */
export type RecordLine =
  | { readonly id: string; readonly at: number; readonly input: LogInput }
  | { readonly id: string; readonly at: number; readonly output: LogOutput }

/** What a client is made of. */
export interface ClientInit {
  /** No other client of the history has it. */
  readonly name: string
  readonly log: EventLog
  readonly random: Random
  /** Streams that one unit may write together. */
  readonly groups: readonly (readonly string[])[]
  readonly clock: { now(): number }
  readonly operations: number
  /** Units of a client that is gone, whose outcome it never learned: sent again, first. */
  readonly inherited?: readonly TaggedUnit[]
  /** Time that never goes back, for all clients of the history. */
  readonly tick: () => number
  readonly write: (line: RecordLine) => void
}

/** Works until its operations are done. */
export const runClient = async (init: ClientInit): Promise<void> => {
  const client = new Client(init)
  for (const unit of init.inherited ?? []) await client.append(unit)
  for (let left = init.operations; left > 0; left -= 1) await client.next()
}

class Client {
  readonly #init: ClientInit
  readonly #seen = new Map<string, number>()
  readonly #sent: TaggedUnit[] = []
  #calls = 0
  #tags = 0

  constructor(init: ClientInit) {
    this.#init = init
  }

  async next(): Promise<void> {
    const group = this.#pick(this.#init.groups)
    const dice = this.#below(100)
    if (dice < 55) await this.append(this.#unit(group))
    else if (dice < 65) await this.append(this.#unit(group), this.#below(3))
    else if (dice < 80 && this.#sent.length > 0) await this.append(this.#pick(this.#sent))
    else if (dice < 90) await this.#read(this.#pick(group))
    else await this.#version(this.#pick(group))
  }

  /** @param patience - withdraws it after so many turns of the event loop */
  async append(unit: TaggedUnit, patience?: number): Promise<void> {
    const { log } = this.#init
    const withdrawal = patience === undefined ? undefined : withdrawnAfter(patience)
    const request = { ...requestOf(unit), ...(withdrawal && { signal: withdrawal }) }
    const output = await this.#call(unit, () => log.append(request).then(appendedOf, refusedOf))
    // What was withdrawn, or lost, is sent again: that is what most retries are.
    if (unit.writes.every(({ expected }) => expected !== 'any')) this.#sent.push(unit)
    if (output.kind !== 'appended' || output.retried) return
    for (const [at, { stream }] of unit.writes.entries()) {
      this.#seen.set(stream, output.versions[at] ?? 0)
    }
  }

  async #read(stream: string): Promise<void> {
    const output = await this.#call({ kind: 'read', stream }, async () => ({
      kind: 'events',
      tags: await tagsIn(this.#init.log, stream),
    }))
    if (output.kind === 'events') this.#seen.set(stream, output.tags.length)
  }

  async #version(stream: string): Promise<void> {
    const { log } = this.#init
    const output = await this.#call({ kind: 'version', stream }, async () => {
      let version = 0
      const query = { stream: stream as StreamId, backwards: true, limit: 1 }
      for await (const batch of log.read(query)) version = batch[0]?.version ?? 0
      return { kind: 'version', version }
    })
    if (output.kind === 'version') this.#seen.set(stream, output.version)
  }

  async #call(input: LogInput, work: () => Promise<LogOutput>): Promise<LogOutput> {
    const { name, tick, write } = this.#init
    this.#calls += 1
    const id = `${name}.${this.#calls}`
    write({ id, at: tick(), input })
    const output = await work()
    write({ id, at: tick(), output })
    return output
  }

  #unit(group: readonly string[]): TaggedUnit {
    const { clock } = this.#init
    const count = Math.min(group.length, this.#below(10) < 6 ? 1 : 1 + this.#below(3))
    const streams = this.#some(group, count)
    const guarded = this.#below(10) < 4 ? this.#some(group, 1 + this.#below(2)) : []
    return {
      kind: 'append',
      writes: streams.map((stream) => this.#write(stream)),
      guards: guarded.map((stream) => ({ stream, version: this.#guess(stream) })),
      ...(this.#below(10) < 3 ? { notAfter: clock.now() + this.#below(9) - 2 } : {}),
    }
  }

  #write(stream: string): TaggedWrite {
    const dice = this.#below(20)
    const expected = dice < 3 ? 'any' : dice < 5 ? 'no_stream' : this.#guess(stream)
    const tags = Array.from({ length: 1 + this.#below(2) }, () => {
      this.#tags += 1
      return `${this.#init.name}:${this.#tags}`
    })
    return { stream, expected, tags }
  }

  /** The version last seen, and now and then one beside it. */
  #guess(stream: string): number {
    const seen = this.#seen.get(stream) ?? 0
    const dice = this.#below(12)
    return dice === 0 ? seen + 1 : dice === 1 ? Math.max(0, seen - 1) : seen
  }

  #below(bound: number): number {
    return this.#init.random.uint32() % bound
  }

  #pick<T>(from: readonly T[]): T {
    return from[this.#below(from.length)] as T
  }

  #some(from: readonly string[], count: number): readonly string[] {
    const left = [...from]
    return Array.from({ length: Math.min(count, left.length) }, () =>
      left.splice(this.#below(left.length), 1),
    ).flat()
  }
}

/** A signal that fires at once, or some turns later. */
const withdrawnAfter = (turns: number): AbortSignal => {
  const controller = new AbortController()
  const turn = (left: number): void => {
    if (left === 0) controller.abort()
    else setImmediate(turn, left - 1)
  }
  turn(turns)
  return controller.signal
}

/** The request that a tagged unit stands for. */
export const requestOf = ({ writes, guards, notAfter }: TaggedUnit): AppendRequest => ({
  writes: writes.map(({ stream, expected, tags }) => ({
    stream: stream as StreamId,
    expectedVersion: expected as AppendRequest['writes'][number]['expectedVersion'],
    events: tags.map((note) => ({ type: 'NumberNoted', data: { n: 0, note } })),
  })),
  guards: guards.map(({ stream, version }) => ({ stream: stream as StreamId, version })),
  ...(notAfter === undefined ? {} : { notAfter: timestamp(notAfter) }),
})

const appendedOf = ({ writes, retried }: Appended): LogOutput => ({
  kind: 'appended',
  retried,
  versions: writes.map(({ version }) => version),
  positions: writes.flatMap(({ positions }) => positions),
})

const REFUSALS: Readonly<Record<string, 'version' | 'guard' | 'too-late'>> = {
  [EVENTS_CODES.versionConflict]: 'version',
  [EVENTS_CODES.guardConflict]: 'guard',
  [EVENTS_CODES.tooLate]: 'too-late',
}

/** @throws what no client of this kind may be told */
const refusedOf = (error: unknown): LogOutput => {
  const { code, data } = errorRecord(error)
  const why = REFUSALS[code]
  if (why !== undefined) return { kind: 'refused', why }
  if (code === EVENTS_CODES.aborted) return { kind: 'nothing' }
  if (code !== EVENTS_CODES.unavailable) throw error
  return { kind: data?.['fate'] === 'none' ? 'nothing' : 'unknown' }
}

/** The tags of a stream, in order. */
export const tagsIn = async (log: EventLog, stream: string): Promise<readonly string[]> => {
  const tags: string[] = []
  for await (const batch of log.read({ stream: stream as StreamId })) {
    for (const { data } of batch) tags.push((data as { readonly note: string }).note)
  }
  return tags
}

/** Makes operations of a record. What was never answered is unknown. */
export const operationsOf = (lines: readonly RecordLine[]) => {
  const answers = new Map(lines.flatMap((line) => ('output' in line ? [[line.id, line]] : [])))
  return lines.flatMap((line) => {
    if (!('input' in line)) return []
    const answer = answers.get(line.id)
    const output: LogOutput = answer?.output ?? { kind: 'unknown' }
    const returned = output.kind === 'unknown' ? Infinity : (answer?.at ?? Infinity)
    return [{ input: line.input, output, called: line.at, returned }]
  })
}
