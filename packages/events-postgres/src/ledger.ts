/**
 * What a transaction knows of the streams it looks at: their heads as the log has them under its
 * lock, moved on by the units that the transaction has accepted.
 *
 * Nothing is kept from one transaction to the next: other processes write too, and one query for
 * all streams of a group costs less than being told what they have moved.
 */
import type { HeadLedger, PreparedUnit, StreamHead } from '@ice/events'
import { isStreamId, type StreamId } from '@ice/primitives'

/** The end of one stream. `id` is 0 while the stream has no number. */
export interface Head {
  id: number
  version: number
  time: number
}

const NO_HEAD: StreamHead = Object.freeze({ version: 0, time: 0 })

/**
 * The streams a unit is judged by: those it writes, guards, or names in causes. What is no name of
 * a stream is left out: there is no event in it.
 */
export function streamsOf({ writes, guards }: PreparedUnit): readonly string[] {
  const names = new Set<string>()
  for (const { stream, events } of writes) {
    names.add(stream)
    for (const { causes } of events) for (const cause of causes) names.add(streamOf(cause))
  }
  for (const { stream } of guards ?? []) names.add(stream)
  return [...names].filter(isStreamId)
}

function streamOf(cause: string): string {
  return cause.slice(0, cause.indexOf('@'))
}

/** The heads of one transaction. */
export class Ledger implements HeadLedger {
  readonly #heads = new Map<string, Head>()

  /** @param rows - index from 1, id, version, time */
  constructor(names: readonly string[], rows: readonly (readonly unknown[])[]) {
    for (const [index, id, version, time] of rows) {
      const name = names[Number(index) - 1]
      if (name === undefined) continue
      this.#heads.set(name, { id: Number(id), version: Number(version), time: Number(time) })
    }
  }

  head(stream: StreamId): StreamHead {
    return this.#heads.get(stream) ?? NO_HEAD
  }

  /** The entry of a stream, to be moved by whoever writes to it. */
  entry(stream: string): Head {
    const known = this.#heads.get(stream)
    if (known !== undefined) return known
    const entry: Head = { id: 0, version: 0, time: 0 }
    this.#heads.set(stream, entry)
    return entry
  }
}
