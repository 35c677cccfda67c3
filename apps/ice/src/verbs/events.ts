/** `ice events`: the log, event by event, and on with what comes. */
import type { EventFilter, RecordedEvent } from '@ice/events/ports'
import { wholeNumber } from '../args/values.ts'
import { listenForStop } from '../drive/stop.ts'
import { EXIT } from '../exit.ts'
import type { Invocation } from '../invocation.ts'
import { SUMMARY_CHARS_MAX } from '../limits.ts'
import { type LogReader, openReader, using } from '../log/open.ts'
import { isoTime } from '../terminal/format.ts'
import { writeList } from '../terminal/list.ts'
import { clip, jsonText, plain, safeJson } from '../terminal/text.ts'

/** Options of `events`. */
export interface EventsOptions {
  readonly stream?: string
  readonly type: readonly string[]
  /** A position, or `head`. */
  readonly after?: string
  readonly limit?: number
  readonly follow?: boolean
  readonly raw?: boolean
}

/** Carries `events` out. @returns the exit code */
export async function events(invocation: Invocation, options: EventsOptions): Promise<number> {
  const { talk, out, format } = invocation
  const stop = options.follow === true ? listenForStop(talk, 'following') : null
  const signals = [out.gone, ...(stop === null ? [] : [stop.signal])]
  const signal = AbortSignal.any(signals)
  try {
    return await using(await openReader(invocation), async (reader) => {
      const query = await queryOf(reader, options, signal)
      if (options.raw === true) await writeRaw(invocation, reader, query, options)
      else if (format !== 'human') await writeList(invocation, decoded(reader, query, options))
      else await writeLines(invocation, decoded(reader, query, options))
      return stop?.exit ?? EXIT.ok
    })
  } finally {
    stop?.release()
  }
}

interface Query {
  readonly after: number
  readonly filter: EventFilter
  readonly signal: AbortSignal
}

async function queryOf(
  { store }: LogReader,
  { stream, type, after = '0' }: EventsOptions,
  signal: AbortSignal,
): Promise<Query> {
  const from = after === 'head' ? (await store.head()).position : wholeNumber(after, '--after')
  const filter = {
    ...(stream === undefined ? {} : { streamPrefix: stream }),
    ...(type.length === 0 ? {} : { types: type }),
  }
  return { after: from, filter, signal }
}

/** Batches as single values, at most so many; an abort of the reader ends them. */
async function* single<T>(
  batches: AsyncIterable<readonly T[]>,
  limit: number,
  signal: AbortSignal,
): AsyncGenerator<T> {
  let left = limit
  if (left === 0) return
  try {
    for await (const batch of batches) {
      for (const value of batch) {
        yield value
        left -= 1
        if (left <= 0) return
      }
    }
  } catch (error) {
    if (!signal.aborted) throw error
  }
}

function decoded(
  { log }: LogReader,
  query: Query,
  { follow, limit = Number.POSITIVE_INFINITY }: EventsOptions,
): AsyncGenerator<RecordedEvent> {
  return single(follow === true ? log.subscribe(query) : log.readAll(query), limit, query.signal)
}

/** The stored bytes and nothing else; on a terminal, what it would act on is escaped. */
async function writeRaw(
  { out, columns }: Invocation,
  { store }: LogReader,
  query: Query,
  { follow, limit = Number.POSITIVE_INFINITY }: EventsOptions,
): Promise<void> {
  const batches = follow === true ? store.subscribe(query) : store.readAll(query)
  for await (const { bytes } of single(batches, limit, query.signal)) {
    await out.write(`${columns === undefined ? bytes : safeJson(bytes)}\n`)
    if (out.closed) return
  }
}

async function writeLines(
  invocation: Invocation,
  recorded: AsyncIterable<RecordedEvent>,
): Promise<void> {
  const { out } = invocation
  for await (const event of recorded) {
    await out.write(`${eventLine(event, invocation)}\n`)
    if (out.closed) return
  }
}

/** One event in one line. */
export function eventLine(
  { position, time, id, type, origin, principal, data }: RecordedEvent,
  { paint, columns }: Pick<Invocation, 'paint' | 'columns'>,
): string {
  const place = String(position).padStart(6)
  const who = [...(origin === 'runtime' ? [] : [origin]), ...(principal ? [principal] : [])]
  const plainHead = `${place}  ${isoTime(time)}  ${id}  ${plain(type)}`
  const by = who.length === 0 ? '' : `  ${plain(who.join(' '))}`
  const room =
    columns === undefined ? SUMMARY_CHARS_MAX : columns - plainHead.length - by.length - 2
  const summary = room < 8 ? '' : `  ${paint.dim(clip(plain(jsonText(data)), room))}`
  const head = `${paint.dim(place)}  ${paint.dim(isoTime(time))}  ${id}  ${paint.bold(plain(type))}`
  return `${head}${paint.cyan(by)}${summary}`
}
