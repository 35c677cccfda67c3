/**
 * The event log as a sequential object: streams of tags, and the clock that judges `notAfter`.
 *
 * It says again, in the few lines one needs when nothing happens at the same time, what a store
 * has to do. It is written against the words of the port and shares no code with any store: a
 * mistake in `judge` that all stores share is not one here.
 *
 * 1. An event is its tag: no two units have a tag in common, and a retry has those of its unit.
 * 2. The clock is a part of the state. Whoever moves it does so while no append is judged.
 * 3. Streams that no operation names together are told apart; each part sees the whole clock.
 */
import type { Model, Operation } from './history.ts'

/** One stream's part of a unit. */
export interface TaggedWrite {
  readonly stream: string
  readonly expected: number | 'no_stream' | 'any'
  readonly tags: readonly string[]
}

/** A unit of a log. */
export interface TaggedUnit {
  readonly kind: 'append'
  readonly writes: readonly TaggedWrite[]
  readonly guards: readonly { readonly stream: string; readonly version: number }[]
  readonly notAfter?: number
}

/** What is asked of a log. */
export type LogInput =
  | TaggedUnit
  | { readonly kind: 'read'; readonly stream: string }
  | { readonly kind: 'version'; readonly stream: string }
  | { readonly kind: 'clock'; readonly now: number }

/** What it answers. */
export type LogOutput =
  | {
      readonly kind: 'appended'
      readonly retried: boolean
      /** The version of each stream behind the unit. */
      readonly versions: readonly number[]
      /** Of every event of the unit; no part of the model, see `findDisorder`. */
      readonly positions: readonly number[]
    }
  | { readonly kind: 'refused'; readonly why: 'version' | 'guard' | 'too-late' }
  /** It says that nothing was written: withdrawn, or unavailable with that fate. */
  | { readonly kind: 'nothing' }
  | { readonly kind: 'events'; readonly tags: readonly string[] }
  | { readonly kind: 'version'; readonly version: number }
  | { readonly kind: 'moved' }
  /** The client was killed, or was told that nobody knows. */
  | { readonly kind: 'unknown' }

/** An operation on a log. */
export type LogOperation = Operation<LogInput, LogOutput>

/** A stream up to one of its events. Equal ones are one object, so that states compare quickly. */
interface Stream {
  readonly id: number
  readonly version: number
  readonly tag: string
  readonly before: Stream | undefined
  readonly next: Map<string, Stream>
}

interface LogState {
  readonly clock: number
  readonly streams: ReadonlyMap<string, Stream>
  readonly key: string
}

/** A log of its own; `clock` is where the clock stands at the beginning. */
export const logModel = (clock: number): Model<LogState, LogInput, LogOutput> => {
  const book = new Book()
  return {
    initial: () => stateOf(clock, new Map()),
    step: (state, input, output) => step(book, state, input, output),
    key: ({ key }) => key,
    partition,
  }
}

const stateOf = (clock: number, streams: ReadonlyMap<string, Stream>): LogState => ({
  clock,
  streams,
  key: `${clock}|${[...streams].map(([name, { id }]) => `${name}=${id}`).sort()}`,
})

/** Streams, each kept once. */
class Book {
  #count = 0
  readonly empty: Stream = { id: 0, version: 0, tag: '', before: undefined, next: new Map() }

  behind(stream: Stream, tag: string): Stream {
    const known = stream.next.get(tag)
    if (known !== undefined) return known
    this.#count += 1
    const { version } = stream
    const next = { id: this.#count, version: version + 1, tag, before: stream, next: new Map() }
    stream.next.set(tag, next)
    return next
  }

  of(tags: readonly string[]): Stream {
    return tags.reduce((stream, tag) => this.behind(stream, tag), this.empty)
  }
}

const step = (
  book: Book,
  state: LogState,
  input: LogInput,
  output: LogOutput,
): LogState | undefined => {
  const at = (stream: string): Stream => state.streams.get(stream) ?? book.empty
  switch (input.kind) {
    case 'clock':
      return stateOf(input.now, state.streams)
    case 'read':
      return output.kind !== 'events' || book.of(output.tags) === at(input.stream)
        ? state
        : undefined
    case 'version':
      return output.kind !== 'version' || output.version === at(input.stream).version
        ? state
        : undefined
    case 'append': {
      if (output.kind === 'nothing') return state
      const judged = judge(book, state, input)
      if (output.kind === 'unknown') return judged.state
      return isSame(judged.answer, output) ? judged.state : undefined
    }
  }
}

type Answer =
  | { readonly kind: 'appended'; readonly retried: boolean; readonly versions: readonly number[] }
  | { readonly kind: 'refused'; readonly why: 'version' | 'guard' | 'too-late' }

interface Judged {
  readonly state: LogState
  readonly answer: Answer
}

const isSame = (answer: Answer, output: LogOutput): boolean => {
  if (answer.kind === 'refused') return output.kind === 'refused' && output.why === answer.why
  if (output.kind !== 'appended' || output.retried !== answer.retried) return false
  return output.versions.join() === answer.versions.join()
}

/** Already there → versions → guards → the clock. */
const judge = (book: Book, state: LogState, { writes, guards, notAfter }: TaggedUnit): Judged => {
  const at = (stream: string): Stream => state.streams.get(stream) ?? book.empty
  const refuse = (why: 'version' | 'guard' | 'too-late'): Judged => ({
    state,
    answer: { kind: 'refused', why },
  })
  const isThere = writes.every((write) => stands(at(write.stream), write))
  const fits = writes.every(
    ({ stream, expected }) => expected === 'any' || at(stream).version === countOf(expected),
  )
  if (isThere) {
    const versions = writes.map(({ expected, tags }) => countOf(expected) + tags.length)
    return { state, answer: { kind: 'appended', retried: true, versions } }
  }
  if (!fits) return refuse('version')
  if (guards.some(({ stream, version }) => at(stream).version !== version)) return refuse('guard')
  if (notAfter !== undefined && state.clock > notAfter) return refuse('too-late')
  const streams = new Map(state.streams)
  for (const { stream, tags } of writes) {
    streams.set(
      stream,
      tags.reduce((before, tag) => book.behind(before, tag), at(stream)),
    )
  }
  const versions = writes.map(({ stream }) => streams.get(stream)?.version ?? 0)
  return {
    state: stateOf(state.clock, streams),
    answer: { kind: 'appended', retried: false, versions },
  }
}

const countOf = (expected: TaggedWrite['expected']): number =>
  typeof expected === 'number' ? expected : 0

/** Whether the events of a write have the places it expects. `'any'` expects none. */
const stands = (stream: Stream, { expected, tags }: TaggedWrite): boolean => {
  if (expected === 'any') return false
  const last = countOf(expected) + tags.length
  let event: Stream | undefined = stream
  while (event !== undefined && event.version > last) event = event.before
  if (event?.version !== last) return false
  return tags.toReversed().every((tag) => {
    const found = event?.tag === tag
    event = event?.before
    return found
  })
}

const streamsOf = (input: LogInput): readonly string[] => {
  if (input.kind === 'clock') return []
  if (input.kind !== 'append') return [input.stream]
  return [...input.writes, ...input.guards].map(({ stream }) => stream)
}

/** Parts that have no stream in common. Where no unit has a `notAfter`, the clock says nothing. */
const partition = (history: readonly LogOperation[]): readonly (readonly LogOperation[])[] => {
  const root = new Map<string, string>()
  const find = (stream: string): string => {
    const up = root.get(stream) ?? stream
    return up === stream ? stream : find(up)
  }
  for (const { input } of history) {
    const [first, ...more] = streamsOf(input)
    if (first === undefined) continue
    for (const stream of more) root.set(find(stream), find(first))
  }
  const clock = history.filter(({ input }) => input.kind === 'clock')
  const rest = history.filter(({ input }) => input.kind !== 'clock')
  const parts = Map.groupBy(rest, ({ input }) => find(streamsOf(input)[0] ?? ''))
  return [...parts.values()].map((part) => (part.some(hasDeadline) ? [...part, ...clock] : part))
}

const hasDeadline = ({ input }: LogOperation): boolean =>
  input.kind === 'append' && input.notAfter !== undefined
