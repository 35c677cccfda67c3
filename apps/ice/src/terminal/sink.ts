/**
 * Writing to stdout: waits while the reader is slow, and stops when the reader has gone.
 *
 * A reader that has gone (`ice events | head -1`) is no failure: it has what it wanted. What is
 * written afterwards is dropped, and `gone` tells long-running verbs that they can end.
 */
import type { Writable } from 'node:stream'
import { CLI_CODES, CliError } from '../errors.ts'

/** Where the data of a command goes. */
export interface Sink {
  /** Whether nobody reads any more. */
  readonly closed: boolean
  /** Fires when nobody reads any more. */
  readonly gone: AbortSignal
  /** Resolves when there is room for more. @throws `ICE_CLI_OUTPUT_UNAVAILABLE` */
  write(text: string): Promise<void>
  /** Resolves when everything has been handed to the system. @throws as `write` */
  flush(): Promise<void>
}

function codeOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined
}

/** Watches a stream from now on. */
export function createSink(stream: Writable): Sink {
  const gone = new AbortController()
  // As it is now: a program that is run later is kept from writing here (see `program/quiet.ts`).
  const write = stream.write.bind(stream)
  let failure: unknown
  stream.on('error', (error) => {
    if (codeOf(error) !== 'EPIPE' && codeOf(error) !== 'ERR_STREAM_DESTROYED') failure ??= error
    gone.abort()
  })
  const check = (): void => {
    if (failure === undefined) return
    throw new CliError(CLI_CODES.output, `The output could not be written: ${String(failure)}`, {
      next: ['check that the place the output goes to has room'],
      cause: failure,
    })
  }
  const handOver = (text: string): Promise<void> =>
    new Promise((resolve) => {
      // The callback comes in every case: with an error when nobody reads any more.
      if (gone.signal.aborted) resolve()
      else write(text, () => resolve())
    })
  let queued = 0
  return {
    get closed() {
      return gone.signal.aborted
    },
    gone: gone.signal,
    async write(text) {
      check()
      if (gone.signal.aborted) return
      queued += text.length
      if (write(text) && queued < QUEUE_CHARS) return
      queued = 0
      await handOver('')
      check()
    },
    async flush() {
      await handOver('')
      check()
    },
  }
}

/** Even where a stream always has room, an error is only seen when somebody waits for it. */
const QUEUE_CHARS = 65_536
